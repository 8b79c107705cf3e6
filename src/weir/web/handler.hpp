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

  /// At registration: tells the handler the names of the placeholders of the whole pattern, of which the last `own` are
  /// the route's own (the others are its group's), and the application's state. Every mistake is a line in `problems`.
  virtual void bind(const std::vector<std::string>& placeholders, std::size_t own, const StateMap& state,
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
