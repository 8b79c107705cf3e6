// Looks after the files of a TlsContext.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "weir/tls/context.hpp"

namespace weir {

/// A thread, because reading files may wait for the disk: it looks at the files as often as the options say, and
/// reloads when one has changed. What it finds goes to the context's log. Borrows the context.
class TlsReloader {
 public:
  explicit TlsReloader(TlsContext& context);
  TlsReloader(const TlsReloader&) = delete;
  TlsReloader& operator=(const TlsReloader&) = delete;
  ~TlsReloader();

  /// Any thread: reloads now, whether anything has changed or not. Does not wait.
  void reload_soon() noexcept;

 private:
  void work();

  TlsContext& context_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool asked_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace weir
