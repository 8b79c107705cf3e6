// The server's side of an HTTP/2 connection (RFC 9113) without I/O: bytes in, events out; answers in, bytes out.
//
// The engine behind it is nghttp2, and nothing of it is seen here: another one could stand in its place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "weir/base/buffer.hpp"
#include "weir/http/headers.hpp"
#include "weir/http/status.hpp"
#include "weir/http2/error_code.hpp"
#include "weir/http2/request_head.hpp"

namespace weir::http2 {

/// What a client sends first on a connection (RFC 9113 section 3.4).
inline constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Odd for requests; a stream's number is used once.
using StreamId = std::int32_t;

/// The frame types of RFC 9113 section 6 and of RFC 9218. Others are possible.
enum class FrameType : std::uint8_t {
  data = 0,
  headers = 1,
  priority = 2,
  rst_stream = 3,
  settings = 4,
  push_promise = 5,
  ping = 6,
  goaway = 7,
  window_update = 8,
  continuation = 9,
  priority_update = 16,
};

/// The header of a frame that was received.
struct FrameHeader {
  FrameType type{};
  std::uint8_t flags = 0;
  StreamId stream = 0;
  std::size_t length = 0;  ///< Of its payload.

  /// DATA and HEADERS: nothing follows on this stream.
  [[nodiscard]] bool end_stream() const noexcept { return (flags & 1U) != 0; }
  /// SETTINGS and PING.
  [[nodiscard]] bool ack() const noexcept { return (flags & 1U) != 0; }
};

/// The part of a body that the next DATA frame carries.
struct Chunk {
  std::size_t size = 0;                     ///< At most what was asked for.
  bool last = false;                        ///< Nothing comes behind it.
  bool wait = false;                        ///< There is nothing yet (size is 0): Session::resume() says when.
  bool failed = false;                      ///< The body can't be finished: the stream is reset (INTERNAL_ERROR).
  const http::Headers* trailers = nullptr;  ///< With `last`: sent behind it. Must live until then.
};

/// One request and its answer, as the session's owner has it: hears of what comes, and gives the body of the answer. It
/// is called from within Session::receive() and produce() only, and may call the session from there, except these two.
class StreamHandler {
 public:
  /// Where the fields of the request go. Asked for once for each block of fields.
  virtual RequestHead& head() noexcept = 0;
  /// The head has been received (not yet finish()ed); `end`: and no body follows.
  virtual void on_head(bool end) noexcept = 0;
  /// A piece of the body, valid during the call. Its room in the window is given back by Session::consume().
  virtual void on_data(std::string_view data) noexcept = 0;
  /// The body is complete; its trailer fields, if any, have been dropped.
  virtual void on_end() noexcept = 0;
  /// The session has forgotten the stream, and calls this object no more. no_error: both sides have ended as they
  /// should. `by_client`: it was the client that reset it.
  virtual void on_close(ErrorCode code, bool by_client) noexcept = 0;

  /// Says how much of the body goes into the next frame, at most `room` bytes.
  virtual Chunk next_chunk(std::size_t room) noexcept = 0;
  /// Follows next_chunk() at once: appends `frame_head`, then exactly `size` bytes, or sees to it that they follow.
  /// False: they can't be had (nothing was appended), and the stream is reset. May throw std::bad_alloc.
  virtual bool write_chunk(std::string_view frame_head, std::size_t size, Buffer& out) = 0;

