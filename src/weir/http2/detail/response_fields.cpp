#include "weir/http2/detail/response_fields.hpp"

#include <cstdint>

#include "weir/http/field_sets.hpp"
#include "weir/http2/detail/names.hpp"

namespace weir::http2::detail {
namespace {

using http::HeaderId;

// Values that are new with every response: in the table of the compression they would only drive others out.
constexpr auto never_the_same =
    http::HeaderSet::of(HeaderId::x_request_id, HeaderId::x_correlation_id, HeaderId::traceparent,
                        HeaderId::server_timing, HeaderId::x_ratelimit_remaining, HeaderId::x_ratelimit_reset);

constexpr std::uint8_t as_it_lies = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
// nghttp2 copies the name and makes it lower case.
constexpr std::uint8_t copied_name = NGHTTP2_NV_FLAG_NO_COPY_VALUE;

constexpr unsigned first_code = 100;
constexpr unsigned last_code = 599;

constexpr auto make_codes() noexcept {
  std::array<std::array<char, 3>, last_code - first_code + 1> codes{};
  for (unsigned code = first_code; code <= last_code; ++code) {
    codes[code - first_code] = {static_cast<char>('0' + code / 100), static_cast<char>('0' + code / 10 % 10),
                                static_cast<char>('0' + code % 10)};
  }
  return codes;
}
constexpr auto codes = make_codes();

std::uint8_t* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

}  // namespace

void FieldList::push(std::string_view name, std::string_view value, std::uint8_t flags) {
  const nghttp2_nv field{bytes_of(name), bytes_of(value), name.size(), value.size(), flags};
  if (count_ < few_.size()) {
    few_[count_++] = field;
    return;
  }
  if (more_.empty()) more_.assign(few_.begin(), few_.end());
  more_.push_back(field);
}

void FieldList::add_status(http::Status status) {
  const unsigned code = http::to_code(status);
  const auto& digits = codes[(code < first_code || code > last_code ? 500 : code) - first_code];
  push(":status", {digits.data(), digits.size()}, as_it_lies);
}

void FieldList::add(HeaderId id, std::string_view value) {
  push(lower_name(id), value, as_it_lies);
}

void FieldList::add_response(const http::Headers& headers) {
  for (const http::HeaderField field : headers) {
    if (http::framing_fields.contains(field.id)) continue;
    if (field.id == HeaderId::other) {
      push(field.name, field.value, copied_name);
    } else {
      const std::uint8_t flags = never_the_same.contains(field.id) ? NGHTTP2_NV_FLAG_NO_INDEX : 0;
      push(lower_name(field.id), field.value, as_it_lies | flags);
    }
  }
}

void FieldList::add_interim(const http::Headers& headers) {
  for (const http::HeaderField field : headers) {
    if (!http::framing_fields.contains(field.id)) push(field.name, field.value, NGHTTP2_NV_FLAG_NONE);
  }
}

void FieldList::add_trailers(const http::Headers& headers) {
  for (const http::HeaderField field : headers) {
    if (!http::forbidden_trailers.contains(field.id)) push(field.name, field.value, NGHTTP2_NV_FLAG_NONE);
  }
}

}  // namespace weir::http2::detail
