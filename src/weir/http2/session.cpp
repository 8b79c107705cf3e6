#include "weir/http2/session.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <span>
#include <stdexcept>
#include <utility>

#include <nghttp2/nghttp2.h>

#include "weir/http2/detail/frame_scanner.hpp"
#include "weir/http2/detail/memory.hpp"
#include "weir/http2/detail/response_fields.hpp"

namespace weir::http2 {

namespace {

constexpr std::size_t frame_header_bytes = 9;

/// Trailers this many times over what clients are told are not read to their end.
constexpr std::size_t hopeless = 8;

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(bytes), size};
}

std::string_view text_of(nghttp2_rcbuf* buffer) noexcept {
  const nghttp2_vec bytes = nghttp2_rcbuf_get_buf(buffer);
  return text_of(bytes.base, bytes.len);
}

}  // namespace

struct Session::Engine final : detail::FrameObserver {
  explicit Engine(SessionHandler& to) noexcept : handler(to) {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() { nghttp2_session_del(raw); }

  /// Whether frames of a stream that is gone may still come, because the client cannot know yet (RFC 9113 section 5.1).
  [[nodiscard]] bool lately_reset(StreamId id) const noexcept {
    return id <= forgotten || std::ranges::find(resets, id) != resets.end();
  }
  std::string_view on_frame(const FrameHeader& frame) noexcept override { return handler.on_frame(frame); }
  [[nodiscard]] bool ended(StreamId id) const noexcept override {
    return id <= highest && find(id) == nullptr && !lately_reset(id);
  }
  /// A stream that ends by our will: what the client has sent already is skipped. Refused ones count from when they are
  /// refused, not from when that is sent: nobody has them, and their bodies may be in the next read.
  void note_reset(StreamId id) noexcept {
    if (lately_reset(id)) return;
    StreamId& slot = resets[next_reset++ % resets.size()];
    forgotten = std::max(forgotten, std::exchange(slot, id));
  }
  [[nodiscard]] StreamHandler* find(StreamId id) const noexcept {
    return static_cast<StreamHandler*>(nghttp2_session_get_stream_user_data(raw, id));
  }
  void report(ErrorCode code, std::string_view why) noexcept {
    if (reported) return;
    reported = true;
    handler.on_failure(code, why);
  }
  void terminate(ErrorCode code, std::string_view why) noexcept {
    failed = true;
    static_cast<void>(nghttp2_session_terminate_session(raw, static_cast<std::uint32_t>(code)));
    report(code, why);
  }
  /// What a callback returns: goes on, or leaves receive() at once. produce() always goes on: it tells the client why.
  [[nodiscard]] int verdict() const noexcept { return failed && out == nullptr ? NGHTTP2_ERR_CALLBACK_FAILURE : 0; }
  /// For calls that fail only without memory, or when the stream is closed already, which is no failure.
  void check(int result) noexcept {
    if (nghttp2_is_fatal(result) != 0) failed = true;
  }

  SessionHandler& handler;
  nghttp2_session* raw = nullptr;
  StreamHandler* heading = nullptr;  // whose request fields are being received
  Buffer* out = nullptr;             // of the produce() that runs
  std::size_t enough = 0;
  std::size_t produced = 0;  // by the produce() that runs
  detail::FrameScanner scanner;
  std::array<StreamId, 128> resets{};  // the streams that we reset last, in a ring
  std::size_t next_reset = 0;
  StreamId forgotten = 0;  // of those before: they, and what is older, are given the benefit of the doubt
  StreamId reset_by_client = 0;
  StreamId highest = 0;                                        // of the streams that the client has opened
  StreamId last_taken = std::numeric_limits<StreamId>::max();  // what our GOAWAY says; those beyond are skipped
  std::size_t most_trailers = 0;                               // bytes of fields of one trailer section
  std::size_t trailers = 0;                                    // those of the one that is being received
  bool settled = false;                                        // the client's first SETTINGS have come
  bool failed = false;                                         // receive() and produce() say so
  bool reported = false;                                       // on_failure() was called
};

/// nghttp2's callbacks. `user` is the Engine.
struct Session::Callbacks {
  static Engine& engine(void* user) noexcept { return *static_cast<Engine*>(user); }

  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* frame, void* user) noexcept {
    Engine& self = engine(user);
    if (frame->type != NGHTTP2_HEADERS || frame->stream_id > self.last_taken) return self.verdict();
    if (frame->stream_id > self.highest) {
      self.highest = frame->stream_id;
    } else if (self.ended(frame->stream_id)) {
      // nghttp2 would skip it: the stream has ended, or was left out and never may be opened (RFC 9113 section 5.1.1).
      self.terminate(ErrorCode::protocol_error, "HEADERS of a stream that has ended");
    }
    return self.verdict();
  }

