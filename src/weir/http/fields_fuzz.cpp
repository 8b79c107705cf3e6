// The small parsers of field values and URIs on any text. The first byte picks a size for ranges.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weir/http/accept.hpp"
#include "weir/http/cookie.hpp"
#include "weir/http/date.hpp"
#include "weir/http/etag.hpp"
#include "weir/http/mime.hpp"
#include "weir/http/problem.hpp"
#include "weir/http/range.hpp"
#include "weir/http/uri.hpp"

namespace {

using namespace weir;
using namespace weir::http;

void require(bool condition) {
  if (!condition) std::abort();
}

void uris(std::string_view text) {
  Arena arena;
  const auto decoded = decode_percent(text, arena);
  if (decoded) {
    require(decoded->size() <= text.size());
    Buffer again;
    encode_percent(*decoded, Keep::nothing, again);
    const auto back = decode_percent(again.view(), arena);
    require(back.has_value() == (decoded->find('\0') == std::string_view::npos));
    if (back) require(*back == *decoded);
  }
  const std::string_view form = decode_form(text, arena);
  require(equals_decoded(text, form));
  for (const QueryParameter parameter : QueryView(text))
    require(parameter.name.size() + parameter.value.size() <= text.size());
  static_cast<void>(QueryView(text).get("a", arena));
  const std::string_view normal = remove_dot_segments(text, arena);
  require(!has_dot_segments(normal) && normal.size() <= text.size() + 1);
}

void values(std::string_view text, std::uint64_t size) {
  const RangeRequest range = RangeRequest::parse(text, size);
  for (const ByteRange& r : range.ranges()) require(r.length != 0 && r.offset < size && r.length <= size - r.offset);
  require(range.ranges().empty() == (range.kind() != RangeRequest::Kind::partial));
  if (const auto date = parse_date(text, 1700000000)) require(parse_date(format_date(*date).view(), 0) == date);
  if (const auto tag = parse_entity_tag(text)) require(entity_tag_list_has(text, *tag, true));
  std::string_view rest = text;
  while (const auto cookie = next_cookie(rest)) require(!cookie->name.empty());
  if (const auto media = parse_media_type(text)) static_cast<void>(media->parameter("charset"));
  static_cast<void>(media_type_of_file(text));
}

void negotiation(std::string_view text) {
  static constexpr std::array<std::string_view, 3> types = {"application/json", "text/html", "text/plain"};
  static constexpr std::array<std::string_view, 2> codings = {"br", "gzip"};
  static constexpr std::array<std::string_view, 2> languages = {"en", "de-CH"};
  const HeaderField fields[] = {{"Accept", text, HeaderId::accept},
                                {"Accept-Encoding", text, HeaderId::accept_encoding},
                                {"Accept-Language", text, HeaderId::accept_language},
                                {"If-None-Match", text, HeaderId::if_none_match}};
  const HeaderView headers(
      fields, 4,
      HeaderSet::of(HeaderId::accept, HeaderId::accept_encoding, HeaderId::accept_language, HeaderId::if_none_match));
  static_cast<void>(negotiate_media_type(headers, types));
  static_cast<void>(negotiate_encoding(headers, codings));
  static_cast<void>(negotiate_language(headers, languages));
  static_cast<void>(evaluate_preconditions(Method::get, headers, {.tag = EntityTag{"x"}, .last_modified = 1}, 1));
  Headers sent;
  if (sent.add("X-Own", text)) require(sent.wire_text().find_first_of("\r\n") == sent.wire_text().size() - 2);
  Problem problem;
  problem.detail = text;
  Buffer json;
  write_problem(problem, json);
  require(json.view().find_first_of("\r\n") == std::string_view::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  uris(text);
  values(text, data[0] == 255 ? ~std::uint64_t{0} : data[0]);
  negotiation(text);
  return 0;
}
