// Preconditions and ranges (RFC 9110 sections 13 and 14) for answers that are complete in themselves, and files as such
// answers.
#pragma once

#include <string_view>

#include "weir/net/file.hpp"
#include "weir/web/context.hpp"

namespace weir {

/// Makes of a 200 to GET or HEAD what the request asked for: 304 and 412 by the response's ETag and Last-Modified and
/// the request's If-… fields, 206 with one or several ranges (multipart/byteranges) or 416 by Range and If-Range. Other
/// responses, and streams, stay as they are. Nothing is copied: ranges of files are parts of files, ranges of memory
/// share it. Costs one test when the request has none of these fields.
///
/// Ranges that overlap and more than sixteen of them are answered with the whole; neighbours that lie closer together
/// than the head of a part is long become one. So no answer is much larger than the file.
void apply_conditions(Context& ctx, Response& response);

/// How a file is presented.
struct FilePresentation {
  std::string_view media_type = "application/octet-stream";
  std::string_view content_encoding;  ///< "gzip" for a file that is compressed; media_type says what is in it.
  std::string_view cache_control;
  bool varies_by_encoding = false;  ///< There are other files for other values of Accept-Encoding.
  /// The name to save it under: the client downloads it instead of showing it. Any UTF-8.
  std::string_view download_name;
};

/// An open file as the answer, with ETag (of size, time of modification and identity), Last-Modified and Accept-Ranges,
/// after apply_conditions(). Sent without a copy where the connection allows it.
[[nodiscard]] Response serve_file(Context& ctx, net::File file, const FilePresentation& presentation = {});

/// Makes browsers save the answer under this name: Content-Disposition: attachment with `filename` for old clients and
/// `filename*` (RFC 6266 section 4.3, RFC 8187).
void set_download_name(Response& response, std::string_view name);

namespace detail {
/// What serve_file() answers to a request without conditions.
Response whole_file(net::File file, const FilePresentation& presentation, WallTime now);
}  // namespace detail

}  // namespace weir