  static int on_begin_headers(nghttp2_session* raw, const nghttp2_frame* frame, void* user) noexcept {
    Engine& self = engine(user);
    self.heading = nullptr;
    self.trailers = 0;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    // Behind our last GOAWAY, which may not have left yet, the client sends again elsewhere what it takes for unserved.
    const bool taken = frame->hd.stream_id <= self.last_taken;
    StreamHandler* const stream = taken ? self.handler.on_stream(frame->hd.stream_id) : nullptr;
    if (self.failed) return self.verdict();
    if (stream == nullptr) {
      self.check(nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM));
      self.note_reset(frame->hd.stream_id);
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    self.check(nghttp2_session_set_stream_user_data(raw, frame->hd.stream_id, stream));
    self.heading = stream;
    return self.verdict();
  }

  static int on_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf* name, nghttp2_rcbuf* value, std::uint8_t,
                       void* user) noexcept {
    Engine& self = engine(user);
    if (self.heading == nullptr) {
      // Nobody wants them, but one byte of a compressed block may be kilobytes of fields to be looked through.
      self.trailers += text_of(name).size() + text_of(value).size();
      if (self.trailers > self.most_trailers) {
        self.terminate(ErrorCode::enhance_your_calm, "a trailer section is far too large");
      }
    } else if (!self.heading->head().add(text_of(name), text_of(value))) {
      self.terminate(ErrorCode::enhance_your_calm, "a request head is far too large");
    }
    return self.verdict();
  }

  // A field that is no field: the request is malformed (RFC 9113 section 8.1.1).
  static int on_invalid_header(nghttp2_session* raw, const nghttp2_frame* frame, nghttp2_rcbuf*, nghttp2_rcbuf*,
                               std::uint8_t, void* user) noexcept {
    engine(user).check(nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_PROTOCOL_ERROR));
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  // What nghttp2 resets by itself. Streams that somebody has taken hear of it when they close.
  static int on_invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int error, void* user) noexcept {
    Engine& self = engine(user);
    if (self.find(frame->hd.stream_id) == nullptr) {
      self.note_reset(frame->hd.stream_id);
      if (error == NGHTTP2_ERR_REFUSED_STREAM) self.handler.on_refused();
    }
    return self.verdict();
  }

  static int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    Engine& self = engine(user);
    const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    // The frame's header told nothing of it (RFC 9113 section 10.5: empty frames).
    if (frame->hd.type == NGHTTP2_DATA && !end && frame->hd.length != 0 && frame->hd.length == frame->data.padlen) {
      const std::string_view why = self.handler.on_frame({FrameType::data, frame->hd.flags, frame->hd.stream_id, 0});
      if (!why.empty()) self.terminate(ErrorCode::enhance_your_calm, why);
    }
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
          if (self.heading != nullptr) std::exchange(self.heading, nullptr)->on_head(end);
          break;
        }
        [[fallthrough]];
      case NGHTTP2_DATA:
        if (end) {
          if (StreamHandler* stream = self.find(frame->hd.stream_id)) stream->on_end();
        }
        break;
      case NGHTTP2_SETTINGS:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0 && !self.settled) {
          self.settled = true;
          self.handler.on_settings();
        }
        break;
      case NGHTTP2_RST_STREAM:
        self.reset_by_client = frame->hd.stream_id;
        break;
      case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) self.handler.on_ping_answer();
        break;
      default:
        break;
    }
    return self.verdict();
  }

  static int on_data_chunk(nghttp2_session*, std::uint8_t, StreamId id, const std::uint8_t* data, std::size_t size,
                           void* user) noexcept {
    Engine& self = engine(user);
    if (StreamHandler* stream = self.find(id)) {
      stream->on_data(text_of(data, size));
    } else {
      self.check(nghttp2_session_consume(self.raw, id, size));
    }
    return self.verdict();
  }

  static int on_stream_close(nghttp2_session*, StreamId id, std::uint32_t code, void* user) noexcept {
    Engine& self = engine(user);
    StreamHandler* const stream = self.find(id);
    if (stream == nullptr) return 0;
    if (self.heading == stream) self.heading = nullptr;
    stream->on_close(static_cast<ErrorCode>(code), id == self.reset_by_client);
    return self.verdict();
  }

  // The connection errors that nghttp2 finds by itself show here.
  static int on_frame_send(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
      engine(user).note_reset(frame->hd.stream_id);
    } else if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
      engine(user).report(static_cast<ErrorCode>(frame->goaway.error_code),
                          text_of(frame->goaway.opaque_data, frame->goaway.opaque_data_len));
    }
    return 0;
  }

  static ssize_t read_body(nghttp2_session* raw, StreamId id, std::uint8_t*, std::size_t room, std::uint32_t* flags,
                           nghttp2_data_source* source, void* user) noexcept try {
    Engine& self = engine(user);
    if (self.produced >= self.enough) return NGHTTP2_ERR_PAUSE;
    const Chunk chunk = static_cast<StreamHandler*>(source->ptr)->next_chunk(room);
    if (chunk.failed) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (chunk.wait) return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (chunk.last) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (chunk.trailers != nullptr) {
        detail::FieldList fields;
        fields.add_trailers(*chunk.trailers);
        if (!fields.view().empty()) {
          *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
          self.check(nghttp2_submit_trailer(raw, id, fields.view().data(), fields.view().size()));
        }
      }
    }
    return static_cast<ssize_t>(chunk.size);
  } catch (const std::bad_alloc&) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int send_data(nghttp2_session*, nghttp2_frame*, const std::uint8_t* head, std::size_t size,
                       nghttp2_data_source* source, void* user) noexcept try {
    Engine& self = engine(user);
    if (!static_cast<StreamHandler*>(source->ptr)->write_chunk(text_of(head, frame_header_bytes), size, *self.out)) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    self.produced += frame_header_bytes + size;
    return self.produced >= self.enough ? NGHTTP2_ERR_PAUSE : 0;
  } catch (const std::bad_alloc&) {
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  /// The same for all sessions; made once, never changed.
  static const nghttp2_session_callbacks* table() {
    static const nghttp2_session_callbacks* const callbacks = [] {
      nghttp2_session_callbacks* made = nullptr;
      if (nghttp2_session_callbacks_new(&made) != 0) throw std::bad_alloc();
      nghttp2_session_callbacks_set_on_begin_frame_callback(made, on_begin_frame);
      nghttp2_session_callbacks_set_on_begin_headers_callback(made, on_begin_headers);
      nghttp2_session_callbacks_set_on_header_callback2(made, on_header);
      nghttp2_session_callbacks_set_on_invalid_header_callback2(made, on_invalid_header);
      nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(made, on_invalid_frame);
      nghttp2_session_callbacks_set_on_frame_recv_callback(made, on_frame_recv);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, on_data_chunk);
      nghttp2_session_callbacks_set_on_stream_close_callback(made, on_stream_close);
      nghttp2_session_callbacks_set_on_frame_send_callback(made, on_frame_send);
      nghttp2_session_callbacks_set_send_data_callback(made, send_data);
      return made;
    }();
    return callbacks;
  }
};

