#include "weir/router/live_routes.hpp"

#include <algorithm>
#include <string>

#include "weir/base/contracts.hpp"

namespace weir {

LiveRoutes::LiveRoutes(RouterOptions options) : table_(options), router_(table_.build().value()) {}

Result<> LiveRoutes::update(const std::function<void(RouteTable&)>& edit, std::shared_ptr<const void> attachment) {
  const std::lock_guard lock(writing_);
  auto table = table_.clone();
  edit(table);
  return publish(std::move(table), std::move(attachment));
}

Result<> LiveRoutes::update(const std::function<void(RouteTable&)>& edit) {
  const std::lock_guard lock(writing_);
  auto table = table_.clone();
  edit(table);
  return publish(std::move(table), snapshot()->attachment());
}

Result<> LiveRoutes::add(const RouteSpec& route) {
  return update([&](RouteTable& table) { table.add(route); });
}

Result<> LiveRoutes::remove(const RouteSpec& route) {
  const std::lock_guard lock(writing_);
  auto table = table_.clone();
  if (!table.remove(route)) {
    return fail(Errc::not_found, "there is no such route: " + std::string(route.host) + std::string(route.pattern));
  }
  return publish(std::move(table), snapshot()->attachment());
}

/// With writing_ held. The version is stored last: who sees it finds the router behind it.
Result<> LiveRoutes::publish(RouteTable table, std::shared_ptr<const void> attachment) {
  auto router = table.build(std::move(attachment));
  if (!router) return std::unexpected(std::move(router).error());
  table_ = std::move(table);
  const std::lock_guard lock(publishing_);
  router_.swap(*router);  // the old one, if nobody has it, ends after the lock
  version_.fetch_add(1, std::memory_order_release);
  return {};
}

std::shared_ptr<const Router> LiveRoutes::snapshot() const {
  return current().first;
}

std::pair<std::shared_ptr<const Router>, std::uint64_t> LiveRoutes::current() const {
  const std::lock_guard lock(publishing_);
  return {router_, version_.load(std::memory_order_relaxed)};
}

RouteReader::RouteReader(const LiveRoutes& routes) : routes_(&routes) {
  auto [router, version] = routes.current();
  current_ = std::make_unique<Held>(Held{std::move(router), version, 0, this});
}

RouteReader::~RouteReader() {
  WEIR_ASSERT(old_.empty() && current_->pins == 0);
}

void RouteReader::refresh() {
  auto [router, version] = routes_->current();
  auto next = std::make_unique<Held>(Held{std::move(router), version, 0, this});
  if (current_->pins != 0) old_.push_back(std::move(current_));
  current_ = std::move(next);
}

/// Called when the last pin of `held` is gone.
void RouteReader::drop(Held* held) noexcept {
  if (held != current_.get()) std::erase_if(old_, [held](const auto& one) { return one.get() == held; });
}

}  // namespace weir
