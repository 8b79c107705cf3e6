#include "weir/http/headers.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "weir/base/contracts.hpp"
#include "weir/base/recycle.hpp"
#include "weir/http/chars.hpp"

namespace weir::http {

bool is_token(std::string_view text) noexcept {
  for (const char c : text) {
    if (!chars::is(c, chars::token)) return false;
  }
  return !text.empty();
}

bool is_field_value(std::string_view text) noexcept {
  // Eight bytes at a time, with the tests of each in the highest bit of each byte; what stands in the way of the
  // arithmetic (bytes above 0x7f) is taken out of it first. The plain rule is the last line.
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t high = 0x80 * ones;
  const char* p = text.data();
  std::size_t n = text.size();
  for (; n >= 8; p += 8, n -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, 8);
    const std::uint64_t low7 = word & ~high;
    const std::uint64_t printable = low7 + 0x60 * ones;                // >= 0x20
    const std::uint64_t not_tab = (low7 ^ '\t' * ones) + 0x7f * ones;  // != HTAB
    const std::uint64_t del = low7 + ones;                             // 0x7f
    if ((((~printable & not_tab) | del) & ~word & high) != 0) return false;
  }
  for (; n != 0; ++p, --n) {
    const auto byte = static_cast<unsigned char>(*p);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return false;
  }
  return true;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (chars::to_lower(a[i]) != chars::to_lower(b[i])) return false;
  }
  return true;
}

const HeaderField* HeaderView::find(std::string_view name) const noexcept {
  const HeaderId id = header_id(name);
  if (id != HeaderId::other) return find(id);
  if (!present_.contains(HeaderId::other)) return nullptr;
  for (const HeaderField& field : *this) {
    if (field.id == HeaderId::other && equals_ignoring_case(field.name, name)) return &field;
  }
  return nullptr;
}

Headers Headers::clone() const {
  Headers copy;
  copy.append(*this);
  return copy;
}

void Headers::release() noexcept {
  recycle::deallocate(block_, capacity_);
  block_ = nullptr;
  capacity_ = 0;
  clear();
}

// Makes room for `text` more bytes of text and `entries` more entries. Returns the old block (and its size), for the
// caller to give back once it has copied what it adds: that may be a view of this very list.
std::pair<char*, std::size_t> Headers::grow(std::size_t text, std::size_t entries) {
  const std::size_t needed = text_size_ + text + (count_ + entries) * sizeof(Entry);
  const std::size_t bytes =
      recycle::block_size(std::max<std::size_t>(needed, capacity_ == 0 ? 512 : std::size_t{capacity_} * 2));
  auto* to = static_cast<char*>(recycle::allocate(bytes));
  if (block_ != nullptr) {
    const std::size_t table = count_ * sizeof(Entry);
    std::memcpy(to, block_, text_size_);
    std::memcpy(to + bytes - table, block_ + capacity_ - table, table);
  }
  const std::pair<char*, std::size_t> old{block_, capacity_};
  block_ = to;
  capacity_ = static_cast<std::uint32_t>(bytes);
  return old;
}

bool Headers::write(HeaderId id, std::string_view name, std::string_view value) {
  const std::size_t line = name.size() + value.size() + 4;
  if (name.size() > 255 || value.size() > max_bytes || text_size_ + line > max_bytes) return false;
  std::pair<char*, std::size_t> old{nullptr, 0};
  if (text_size_ + line + (count_ + 1) * sizeof(Entry) > capacity_) old = grow(line, 1);
  char* to = block_ + text_size_;
  std::memcpy(to, name.data(), name.size());
  to += name.size();
  *to++ = ':';
  *to++ = ' ';
  if (!value.empty()) std::memcpy(to, value.data(), value.size());
  to += value.size();
  *to++ = '\r';
  *to = '\n';
  *entry(count_) =
      Entry{text_size_, static_cast<std::uint32_t>(value.size()), static_cast<std::uint8_t>(name.size()), id};
  text_size_ += static_cast<std::uint32_t>(line);
  ++count_;
  present_.insert(id);
  if (old.first != nullptr) recycle::deallocate(old.first, old.second);
  return true;
}

bool Headers::add(HeaderId id, std::string_view value) {
  return id != HeaderId::other && is_field_value(value) && write(id, to_string(id), value);
}

bool Headers::add(std::string_view name, std::string_view value) {
  const HeaderId id = header_id(name);
  if (id == HeaderId::other && !is_token(name)) return false;
  return is_field_value(value) && write(id, name, value);
}

// Adds first and removes the others afterwards: `value` may be a view of this list, and a refusal changes nothing.
bool Headers::set(HeaderId id, std::string_view value) {
  const bool replace = has(id);
  const std::size_t before = count_;
  if (!add(id, value)) return false;
  if (replace) static_cast<void>(erase(id, {}, before));
  return true;
}

bool Headers::set(std::string_view name, std::string_view value) {
  const HeaderId id = header_id(name);
  const bool replace = present_.contains(id);
  const std::size_t before = count_;
  if (!add(name, value)) return false;
  // `name` may be a view of this list too; the new field has the same name in a safe place.
  if (replace) static_cast<void>(erase(id, (*this)[before].name, before));
  return true;
}

