// Reading JSON into C++ values.
#pragma once

#include <cstddef>
#include <string_view>

#include "weir/base/error.hpp"
#include "weir/json/describe.hpp"

namespace weir {
class Arena;
}

namespace weir::json {

struct ReadOptions {
  enum class Unknown : std::uint8_t { as_declared, ignore, reject };

  /// Where texts with escapes go that a std::string_view member has to view. Without it such a text is an error.
  Arena* arena = nullptr;
  /// What members do that a struct does not have; as_declared: ignored but for structs with reject_unknown_fields().
  Unknown unknown = Unknown::as_declared;
  /// For the client's side: members that are read_only() are bound too, and those that are write_only() may be missing.
  bool accept_read_only = false;
  /// How deep arrays and objects may nest.
  std::size_t max_depth = 64;
  /// How many failures of fields are reported.
  std::size_t max_failures = 64;
  /// How many bytes the elements of containers may take in all: `[{},{},…` is short as text and not in memory.
  std::size_t max_memory = std::size_t{64} << 20;
};

/// Reads the JSON document `text` into `out`, an object of the described type. The document must be complete, UTF-8
/// (RFC 8259) and contain nothing else. No padding behind `text` is needed.
///
/// Errors: invalid_argument when it is no JSON, with line and column; unprocessable when the JSON does not fit the type
/// or breaks its rules: then Error::fields() lists all failures at once. too_large, resource_exhausted at limits. After
/// an error `out` holds a part of the input. Members that the input does not name keep their values.
///
/// A name that stands twice in an object is an error, also in maps; RFC 8259 section 4 leaves it open, and receivers
/// that disagree about it are a way around checks. std::string_view members view `text` itself, or options.arena.
///
/// The call itself allocates nothing in steady state; strings and containers of `out` may. Thread-safe.
Result<void> read(std::string_view text, const TypeInfo& type, void* out, const ReadOptions& options = {});

template <class T>
Result<void> read(std::string_view text, T& out, const ReadOptions& options = {}) {
  return read(text, type_info<T>(), &out, options);
}

/// The same, as a new value.
template <class T>
Result<T> read(std::string_view text, const ReadOptions& options = {}) {
  Result<T> out;
  if (auto done = read(text, type_info<T>(), &*out, options); !done) return fail(std::move(done).error());
  return out;
}

}  // namespace weir::json
