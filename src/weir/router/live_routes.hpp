// Routes that change while they are served: a writer publishes snapshots, every loop reads the one it has.
//
//   LiveRoutes routes;                              // one for the server, any thread may change it
//   routes.add({.pattern = "/users/{id}", .endpoint = 7});
//
//   RouteReader reader(routes);                     // one for each loop
//   RoutePin pin = reader.pin();                    // one for each request
//   RouteMatch match = pin->match(request, arena);  // its views live as long as the pin
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "weir/router/router.hpp"

namespace weir {

/// The table behind a server and the snapshot that is served. Any thread; changes are serialised by a mutex that a
/// reader takes only after a change. Lives longer than its readers.
///
/// Each publication builds the whole snapshot anew on the caller's thread (about 20 ms for 100,000 routes): put many
/// changes into one update().
class LiveRoutes {
 public:
  explicit LiveRoutes(RouterOptions options = {});
  LiveRoutes(const LiveRoutes&) = delete;
  LiveRoutes& operator=(const LiveRoutes&) = delete;

  /// Changes the table with `edit` and publishes the result with this attachment. On an error (see RouteTable::build)
  /// nothing has changed.
  Result<> update(const std::function<void(RouteTable&)>& edit, std::shared_ptr<const void> attachment);
  /// The same, the attachment stays.
  Result<> update(const std::function<void(RouteTable&)>& edit);
  Result<> add(const RouteSpec& route);
  /// not_found when there is no route with this method, host and pattern.
  Result<> remove(const RouteSpec& route);

  /// What is served now. Shared, because readers keep it while the next one is being served.
  [[nodiscard]] std::shared_ptr<const Router> snapshot() const;
  /// Grows with each publication.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }

 private:
  friend class RouteReader;
  Result<> publish(RouteTable table, std::shared_ptr<const void> attachment);
  [[nodiscard]] std::pair<std::shared_ptr<const Router>, std::uint64_t> current() const;

  std::mutex writing_;  // held while a snapshot is built
  RouteTable table_;
  mutable std::mutex publishing_;  // guards router_ and the change of version_
  std::shared_ptr<const Router> router_;
  std::atomic<std::uint64_t> version_{0};
};

class RoutePin;

/// One loop's view of the routes: looks at an atomic number for each request and takes a new snapshot when it has
/// changed. Counts its users without atomics, so all use is on one thread. Outlives its pins.
class RouteReader {
 public:
  explicit RouteReader(const LiveRoutes& routes);
  ~RouteReader();
  RouteReader(const RouteReader&) = delete;
  RouteReader& operator=(const RouteReader&) = delete;

  /// The newest snapshot, kept as long as the pin.
  [[nodiscard]] RoutePin pin();
  /// How many snapshots are held: one, and those that running requests still use.
  [[nodiscard]] std::size_t held() const noexcept { return 1 + old_.size(); }

 private:
  friend class RoutePin;
  struct Held {
    std::shared_ptr<const Router> router;
    std::uint64_t version;
    std::size_t pins;
    RouteReader* reader;
  };
  void refresh();
  void drop(Held* held) noexcept;

  const LiveRoutes* routes_;
  std::unique_ptr<Held> current_;
  std::vector<std::unique_ptr<Held>> old_;
};

/// Keeps a snapshot for one request. Move-only.
class RoutePin {
 public:
  RoutePin(RoutePin&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  RoutePin& operator=(RoutePin&& other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~RoutePin() {
    if (held_ != nullptr && --held_->pins == 0) held_->reader->drop(held_);
  }

  const Router& operator*() const noexcept { return *held_->router; }
  const Router* operator->() const noexcept { return held_->router.get(); }

 private:
  friend class RouteReader;
  explicit RoutePin(RouteReader::Held* held) noexcept : held_(held) { ++held->pins; }

  RouteReader::Held* held_;
};

inline RoutePin RouteReader::pin() {
  if (routes_->version() != current_->version) refresh();
  return RoutePin(current_.get());
}

}  // namespace weir
