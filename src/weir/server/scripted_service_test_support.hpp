// For tests of connections: a service that the test scripts.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/server/exchange.hpp"

namespace weir::server {

/// Answers what the test says, by path.
class ScriptedService final : public Service {
 public:
  using Handler = std::function<void(Exchange&)>;
  std::map<std::string, Handler, std::less<>> handlers;
  std::vector<Outcome> outcomes;
  std::vector<std::string> refusals;

  std::unique_ptr<ExchangeLocal> make_local(Exchange&) override { return nullptr; }
  void on_request(Exchange& exchange) noexcept override {
    const auto at = handlers.find(exchange.request().path);
    if (at == handlers.end()) return exchange.respond({http::Status::not_found, http::Body(std::string("nothing"))});
    at->second(exchange);
  }
  void on_timeout(Exchange& exchange, bool receiving) noexcept override {
    exchange.respond(http::Response(receiving ? http::Status::request_timeout : http::Status::service_unavailable));
  }
  void on_finish(Exchange&, const Outcome& outcome) noexcept override { outcomes.push_back(outcome); }
  void on_refused(const ConnectionInfo&, http::Status, std::string_view why) noexcept override {
    refusals.emplace_back(why);
  }
};

inline http::Response text(std::string body) {
  return http::Response(http::Status::ok, http::Body(std::move(body)));
}

}  // namespace weir::server
