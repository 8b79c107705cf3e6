// What is counted of TLS.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

/// Why a handshake failed, as the server saw it.
enum class TlsFailure : std::uint8_t {
  not_tls,               ///< The client spoke something else, plain HTTP for example.
  version,               ///< No version in common.
  cipher,                ///< No cipher, group or signature in common.
  alpn,                  ///< No application protocol in common.
  certificate_missing,   ///< The client showed no certificate and had to.
  certificate_rejected,  ///< It showed one that is not good.
  refused_by_client,     ///< The client ended it with an alert: it may not trust our certificate.
  closed_by_client,      ///< The client went away in the middle.
  timeout,               ///< It was not done in time, or the server stopped.
  other,
};
inline constexpr std::size_t tls_failures = 10;

/// The reason's name as in the enum; static storage.
[[nodiscard]] std::string_view to_string(TlsFailure failure) noexcept;

/// Counters, readable by any thread. They are counted per connection, not per request: all loops share them.
struct TlsStats {
  std::atomic<std::uint64_t> handshakes_tls_1_2{0};  ///< Completed ones, by version.
  std::atomic<std::uint64_t> handshakes_tls_1_3{0};
  std::atomic<std::uint64_t> resumed{0};   ///< Of those, the ones that went on with an earlier session.
  std::atomic<std::uint64_t> deferred{0};  ///< Steps of handshakes that waited for a later turn of their loop.
  /// Handshakes with a client that names a host which no certificate is for: it got the first one.
  std::atomic<std::uint64_t> unknown_names{0};
  std::atomic<std::uint64_t> kernel_tls{0};  ///< Connections whose records the kernel encrypts.
  std::array<std::atomic<std::uint64_t>, tls_failures> failed{};
  std::atomic<std::uint64_t> reloads{0};
  std::atomic<std::uint64_t> reload_failures{0};
  /// When the first of the certificates that are served ends: seconds of calendar time.
  std::atomic<std::int64_t> expiry{0};

  [[nodiscard]] std::atomic<std::uint64_t>& failed_for(TlsFailure reason) noexcept {
    return failed[static_cast<std::size_t>(reason)];
  }
};

}  // namespace weir
