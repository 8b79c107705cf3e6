// Writes response heads and chunks (RFC 9112) into a Buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "weir/base/buffer.hpp"
#include "weir/http/headers.hpp"
#include "weir/http/message.hpp"

namespace weir::http1 {

/// What the serializer must know of the exchange.
struct ResponseContext {
  http::Method method = http::Method::get;          ///< Of the request: HEAD and CONNECT change the framing.
  http::Version version = http::Version::http_1_1;  ///< Of the request.
  bool keep_alive = true;                           ///< Whether the connection may stay open after the response.
  std::string_view date;                            ///< 29 bytes, IMF-fixdate; empty: no Date is written.
  std::string_view server;                          ///< Value of Server, unless the response has one; empty: none.
};

/// What must follow the head.
struct WrittenHead {
  bool send_body = false;   ///< False: nothing follows, whatever the body (HEAD, 204, 304, empty).
  bool chunked = false;     ///< The body goes through write_chunk_header() and write_last_chunk().
  bool keep_alive = false;  ///< False: close behind the body.
};

/// Appends the head of a final response. `length` is that of the content, nothing when it is not known (then: chunked,
/// or until close for HTTP/1.0). `trailers` asks for the chunked coding. Content-Length, Transfer-Encoding, Connection,
/// Keep-Alive, Proxy-Connection, TE and Upgrade in `headers` are dropped: the framing is decided here, and it is never
/// ambiguous. A 426 keeps its Upgrade.
WrittenHead write_head(http::Status status, const http::Headers& headers, std::optional<std::uint64_t> length,
                       bool trailers, const ResponseContext& context, Buffer& out);

inline WrittenHead write_head(const http::Response& response, const ResponseContext& context, Buffer& out) {
  return write_head(response.status, response.headers, response.body.length(), response.trailers != nullptr, context,
                    out);
}

/// Appends a 101 response: `Connection: Upgrade`, `Upgrade: protocol` and `headers`.
void write_switching_protocols(std::string_view protocol, const http::Headers& headers, const ResponseContext& context,
                               Buffer& out);

/// Appends an informational response with fields (103 Early Hints). Not for 101, nor for HTTP/1.0 clients.
void write_informational(http::Status status, const http::Headers& headers, Buffer& out);

/// "HTTP/1.1 100 Continue\r\n\r\n".
inline constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";

/// A whole response for a connection whose bytes made no request: status, problem+json body, Connection: close.
void write_error_response(http::Status status, std::string_view detail, std::string_view date, Buffer& out);

/// Room that write_chunk_header() needs.
inline constexpr std::size_t max_chunk_header = 18;
/// Writes "size in hex CRLF" to `to`; returns how many bytes. size > 0: a chunk of 0 would end the body.
std::size_t format_chunk_header(std::uint64_t size, char* to) noexcept;
void write_chunk_header(std::uint64_t size, Buffer& out);
/// Behind the data of each chunk.
inline constexpr std::string_view chunk_end = "\r\n";
/// A whole chunk; nothing for empty data.
void write_chunk(std::string_view data, Buffer& out);
/// The end of a chunked body: the last chunk, trailer fields if any, the empty line. Fields that may not be trailers
/// (framing, routing, Host, authentication: RFC 9110 section 6.5.1) are dropped.
void write_last_chunk(const http::Headers* trailers, Buffer& out);

}  // namespace weir::http1
