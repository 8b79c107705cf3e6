// Pieces of URIs (RFC 3986): percent-encoding, queries, dot segments.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <string_view>

#include "weir/base/arena.hpp"
#include "weir/base/buffer.hpp"
#include "weir/base/error.hpp"

namespace weir::http {

/// `text` with every %XX replaced by its byte. Returns `text` itself where there is nothing to replace; else a copy in
/// `arena`, which lives as long as the arena's contents. Errc::invalid_argument when a '%' is not followed by two
/// hexadecimal digits, or when a NUL comes out. The result may hold any other byte; it need not be UTF-8.
Result<std::string_view> decode_percent(std::string_view text, Arena& arena);

/// The same, and '+' becomes a space: names and values of queries and of application/x-www-form-urlencoded. A '%' that
/// encodes nothing stays as it is, as browsers do it (WHATWG URL); NUL is kept. So it cannot fail.
std::string_view decode_form(std::string_view text, Arena& arena);

/// Whether decode_form(raw) would be `plain`; needs no memory.
bool equals_decoded(std::string_view raw, std::string_view plain) noexcept;

/// What encode_percent() leaves as it is, beside letters, digits and "-._~".
enum class Keep : unsigned char {
  nothing,  ///< For one path segment, one query name or value.
  slashes,  ///< For a path: '/' stays.
  uri,      ///< For a whole URI reference: all reserved characters and '%' stay.
};
/// Appends `text` percent-encoded (RFC 3986 section 2.1).
void encode_percent(std::string_view text, Keep keep, Buffer& out);

/// One name and value of a query, as they stand there (not decoded). "a" is {"a", "", has_value false}.
struct QueryParameter {
  std::string_view name;
  std::string_view value;
  bool has_value = false;
};

/// A query string, or an application/x-www-form-urlencoded body, as a range: `for (auto [name, value, _] :
/// QueryView(q))`. A view: lives as long as the text. Empty pieces ("&&") are left out.
class QueryView {
 public:
  constexpr QueryView() noexcept = default;
  constexpr explicit QueryView(std::string_view text) noexcept : text_(text) {}

  class Iterator {
   public:
    using value_type = QueryParameter;
    using difference_type = std::ptrdiff_t;
    constexpr Iterator() noexcept = default;
    constexpr explicit Iterator(std::string_view rest) noexcept : rest_(rest) { advance(); }
    constexpr QueryParameter operator*() const noexcept {
      const std::size_t equals = piece_.find('=');
      if (equals == std::string_view::npos) return {piece_, {}, false};
      return {piece_.substr(0, equals), piece_.substr(equals + 1), true};
    }
    constexpr Iterator& operator++() noexcept {
      advance();
      return *this;
    }
    constexpr void operator++(int) noexcept { advance(); }
    friend constexpr bool operator==(const Iterator& it, std::default_sentinel_t) noexcept { return it.piece_.empty(); }

   private:
    constexpr void advance() noexcept {
      do {
        const std::size_t end = rest_.find('&');
        piece_ = rest_.substr(0, end);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
      } while (piece_.empty() && !rest_.empty());
    }
    std::string_view rest_;
    std::string_view piece_;
  };
  [[nodiscard]] constexpr Iterator begin() const noexcept { return Iterator(text_); }
  [[nodiscard]] constexpr std::default_sentinel_t end() const noexcept { return {}; }
  [[nodiscard]] constexpr std::string_view text() const noexcept { return text_; }

  /// The decoded value of the first parameter with this (plain) name.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name, Arena& arena) const;
  [[nodiscard]] bool has(std::string_view name) const noexcept;

 private:
  std::string_view text_;
};

/// Whether a path has a segment "." or "..", also in percent-encoding ("%2e"): such a path means another one
/// (RFC 3986 section 5.2.4).
bool has_dot_segments(std::string_view path) noexcept;

/// The path without its dot segments (RFC 3986 section 5.2.4); `path` itself where it has none. ".." never leads above
/// the root. Segments stay encoded.
std::string_view remove_dot_segments(std::string_view path, Arena& arena);

}  // namespace weir::http