 protected:
  ~StreamHandler() = default;
};

/// Hears of what concerns the whole connection, under the rules of StreamHandler.
class SessionHandler {
 public:
  /// A request begins: who takes it. nullptr: nobody, and the client may try again elsewhere (REFUSED_STREAM).
  virtual StreamHandler* on_stream(StreamId id) noexcept = 0;
  /// A request was refused before anybody could take it: more are open than a client may have that has not yet
  /// acknowledged how many it may have.
  virtual void on_refused() noexcept = 0;
  /// A frame is about to be looked at, with all others that the same receive() brought. A text (static storage) says
  /// why the client is cut off with ENHANCE_YOUR_CALM, and none of them is looked at; empty: it goes on. A DATA frame
  /// that turns out to be nothing but padding comes again then, with length 0.
  virtual std::string_view on_frame(const FrameHeader& frame) noexcept = 0;
  /// The first SETTINGS of the client have come.
  virtual void on_settings() noexcept = 0;
  /// The answer to Session::ping().
  virtual void on_ping_answer() noexcept = 0;
  /// The connection is ended because of an error, which is ours (`code` internal_error) or the client's. `why` is for a
  /// person, and valid during the call.
  virtual void on_failure(ErrorCode code, std::string_view why) noexcept = 0;

 protected:
  ~SessionHandler() = default;
};

struct SessionOptions {
  std::uint32_t concurrent_streams = 128;
  std::uint32_t stream_window = 256 * 1024;       ///< Bytes of a body that may come before consume().
  std::uint32_t connection_window = 1024 * 1024;  ///< The same for all streams together.
  std::uint32_t header_list_bytes = 16 * 1024;    ///< What clients are told; RequestHead enforces its own.
  std::uint32_t continuations = 8;                ///< CONTINUATION frames of one head.
  bool extended_connect = false;                  ///< RFC 8441.
};

/// What is sent before the body. All texts must live until the frame has been produced or the stream is closed.
struct ResponseHead {
  http::Status status = http::Status::ok;
  const http::Headers* headers = nullptr;  ///< Those about framing and the connection are left out.
  std::string_view content_length;         ///< In digits; empty: not sent.
  std::string_view date;                   ///< Unless the headers have one; empty: not sent.
};

/// One connection. Not thread-safe. Its memory is the engine's (about 25 KB, most of it untouched while nothing is
/// sent), and comes from the thread's recycled blocks where it belongs to a stream.
class Session {
 public:
  /// Begins with our SETTINGS as the first output. Throws std::bad_alloc.
  Session(SessionHandler& handler, const SessionOptions& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Takes what was received, beginning with the client's preface, cut anywhere. False: the connection is of no more
  /// use; what is left to produce() may tell the client why.
  bool receive(std::string_view bytes) noexcept;
  /// Appends frames to `out` until they are `enough` bytes (or a frame more) or there is nothing to send. False:
  /// failed, close the connection.
  bool produce(Buffer& out, std::size_t enough) noexcept;
  /// Whether produce() might have something. (It may also turn out that all of it waits for windows.)
  [[nodiscard]] bool wants_output() const noexcept;
  /// Everything has been said and heard: close the connection when the output has gone.
  [[nodiscard]] bool over() const noexcept;

  // For a stream that is open. Nothing happens for one that is closed.

  /// Sends the head, once. `has_body`: next_chunk() is asked for what follows.
  void respond(StreamId id, const ResponseHead& head, bool has_body) noexcept;
  /// An interim response (1xx), before respond().
  void inform(StreamId id, http::Status status, const http::Headers* headers = nullptr) noexcept;
  /// There is something again after a Chunk::wait.
  void resume(StreamId id) noexcept;
  /// Ends it. on_close() follows when that has been sent.
  void reset(StreamId id, ErrorCode code) noexcept;
  /// `bytes` of its body have been worked off: the client may send as many more.
  void consume(StreamId id, std::size_t bytes) noexcept;
  /// Whether the client has left this stream no window, whatever it left the connection.
  [[nodiscard]] bool waits_for_window(StreamId id) const noexcept;

  /// Announces that the connection will end soon: GOAWAY with the highest stream id, which refuses nothing (RFC 9113
  /// section 6.8).
  void announce_end() noexcept;
  /// Asks for an answer; see on_ping_answer().
  void ping() noexcept;
  /// Takes no more requests: GOAWAY with the last one that was taken. Those go on.
  void end() noexcept;
  /// Ends everything now.
  void fail(ErrorCode code, std::string_view why) noexcept;

 private:
  struct Engine;
  struct Callbacks;
  std::unique_ptr<Engine> engine_;
};

}  // namespace weir::http2
