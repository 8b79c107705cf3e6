// Metrics of TLS.
#pragma once

#include <vector>

#include "weir/telemetry/metrics.hpp"
#include "weir/tls/stats.hpp"

namespace weir {

/// Registers:
///   weir_tls_handshakes_total{version}         completed ones: "TLSv1.2", "TLSv1.3"
///   weir_tls_handshakes_resumed_total          of those, the ones that went on with an earlier session
///   weir_tls_handshake_failures_total{reason}  the names of TlsFailure
///   weir_tls_handshakes_deferred_total         steps that waited for a later turn of their loop
///   weir_tls_unknown_names_total               with a host that no certificate is for
///   weir_tls_reloads_total{result}             of the certificates: "ok", "failed"
///   weir_tls_certificate_expiry_timestamp_seconds  when the first certificate ends
/// They stay registered as long as what is returned, which must go before `stats`.
[[nodiscard]] std::vector<MetricCallback> register_tls_metrics(MetricsRegistry& registry, const TlsStats& stats);

}  // namespace weir
