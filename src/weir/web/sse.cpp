#include "weir/web/sse.hpp"

#include <charconv>

namespace weir {

namespace {

constexpr std::string_view keep_alive_comment = ":\n\n";

bool one_line(std::string_view text) noexcept {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void write_field(std::string_view name, std::string_view value, Buffer& out) {
  out.append(name);
  out.append(": ");
  out.append(value);
  out.push_back('\n');
}

/// A field for each line; CR LF, CR and LF end one.
void write_lines(std::string_view name, std::string_view text, Buffer& out) {
  for (;;) {
    const std::size_t end = text.find_first_of("\r\n");
    write_field(name, text.substr(0, end), out);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
  }
}

void write_retry(std::chrono::milliseconds retry, Buffer& out) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, retry.count() < 0 ? 0 : retry.count()).ptr;
  write_field("retry", {digits, static_cast<std::size_t>(end - digits)}, out);
}

Task<Result<void>> failed(Errc code, const char* message) {
  co_return fail(code, message);
}

}  // namespace

EventStream::EventStream(Context& ctx, http::BodyWriter& out, const SseOptions& options)
    : ctx_(ctx),
      out_(out),
      keep_alive_(options.keep_alive),
      last_write_(ctx.now()),
      gone_(ctx.stop_token(), Stopper{this, StopReason::gone}),
      drained_(ctx.drain_token(), Stopper{this, StopReason::shutdown}) {
  arm_keep_alive();
}

Task<Result<void>> EventStream::send(const SseEvent& event) {
  if (!open()) return failed(Errc::cancelled, "the stream of events has ended");
  if (!one_line(event.event) || !one_line(event.id)) {
    return failed(Errc::invalid_argument, "the type and the id of an event must not have line breaks");
  }
  text_.clear();
  if (!event.event.empty()) write_field("event", event.event, text_);
  if (!event.id.empty()) write_field("id", event.id, text_);
  if (event.retry) write_retry(*event.retry, text_);
  // Clients drop an event without data, whatever its type.
  if (!event.data.empty() || !event.event.empty()) write_lines("data", event.data, text_);
  text_.push_back('\n');
  return write();
}

Task<Result<void>> EventStream::comment(std::string_view text) {
  if (!open()) return failed(Errc::cancelled, "the stream of events has ended");
  text_.clear();
  write_lines("", text, text_);
  text_.push_back('\n');
  return write();
}

Task<Result<void>> EventStream::write() {
  last_write_ = ctx_.now();
  return out_.write(text_.view());
}

void EventStream::arm_keep_alive() noexcept {
  if (keep_alive_ > Duration::zero()) ctx_.loop().arm(*this, last_write_ + keep_alive_);
}

void EventStream::on_timer() noexcept {
  const Instant now = ctx_.now();
  if (now - last_write_ >= keep_alive_) {
    last_write_ = now;
    try {
      static_cast<void>(out_.offer(keep_alive_comment));
    } catch (const std::bad_alloc&) {  // The next one may fit.
    }
  }
  if (open()) arm_keep_alive();
}

EventStreamResponse sse(std::move_only_function<Task<Result<void>>(EventStream&)> run, SseOptions options) {
  return {std::move(run), options};
}

EventStreamResponse sse(Broadcast<SseMessage>& broadcast, SseOptions options) {
  return sse(
      [&broadcast](EventStream& events) -> Task<Result<void>> {
        std::uint64_t last = 0;
        const std::string_view seen = events.last_event_id();
        const auto read = std::from_chars(seen.data(), seen.data() + seen.size(), last);
        const bool resumes = !seen.empty() && read.ec == std::errc{} && read.ptr == seen.data() + seen.size();
        auto subscription = broadcast.subscribe(resumes ? std::optional(last) : std::nullopt);
        for (;;) {
          auto message = co_await subscription.next(events.stop());
          if (!message) {
            // Closed: everything has been said.
            if (message.error().code() == Errc::out_of_range) co_return Result<void>{};
            co_return fail(std::move(message.error()));
          }
          char digits[24];
          const char* end = std::to_chars(digits, digits + sizeof digits, message->number).ptr;
          const SseEvent event{.event = (*message)->event,
                               .data = (*message)->data,
                               .id = {digits, static_cast<std::size_t>(end - digits)},
                               .retry = {}};
          Result<void> sent = co_await events.send(event);
          if (!sent) co_return sent;
        }
      },
      options);
}

Response to_response(Context& ctx, EventStreamResponse stream) {
  http::StreamBody body;
  // The context lives until the exchange is over, and that waits for this coroutine.
  body.write = [&ctx, stream = std::move(stream)](http::BodyWriter& out) mutable -> Task<Result<void>> {
    EventStream events(ctx, out, stream.options);
    if (stream.options.retry) {
      const SseEvent first{.event = {}, .data = {}, .id = {}, .retry = stream.options.retry};
      [[maybe_unused]] const Result<void> sent = co_await events.send(first);  // What runs now finds out as well.
    }
    Task<Result<void>> task = stream.run(events);
    Result<void> result = co_await std::move(task);
    // A drain is no failure: the body ends as it should, and nobody sees a connection cut.
    if (events.stop().reason() == StopReason::shutdown && !ctx.stop_token().stop_requested()) co_return Result<void>{};
    co_return result;
  };
  Response response(Status::ok, http::Body(std::move(body)));
  response.headers.set_static(HeaderId::content_type, "text/event-stream");
  response.headers.set_static(HeaderId::cache_control, "no-cache");
  response.headers.set("X-Accel-Buffering", "no");  // nginx must not gather events
  return response;
}

void detail::describe_event_stream(OperationDoc& doc) {
  doc.response(Status::ok).contents.push_back({"text/event-stream", nullptr});
}

}  // namespace weir
