// Header fields: the list that was received (HeaderView) and the list that is sent (Headers).
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>

#include "weir/http/header_id.hpp"

namespace weir::http {

/// One field line. `value` has no surrounding white space.
struct HeaderField {
  std::string_view name;  ///< As the sender wrote it; compare without case.
  std::string_view value;
  HeaderId id = HeaderId::other;
};

/// A token (RFC 9110 section 5.6.2): what names of fields and methods are made of. False for the empty text.
bool is_token(std::string_view text) noexcept;
/// A field value that may be sent: no control character but HTAB, so no CR, LF or NUL (RFC 9110 section 5.5).
bool is_field_value(std::string_view text) noexcept;
/// Equal but for the case of ASCII letters.
bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// Calls `f(std::string_view element)` for each element of a comma-separated list field, without surrounding white
/// space and without empty elements (RFC 9110 section 5.6.1). Knows no quoted strings: for lists of tokens.
template <class F>
void for_each_token(std::string_view list, F&& f) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view element = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    while (!element.empty() && (element.front() == ' ' || element.front() == '\t')) element.remove_prefix(1);
    while (!element.empty() && (element.back() == ' ' || element.back() == '\t')) element.remove_suffix(1);
    if (!element.empty()) f(element);
  }
}

/// The fields of a received message in their order; a view over an array that someone else owns (see RequestHead).
/// The texts lie in the receive buffer and live as long as the exchange. Cheap to copy. Looking up a well-known name
/// that is absent costs one test of a bit.
class HeaderView {
 public:
  using Iterator = const HeaderField*;

  HeaderView() noexcept = default;
  /// `present` must hold the id of every field (for `other` too).
  HeaderView(const HeaderField* fields, std::size_t size, HeaderSet present) noexcept
      : fields_(fields), size_(size), present_(present) {}

  [[nodiscard]] Iterator begin() const noexcept { return fields_; }
  [[nodiscard]] Iterator end() const noexcept { return fields_ + size_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] const HeaderField& operator[](std::size_t i) const noexcept { return fields_[i]; }

  [[nodiscard]] bool has(HeaderId id) const noexcept { return present_.contains(id); }
  [[nodiscard]] bool has_any(const HeaderSet& ids) const noexcept { return present_.intersects(ids); }

  /// The first field with this name, or nullptr. find(HeaderId::other) finds nothing.
  [[nodiscard]] const HeaderField* find(HeaderId id) const noexcept {
    if (!present_.contains(id) || id == HeaderId::other) return nullptr;
    const HeaderField* field = fields_;
    while (field->id != id) ++field;
    return field;
  }
  [[nodiscard]] const HeaderField* find(std::string_view name) const noexcept;

  /// The value of the first field with this name; empty where there is none (has() tells absent from empty).
  [[nodiscard]] std::string_view get(HeaderId id) const noexcept {
    const HeaderField* field = find(id);
    return field == nullptr ? std::string_view{} : field->value;
  }
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept {
    const HeaderField* field = find(name);
    return field == nullptr ? std::string_view{} : field->value;
  }

  /// Calls `f(std::string_view value)` for every field with this name, in order.
  template <class F>
  void each(HeaderId id, F&& f) const {
    if (!present_.contains(id) || id == HeaderId::other) return;
    for (const HeaderField& field : *this) {
      if (field.id == id) f(field.value);
    }
  }
  template <class F>
  void each(std::string_view name, F&& f) const {
    const HeaderId id = header_id(name);
    if (!present_.contains(id)) return;
    for (const HeaderField& field : *this) {
      if (field.id == id && (id != HeaderId::other || equals_ignoring_case(field.name, name))) f(field.value);
    }
  }
  /// How many fields have this name.
  [[nodiscard]] std::size_t count(HeaderId id) const noexcept {
    std::size_t n = 0;
    each(id, [&n](std::string_view) { ++n; });
    return n;
  }
  /// Whether a list field (all its lines together) has this token, whatever its case: `has_token(connection, "close")`.
  [[nodiscard]] bool has_token(HeaderId id, std::string_view token) const noexcept {
    bool found = false;
    each(id, [&](std::string_view value) {
      for_each_token(value, [&](std::string_view element) { found = found || equals_ignoring_case(element, token); });
    });
    return found;
  }

 private:
  const HeaderField* fields_ = nullptr;
  std::size_t size_ = 0;
  HeaderSet present_;
};

/// The fields of a message to send. It owns its text in one recycled block, already in the form of the wire
/// ("Name: value\r\n" one after the other), so that HTTP/1.1 sends it with one copy. Move-only; one thread at a time.
/// Views that come out of it die with the next change.
///
/// Nothing can be injected: a name that is no token, or a value with CR, LF, NUL or another control character, is
/// refused: the function returns false and the list is as it was. The same holds for a name over 255 bytes and for a
/// list over max_bytes. (Whether the caller treats a refusal as an error is the caller's decision; the message that
/// goes out is well-formed in any case.)
class Headers {
 public:
  static constexpr std::size_t max_bytes = std::size_t{1} << 20;

