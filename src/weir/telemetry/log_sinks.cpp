#include <cerrno>
#include <climits>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/telemetry/log.hpp"

namespace weir {
namespace {

/// A file descriptor that may be shared with other processes, and slow: a terminal or a pipe.
class DescriptorSink final : public LogSink {
 public:
  DescriptorSink(int fd, std::string name) : fd_(fd), name_(std::move(name)) {
    struct stat info{};
    regular_ = fstat(fd_, &info) == 0 && S_ISREG(info.st_mode);
    if (!regular_ && (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode))) {
      // An open file of our own, so that not waiting for the reader is our affair only.
      own_ = open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    }
  }
  ~DescriptorSink() override {
    if (own_ >= 0) close(own_);
  }
  DescriptorSink(const DescriptorSink&) = delete;
  DescriptorSink& operator=(const DescriptorSink&) = delete;

  Result<std::size_t> write(std::string_view lines) override {
    const int fd = own_ >= 0 ? own_ : fd_;
    if (!regular_) {
      pollfd out{.fd = fd, .events = POLLOUT, .revents = 0};
      const int ready = poll(&out, 1, 100);
      if (ready == 0) return fail(Errc::unavailable, name_ + " is not being read");
      // What may block must not be handed more than a pipe that is ready surely takes.
      if (own_ < 0) lines = lines.substr(0, PIPE_BUF);
    }
    const ssize_t written = ::write(fd, lines.data(), lines.size());
    if (written < 0) return fail(system_error(errno, "write " + name_));
    return static_cast<std::size_t>(written);
  }

 private:
  int fd_;
  int own_ = -1;
  bool regular_ = false;
  std::string name_;
};

class FileSink final : public LogSink {
 public:
  explicit FileSink(std::string path) : path_(std::move(path)) {}
  ~FileSink() override {
    if (fd_ >= 0) close(fd_);
  }
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;

  Result<void> reopen() override {
    // Not waiting matters when the path is a FIFO without a reader.
    int fd = open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
    if (fd < 0 && errno == EACCES) fd = open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return fail(system_error(errno, "open " + path_));
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
    end_torn_line();
    return {};
  }

  Result<std::size_t> write(std::string_view lines) override {
    const ssize_t written = ::write(fd_, lines.data(), lines.size());
    if (written < 0) return fail(system_error(errno, "write " + path_));
    return static_cast<std::size_t>(written);
  }

 private:
  /// A process that was killed may have left half a line: ours begin on a line of their own.
  void end_torn_line() const {
    struct stat info{};
    if (fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size == 0) return;
    char last = '\n';
    if (pread(fd_, &last, 1, info.st_size - 1) == 1 && last != '\n') static_cast<void>(!::write(fd_, "\n", 1));
  }

  std::string path_;
  int fd_ = -1;
};

class CallbackSink final : public LogSink {
 public:
  explicit CallbackSink(std::function<void(std::string_view)> lines) : lines_(std::move(lines)) {}
  Result<std::size_t> write(std::string_view lines) override {
    lines_(lines);
    return lines.size();
  }

 private:
  std::function<void(std::string_view)> lines_;
};

}  // namespace

std::unique_ptr<LogSink> log_to_stderr() {
  return std::make_unique<DescriptorSink>(STDERR_FILENO, "stderr");
}
std::unique_ptr<LogSink> log_to_stdout() {
  return std::make_unique<DescriptorSink>(STDOUT_FILENO, "stdout");
}

Result<std::unique_ptr<LogSink>> log_to_file(std::string path) {
  auto sink = std::make_unique<FileSink>(std::move(path));
  if (auto opened = sink->reopen(); !opened) return fail(std::move(opened).error());
  return sink;
}

std::unique_ptr<LogSink> log_to_callback(std::function<void(std::string_view)> lines) {
  return std::make_unique<CallbackSink>(std::move(lines));
}

}  // namespace weir
