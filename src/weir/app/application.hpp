// The service behind an App: finds the endpoint of each exchange and runs its chain. Knows no sockets.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/error.hpp"
#include "weir/router/router.hpp"
#include "weir/server/exchange.hpp"
#include "weir/telemetry/metrics.hpp"
#include "weir/web/context.hpp"
#include "weir/web/endpoint.hpp"

namespace weir {

/// An immutable set of endpoints with their router. Requests that run hold the one that they began with.
struct RouteSnapshot {
  std::shared_ptr<const Router> router;
  std::vector<std::shared_ptr<const Endpoint>> endpoints;  ///< By RouteMatch::endpoint; shared with other snapshots.
};

/// Serves snapshots of routes; any number of loops at once.
class Application final : public server::Service {
 public:
  /// What happened that no route answers. Each has an endpoint with the application's own chain.
  enum class Fallback : std::uint8_t { not_found, method_not_allowed, options, redirect, bad_path, not_implemented };
  static constexpr std::size_t fallbacks = 6;

  /// `chain` surrounds the fallbacks: the middleware of the whole application. `metrics` counts who is refused.
  Application(ChainEnvironment environment, const std::vector<Middleware>& chain, MetricsRegistry& metrics);

  /// Proxies whose word about their clients is taken. Before it serves.
  void trust(net::CidrSet proxies, ForwardedFields fields) {
    trusted_proxies_ = std::move(proxies);
    forwarded_fields_ = fields;
  }

  /// From now on requests are matched against `snapshot`; those that run keep theirs. Any thread.
  void publish(std::shared_ptr<const RouteSnapshot> snapshot);
  [[nodiscard]] std::shared_ptr<const RouteSnapshot> snapshot() const;

  // server::Service
  std::unique_ptr<server::ExchangeLocal> make_local(server::Exchange& exchange) override;
  void on_request(server::Exchange& exchange) noexcept override;
  void on_timeout(server::Exchange& exchange, bool receiving) noexcept override;
  void on_finish(server::Exchange& exchange, const server::Outcome& outcome) noexcept override;
  void on_body_failed(server::Exchange& exchange, const Error& why) noexcept override;
  void on_refused(const server::ConnectionInfo& connection, http::Status status,
                  std::string_view why) noexcept override;

 private:
  class LoopRoutes;
  class Local;
  void answer_options(Context& ctx, const RouteSnapshot& routes) noexcept;

  ChainEnvironment environment_;
  MetricFamily<Counter> refusals_;
  net::CidrSet trusted_proxies_;
  ForwardedFields forwarded_fields_ = ForwardedFields::x_forwarded;
  std::array<Endpoint, fallbacks> fallback_;
  mutable std::mutex mutex_;  // guards snapshot_; taken only when the version has changed
  std::shared_ptr<const RouteSnapshot> snapshot_;
  std::atomic<std::uint64_t> version_{0};
  std::map<const EventLoop*, std::weak_ptr<LoopRoutes>> loops_;  // guarded by mutex_, too; owned by the Locals
};

}  // namespace weir
