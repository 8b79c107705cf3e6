// Files that exist only until they are saved under a name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <sys/types.h>

#include "weir/base/error.hpp"

namespace weir {

namespace detail {
/// What save_as() fails with. A name that is taken is for the caller; the rest is this machine's affair and none of a
/// client's, who would read a full disk as 429 and a missing folder as 404, with its path.
[[nodiscard]] Error error_of_saving(Error error);
}  // namespace detail

struct SaveOptions {
  bool replace = false;  ///< An existing file is replaced, in one step; otherwise it is an error (already_exists).
  bool durable = false;  ///< Returns when the disk has it: after a power cut the file is there, whole.
  mode_t mode = 0600;    ///< Permissions of the file.
};

/// A file in a directory that nobody else sees (O_TMPFILE; where the file system has none, a file with a random name).
/// It is gone with its owner, also when the process is killed in the first case, unless save_as() gave it a name.
/// Every function may wait for the disk. Not for two threads at once.
class TemporaryFile {
 public:
  /// `directory` empty: $TMPDIR, or /tmp. Choose a directory of the file system where files will be saved, and saving
  /// does not copy.
  [[nodiscard]] static Result<TemporaryFile> create(const std::string& directory = {});
  TemporaryFile(TemporaryFile&& other) noexcept
      : name_(std::exchange(other.name_, {})), fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}
  TemporaryFile& operator=(TemporaryFile&& other) noexcept {
    std::swap(name_, other.name_);
    std::swap(fd_, other.fd_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~TemporaryFile();

  /// Writes behind what is there. A full disk is resource_exhausted; what was written before stays.
  Result<void> append(std::string_view bytes);
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// For reading with pread(), or for a response: see http::FileBody. Stays the file's.
  [[nodiscard]] int fd() const noexcept { return fd_; }
  /// All of it; too_large when it is more than `limit` bytes.
  [[nodiscard]] Result<std::string> read_all(std::size_t limit = std::size_t{16} << 20) const;

  /// Gives it the name `path`: by a link where that is possible, else by a copy. Other processes see either nothing (or
  /// the file that was there) or all of it. Once. Errors: already_exists; everything else is internal, with the reason
  /// and the path, so that an answer made of it is a 500 that tells the client nothing and the log all.
  Result<void> save_as(const std::string& path, const SaveOptions& options = {});

 private:
  TemporaryFile(int fd, std::string name) noexcept : name_(std::move(name)), fd_(fd) {}
  Result<void> save(const std::string& path, const SaveOptions& options);
  Result<void> copy_to(const std::string& path, const SaveOptions& options) const;
  int link_to(const std::string& path) const;
  Result<bool> place_at(const std::string& path, bool replace);

  std::string name_;  // empty: it has none
  int fd_;
  std::uint64_t size_ = 0;
};

}  // namespace weir
