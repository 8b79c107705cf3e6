#include "weir/operations/tls_metrics.hpp"

#include <string>

namespace weir {

std::vector<MetricCallback> register_tls_metrics(MetricsRegistry& registry, const TlsStats& stats) {
  std::vector<MetricCallback> callbacks;
  const auto counter = [&](const char* name, const char* help, std::vector<std::string> labels,
                           std::vector<std::string> values, const std::atomic<std::uint64_t>& source) {
    callbacks.push_back(
        registry.counter_callback({.name = name, .help = help, .labels = std::move(labels)}, std::move(values),
                                  [&source] { return static_cast<double>(source.load(std::memory_order_relaxed)); }));
  };
  constexpr const char* done = "weir_tls_handshakes_total";
  constexpr const char* done_help = "TLS handshakes that were completed.";
  counter(done, done_help, {"version"}, {"TLSv1.2"}, stats.handshakes_tls_1_2);
  counter(done, done_help, {"version"}, {"TLSv1.3"}, stats.handshakes_tls_1_3);
  counter("weir_tls_handshakes_resumed_total", "TLS handshakes that went on with an earlier session.", {}, {},
          stats.resumed);
  for (std::size_t i = 0; i < tls_failures; ++i) {
    counter("weir_tls_handshake_failures_total", "TLS handshakes that failed.", {"reason"},
            {std::string(to_string(static_cast<TlsFailure>(i)))}, stats.failed[i]);
  }
  counter("weir_tls_handshakes_deferred_total", "Steps of TLS handshakes that waited for a later turn of their loop.",
          {}, {}, stats.deferred);
  counter("weir_tls_unknown_names_total", "TLS handshakes for a host that no certificate is for.", {}, {},
          stats.unknown_names);
  callbacks.push_back(registry.gauge_callback(
      {.name = "weir_tls_certificate_expiry_timestamp_seconds",
       .help = "When the first of the certificates that are served ends, in seconds since 1970."},
      {}, [&stats] { return static_cast<double>(stats.expiry.load(std::memory_order_relaxed)); }));
  constexpr const char* reloads = "weir_tls_reloads_total";
  constexpr const char* reloads_help = "Times that the TLS certificates were read again.";
  counter(reloads, reloads_help, {"result"}, {"ok"}, stats.reloads);
  counter(reloads, reloads_help, {"result"}, {"failed"}, stats.reload_failures);
  return callbacks;
}

}  // namespace weir
