// One request over HTTP/2 and its answer: between the session's stream and the exchange.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "weir/base/buffer.hpp"
#include "weir/base/recycle.hpp"
#include "weir/http2/session.hpp"
#include "weir/net/stream.hpp"
#include "weir/server/exchange.hpp"
#include "weir/time/timer_wheel.hpp"

namespace weir::server {

class Http2Connection;
class Http2Tunnel;

/// Owned by its connection, from the begin of the request's head until both the session has forgotten the stream and
/// the exchange is over: a handler that does not notice at once that its client has gone keeps it.
///
/// What arrives of the body waits here until the handler pulls it, and only then may the client send as much again.
/// What is answered stays here (moved, not copied) until it has been put into frames.
class Http2Stream final : public http2::StreamHandler, private ExchangePort, private Timer {
 public:
  Http2Stream(Http2Connection& connection, http2::StreamId id, Exchange& exchange) noexcept;
  ~Http2Stream() override;
  static void* operator new(std::size_t size) { return recycle::allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { recycle::deallocate(memory, size); }

  // For the connection.

  /// After what was received has been looked at: tells the handler that there is more of the body.
  void deliver() noexcept;
  /// After each round of output: writers go on, stalls are watched, a finished answer ends the stream.
  void settle() noexcept;
  /// The connection is gone.
  void detach(StopReason reason) noexcept;
  /// After detach(), when the client can still be told: it is, unless this was a tunnel that has ended, whose last
  /// bytes leave.
  void cut() noexcept;
  /// Nobody needs it any more.
  [[nodiscard]] bool dead() const noexcept { return closed_ && exchange_ == nullptr && tunnel_ == nullptr; }

  // For the tunnel that an extended CONNECT has become (RFC 8441): the stream's DATA frames, both ways.

  [[nodiscard]] Http2Connection& connection() const noexcept { return connection_; }
  net::IoResult take(std::span<char> into) noexcept;
  net::IoResult put(std::span<const iovec> pieces) noexcept;
  [[nodiscard]] bool broken() const noexcept { return closed_ || reset_; }
  [[nodiscard]] bool readable() const noexcept { return !arriving_.empty() || request_ended_ || broken(); }
  [[nodiscard]] bool writable() const noexcept;
  [[nodiscard]] std::size_t unsent() const noexcept { return waiting().size(); }
  void end_output() noexcept;
  /// The tunnel goes. `reset`: what waits is thrown away.
  void leave_tunnel(bool reset) noexcept;

 private:
  friend class Http2Connection;

  // http2::StreamHandler
  http2::RequestHead& head() noexcept override { return head_; }
  void on_head(bool end) noexcept override;
  void on_data(std::string_view data) noexcept override;
  void on_end() noexcept override;
  void on_close(http2::ErrorCode code, bool by_client) noexcept override;
  http2::Chunk next_chunk(std::size_t room) noexcept override;
  bool write_chunk(std::string_view frame_head, std::size_t size, Buffer& out) override;
  // ExchangePort
  BodyPiece pull_body(Exchange& exchange) noexcept override;
  void send_interim(Exchange& exchange, http::Status status, const http::Headers& headers) override;
  void send_response(Exchange& exchange, http::Response& response) noexcept override;
  bool write_body(Exchange& exchange, std::string_view data) override;
  bool write_body_file(Exchange& exchange, http::FileBody file) override;
  bool flush_body(Exchange& exchange) noexcept override;
  void end_body(Exchange& exchange, const http::Headers* trailers) noexcept override;
  void abort_response(Exchange& exchange) noexcept override;
  void let_go(Exchange& exchange) noexcept override;
  void release_exchange(Exchange& exchange) noexcept override;
  // Timer
  void on_timer() noexcept override;

  enum class Wait : std::uint8_t { none, room, empty };

  void refuse(http::Status status) noexcept;
  void reset(http2::ErrorCode code) noexcept;
  void cancel(StopReason reason) noexcept;
  void forget_exchange() noexcept;
  bool write_file_chunk(std::string_view frame_head, std::size_t size, Buffer& out);
  bool file_reaches(std::uint64_t end) noexcept;
  void drop_file();
  void send_tunnel(Exchange& exchange, http::Response& response) noexcept;
  void begin_tunnel() noexcept;
  void send_head(http::Status status, bool has_body, std::optional<std::uint64_t> length) noexcept;
  void wake_output() noexcept;
  void watch_stall() noexcept;
  /// What is there of the body of the answer, in memory.
  [[nodiscard]] std::string_view waiting() const noexcept {
    return whole_.empty() ? written_.view().substr(written_sent_) : whole_;
  }
  [[nodiscard]] bool has_output() const noexcept { return !waiting().empty() || file_.has_value(); }
  /// Everything is in frames, and they have been written. Other streams' may wait behind them: there may always be
  /// some.
  [[nodiscard]] bool flushed() const noexcept;

  Http2Connection& connection_;
  Exchange* exchange_;
  http2::RequestHead head_;

  Buffer arriving_;  // of the request's body: what was not pulled yet
  Buffer given_;     // and what the last pull gave

  http::Response response_;  // what the frames are made of
  std::string_view whole_;   // what is left of its body, when that lies in memory
  Buffer written_;           // what a streamed body has written
  std::size_t written_sent_ = 0;
  std::optional<http::FileBody> file_;
  std::uint64_t file_offset_ = 0;
  std::uint64_t file_left_ = 0;
  std::uint64_t file_seen_ = 0;     // how far it reached when it was looked at last
  std::uint64_t file_seen_at_ = 0;  // and what the connection had written then

  std::unique_ptr<Upgrade> upgrade_;  // gets the tunnel when the exchange is over
  Http2Tunnel* tunnel_ = nullptr;

  std::uint64_t received_ = 0;  // bytes of bodies
  std::uint64_t sent_ = 0;
  std::uint64_t frames_end_ = 0;       // bytes that the connection will have written with the last DATA frame
  std::uint64_t stall_mark_ = 0;       // received_ + sent_ when the watch of stalls began
  std::uint64_t stall_delivered_ = 0;  // and what the client had taken of the whole connection then
  Instant stall_since_{};

  Http2Stream* previous_ = nullptr;  // the connection's list
  Http2Stream* next_ = nullptr;
  Http2Stream* next_ready_ = nullptr;
  http2::StreamId id_;
  Wait wait_ = Wait::none;  // what the writer of the body waits for
  std::array<char, 20> length_text_;
  bool begun_ = false;          // the service knows of the exchange
  bool request_ended_ = false;  // the client has sent all of it
  bool body_wait_ = false;      // somebody waits for more of the body
  bool ready_ = false;          // in the connection's list of streams to deliver()
  bool continue_due_ = false;   // the client waits for 100 Continue
  bool tunnels_ = false;        // the answer has made it a tunnel
  bool deferred_ = false;       // the session waits for resume()
  bool ended_ = false;          // no more of the answer will come
  bool output_done_ = false;    // all of it is in frames
  bool reset_ = false;          // we have ended the stream, or the connection is ending
  bool closed_ = false;         // the session has forgotten it
};

}  // namespace weir::server