Session::Session(SessionHandler& handler, const SessionOptions& options) : engine_(std::make_unique<Engine>(handler)) {
  engine_->most_trailers = hopeless * options.header_list_bytes;
  nghttp2_option* chosen = nullptr;
  if (nghttp2_option_new(&chosen) != 0) throw std::bad_alloc();
  nghttp2_option_set_no_auto_window_update(chosen, 1);
  nghttp2_option_set_no_closed_streams(chosen, 1);
  nghttp2_option_set_builtin_recv_extension_type(chosen, NGHTTP2_PRIORITY_UPDATE);
  nghttp2_option_set_max_continuations(chosen, options.continuations);
  // The server keeps its own count of resets, with its own clock.
  nghttp2_option_set_stream_reset_rate_limit(chosen, 1'000'000'000, 1'000'000'000);
  const int made =
      nghttp2_session_server_new3(&engine_->raw, Callbacks::table(), engine_.get(), chosen, detail::recycled_memory());
  nghttp2_option_del(chosen);
  if (made != 0) throw std::bad_alloc();

  std::array<nghttp2_settings_entry, 5> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.concurrent_streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options.header_list_bytes},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
  }};
  const std::size_t count = settings.size() - (options.extended_connect ? 0 : 1);
  if (nghttp2_submit_settings(engine_->raw, NGHTTP2_FLAG_NONE, settings.data(), count) != 0 ||
      nghttp2_session_set_local_window_size(engine_->raw, NGHTTP2_FLAG_NONE, 0,
                                            static_cast<std::int32_t>(options.connection_window)) != 0) {
    throw std::bad_alloc();
  }
}

Session::~Session() = default;

