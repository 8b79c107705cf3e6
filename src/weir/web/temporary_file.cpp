#include "weir/web/temporary_file.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <random>

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/web/detail/file_calls.hpp"

namespace weir {

namespace detail {
FileCalls file_calls{
    .open = [](const char* path, int flags, mode_t mode) { return ::open(path, flags, mode); },
    .pwrite = ::pwrite,
    .linkat = ::linkat,
};
}  // namespace detail

namespace {

constexpr mode_t private_mode = 0600;

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// A name beside others that nobody else takes: the process, and 64 random bits.
std::string random_name(const std::string& directory) {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  char name[48];
  std::snprintf(name, sizeof name, "/.weir-%ld-%016llx", static_cast<long>(::getpid()),
                static_cast<unsigned long long>(random()));
  return directory + name;
}

Result<void> sync_directory(const std::string& directory) {
  const int fd = detail::file_calls.open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  const bool good = fd >= 0 && ::fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!good) return fail(system_error(error, "sync " + directory));
  return {};
}

}  // namespace

Result<TemporaryFile> TemporaryFile::create(const std::string& directory) {
  std::string in = directory;
  if (in.empty()) {
    const char* configured = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): nobody sets it while serving
    in = configured != nullptr && *configured != '\0' ? configured : "/tmp";
  }
  int fd = detail::file_calls.open(in.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, private_mode);
  if (fd >= 0) return TemporaryFile(fd, {});
  // Not every file system has O_TMPFILE (overlayfs on old kernels, NFS); old kernels say EISDIR.
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
    return fail(system_error(errno, "create a temporary file in " + in));
  }
  for (int attempt = 0; attempt < 8; ++attempt) {
    std::string name = random_name(in);
    fd = detail::file_calls.open(name.c_str(), O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, private_mode);
    if (fd >= 0) return TemporaryFile(fd, std::move(name));
    if (errno != EEXIST) break;
  }
  return fail(system_error(errno, "create a temporary file in " + in));
}

TemporaryFile::~TemporaryFile() {
  if (!name_.empty()) static_cast<void>(::unlink(name_.c_str()));
  if (fd_ >= 0) static_cast<void>(::close(fd_));
}

Result<void> TemporaryFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = detail::file_calls.pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0) {
      if (errno == EINTR) continue;
      return fail(system_error(errno, "write a temporary file"));
    }
    size_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::string> TemporaryFile::read_all(std::size_t limit) const {
  if (size_ > limit) return fail(Errc::too_large, "the file has more than " + std::to_string(limit) + " bytes");
  std::string content(static_cast<std::size_t>(size_), '\0');
  std::size_t at = 0;
  while (at < content.size()) {
    const ssize_t got = ::pread(fd_, content.data() + at, content.size() - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(system_error(errno, "read a temporary file"));
    if (got == 0) return fail(Errc::data_loss, "a temporary file has become shorter");
    at += static_cast<std::size_t>(got);
  }
  return content;
}

/// 0 or an errno.
int TemporaryFile::link_to(const std::string& path) const {
  int result = 0;
  if (name_.empty()) {
    const std::string self = "/proc/self/fd/" + std::to_string(fd_);
    result = detail::file_calls.linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW);
  } else {
    result = detail::file_calls.linkat(AT_FDCWD, name_.c_str(), AT_FDCWD, path.c_str(), 0);
  }
  return result == 0 ? 0 : errno;
}

/// True: it is there. False: it cannot be linked to there, and must be copied.
Result<bool> TemporaryFile::place_at(const std::string& path, bool replace) {
  std::string beside;
  int error = link_to(path);
  if (error == EEXIST && replace) {
    // rename() replaces in one step, link() never does: so a name beside it first.
    beside = random_name(directory_of(path));
    error = link_to(beside);
    if (error == 0 && std::rename(beside.c_str(), path.c_str()) != 0) {
      error = errno;
      static_cast<void>(::unlink(beside.c_str()));
      return fail(system_error(error, "save as " + path));
    }
  }
  if (error == 0) {
    if (!name_.empty()) static_cast<void>(::unlink(std::exchange(name_, {}).c_str()));
    return true;
  }
  if (error == EXDEV || error == EPERM || error == ENOENT || error == EOPNOTSUPP) return false;
  return fail(system_error(error, "save as " + path));
}

Error detail::error_of_saving(Error error) {
  if (error.code() == Errc::already_exists) return {Errc::already_exists, "there is a file of this name"};
  return {Errc::internal, error.message()};
}

Result<void> TemporaryFile::save_as(const std::string& path, const SaveOptions& options) {
  Result<void> saved = save(path, options);
  if (!saved) return fail(detail::error_of_saving(std::move(saved.error())));
  return {};
}

Result<void> TemporaryFile::save(const std::string& path, const SaveOptions& options) {
  if (::fchmod(fd_, options.mode) != 0) return fail(system_error(errno, "save as " + path));
  if (options.durable && ::fsync(fd_) != 0) return fail(system_error(errno, "sync " + path));
  Result<bool> placed = place_at(path, options.replace);
  if (!placed) return fail(std::move(placed.error()));
  if (!*placed) {
    if (Result<void> copied = copy_to(path, options); !copied) return copied;
  }
  if (options.durable) return sync_directory(directory_of(path));
  return {};
}

/// To another file system, or to one without hard links: a named copy in the directory, renamed when it is whole.
Result<void> TemporaryFile::copy_to(const std::string& path, const SaveOptions& options) const {
  std::string name = random_name(directory_of(path));
  const int fd =
      detail::file_calls.open(name.c_str(), O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, private_mode);
  if (fd < 0) return fail(system_error(errno, "save as " + path));
  TemporaryFile copy(fd, std::move(name));  // goes away again unless everything succeeds
  off_t at = 0;
  while (static_cast<std::uint64_t>(at) < size_) {
    const std::uint64_t left = size_ - static_cast<std::uint64_t>(at);
    const ssize_t sent = ::sendfile(fd, fd_, &at, static_cast<std::size_t>(std::min<std::uint64_t>(left, 1U << 30)));
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return fail(system_error(errno, "save as " + path));
    if (sent == 0) return fail(Errc::data_loss, "a temporary file has become shorter");
  }
  if (::fchmod(fd, options.mode) != 0) return fail(system_error(errno, "save as " + path));
  if (options.durable && ::fsync(fd) != 0) return fail(system_error(errno, "sync " + path));
  if (::renameat2(AT_FDCWD, copy.name_.c_str(), AT_FDCWD, path.c_str(), options.replace ? 0 : RENAME_NOREPLACE) != 0) {
    return fail(system_error(errno, "save as " + path));
  }
  copy.name_.clear();
  return {};
}

}  // namespace weir
