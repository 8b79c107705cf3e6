#include "weir/net/file.hpp"

#include <cerrno>
#include <climits>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/net/detail/syscalls.hpp"

namespace weir::net {
namespace {

// O_NONBLOCK: opening a FIFO must not wait for a writer. It means nothing for regular files.
constexpr int open_flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

Error open_error(int error, const std::string& path) {
  const std::string what = "open " + path;
  // openat2 calls an escape from the directory EXDEV.
  if (error == EXDEV) return {Errc::permission_denied, what + ": leads out of its directory"};
  if (error == EINVAL || error == EISDIR) return {Errc::invalid_argument, what + ": must be a regular file"};
  return system_error(error, what);
}

/// openat2 with RESOLVE_BENEATH for kernels without it (before 5.6, and sandboxes that refuse it): component by
/// component, through descriptors, so that nothing can be exchanged on the way; without symbolic links.
int open_by_components(int directory_fd, std::string_view path) noexcept {
  Fd held;
  int directory = directory_fd;
  for (;;) {
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    if (name.empty() || name == "." || name == "..") return errno = EXDEV, -1;
    char text[NAME_MAX + 1];
    if (name.size() > NAME_MAX) return errno = ENAMETOOLONG, -1;
    text[name.copy(text, NAME_MAX)] = '\0';
    if (slash == std::string_view::npos) return ::openat(directory, text, open_flags | O_NOFOLLOW);
    Fd next(::openat(directory, text, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) return -1;
    held = std::move(next);
    directory = held.get();
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

Result<File> File::open(const std::string& path) {
  auto file = examine(Fd(::open(path.c_str(), open_flags)));
  if (!file) return fail(open_error(file.error(), path));
  return std::move(*file);
}

Result<File> File::open_below(int directory_fd, const std::string& path) {
  auto file = try_open_below(directory_fd, path.c_str(), true);
  if (!file) return fail(open_error(file.error(), path));
  return std::move(*file);
}

std::expected<File, int> File::try_open_below(int directory_fd, const char* path, bool follow_symlinks) noexcept {
  open_how how{};
  how.flags = open_flags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (!follow_symlinks) how.resolve |= RESOLVE_NO_SYMLINKS;
  int fd = -1;
  // EAGAIN: something was renamed while ".." or a link was followed, and the kernel cannot be sure.
  for (int attempt = 0; attempt < 4; ++attempt) {
    fd = detail::syscalls.openat2(directory_fd, path, &how);
    if (fd >= 0 || errno != EAGAIN) break;
  }
  if (fd < 0 && (errno == ENOSYS || errno == EPERM)) fd = open_by_components(directory_fd, path);
  return examine(Fd(fd));
}

std::expected<File, int> File::examine(Fd fd) noexcept {
  if (!fd) return std::unexpected(errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return std::unexpected(errno);
  if (!S_ISREG(status.st_mode)) return std::unexpected(S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
  File file(std::move(fd));
  file.size_ = static_cast<std::uint64_t>(status.st_size);
  file.inode_ = status.st_ino;
  file.device_ = status.st_dev;
  file.modified_ = WallTime(std::chrono::seconds(status.st_mtim.tv_sec) + Duration(status.st_mtim.tv_nsec));
  return file;
}

}  // namespace weir::net
