// A handler behind its type: what the chain calls at its end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/error.hpp"
#include "weir/coro/task.hpp"
#include "weir/web/middleware.hpp"
#include "weir/web/state.hpp"

namespace weir {

/// What a handler does with the request's body.
enum class BodyUse : std::uint8_t {
  none,    ///< Nothing: it is read over.
  whole,   ///< It is called when all of it is there (Json, Form).
  stream,  ///< It reads it itself, piece by piece.
};

/// The names of a route's placeholders: that of its host, then those of its groups' prefixes, then its own.
struct RoutePlaceholders {
  std::vector<std::string> names;
  std::size_t host = 0;  ///< How many of them (the first) are the host's: 0 or 1.
  std::size_t own = 0;   ///< How many of them (the last) are in the route's own part of the pattern.
};

/// A handler of one route: shared by all loops, called by many exchanges at once, so it is const. Exactly one of call()
/// and call_async() is meant, see async().
class Handler {
 public:
  virtual ~Handler() = default;

  [[nodiscard]] bool async() const noexcept { return async_; }
  [[nodiscard]] BodyUse body() const noexcept { return body_; }

  /// Answers at once. May throw: the chain turns that into a 500.
  virtual Response call(Context& ctx) const = 0;
  /// Answers when it can. The handler outlives the task.
  virtual Task<Response> call_async(Context& ctx) const = 0;

  /// At registration: tells the handler its route's placeholders and the application's state. Every mistake is a line
  /// in `problems`.
  virtual void bind(const RoutePlaceholders& placeholders, const StateMap& state,
                    std::vector<std::string>& problems) = 0;
  /// Describes parameters, bodies and answers by the handler's types. After bind().
  virtual void describe(OperationDoc& doc) const = 0;

 protected:
  Handler(bool async, BodyUse body) noexcept : async_(async), body_(body) {}

 private:
  bool async_;
  BodyUse body_;
};

}  // namespace weir
