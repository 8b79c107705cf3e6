#include "weir/middleware/rate_limit.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "weir/json/describe.hpp"
#include "weir/middleware/jwt_verifier.hpp"
#include "weir/web/context.hpp"

namespace weir {
namespace {

using middleware::IpAddress;
using middleware::IpNetwork;

/// More proxies than this in a row are a made-up header.
constexpr int max_hops = 32;

std::vector<IpNetwork> parse_networks(const std::vector<std::string>& texts, std::string_view what) {
  std::vector<IpNetwork> networks;
  for (const std::string& text : texts) {
    auto network = IpNetwork::parse(text);
    if (!network) throw std::invalid_argument("rate_limit: " + std::string(what) + ": " + network.error().message());
    networks.push_back(*network);
  }
  return networks;
}

bool any_contains(const std::vector<IpNetwork>& networks, const IpAddress& address) noexcept {
  return std::ranges::any_of(networks, [&address](const IpNetwork& network) { return network.contains(address); });
}

/// The last address in X-Forwarded-For that is not a proxy's; `peer` where there is none. Each proxy adds the address
/// that it saw at the end, so what stands before an address that is no proxy's may be made up.
IpAddress forwarded_client(const http::HeaderView& headers, const std::vector<IpNetwork>& proxies, IpAddress peer) {
  int hops = 0;
  for (std::size_t i = headers.size(); i-- > 0;) {
    if (headers[i].id != HeaderId::x_forwarded_for) continue;
    std::string_view rest = headers[i].value;
    while (!rest.empty()) {
      const std::size_t comma = rest.rfind(',');
      std::string_view element = comma == std::string_view::npos ? rest : rest.substr(comma + 1);
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
      while (element.starts_with(' ') || element.starts_with('\t')) element.remove_prefix(1);
      while (element.ends_with(' ') || element.ends_with('\t')) element.remove_suffix(1);
      const auto address = IpAddress::parse(element);
      if (!address || ++hops > max_hops) return peer;
      peer = *address;
      if (!any_contains(proxies, peer)) return peer;
    }
  }
  return peer;
}

void set_number(http::Headers& headers, HeaderId id, std::int64_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  headers.set_default(id, {digits, static_cast<std::size_t>(end - digits)});
}

/// A decision of this request, the strictest so far: several limits may stand in a chain.
struct Strictest {
  RateDecision decision;
};

}  // namespace

RateLimit::RateLimit(RateLimitPolicy policy, RateLimitHooks hooks)
    : policy_(std::move(policy)),
      hooks_(std::move(hooks)),
      exempt_(parse_networks(policy_.exempt, "exempt")),
      proxies_(parse_networks(policy_.trusted_proxies, "trusted_proxies")),
      limiter_(std::make_unique<RateLimiter>(RateLimitOptions{.requests = policy_.requests,
                                                              .window = policy_.window,
                                                              .burst = policy_.burst,
                                                              .max_keys = policy_.max_keys,
                                                              .ipv6_prefix = policy_.ipv6_prefix})) {
  if ((policy_.by == RateLimitBy::header) != !policy_.header.empty()) {
    throw std::invalid_argument("rate_limit: by = header and the name in header belong together");
  }
  if (!policy_.header.empty() && !http::is_token(policy_.header)) {
    throw std::invalid_argument("rate_limit: \"" + policy_.header + "\" is no name of a field");
  }
  if (policy_.cost == 0 || policy_.cost > limiter_->limit()) {
    throw std::invalid_argument("rate_limit: a request costs at least 1, and at most what the bucket holds");
  }
  header_ = http::header_id(policy_.header);
}

std::optional<IpAddress> RateLimit::client_of(Context& ctx) const {
  const net::SocketAddress* client = ctx.client_address();
  if (client == nullptr) return std::nullopt;
  const auto peer = IpAddress::of(*client);
  if (!peer || proxies_.empty() || !any_contains(proxies_, *peer)) return peer;
  return forwarded_client(ctx.request().headers, proxies_, *peer);
}

RateLimiter::Key RateLimit::address_key(Context& ctx) const {
  const auto client = client_of(ctx);
  return client ? limiter_->address_key(client->bytes()) : limiter_->key("unix");
}

std::optional<RateLimiter::Key> RateLimit::key_of(Context& ctx) const {
  if (hooks_.key) {
    const std::string_view text = hooks_.key(ctx);
    if (text.empty()) return std::nullopt;
    return limiter_->key(text);
  }
  switch (policy_.by) {
    case RateLimitBy::ip:
      break;
    case RateLimitBy::header: {
      const http::HeaderView& headers = ctx.request().headers;
      const std::string_view value = header_ == HeaderId::other ? headers.get(policy_.header) : headers.get(header_);
      if (!value.empty()) return limiter_->key(limiter_->key("header"), value);
      break;
    }
    case RateLimitBy::user:
      if (const Jwt* user = ctx.get<Jwt>(); user != nullptr && !(*user)->subject.empty()) {
        return limiter_->key(limiter_->key((*user)->issuer), (*user)->subject);
      }
      break;
    case RateLimitBy::route:
      return limiter_->key(ctx.route());
  }
  return address_key(ctx);
}

std::optional<Response> RateLimit::before(Context& ctx) const {
  if (!policy_.exempt_routes.empty() &&
      std::ranges::find(policy_.exempt_routes, ctx.route()) != policy_.exempt_routes.end()) {
    return std::nullopt;
  }
  if (!exempt_.empty()) {
    if (const auto client = client_of(ctx); client && any_contains(exempt_, *client)) return std::nullopt;
  }
  const std::uint32_t cost = hooks_.cost ? hooks_.cost(ctx) : policy_.cost;
  if (cost == 0) return std::nullopt;
  auto key = key_of(ctx);
  if (!key) return std::nullopt;
  if (policy_.per_route && policy_.by != RateLimitBy::route) key = limiter_->key(*key, ctx.route());
  const RateDecision decision = limiter_->decide(*key, ctx.now(), cost);
  if (!decision.allowed) {
    const std::int64_t wait = std::max<std::int64_t>(header_seconds(decision.retry_after), 1);
    Response response = detail::error_response(
        ctx, Error(Errc::resource_exhausted, "too many requests; try again in " + std::to_string(wait) + " s"));
    add_headers(response.headers, decision);
    set_number(response.headers, HeaderId::retry_after, wait);
    return response;
  }
  if (policy_.send_headers) {
    Strictest* strictest = ctx.get<Strictest>();
    if (strictest == nullptr) {
      ctx.set(Strictest{decision});
    } else if (decision.remaining < strictest->decision.remaining) {
      strictest->decision = decision;
    }
  }
  return std::nullopt;
}

void RateLimit::after(Context& ctx, Response& response) const {
  if (!policy_.send_headers) return;
  if (const Strictest* strictest = ctx.get<Strictest>()) add_headers(response.headers, strictest->decision);
}

void RateLimit::add_headers(http::Headers& headers, const RateDecision& decision) const {
  if (!policy_.send_headers || headers.has(HeaderId::x_ratelimit_limit)) return;
  set_number(headers, HeaderId::x_ratelimit_limit, decision.limit);
  set_number(headers, HeaderId::x_ratelimit_remaining, decision.remaining);
  set_number(headers, HeaderId::x_ratelimit_reset, header_seconds(decision.reset));
}

void RateLimit::describe(OperationDoc& doc) const {
  doc.problem(Status::too_many_requests, "Too many requests; Retry-After says when to come back");
  ResponseDoc& refusal = doc.response(Status::too_many_requests);
  const auto add = [&refusal](std::string_view field, std::string_view what) {
    refusal.header(field, what, &json::type_info<std::int64_t>());
  };
  add("Retry-After", "Seconds until the request would be let through");
  if (!policy_.send_headers) return;
  add("X-RateLimit-Limit", "How many requests may be made at once after a pause");
  add("X-RateLimit-Remaining", "How many are left now");
  add("X-RateLimit-Reset", "Seconds until all of them may be made again");
}

RateLimit rate_limit(RateLimitPolicy policy, RateLimitHooks hooks) {
  return RateLimit(std::move(policy), std::move(hooks));
}

}  // namespace weir
