#include "weir/http/mime.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "weir/http/chars.hpp"
#include "weir/http/detail/parameters.hpp"
#include "weir/http/headers.hpp"

namespace weir::http {
namespace {

struct Extension {
  std::string_view name;
  std::string_view media_type;
};

// Sorted by name.
constexpr auto extensions = std::to_array<Extension>({
    {"7z", "application/x-7z-compressed"},
    {"aac", "audio/aac"},
    {"apng", "image/apng"},
    {"avi", "video/x-msvideo"},
    {"avif", "image/avif"},
    {"bin", "application/octet-stream"},
    {"bmp", "image/bmp"},
    {"br", "application/x-brotli"},
    {"bz2", "application/x-bzip2"},
    {"cjs", "text/javascript; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"eot", "application/vnd.ms-fontobject"},
    {"epub", "application/epub+zip"},
    {"flac", "audio/flac"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/x-icon"},
    {"ics", "text/calendar; charset=utf-8"},
    {"jar", "application/java-archive"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"jsonl", "application/jsonl"},
    {"jsonld", "application/ld+json"},
    {"jxl", "image/jxl"},
    {"m4a", "audio/mp4"},
    {"map", "application/json"},
    {"md", "text/markdown; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mkv", "video/matroska"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"mpeg", "video/mpeg"},
    {"ndjson", "application/x-ndjson"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"opus", "audio/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"rar", "application/vnd.rar"},
    {"rtf", "application/rtf"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tgz", "application/gzip"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"toml", "application/toml"},
    {"ts", "video/mp2t"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"weba", "audio/webm"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "application/xml"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
});
static_assert(std::ranges::is_sorted(extensions, {}, &Extension::name));

bool ends_with_ignoring_case(std::string_view text, std::string_view end) noexcept {
  return text.size() >= end.size() && equals_ignoring_case(text.substr(text.size() - end.size()), end);
}

}  // namespace

bool MediaType::is(std::string_view type_and_subtype) const noexcept {
  const std::size_t slash = type_and_subtype.find('/');
  return slash != std::string_view::npos && equals_ignoring_case(type, type_and_subtype.substr(0, slash)) &&
         equals_ignoring_case(subtype, type_and_subtype.substr(slash + 1));
}

bool MediaType::is_json() const noexcept {
  return is("application/json") || ends_with_ignoring_case(subtype, "+json");
}

std::optional<std::string_view> MediaType::parameter(std::string_view name) const noexcept {
  std::string_view rest = parameters;
  while (const auto parameter = detail::next_parameter(rest)) {
    if (equals_ignoring_case(parameter->name, name)) return parameter->value;
  }
  return std::nullopt;
}

std::optional<MediaType> parse_media_type(std::string_view text) noexcept {
  const std::size_t semicolon = text.find(';');
  std::string_view essence = text.substr(0, semicolon);
  while (!essence.empty() && chars::is(essence.back(), chars::space)) essence.remove_suffix(1);
  const std::size_t slash = essence.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  MediaType media{essence.substr(0, slash), essence.substr(slash + 1), {}};
  if (!is_token(media.type) || !is_token(media.subtype)) return std::nullopt;
  if (semicolon != std::string_view::npos) media.parameters = text.substr(semicolon + 1);
  return media;
}

std::string_view media_type_of_file(std::string_view name) noexcept {
  constexpr std::string_view unknown = "application/octet-stream";
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || name.size() - dot - 1 > 15) return unknown;
  char lower[16];
  std::size_t n = 0;
  for (const char c : name.substr(dot + 1)) lower[n++] = chars::to_lower(c);
  const std::string_view extension(lower, n);
  const auto found = std::ranges::lower_bound(extensions, extension, {}, &Extension::name);
  return found != extensions.end() && found->name == extension ? found->media_type : unknown;
}

bool is_compressible(std::string_view media_type) noexcept {
  const auto media = parse_media_type(media_type);
  if (!media) return false;
  if (equals_ignoring_case(media->type, "text")) return !equals_ignoring_case(media->subtype, "event-stream");
  if (media->is_json() || ends_with_ignoring_case(media->subtype, "+xml")) return true;
  static constexpr std::string_view others[] = {"application/xml",   "application/javascript",
                                                "application/wasm",  "application/yaml",
                                                "application/toml",  "application/x-ndjson",
                                                "application/jsonl", "application/rtf",
                                                "font/ttf",          "font/otf",
                                                "image/bmp",         "application/vnd.ms-fontobject"};
  return std::ranges::any_of(others, [&](std::string_view other) { return media->is(other); });
}

}  // namespace weir::http
