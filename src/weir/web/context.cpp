#include "weir/web/context.hpp"

#include "weir/http/accept.hpp"
#include "weir/http/cookie.hpp"
#include "weir/http/uri.hpp"

namespace weir {

std::string_view Context::route() const noexcept {
  return endpoint_ == nullptr ? std::string_view{} : endpoint_->pattern;
}

std::optional<std::string_view> Context::param(std::string_view name) const noexcept {
  return match_.params.find(name);
}

std::string_view Context::client_ip() {
  if (client_ip_.empty() && client_address() != nullptr) {
    auto* room = ::new (arena().bump(sizeof(net::SocketAddress::IpText), 1)) net::SocketAddress::IpText;
    client_ip_ = client_address()->ip_text(*room);
  }
  return client_ip_;
}

void Context::apply_forwarded(const net::CidrSet& trusted, ForwardedFields fields) noexcept {
  const net::SocketAddress* peer = connection().peer;
  if (peer == nullptr || !trusted.contains(*peer)) return;
  http::Request& wanted = exchange_.request();
  const Forwarded forwarded = read_forwarded(wanted.headers, *peer, trusted, fields);
  if (!(forwarded.client == *peer)) {
    client_ = ::new (arena().bump(sizeof(net::SocketAddress), alignof(net::SocketAddress)))
        net::SocketAddress(forwarded.client);
  }
  if (!forwarded.scheme.empty()) wanted.scheme = forwarded.scheme;
  if (!forwarded.authority.empty()) wanted.authority = forwarded.authority;
}

std::optional<std::string_view> Context::query(std::string_view name) {
  return http::QueryView(request().query).get(name, arena());
}

std::optional<std::string_view> Context::cookie(std::string_view name) const {
  return http::find_cookie(request().headers, name);
}

std::string_view Context::accepts(std::initializer_list<std::string_view> offers) const {
  const auto best = http::negotiate_media_type(request().headers, std::span(offers.begin(), offers.size()));
  return best ? offers.begin()[*best] : std::string_view{};
}

namespace {
/// Suspends until the whole body is there.
class WholeBody final : public server::BodyCollector {
 public:
  explicit WholeBody(server::Exchange& exchange) noexcept : exchange_(exchange) {}
  WholeBody(const WholeBody&) = delete;
  WholeBody& operator=(const WholeBody&) = delete;
  ~WholeBody() { exchange_.forget_body_collector(*this); }
  bool await_ready() {
    exchange_.collect_body(*this);
    return result_.has_value();
  }
  void await_suspend(std::coroutine_handle<> self) noexcept { self_ = self; }
  Result<std::string_view> await_resume() { return std::move(*result_); }

 private:
  void on_body(Result<std::string_view> body) noexcept override {
    result_ = std::move(body);
    if (self_) self_.resume();
  }
  server::Exchange& exchange_;
  std::coroutine_handle<> self_;
  std::optional<Result<std::string_view>> result_;
};
}  // namespace

Task<Result<std::string_view>> Context::body() {
  if (collected_) co_return body_;
  WholeBody whole(exchange_);
  Result<std::string_view> body = co_await whole;
  if (body) {
    body_ = *body;
    collected_ = true;
  }
  co_return body;
}

bool Context::match_preflight(const Router& router, const RouteRequest& wanted) noexcept {
  const std::string_view allow = match_.allow;
  const RouteMatch& match = match_route(router, wanted);
  const bool found = match.outcome == RouteOutcome::found;
  if (!found) {
    ::new (&match_) RouteMatch;
    match_.outcome = RouteOutcome::options;
  }
  match_.allow = allow;
  return found;
}

void* Context::find_slot(const void* key) const noexcept {
  for (const Slot* slot = slots_; slot != nullptr; slot = slot->next) {
    if (slot->key == key) return slot->value;
  }
  return nullptr;
}

void Context::reset() noexcept {
  for (Slot* slot = slots_; slot != nullptr; slot = slot->next) {
    if (slot->destroy != nullptr) slot->destroy(slot->value);
  }
  slots_ = nullptr;
  environment_ = nullptr;
  endpoint_ = nullptr;
  handler_ = nullptr;
  ::new (&match_) RouteMatch;
  log_context_ = {};
  // Each by itself: to read back the half-written one of a row would wait for all stores of the request before it.
  body_ = {};
  client_ip_ = {};
  exception_ = {};
  client_ = nullptr;
  passed_ = 0;
  collected_ = false;
}

}  // namespace weir
