// How many requests a client may make.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/rules.hpp"
#include "weir/middleware/detail/ip_network.hpp"
#include "weir/resilience/rate_limiter.hpp"
#include "weir/time/clock.hpp"
#include "weir/web/middleware.hpp"

namespace weir {

/// What a limit counts by.
enum class RateLimitBy : std::uint8_t {
  ip,      ///< The client's address; IPv6 by its /64.
  header,  ///< The value of a field, such as X-Api-Key; requests without it by address.
  user,    ///< The subject of the token, behind jwt(); requests without one by address.
  route,   ///< All clients together, each route apart.
};

struct RateLimitPolicy {
  std::uint32_t requests = 100;               ///< How many in a window, evenly: the size of a token bucket.
  Duration window = std::chrono::minutes(1);  ///< In which an empty bucket fills up.
  std::uint32_t burst = 0;                    ///< Size of the bucket, where it is not `requests`.
  RateLimitBy by = RateLimitBy::ip;
  /// For by = header. Anybody can make up values, and each has a bucket of its own: use it behind something that
  /// refuses unknown ones, or beside a limit by address.
  std::string header;
  bool per_route = false;                  ///< Each route is counted apart.
  std::uint32_t cost = 1;                  ///< How much one request takes.
  std::vector<std::string> exempt;         ///< Addresses and networks that are not limited: "10.0.0.0/8", "::1".
  std::vector<std::string> exempt_routes;  ///< Patterns of routes that are not limited: "/health/live".
  /// Networks of proxies whose X-Forwarded-For is believed: the client is then the last address in it that is not one
  /// of them. Empty: the client is the other end of the connection, whatever the request says.
  std::vector<std::string> trusted_proxies;
  std::size_t max_keys = 65536;  ///< How many clients are told apart at a time: see RateLimiter.
  unsigned ipv6_prefix = 64;
  bool send_headers = true;  ///< X-RateLimit-Limit, -Remaining and -Reset on every answer.

  static constexpr auto rules = weir::rules<RateLimitPolicy>(weir::all_optional(), weir::reject_unknown_fields());
};

/// What only code can say. Called on every loop at once.
struct RateLimitHooks {
  /// What to count by instead of `by`; the text lives until the hook's next call or the end of the request. Empty: this
  /// request is not limited.
  std::function<std::string_view(Context& ctx)> key;
  /// What this request takes instead of `cost`; 0: nothing.
  std::function<std::uint32_t(Context& ctx)> cost;
};

/// Refuses requests above the limit with 429, a problem and Retry-After. All answers say where the client stands, in
/// X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset (seconds until the bucket is full again); where
/// several limits apply, the one that is nearest to its end. The count holds for the process, over all its loops; one
/// object that is attached in several places counts them together.
///
///   app.use(weir::rate_limit());                                       // 100 a minute per address
///   auto api = app.group("/api", weir::rate_limit({.requests = 10, .window = 1s, .by = weir::RateLimitBy::user}));
class RateLimit {
 public:
  static constexpr std::string_view name = "rate_limit";

  /// Throws std::invalid_argument for policies that cannot be meant.
  explicit RateLimit(RateLimitPolicy policy, RateLimitHooks hooks = {});

  std::optional<Response> before(Context& ctx) const;
  void after(Context& ctx, Response& response) const;
  void describe(OperationDoc& doc) const;

 private:
  /// Nothing: not limited.
  [[nodiscard]] std::optional<RateLimiter::Key> key_of(Context& ctx) const;
  [[nodiscard]] RateLimiter::Key address_key(Context& ctx) const;
  [[nodiscard]] std::optional<middleware::IpAddress> client_of(Context& ctx) const;
  void add_headers(http::Headers& headers, const RateDecision& decision) const;

  RateLimitPolicy policy_;
  RateLimitHooks hooks_;
  std::vector<middleware::IpNetwork> exempt_;
  std::vector<middleware::IpNetwork> proxies_;
  http::HeaderId header_ = http::HeaderId::other;
  std::unique_ptr<RateLimiter> limiter_;
};

[[nodiscard]] RateLimit rate_limit(RateLimitPolicy policy = {}, RateLimitHooks hooks = {});

}  // namespace weir
