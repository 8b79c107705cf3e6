// Server-sent events (WHATWG HTML, section 9.2): a response that goes on for as long as there is something to tell.
//
//   app.get("/clock", [] {
//     return weir::sse([](weir::EventStream& events) -> weir::Task<weir::Result<void>> {
//       for (int n = 0;; ++n) {
//         auto sent = co_await events.send({.event = "tick", .data = "…"});
//         if (!sent) co_return sent;
//         auto slept = co_await events.sleep(1s);
//         if (!slept) co_return slept;
//       }
//     });
//   });
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "weir/base/buffer.hpp"
#include "weir/coro/stop.hpp"
#include "weir/coro/task.hpp"
#include "weir/http/message.hpp"
#include "weir/web/broadcast.hpp"
#include "weir/web/context.hpp"
#include "weir/web/respond.hpp"

namespace weir {

/// One event. The views must stay valid until send() has completed.
struct SseEvent {
  std::string_view event;  ///< Its type; empty: "message". Without line breaks.
  std::string_view data;   ///< May have several lines: CR LF, CR and LF all arrive as LF.
  std::string_view id;     ///< What the client sends back as Last-Event-ID. Without line breaks and NUL.
  std::optional<std::chrono::milliseconds> retry;  ///< How long the client waits before it connects again.
};

struct SseOptions {
  /// A comment is sent when nothing else was for so long, so that proxies do not take the stream for dead, and clients
  /// that are gone are noticed. 0: never.
  Duration keep_alive = std::chrono::seconds(15);
  /// Sent first: how long the client waits before it connects again.
  std::optional<std::chrono::milliseconds> retry;
};

/// The open stream, for the function given to sse(). Belongs to the loop of its request and lives until that function
/// has ended. One coroutine uses it at a time.
class EventStream final : private Timer {
 public:
  EventStream(Context& ctx, http::BodyWriter& out, const SseOptions& options);
  ~EventStream() override = default;
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  /// Completes when the event is on its way: a slow client makes the sender wait. Errors: cancelled (see stop());
  /// invalid_argument for a line break in `event` or `id`, and then nothing was sent.
  [[nodiscard]] Task<Result<void>> send(const SseEvent& event);
  /// A line that clients leave out.
  [[nodiscard]] Task<Result<void>> comment(std::string_view text);
  /// `auto slept = co_await events.sleep(1s);`: an error (cancelled) when the stream stops meanwhile.
  [[nodiscard]] auto sleep(Duration duration) noexcept { return ctx_.loop().sleep(duration, stop()); }

  /// Stops when the client is gone, and when the server drains: a stream has no end of its own that a drain could wait
  /// for. Return then; the client connects again by itself, to another server.
  [[nodiscard]] StopToken stop() noexcept { return ended_.token(); }
  [[nodiscard]] bool open() const noexcept { return !ended_.stop_requested(); }
  /// What the client saw last, from the request's Last-Event-ID; empty on its first connection.
  [[nodiscard]] std::string_view last_event_id() const noexcept { return ctx_.header(HeaderId::last_event_id); }
  [[nodiscard]] Context& context() const noexcept { return ctx_; }

 private:
  struct Stopper {
    EventStream* stream;
    StopReason reason;
    void operator()() const noexcept { stream->ended_.request_stop(reason); }
  };
  void on_timer() noexcept override;
  void arm_keep_alive() noexcept;
  [[nodiscard]] Task<Result<void>> write();

  Context& ctx_;
  http::BodyWriter& out_;
  Duration keep_alive_;
  Instant last_write_;
  Buffer text_;
  StopSource ended_;
  StopCallback<Stopper> gone_;
  StopCallback<Stopper> drained_;
};

/// What sse() returns and handlers return: becomes a response with text/event-stream.
struct EventStreamResponse {
  std::move_only_function<Task<Result<void>>(EventStream&)> run;
  SseOptions options;
};

/// An answer that `run` writes, event by event. It is called once, after the head has been sent, and kept until its
/// task has ended: a lambda coroutine with captures is safe here. An error that it returns while the stream is open
/// cuts the connection; the client connects again.
[[nodiscard]] EventStreamResponse sse(std::move_only_function<Task<Result<void>>(EventStream&)> run,
                                      SseOptions options = {});
/// Everything that is published from now on, and what the client has missed since its Last-Event-ID as far as the
/// broadcast's history goes. `events` must outlive the server.
[[nodiscard]] EventStreamResponse sse(Broadcast<SseMessage>& events, SseOptions options = {});

/// For handlers that make a Response by hand.
[[nodiscard]] Response to_response(Context& ctx, EventStreamResponse stream);

namespace detail {
void describe_event_stream(OperationDoc& doc);

template <>
struct Responder<EventStreamResponse> {
  static Response respond(Context& ctx, EventStreamResponse&& stream) { return to_response(ctx, std::move(stream)); }
  static void describe(OperationDoc& doc) { describe_event_stream(doc); }
};
}  // namespace detail

}  // namespace weir
