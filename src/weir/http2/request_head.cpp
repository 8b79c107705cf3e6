#include "weir/http2/request_head.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "weir/http/authority.hpp"
#include "weir/http/chars.hpp"
#include "weir/http2/detail/names.hpp"

namespace weir::http2 {

using http::HeaderId;
using http::Method;
using http::Status;

namespace {

/// A head this many times over its limit is not read to its end.
constexpr std::size_t hopeless = 8;

// The standard methods live in static storage, so that the view needs no memory.
std::string_view keep_method(Method method, std::string_view text, Arena& arena) {
  return method == Method::other ? arena.copy(text) : http::to_string(method);
}

std::optional<std::uint64_t> parse_length(std::string_view text) noexcept {
  if (text.empty() || text.size() > 19) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!http::chars::is(c, http::chars::digit)) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

// Visible ASCII, as in a request target of HTTP/1 (RFC 9112 section 3.2).
bool is_target(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

void RequestHead::begin(std::span<http::HeaderField> slots, Arena& arena, const HeadLimits& limits) noexcept {
  slots_ = slots.data();
  slot_count_ = std::min(slots.size(), limits.header_count);
  arena_ = &arena;
  limits_ = limits;
}

bool RequestHead::add(std::string_view name, std::string_view value) noexcept try {
  bytes_ += name.size() + value.size() + 4;  // As in HTTP/1.1, where ": " and the line's end belong to it.
  if (bytes_ > limits_.header_bytes * hopeless) return false;
  if (arena_ == nullptr || refusal_ != Status::ok) return true;
  if (name.starts_with(':')) return add_pseudo(name, value);
  if (bytes_ > limits_.header_bytes) {
    refuse(Status::request_header_fields_too_large);
    return true;
  }
  const HeaderId id = http::header_id(name);
  if (present_.contains(id)) {
    if (id == HeaderId::cookie) several_cookies_ = true;
    if (id == HeaderId::host) several_hosts_ = true;
  }
  const std::string_view kept_name = id == HeaderId::other ? arena_->copy(name) : detail::lower_name(id);
  static_cast<void>(push(id, kept_name, arena_->copy(value)));
  return true;
} catch (const std::bad_alloc&) {
  refuse(Status::service_unavailable);
  return true;
}

bool RequestHead::push(HeaderId id, std::string_view name, std::string_view value) noexcept {
  if (count_ == slot_count_) {
    refuse(Status::request_header_fields_too_large);
    return false;
  }
  slots_[count_++] = {name, value, id};
  present_.insert(id);
  return true;
}

bool RequestHead::add_pseudo(std::string_view name, std::string_view value) {
  if (name == ":path") {
    if (value.size() > limits_.target_bytes) {
      refuse(Status::uri_too_long);
    } else {
      request_.target = value == "/" ? std::string_view("/") : arena_->copy(value);
    }
  } else if (name == ":method") {
    request_.method = http::parse_method(value);
    request_.method_text = keep_method(request_.method, value, *arena_);
  } else if (name == ":authority") {
    request_.authority = arena_->copy(value);
  } else if (name == ":scheme") {
    request_.scheme = value == "https"  ? std::string_view("https")
                      : value == "http" ? std::string_view("http")
                                        : arena_->copy(value);
  } else if (name == ":protocol") {
    protocol_ = arena_->copy(value);
  }
  return true;
}

bool RequestHead::finish() noexcept try {
  request_.version = http::Version::http_2;
  if (refusal_ != Status::ok) return true;
  if (arena_ == nullptr) return false;
  if (!split_path() || !settle_authority()) return false;
  if (several_cookies_) join_cookies();
  if (present_.contains(HeaderId::content_length)) {
    const http::HeaderView fields(slots_, count_, present_);
    content_length_ = parse_length(fields.get(HeaderId::content_length));
    if (!content_length_) return false;
  }
  if (present_.contains(HeaderId::expect)) {
    const http::HeaderView fields(slots_, count_, present_);
    expects_continue_ = http::equals_ignoring_case(fields.get(HeaderId::expect), "100-continue");
    if (!expects_continue_) refuse(Status::expectation_failed);
  }
  request_.headers = {slots_, count_, present_};
  return true;
} catch (const std::bad_alloc&) {
  refuse(Status::service_unavailable);
  return true;
}

// :path is path-absolute [ "?" query ], or "*" for OPTIONS (RFC 9113 section 8.3.1).
bool RequestHead::split_path() noexcept {
  const std::string_view target = request_.target;
  if (request_.method == Method::connect && protocol_.empty()) {
    request_.target = request_.authority;
    return target.empty() && http::is_authority_with_port(request_.authority);
  }
  if (target == "*") {
    request_.path = target;
    return request_.method == Method::options;
  }
  if (!target.starts_with('/') || !is_target(target)) return false;
  const std::size_t mark = target.find('?');
  request_.path = target.substr(0, mark);
  request_.has_query = mark != std::string_view::npos;
  if (request_.has_query) request_.query = target.substr(mark + 1);
  return true;
}

// Host and :authority say the same, where both are there (RFC 9113 section 8.3.1). Handlers find both filled in.
bool RequestHead::settle_authority() noexcept {
  if (several_hosts_) return false;
  if (present_.contains(HeaderId::host)) {
    const http::HeaderView fields(slots_, count_, present_);
    const std::string_view host = fields.get(HeaderId::host);
    if (request_.authority.empty()) request_.authority = host;
    if (!http::equals_ignoring_case(host, request_.authority)) return false;
  } else if (!request_.authority.empty()) {
    static_cast<void>(push(HeaderId::host, detail::lower_name(HeaderId::host), request_.authority));
  }
  return http::is_authority(request_.authority);
}

// Cookies may come in several fields for the sake of compression (RFC 9113 section 8.2.3); a program sees one.
void RequestHead::join_cookies() {
  std::size_t size = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    if (slots_[i].id == HeaderId::cookie) size += slots_[i].value.size() + 2;
  }
  auto* const text = static_cast<char*>(arena_->bump(size, 1));
  char* to = text;
  http::HeaderField* first = nullptr;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    http::HeaderField& field = slots_[i];
    if (field.id == HeaderId::cookie) {
      if (first != nullptr) {
        *to++ = ';';
        *to++ = ' ';
      }
      if (!field.value.empty()) std::memcpy(to, field.value.data(), field.value.size());
      to += field.value.size();
      if (first != nullptr) continue;
      first = &slots_[kept];
    }
    slots_[kept++] = field;
  }
  first->value = {text, static_cast<std::size_t>(to - text)};
  count_ = kept;
}

}  // namespace weir::http2
