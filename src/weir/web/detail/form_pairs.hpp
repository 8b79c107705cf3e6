// The pairs of a query string or of a form, to look up by name many times.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "weir/base/arena.hpp"
#include "weir/base/recycle.hpp"
#include "weir/http/uri.hpp"
#include "weir/json/type_info.hpp"

namespace weir::detail {

/// Splits the text once, so that a struct of many members is not many walks through it: what is found costs by what is
/// there under that name, and not by how many pairs a client has sent. Lives as long as the text and the arena.
class FormPairs {
 public:
  explicit FormPairs(Arena& arena) noexcept : arena_(arena) { newest_.fill(none); }

  /// False when there are more than `limit`; the rest is not looked at then.
  bool split(std::string_view text, std::size_t limit = none) {
    for (const http::QueryParameter& parameter : http::QueryView(text)) {
      if (pairs_.size() >= limit) return false;
      const std::string_view name = http::decode_form(parameter.name, arena_);
      std::uint32_t& newest = newest_[slot(name)];
      pairs_.push_back({name, parameter.value, newest});
      newest = static_cast<std::uint32_t>(pairs_.size() - 1);
    }
    return true;
  }

  /// Appends all the values of that name, decoded, in their order.
  void find(std::string_view name, recycle::Vector<std::string_view>& values) const {
    const std::size_t before = values.size();
    for (std::uint32_t at = newest_[slot(name)]; at != none; at = pairs_[at].older) {
      if (pairs_[at].name == name) values.push_back(pairs_[at].value);
    }
    std::reverse(values.begin() + static_cast<std::ptrdiff_t>(before), values.end());
    for (std::size_t i = before; i < values.size(); ++i) values[i] = http::decode_form(values[i], arena_);
  }

 private:
  static constexpr std::uint32_t none = static_cast<std::uint32_t>(-1);
  /// As many as a struct can have members: each of them walks through little more than its own pairs, whatever names a
  /// client thinks of.
  static constexpr std::size_t slots = json::ObjectInfo::max_fields;

  struct Pair {
    std::string_view name;   ///< Decoded.
    std::string_view value;  ///< Not decoded: most of a hostile query is never asked for.
    std::uint32_t older;     ///< The pair before it in the same slot.
  };

  static std::size_t slot(std::string_view name) noexcept { return json::ObjectInfo::hash(name) % slots; }

  Arena& arena_;
  recycle::Vector<Pair> pairs_;
  std::array<std::uint32_t, slots> newest_;
};

}  // namespace weir::detail
