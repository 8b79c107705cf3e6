// Messages: the request that was received, the response that is sent, and its body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "weir/base/buffer.hpp"
#include "weir/base/error.hpp"
#include "weir/coro/stop.hpp"
#include "weir/coro/task.hpp"
#include "weir/http/headers.hpp"
#include "weir/http/method.hpp"
#include "weir/http/status.hpp"

namespace weir::http {

/// The protocol that carried a message. Higher minor versions of HTTP/1 count as 1.1 (RFC 9110 section 2.5).
enum class Version : std::uint8_t { http_1_0, http_1_1, http_2 };

/// "HTTP/1.1" and so on. Static storage.
constexpr std::string_view to_string(Version version) noexcept {
  return version == Version::http_1_1 ? "HTTP/1.1" : version == Version::http_2 ? "HTTP/2" : "HTTP/1.0";
}

/// The head of a received request. Every view lives as long as the exchange (they lie in the receive buffer or in
/// static storage). Texts are as received: nothing is decoded or normalised.
struct Request {
  Method method = Method::get;
  Version version = Version::http_1_1;
  std::string_view method_text;  ///< For Method::other too.
  std::string_view target;       ///< The whole request target (RFC 9112 section 3.2).
  std::string_view path;         ///< Begins with '/'; "*" for OPTIONS *; empty for CONNECT.
  std::string_view query;        ///< Behind the '?', without it. has_query tells "/a?" from "/a".
  std::string_view authority;    ///< Of the target in absolute or authority form, else of Host. May have a port.
  std::string_view scheme;       ///< "https" or "http": what the server knows, not what an absolute target claims.
  std::string_view protocol;  ///< What an extended CONNECT asks for (RFC 8441, HTTP/2 only): "websocket". Else empty.
  bool has_query = false;
  HeaderView headers;
};

/// Where a streaming body writes to. The engine makes it and owns it; it lives until the body function has ended.
/// It belongs to the loop of the exchange.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;

  /// Sends bytes. Completes when they are accepted (sent, or buffered below the limit): a slow reader makes the writer
  /// wait here. `bytes` must stay valid until then. Errors: Errc::cancelled (client gone), deadline_exceeded;
  /// out_of_range when more comes than the announced content length. For HEAD requests the bytes are dropped.
  virtual Task<Result<void>> write(std::string_view bytes) = 0;
  /// Sends `length` bytes of a file from `offset`, without a copy where the connection allows it. `fd` stays the
  /// caller's. data_loss when the file is shorter.
  virtual Task<Result<void>> send_file(int fd, std::uint64_t offset, std::uint64_t length) = 0;
  /// Sends bytes if that needs no waiting: for what is worth sending only now, like the comments that keep an idle
  /// stream alive. Returns whether it was sent. May be called while a write() waits (it refuses then).
  virtual bool offer(std::string_view bytes) { return bytes.empty(); }
  /// Completes when everything written so far has left for the peer: between events of a stream.
  virtual Task<Result<void>> flush() = 0;
  /// Adds a trailer field, sent behind the body where the protocol can (chunked HTTP/1.1, HTTP/2); false when it cannot
  /// or the field is refused (see Headers).
  virtual bool trailer(std::string_view name, std::string_view value) = 0;
  /// Stops when the client goes away, the deadline is over or the server ends.
  [[nodiscard]] virtual StopToken stop() noexcept = 0;
};

/// A part of an open file. Owns the descriptor and closes it.
class FileBody {
 public:
  FileBody(int fd, std::uint64_t offset, std::uint64_t length) noexcept : offset_(offset), length_(length), fd_(fd) {}
  FileBody(FileBody&& other) noexcept
      : offset_(other.offset_), length_(other.length_), fd_(std::exchange(other.fd_, -1)) {}
  FileBody& operator=(FileBody&& other) noexcept {
    std::swap(offset_, other.offset_);
    std::swap(length_, other.length_);
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileBody();

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::uint64_t length() const noexcept { return length_; }
  /// Gives the descriptor away.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  std::uint64_t offset_;
  std::uint64_t length_;
  int fd_;
};

/// A body that a coroutine writes. The function is called once, on the loop of the exchange, and it is kept until its
/// task has ended: a lambda coroutine with captures is safe here. When it fails or throws after the head has gone, the
/// connection (or stream) is cut, so that the client sees that the body is not whole.
struct StreamBody {
  std::move_only_function<Task<Result<void>>(BodyWriter&)> write;
  /// Where known: sent as Content-Length, and then exactly this many bytes must be written.
  std::optional<std::uint64_t> content_length;
};

/// Bytes that are shared with a cache; `owner` keeps them alive.
struct SharedBody {
  std::shared_ptr<const void> owner;
  std::string_view bytes;
};

/// What a response carries. Move-only.
class Body {
 public:
  using Content = std::variant<std::monostate, std::string_view, Buffer, std::string, FileBody, StreamBody, SharedBody>;

  Body() noexcept = default;
  /// Text that outlives the response: literals, or memory of the program.
  static Body of_static(std::string_view bytes) noexcept { return Body(Content(std::in_place_index<1>, bytes)); }
  Body(Buffer bytes) noexcept : content_(std::in_place_type<Buffer>, std::move(bytes)) {}            // NOLINT: converts
  Body(std::string bytes) noexcept : content_(std::in_place_type<std::string>, std::move(bytes)) {}  // NOLINT
  Body(FileBody file) noexcept : content_(std::in_place_type<FileBody>, std::move(file)) {}          // NOLINT
  Body(StreamBody stream) noexcept : content_(std::in_place_type<StreamBody>, std::move(stream)) {}  // NOLINT
  Body(SharedBody shared) noexcept : content_(std::in_place_type<SharedBody>, std::move(shared)) {}  // NOLINT
  /// A copy of `bytes`.
  static Body copy_of(std::string_view bytes) { return Body(Buffer(bytes)); }

  /// For the engine: which kind of body, and its content.
  [[nodiscard]] Content& content() noexcept { return content_; }
  [[nodiscard]] const Content& content() const noexcept { return content_; }

  /// How many bytes; nothing for a stream that does not know. 0 for an empty body.
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept;
  /// The bytes, where they lie in memory; nothing for files and streams.
  [[nodiscard]] std::optional<std::string_view> bytes() const noexcept;
  [[nodiscard]] StreamBody* stream() noexcept { return std::get_if<StreamBody>(&content_); }
  [[nodiscard]] FileBody* file() noexcept { return std::get_if<FileBody>(&content_); }
  /// No body at all, as opposed to one of length 0.
  [[nodiscard]] bool none() const noexcept { return content_.index() == 0; }

 private:
  explicit Body(Content content) noexcept : content_(std::move(content)) {}
  Content content_;
};

/// A response. Move-only and cheap to move. The protocol adds Date and everything about framing and the connection
/// (Content-Length, Transfer-Encoding, Connection …): such fields in `headers` are dropped when it is sent.
struct Response {
  Status status = Status::ok;
  /// A problem that was made without its request (weir::problem()): the framework adds which one it was.
  bool unfinished_problem = false;
  Headers headers;
  Body body;
  /// Fields sent behind the body, where the protocol can carry them; makes HTTP/1.1 use the chunked coding.
  std::unique_ptr<Headers> trailers;

  Response() noexcept = default;
  explicit Response(Status code) noexcept : status(code) {}
  Response(Status code, Body content) noexcept : status(code), body(std::move(content)) {}
};

}  // namespace weir::http
