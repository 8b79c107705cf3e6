// A regular file opened for sending.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "weir/base/error.hpp"
#include "weir/net/socket.hpp"
#include "weir/time/clock.hpp"

namespace weir::net {

/// An open regular file and what it was like when it was opened. Closes with its owner. Opening may wait for the disk.
class File {
 public:
  /// Errors name the path: not_found, permission_denied, invalid_argument for what is not a regular file (a directory,
  /// a FIFO: opening one never waits for the other end).
  [[nodiscard]] static Result<File> open(const std::string& path);
  /// `path` below the directory `directory_fd`: the result is inside of it whatever the path holds ("..", absolute
  /// paths and symbolic links that lead out are errors). `path` is relative, without a leading '/'.
  [[nodiscard]] static Result<File> open_below(int directory_fd, const std::string& path);
  /// The same without an allocation; a failure is an errno: EXDEV for a path that leads out, EISDIR for a directory,
  /// EINVAL for other things that are no regular files, ELOOP for a symbolic link where none may be followed. Kernels
  /// without openat2 follow none, and take no path with ".." or empty components.
  [[nodiscard]] static std::expected<File, int> try_open_below(int directory_fd, const char* path,
                                                               bool follow_symlinks) noexcept;

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// Gives the descriptor away.
  [[nodiscard]] int release() noexcept { return fd_.release(); }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] WallTime modified() const noexcept { return modified_; }
  /// With the device it tells whether two files are the same.
  [[nodiscard]] std::uint64_t inode() const noexcept { return inode_; }
  [[nodiscard]] std::uint64_t device() const noexcept { return device_; }

 private:
  explicit File(Fd fd) noexcept : fd_(std::move(fd)) {}
  static std::expected<File, int> examine(Fd fd) noexcept;

  Fd fd_;
  std::uint64_t size_ = 0;
  std::uint64_t inode_ = 0;
  std::uint64_t device_ = 0;
  WallTime modified_{};
};

}  // namespace weir::net