void Headers::set_static(HeaderId id, std::string_view literal) {
  WEIR_DEBUG_ASSERT(is_field_value(literal));
  const bool replace = has(id);
  const std::size_t before = count_;
  if (write(id, to_string(id), literal) && replace) static_cast<void>(erase(id, {}, before));
}

void Headers::append(const Headers& prepared) {
  const std::size_t count = prepared.count_;
  const std::size_t text = prepared.text_size_;
  if (count == 0 || text_size_ + text > max_bytes) return;
  std::pair<char*, std::size_t> old{nullptr, 0};
  if (text_size_ + text + (count_ + count) * sizeof(Entry) > capacity_) old = grow(text, count);
  std::memcpy(block_ + text_size_, this == &prepared && old.first != nullptr ? old.first : prepared.block_, text);
  for (std::size_t i = 0; i < count; ++i) {
    Entry copy = *prepared.entry(i);
    copy.offset += text_size_;
    *entry(count_ + i) = copy;
  }
  text_size_ += static_cast<std::uint32_t>(text);
  count_ += static_cast<std::uint32_t>(count);
  present_ |= prepared.present_;
  if (old.first != nullptr) recycle::deallocate(old.first, old.second);
}

bool Headers::merge(HeaderId id, std::string_view token) {
  if (!has(id)) return add(id, token);
  if (!is_field_value(token)) return false;
  bool there = false;
  std::size_t joined_length = 0;
  for (const HeaderField field : *this) {
    if (field.id != id) continue;
    joined_length = field.value.size();
    for_each_token(field.value, [&](std::string_view element) {
      there = there || element == "*" || equals_ignoring_case(element, token);
    });
  }
  if (there) return true;
  if (joined_length + token.size() + 2 > max_bytes) return false;
  recycle::String joined;
  joined.reserve(joined_length + token.size() + 2);
  joined = get(id);
  joined += ", ";
  joined += token;
  return set(id, joined);
}

bool Headers::matches(const Entry& e, HeaderId id, std::string_view name) const noexcept {
  return e.id == id && (id != HeaderId::other || equals_ignoring_case({block_ + e.offset, e.name_length}, name));
}

// Drops the matching fields among the first `limit`, and closes the gaps.
std::size_t Headers::erase(HeaderId id, std::string_view name, std::size_t limit) {
  std::size_t kept = 0;
  std::uint32_t text = 0;
  std::size_t erased = 0;
  // The name to compare with may lie in the text that moves: matching is done before anything moves past it, because
  // set() passes the name of the last field, and lines only move towards the front.
  HeaderSet present;
  for (std::size_t i = 0; i < count_; ++i) {
    const Entry e = *entry(i);
    if (i < limit && matches(e, id, name)) {
      ++erased;
      continue;
    }
    const std::uint32_t line = e.name_length + e.value_length + 4U;
    if (text != e.offset) std::memmove(block_ + text, block_ + e.offset, line);
    *entry(kept) = Entry{text, e.value_length, e.name_length, e.id};
    text += line;
    ++kept;
    present.insert(e.id);
  }
  text_size_ = text;
  count_ = static_cast<std::uint32_t>(kept);
  present_ = present;
  return erased;
}

std::size_t Headers::remove(HeaderId id) {
  return has(id) ? erase(id, {}, count_) : 0;
}

std::size_t Headers::remove(std::string_view name) {
  const HeaderId id = header_id(name);
  if (!present_.contains(id)) return 0;
  if (id != HeaderId::other) return erase(id, {}, count_);
  const recycle::String own_name(name);  // `name` may be a view of this list, whose text moves
  return erase(id, own_name, count_);
}

const Headers::Entry* Headers::find(HeaderId id, std::string_view name) const noexcept {
  if (!present_.contains(id)) return nullptr;
  for (std::size_t i = 0; i < count_; ++i) {
    if (matches(*entry(i), id, name)) return entry(i);
  }
  return nullptr;
}

bool Headers::has(std::string_view name) const noexcept {
  return find(header_id(name), name) != nullptr;
}

std::string_view Headers::get(HeaderId id) const noexcept {
  const Entry* e = id == HeaderId::other ? nullptr : find(id, {});
  return e == nullptr ? std::string_view{} : std::string_view{block_ + e->offset + e->name_length + 2, e->value_length};
}

std::string_view Headers::get(std::string_view name) const noexcept {
  const Entry* e = find(header_id(name), name);
  return e == nullptr ? std::string_view{} : std::string_view{block_ + e->offset + e->name_length + 2, e->value_length};
}

HeaderField Headers::operator[](std::size_t i) const noexcept {
  WEIR_DEBUG_ASSERT(i < count_);
  const Entry& e = *entry(i);
  return {{block_ + e.offset, e.name_length}, {block_ + e.offset + e.name_length + 2, e.value_length}, e.id};
}

}  // namespace weir::http
