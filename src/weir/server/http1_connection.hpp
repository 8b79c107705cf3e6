// Drives one HTTP/1.x connection: a Stream on one side, http1's parser and serializer and one exchange on the other.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "weir/base/buffer.hpp"
#include "weir/http1/parser.hpp"
#include "weir/net/stream.hpp"
#include "weir/runtime/event_loop.hpp"
#include "weir/server/connection.hpp"
#include "weir/server/exchange.hpp"
#include "weir/server/output_queue.hpp"
#include "weir/time/timer_wheel.hpp"

namespace weir::server {

class Worker;

/// One connection. Requests are served one after the other (RFC 9112 section 9.3.2): pipelined ones wait in the receive
/// buffer, and what they answer goes out in one write. Between requests the connection owns no buffer and no exchange.
///
/// The buffer is read into behind what is not parsed yet, and parsed in place; a request's views point into it until
/// its exchange is over.
class Http1Connection final : public Connection,
                              private net::StreamHandler,
                              private ExchangePort,
                              private Timer,
                              private Deferred {
 public:
  Http1Connection(Worker& worker, std::unique_ptr<net::Stream> stream, Service& service,
                  const net::SocketAddress& local) noexcept;
  ~Http1Connection() override;

  void drain() noexcept override;
  void close_now() noexcept override;

 private:
  enum class State : std::uint8_t {
    head,       ///< Between requests, or in the head of one.
    exchange,   ///< A request is being answered.
    discard,    ///< It is answered; the rest of its body is read and dropped.
    closing,    ///< The last answer goes out.
    upgrading,  ///< The head of a 101 goes out; then another protocol has the stream.
    lingering,  ///< It has gone out; the client is read until it closes, or it might never see the answer.
    closed,
  };

  // net::StreamHandler
  void on_readable() noexcept override;
  void on_writable() noexcept override;
  void on_hangup() noexcept override;
  void on_peer_closed() noexcept override;
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
  // Timer, Deferred
  void on_timer() noexcept override;
  void on_deferred() noexcept override;

  // Life, in http1_connection.cpp
  void begin_exchange(std::size_t head_size) noexcept;
  void end_exchange() noexcept;
  void detach_exchange(StopReason reason) noexcept;
  void become_http2() noexcept;
  void hand_over() noexcept;
  void refuse(http::Status status, std::string_view why) noexcept;
  void begin_closing() noexcept;
  void linger_or_close() noexcept;
  void destroy_soon(bool reset) noexcept;

  // Input, in http1_connection_input.cpp
  enum class Fill : std::uint8_t { some, blocked, ended, failed };
  Fill fill(std::size_t room) noexcept;
  void meet_peer() noexcept;
  [[nodiscard]] std::string_view unparsed() const noexcept {
    return {input_.data() + input_begin_, input_.size() - input_begin_};
  }
  void process() noexcept;
  void parse_requests() noexcept;
  bool parse_head() noexcept;
  enum class Speaks : std::uint8_t { http1, http2, perhaps_http2, tls, nothing };
  [[nodiscard]] Speaks protocol_of_client() const noexcept;
  bool discard_body() noexcept;
  [[nodiscard]] bool request_arrived() const noexcept;
  BodyPiece body_failed(http1::ParseError error) noexcept;
  void store_input() noexcept;
  void update_interest() noexcept;

  // Output, in http1_connection_output.cpp
  [[nodiscard]] bool may_keep_alive(const Exchange& exchange) const noexcept;
  void send_switch(Exchange& exchange, http::Response& response);
  bool flush() noexcept;
  void flush_later() noexcept;

  // Time, in http1_connection_time.cpp
  void set_timer(Instant due) noexcept;
  void watch_stall() noexcept;
  [[nodiscard]] std::uint64_t moved_since_watch() const noexcept;
  void output_left() noexcept;
  void count_moved() noexcept;
  bool had_its_turn() noexcept;

  Worker& worker_;
  Service& service_;
  std::unique_ptr<net::Stream> stream_;
  net::SocketAddress peer_;  // empty until the first bytes have come
  ConnectionInfo info_;
  http1::RequestParser parser_;
  http1::RequestHead head_;
  Exchange* exchange_ = nullptr;  // from the first byte of a head to the end of its exchange
  Buffer input_;                  // [input_begin_, size()) is not parsed yet
  std::size_t input_begin_ = 0;
  OutputQueue output_;
  std::unique_ptr<Upgrade> upgrade_;   // what gets the stream when the 101 has been written
  Instant due_ = Instant::max();       // what the timer is for; it may be armed for earlier
  Instant stall_since_{};              // begin of the current stall window, while something is expected to move
  std::uint64_t stall_received_ = 0;   // bytes read at its begin
  std::uint64_t stall_delivered_ = 0;  // bytes that the client had taken at its begin
  std::uint64_t received_ = 0;         // bytes read from the stream
  std::uint64_t requests_ = 0;
  std::uint64_t discarded_ = 0;
  std::uint64_t turn_ = 0;       // the loop's turn that turn_mark_ is of
  std::uint64_t turn_mark_ = 0;  // bytes moved at its begin
  std::uint64_t moved_ = 0;      // bytes moved when they were last counted
  State state_ = State::head;
  bool keep_alive_ = true;
  bool chunked_ = false;       // the streamed response uses the chunked coding
  bool continue_due_ = false;  // the client waits for 100 Continue
  bool peer_closed_ = false;   // its end has been read
  bool processing_ = false;    // process() is on the stack: it flushes
  bool body_wait_ = false;     // somebody waits for more of the body
  bool stalled_watch_ = false;
};

}  // namespace weir::server
