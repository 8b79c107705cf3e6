// The service: the store, and the routes that give it to clients.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <weir/weir.hpp>

#include "store.hpp"

namespace demo {

/// What the handlers share. It outlives the App whose routes use it.
struct Service {
  Service();

  std::unique_ptr<Store> store;  ///< There when the first request comes.
  weir::Broadcast<weir::SseMessage> events;

  /// Tells everyone who listens at /events. Any thread.
  void changed(std::string_view what, std::int64_t id);
};

/// All of them.
void add_service(weir::App& app, Service& service);

// The parts, one file each.
void add_user_routes(weir::App& app, Service& service);
void add_task_routes(weir::App& app, Service& service);
void add_attachment_routes(weir::App& app, Service& service);
void add_events(weir::App& app, Service& service);
void add_page(weir::App& app);

/// The path of one user, task, …: what Location says.
std::string location_of(const weir::App& app, std::string_view route, std::int64_t id);
inline Time now(const weir::Context& ctx) {
  return std::chrono::floor<std::chrono::seconds>(ctx.wall());
}

}  // namespace demo
