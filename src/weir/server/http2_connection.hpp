// Drives one HTTP/2 connection: a net::Stream on one side, http2's session and many exchanges on the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "weir/http2/session.hpp"
#include "weir/net/stream.hpp"
#include "weir/runtime/event_loop.hpp"
#include "weir/server/connection.hpp"
#include "weir/server/exchange.hpp"
#include "weir/server/http2_flood_guard.hpp"
#include "weir/server/http2_stream.hpp"
#include "weir/server/output_queue.hpp"
#include "weir/time/timer_wheel.hpp"

namespace weir::server {

class ExchangePool;
class Worker;

/// One connection, from the client's preface on. What one read brings is worked off request by request, and what is
/// answered in the meantime goes out in one write. Between requests the connection owns its session (see
/// http2::Session) and no buffer.
///
/// A drain is told in two steps (RFC 9113 section 6.8): a GOAWAY that refuses nothing, and after a round trip, in which
/// the requests arrive that were under way, the one that says where it ends.
class Http2Connection final : public Connection,
                              private net::StreamHandler,
                              private http2::SessionHandler,
                              private Timer,
                              private Deferred {
 public:
  /// `stream` has been read up to `input`, which goes to begin(). `local` outlives the worker's connections. Throws
  /// std::bad_alloc.
  Http2Connection(Worker& worker, std::unique_ptr<net::Stream> stream, Service& service,
                  const net::SocketAddress& local);
  ~Http2Connection() override;

  /// To be called once, when the worker has it.
  void begin(std::string_view input) noexcept;

  void drain() noexcept override;
  void close_now() noexcept override;

  // For its streams.

  [[nodiscard]] http2::Session& session() noexcept { return session_; }
  [[nodiscard]] Worker& worker() const noexcept { return worker_; }
  [[nodiscard]] Service& service() const noexcept { return service_; }
  [[nodiscard]] const ConnectionInfo& info() const noexcept { return info_; }
  [[nodiscard]] const Limits& limits() const noexcept;
  [[nodiscard]] EventLoop& loop() const noexcept;
  [[nodiscard]] ExchangePool& pool() const noexcept;
  [[nodiscard]] std::string_view date() const noexcept;
  /// There is something to send: at the end of this turn, with all else.
  void output_wanted() noexcept;
  /// Whether parts of files may go out behind the frames' heads by themselves: not through TLS, nor through memory.
  [[nodiscard]] bool sends_files() const noexcept { return sends_files_; }
  [[nodiscard]] OutputQueue& output() noexcept { return output_; }
  /// Bytes that the client has taken. Asks the kernel.
  [[nodiscard]] std::uint64_t delivered() const noexcept { return output_.delivered(*stream_); }
  void deliver_later(Http2Stream& stream) noexcept;
  void on_head_end() noexcept { head_open_ = false; }
  void on_stream_end() noexcept;
  /// A stream is dead().
  void bury(Http2Stream&) noexcept {
    some_dead_ = true;
    output_wanted();
  }
  /// A stream came to nothing, by the client's doing.
  void count_reset() noexcept;

 private:
  enum class State : std::uint8_t {
    open,
    lingering,  ///< All has been said; the client is read until it closes, or it might never see it.
    closed,
  };
  enum class Drain : std::uint8_t { none, announced, ended };

  // net::StreamHandler
  void on_readable() noexcept override;
  void on_writable() noexcept override;
  void on_hangup() noexcept override;
  // http2::SessionHandler
  http2::StreamHandler* on_stream(http2::StreamId id) noexcept override;
  void on_refused() noexcept override { count_reset(); }
  std::string_view on_frame(const http2::FrameHeader& frame) noexcept override;
  void on_settings() noexcept override;
  void on_ping_answer() noexcept override;
  void on_failure(http2::ErrorCode code, std::string_view why) noexcept override;
  // Timer, Deferred
  void on_timer() noexcept override;
  void on_deferred() noexcept override;

  void feed(std::string_view bytes) noexcept;
  void pump() noexcept;
  bool pump_once(std::uint64_t& budget) noexcept;
  bool settle_streams() noexcept;
  void reap() noexcept;
  void begin_drain() noexcept;
  void end_requests() noexcept;
  void say_the_last() noexcept;
  void linger() noexcept;
  void read_over() noexcept;
  void detach_streams(StopReason reason) noexcept;
  void destroy_soon(bool reset) noexcept;
  void update_interest() noexcept;
  void watch_output() noexcept;
  void update_timer() noexcept;
  [[nodiscard]] Instant next_due() const noexcept;
  [[nodiscard]] Instant idle_due() const noexcept;

  Worker& worker_;
  Service& service_;
  std::unique_ptr<net::Stream> stream_;
  net::SocketAddress peer_;
  ConnectionInfo info_;
  Http2FloodGuard guard_;
  http2::Session session_;
  OutputQueue output_;
  Http2Stream* first_ = nullptr;  // every stream, the dead ones too until reap()
  Http2Stream* first_ready_ = nullptr;
  Http2Stream** last_ready_ = &first_ready_;
  std::uint64_t requests_ = 0;
  std::uint64_t discarded_ = 0;
  std::uint64_t output_mark_ = 0;  // bytes that the client had taken when the watch of the output began
  Instant output_since_{};
  Instant idle_since_;
  Instant head_since_{};
  Instant drain_since_{};
  Instant linger_since_{};
  std::uint32_t open_ = 0;  // streams that the session knows
  std::uint32_t live_ = 0;  // and those whose exchange still runs
  State state_ = State::open;
  Drain drain_ = Drain::none;
  bool settled_ = false;    // the client's SETTINGS have come
  bool head_open_ = false;  // a request's head has begun
  bool watching_output_ = false;
  bool working_ = false;  // feed() or pump() is on the stack: it sees to the output
  bool more_ = false;     // output was wanted meanwhile
  bool some_dead_ = false;
  bool sends_files_;
};

}  // namespace weir::server