  Headers() noexcept = default;
  Headers(Headers&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        capacity_(std::exchange(other.capacity_, 0)),
        text_size_(std::exchange(other.text_size_, 0)),
        count_(std::exchange(other.count_, 0)),
        present_(std::exchange(other.present_, {})) {}
  Headers& operator=(Headers&& other) noexcept {
    if (this != &other) {
      release();
      block_ = std::exchange(other.block_, nullptr);
      capacity_ = std::exchange(other.capacity_, 0);
      text_size_ = std::exchange(other.text_size_, 0);
      count_ = std::exchange(other.count_, 0);
      present_ = std::exchange(other.present_, {});
    }
    return *this;
  }
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;
  ~Headers() {
    if (block_ != nullptr) release();
  }

  /// The same fields again.
  [[nodiscard]] Headers clone() const;

  /// Adds a field behind the others, whether or not one has this name. False: refused, see above.
  bool add(HeaderId id, std::string_view value);
  bool add(std::string_view name, std::string_view value);
  /// Makes this the only field of its name.
  bool set(HeaderId id, std::string_view value);
  bool set(std::string_view name, std::string_view value);
  /// set(), for values that the program itself wrote (literals): checked in builds with assertions only.
  void set_static(HeaderId id, std::string_view literal);
  /// Sets it unless a field of this name is there. False: one was there, or refused.
  bool set_default(HeaderId id, std::string_view value) { return !has(id) && add(id, value); }
  /// Adds all fields of `prepared` behind these with one copy: for lists that are made once, at start-up.
  void append(const Headers& prepared);
  /// Adds a token to a list field unless it is there: `merge(HeaderId::vary, "Origin")` → "Accept-Encoding, Origin".
  bool merge(HeaderId id, std::string_view token);

  /// Removes every field of this name; returns how many there were.
  std::size_t remove(HeaderId id);
  std::size_t remove(std::string_view name);
  void clear() noexcept {
    text_size_ = count_ = 0;
    present_.clear();
  }

  [[nodiscard]] bool has(HeaderId id) const noexcept { return id != HeaderId::other && present_.contains(id); }
  [[nodiscard]] bool has(std::string_view name) const noexcept;
  [[nodiscard]] bool has_any(const HeaderSet& ids) const noexcept { return present_.intersects(ids); }
  /// The value of the first field with this name; empty where there is none.
  [[nodiscard]] std::string_view get(HeaderId id) const noexcept;
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  /// The i-th field; i < size().
  [[nodiscard]] HeaderField operator[](std::size_t i) const noexcept;

  /// All fields as they go over an HTTP/1.1 wire: "Name: value\r\n…".
  [[nodiscard]] std::string_view wire_text() const noexcept { return {block_, text_size_}; }

  class Iterator {
   public:
    using value_type = HeaderField;
    using difference_type = std::ptrdiff_t;
    Iterator() noexcept = default;
    Iterator(const Headers* list, std::size_t i) noexcept : list_(list), i_(i) {}
    HeaderField operator*() const noexcept { return (*list_)[i_]; }
    Iterator& operator++() noexcept {
      ++i_;
      return *this;
    }
    Iterator operator++(int) noexcept { return {list_, i_++}; }
    friend bool operator==(const Iterator&, const Iterator&) noexcept = default;

   private:
    const Headers* list_ = nullptr;
    std::size_t i_ = 0;
  };
  [[nodiscard]] Iterator begin() const noexcept { return {this, 0}; }
  [[nodiscard]] Iterator end() const noexcept { return {this, count_}; }

 private:
  // Entries lie at the end of the block and grow downwards: entry i is the (i+1)-th from the end.
  struct Entry {
    std::uint32_t offset;        // of the name in the text
    std::uint32_t value_length;  // the value begins two bytes (": ") behind the name
    std::uint8_t name_length;
    HeaderId id;
  };
  [[nodiscard]] Entry* entry(std::size_t i) const noexcept {
    return reinterpret_cast<Entry*>(block_ + capacity_) - (i + 1);
  }
  bool write(HeaderId id, std::string_view name, std::string_view value);
  [[nodiscard]] bool matches(const Entry& e, HeaderId id, std::string_view name) const noexcept;
  [[nodiscard]] const Entry* find(HeaderId id, std::string_view name) const noexcept;
  std::size_t erase(HeaderId id, std::string_view name, std::size_t limit);
  std::pair<char*, std::size_t> grow(std::size_t text, std::size_t entries);
  void release() noexcept;

  char* block_ = nullptr;
  std::uint32_t capacity_ = 0;
  std::uint32_t text_size_ = 0;
  std::uint32_t count_ = 0;
  HeaderSet present_;
};

}  // namespace weir::http