bool Session::receive(std::string_view bytes) noexcept {
  if (engine_->failed) return false;
  if (const auto broken = engine_->scanner.scan(bytes, *engine_); !broken.why.empty()) {
    engine_->terminate(broken.code, broken.why);
    return false;
  }
  const ssize_t result =
      nghttp2_session_mem_recv(engine_->raw, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (result >= 0) return true;
  engine_->failed = true;
  switch (result) {
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
      engine_->terminate(ErrorCode::protocol_error, "the first bytes are no HTTP/2 preface");
      break;
    case NGHTTP2_ERR_FLOODED:
      engine_->terminate(ErrorCode::enhance_your_calm, "answers to SETTINGS and PING are not read");
      break;
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
      engine_->terminate(ErrorCode::enhance_your_calm, "CONTINUATION flood");
      break;
    default:
      engine_->terminate(ErrorCode::internal_error, nghttp2_strerror(static_cast<int>(result)));
      break;
  }
  return false;
}

bool Session::produce(Buffer& out, std::size_t enough) noexcept try {
  Engine& self = *engine_;
  self.out = &out;
  self.enough = enough;
  self.produced = 0;
  while (self.produced < enough) {
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(self.raw, &data);
    if (size < 0) {
      self.failed = true;
      self.out = nullptr;
      return false;
    }
    if (size == 0) break;
    out.append(text_of(data, static_cast<std::size_t>(size)));
    self.produced += static_cast<std::size_t>(size);
  }
  self.out = nullptr;
  return true;
} catch (const std::bad_alloc&) {
  engine_->out = nullptr;
  engine_->failed = true;
  return false;
}

bool Session::wants_output() const noexcept {
  return nghttp2_session_want_write(engine_->raw) != 0;
}

bool Session::over() const noexcept {
  return nghttp2_session_want_read(engine_->raw) == 0 && nghttp2_session_want_write(engine_->raw) == 0;
}

void Session::respond(StreamId id, const ResponseHead& head, bool has_body) noexcept try {
  StreamHandler* const stream = engine_->find(id);
  if (stream == nullptr) return;
  detail::FieldList fields;
  fields.add_status(head.status);
  if (head.headers != nullptr) fields.add_response(*head.headers);
  if (!head.content_length.empty()) fields.add(http::HeaderId::content_length, head.content_length);
  if (!head.date.empty() && (head.headers == nullptr || !head.headers->has(http::HeaderId::date))) {
    fields.add(http::HeaderId::date, head.date);
  }
  nghttp2_data_provider body{{.ptr = stream}, Callbacks::read_body};
  engine_->check(nghttp2_submit_response(engine_->raw, id, fields.view().data(), fields.view().size(),
                                         has_body ? &body : nullptr));
} catch (const std::bad_alloc&) {
  engine_->failed = true;
}

void Session::inform(StreamId id, http::Status status, const http::Headers* headers) noexcept try {
  detail::FieldList fields;
  fields.add_status(status);
  if (headers != nullptr) fields.add_interim(*headers);
  engine_->check(nghttp2_submit_headers(engine_->raw, NGHTTP2_FLAG_NONE, id, nullptr, fields.view().data(),
                                        fields.view().size(), nullptr));
} catch (const std::bad_alloc&) {
  engine_->failed = true;
}

void Session::resume(StreamId id) noexcept {
  engine_->check(nghttp2_session_resume_data(engine_->raw, id));
}

void Session::reset(StreamId id, ErrorCode code) noexcept {
  engine_->check(nghttp2_submit_rst_stream(engine_->raw, NGHTTP2_FLAG_NONE, id, static_cast<std::uint32_t>(code)));
}

void Session::consume(StreamId id, std::size_t bytes) noexcept {
  engine_->check(nghttp2_session_consume(engine_->raw, id, bytes));
}

bool Session::waits_for_window(StreamId id) const noexcept {
  return nghttp2_session_get_stream_remote_window_size(engine_->raw, id) == 0;
}

void Session::announce_end() noexcept {
  engine_->check(nghttp2_submit_shutdown_notice(engine_->raw));
}

void Session::ping() noexcept {
  engine_->check(nghttp2_submit_ping(engine_->raw, NGHTTP2_FLAG_NONE, nullptr));
}

void Session::end() noexcept {
  const StreamId last = nghttp2_session_get_last_proc_stream_id(engine_->raw);
  engine_->last_taken = last;
  engine_->check(nghttp2_submit_goaway(engine_->raw, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0));
}

void Session::fail(ErrorCode code, std::string_view why) noexcept {
  if (!engine_->failed) engine_->terminate(code, why);
}

}  // namespace weir::http2
