// Compressing responses (RFC 9110 section 8.4): gzip, brotli and zstd.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/rules.hpp"
#include "weir/middleware/detail/compression_encoder.hpp"
#include "weir/web/middleware.hpp"

namespace weir {

struct CompressionOptions {
  /// What is offered; when a client likes several equally well, the first of them is taken.
  std::vector<std::string> codings = {"zstd", "br", "gzip"};
  std::size_t min_size = 1024;  ///< Bodies below this many bytes are not worth it.
  /// Bodies in memory above this are compressed piece by piece while they are sent, so that neither the loop nor the
  /// memory has to take them at once.
  std::size_t stream_above = std::size_t{64} << 10;
  /// Media types that shrink: "text/html", "text/*", "*+json". Empty: a list of the usual ones. text/event-stream is
  /// not among them; list it where the events are flushed.
  std::vector<std::string> types;
  int gzip_level = 5;    ///< 1-9
  int brotli_level = 4;  ///< 0-11; above 6 it is for files, not for answers that are made now.
  int zstd_level = 3;    ///< 1-19
  /// How many bodies each loop compresses at a time; those beyond it go out as they are. A context takes 0.3 to 3 MiB.
  std::size_t max_streams = 64;

  static constexpr auto rules = weir::rules<CompressionOptions>(weir::all_optional(), weir::reject_unknown_fields());
};

/// Compresses what the handlers behind it answer, when the client accepts it (Accept-Encoding with its weights) and it
/// is worth while: bodies in memory, and streamed ones, which keep their flush(). Left as they are: partial answers
/// (206), what has a Content-Encoding or a Content-Digest already, Cache-Control: no-transform, and files: those go out
/// by sendfile, and static_files() has precompressed variants.
///
/// Answers that might have been compressed say `Vary: Accept-Encoding`. A strong ETag becomes weak, since the bytes are
/// others then (RFC 9110 section 8.8.3.3), and is of no use for If-Match any more: see check_preconditions(). HEAD
/// answers with the fields of GET.
///
/// BREACH: when an answer over TLS holds a secret (a CSRF token) beside text that an attacker chooses, its compressed
/// size tells the attacker about the secret, byte by byte. Do not compress such answers (attach compress() to other
/// groups, or set Cache-Control: no-transform), or mask the secret afresh in every answer.
class Compression {
 public:
  static constexpr std::string_view name = "compress";

  /// Throws std::invalid_argument for codings and levels that do not exist.
  explicit Compression(CompressionOptions options);

  void after(Context& ctx, Response& response) const;

 private:
  void after_not_modified(Context& ctx, Response& response) const;
  [[nodiscard]] bool is_candidate(const Response& response) const noexcept;
  [[nodiscard]] bool is_listed_type(std::string_view content_type) const noexcept;
  [[nodiscard]] bool encode(Context& ctx, Response& response, std::size_t offer) const;

  struct Offer {
    middleware::Coding coding;
    int level;
  };
  CompressionOptions options_;
  std::vector<Offer> offers_;
  std::vector<std::string_view> names_;  // of the offers; static text
};

[[nodiscard]] Compression compress(CompressionOptions options = {});

}  // namespace weir
