#include "weir/net/file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace weir::net {
namespace {

// O_NONBLOCK: opening a FIFO must not wait for a writer. It means nothing for regular files.
constexpr int open_flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

}  // namespace

Result<File> File::open(const std::string& path) {
  return examine(Fd(::open(path.c_str(), open_flags)), path);
}

Result<File> File::open_below(int directory_fd, const std::string& path) {
  open_how how{};
  how.flags = open_flags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, directory_fd, path.c_str(), &how, sizeof how);
  return examine(Fd(static_cast<int>(fd)), path);
}

Result<File> File::examine(Fd fd, const std::string& path) {
  const int error = errno;
  const std::string what = "open " + path;
  if (!fd) {
    // openat2 calls an escape from the directory EXDEV.
    if (error == EXDEV) return fail(Errc::permission_denied, what + ": leads out of its directory");
    return fail(system_error(error, what));
  }
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail(system_error(errno, what));
  if (!S_ISREG(status.st_mode)) return fail(Errc::invalid_argument, what + ": must be a regular file");
  File file(std::move(fd));
  file.size_ = static_cast<std::uint64_t>(status.st_size);
  file.inode_ = status.st_ino;
  file.device_ = status.st_dev;
  file.modified_ = WallTime(std::chrono::seconds(status.st_mtim.tv_sec) + Duration(status.st_mtim.tv_nsec));
  return file;
}

}  // namespace weir::net
