// Files that the build put into the program: see cmake/WeirEmbed.cmake.
#pragma once

#include <span>
#include <string_view>

namespace weir {

/// One embedded file. Everything has static storage and is read-only.
struct EmbeddedFile {
  std::string_view name;          ///< Relative, as a URL has it: "swagger-ui.css".
  std::string_view bytes;         ///< The content. A NUL follows it that is not counted.
  std::string_view gzip;          ///< The content compressed at build time, or empty where that gains nothing.
  std::string_view content_type;  ///< As it stands in Content-Type.
  std::string_view etag;          ///< Strong, with its quotes; the same content has the same one in every build.
  std::string_view gzip_etag;     ///< Another representation needs another validator (RFC 9110 section 8.8.3.3).
};

/// The file of that name, or null.
inline const EmbeddedFile* find(std::span<const EmbeddedFile> files, std::string_view name) noexcept {
  for (const EmbeddedFile& file : files) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

}  // namespace weir
