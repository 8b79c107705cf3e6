// Certificates, keys and rules of a TLS server, which may change while it runs.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "weir/base/error.hpp"
#include "weir/net/stream_filter.hpp"
#include "weir/telemetry/log.hpp"
#include "weir/time/clock.hpp"
#include "weir/tls/options.hpp"
#include "weir/tls/stats.hpp"

namespace weir {

namespace tls {
class CredentialSet;
class TicketKeys;
}  // namespace tls

/// Owned by whoever serves; outlives its streams. Any thread, except where it says otherwise.
class TlsContext {
 public:
  /// Reads everything that `options` name. The error says which file is wrong, and how. A key file that everybody may
  /// read is warned of. `clock` is borrowed.
  [[nodiscard]] static Result<std::unique_ptr<TlsContext>> create(TlsOptions options, Logger log = {},
                                                                  Clock& clock = Clock::system());
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  /// Reads the files again. New connections use what was read; those that are there go on as they are. After an error
  /// everything stays as it was. Waits for the disk.
  Result<void> reload();
  /// The same if a file has changed since it was last looked at; true when it was reloaded. A set of files that failed
  /// is not tried again until it changes.
  Result<bool> reload_if_changed();

  /// Makes TLS servers of the streams of a listener (Server::listen).
  [[nodiscard]] net::StreamFilterFactory filter();

  [[nodiscard]] const TlsOptions& options() const noexcept { return options_; }
  [[nodiscard]] const TlsStats& stats() const noexcept { return stats_; }
  [[nodiscard]] TlsStats& stats() noexcept { return stats_; }
  [[nodiscard]] const Logger& log() const noexcept { return log_; }

  /// For filters: changes with each reload.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }
  [[nodiscard]] std::shared_ptr<const tls::CredentialSet> credentials() const;

 private:
  TlsContext(TlsOptions options, Logger log, Clock& clock);
  Result<void> load();

  TlsOptions options_;
  Logger log_;
  Clock& clock_;
  TlsStats stats_;
  std::shared_ptr<tls::TicketKeys> tickets_;  // shared with the credentials of running handshakes
  std::mutex reloading_;                      // one at a time
  std::uint64_t seen_ = 0;                    // fingerprint of the files that were last looked at
  mutable std::mutex mutex_;                  // guards current_
  std::shared_ptr<const tls::CredentialSet> current_;
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace weir
