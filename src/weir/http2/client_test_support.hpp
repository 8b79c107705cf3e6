// A client for tests of HTTP/2 servers: nghttp2's own client session, and frames written by hand for what it would not
// do.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

namespace weir::http2::testing {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// What has come for one stream.
struct Answer {
  std::string status;
  std::vector<std::string> interim;
  std::map<std::string, std::string> fields;
  std::map<std::string, std::string> trailers;
  std::string body;
  bool ended = false;   ///< END_STREAM has come.
  bool closed = false;  ///< The stream is over, with `error`.
  std::uint32_t error = 0;
};

struct Goaway {
  std::int32_t last = 0;
  std::uint32_t error = 0;
};

inline std::string frame(std::uint8_t type, std::uint8_t flags, std::int32_t stream, std::string_view payload = {}) {
  std::string bytes;
  const auto put = [&bytes](std::uint32_t value, int count) {
    for (int i = count - 1; i >= 0; --i) bytes.push_back(static_cast<char>(value >> (8 * i) & 0xffU));
  };
  put(static_cast<std::uint32_t>(payload.size()), 3);
  put(type, 1);
  put(flags, 1);
  put(static_cast<std::uint32_t>(stream), 4);
  bytes += payload;
  return bytes;
}

inline const std::string client_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0);

/// GET `path` in one HEADERS frame of literals, END_STREAM.
inline std::string get_frame(std::int32_t stream, std::string_view path) {
  std::string block = "\x82\x86";  // :method GET, :scheme http
  block += '\x04';                 // :path, literal without indexing
  block += static_cast<char>(path.size());
  block += path;
  block += "\x01\x01t";  // :authority t
  return frame(1, 5, stream, block);
}

class Client {
 public:
  explicit Client(std::uint32_t window = 65535, bool automatic_windows = true) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, automatic_windows ? 0 : 1);
    nghttp2_session_client_new2(&session_, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
    nghttp2_submit_settings(session_, 0, &entry, 1);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { nghttp2_session_del(session_); }

  /// A request without a body; `extra` may replace pseudo-header fields.
  std::int32_t get(const std::string& path, const Fields& extra = {}) { return submit("GET", path, extra, nullptr); }
  /// The body is sent as far as the windows allow; more() adds to it.
  std::int32_t post(const std::string& path, std::string body, bool last = true, const Fields& extra = {}) {
    auto source = std::make_unique<Source>(std::move(body), last);
    Source* const raw = source.get();
    const std::int32_t id = submit("POST", path, extra, raw);
    sources_[id] = std::move(source);
    return id;
  }
  /// An extended CONNECT (RFC 8441); its body is open.
  std::int32_t connect(const std::string& path, const std::string& protocol, Fields extra = {}) {
    extra.emplace(extra.begin(), ":protocol", protocol);
    auto source = std::make_unique<Source>(std::string(), false);
    Source* const raw = source.get();
    const std::int32_t id = submit("CONNECT", path, extra, raw);
    sources_[id] = std::move(source);
    return id;
  }
  void more(std::int32_t id, std::string_view body, bool last) {
    sources_[id]->body += body;
    sources_[id]->last = last;
    nghttp2_session_resume_data(session_, id);
  }
  void reset(std::int32_t id, std::uint32_t error = NGHTTP2_CANCEL) {
    nghttp2_submit_rst_stream(session_, 0, id, error);
  }
  void open_windows(std::int32_t id, std::int32_t bytes) {
    nghttp2_submit_window_update(session_, 0, 0, bytes);
    nghttp2_submit_window_update(session_, 0, id, bytes);
  }

  /// What it wants to send now.
  std::string output() {
    std::string all;
    for (;;) {
      const std::uint8_t* data = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_, &data);
      if (size <= 0) return all;
      all.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }
  }
  /// False: what came breaks the protocol.
  bool input(std::string_view bytes) {
    return nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()) ==
           static_cast<ssize_t>(bytes.size());
  }

  std::map<std::int32_t, Answer> answers;
  std::vector<Goaway> goaways;
  std::map<std::int32_t, std::uint32_t> settings;
  int settings_frames = 0;
  std::vector<std::int32_t> data_order;  ///< The stream of each DATA frame with data.

 private:
  struct Source {
    Source(std::string bytes, bool whole) : body(std::move(bytes)), last(whole) {}
    std::string body;
    std::size_t sent = 0;
    bool last;
  };

  std::int32_t submit(const std::string& method, const std::string& path, const Fields& extra, Source* source) {
    Fields fields{{":method", method}, {":scheme", "http"}, {":authority", "t"}, {":path", path}};
    for (const auto& field : extra) {
      if (field.first.starts_with(':')) {
        bool found = false;
        for (auto& pseudo : fields) {
          if (pseudo.first == field.first) found = true, pseudo.second = field.second;
        }
        if (!found) fields.insert(fields.begin(), field);
      } else {
        fields.push_back(field);
      }
    }
    std::vector<nghttp2_nv> list;
    for (auto& [name, value] : fields) {
      list.push_back({reinterpret_cast<std::uint8_t*>(name.data()), reinterpret_cast<std::uint8_t*>(value.data()),
                      name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    nghttp2_data_provider provider{{.ptr = source}, read};
    return nghttp2_submit_request(session_, nullptr, list.data(), list.size(), source == nullptr ? nullptr : &provider,
                                  nullptr);
  }
  static Client& self(void* user) { return *static_cast<Client*>(user); }
  static ssize_t read(nghttp2_session*, std::int32_t, std::uint8_t* to, std::size_t room, std::uint32_t* flags,
                      nghttp2_data_source* from, void*) {
    auto& source = *static_cast<Source*>(from->ptr);
    const std::size_t part = source.body.copy(reinterpret_cast<char*>(to), room, source.sent);
    source.sent += part;
    if (source.sent == source.body.size() && source.last) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return part == 0 && !source.last ? static_cast<ssize_t>(NGHTTP2_ERR_DEFERRED) : static_cast<ssize_t>(part);
  }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    Answer& answer = self(user).answers[frame->hd.stream_id];
    const std::string key(reinterpret_cast<const char*>(name), name_size);
    const std::string text(reinterpret_cast<const char*>(value), value_size);
    if (key == ":status") {
      if (text.starts_with('1')) {
        answer.interim.push_back(text);
      } else {
        answer.status = text;
      }
    } else {
      (frame->headers.cat == NGHTTP2_HCAT_HEADERS && !answer.status.empty() && !answer.body.empty()
           ? answer.trailers
           : answer.fields)[key] = text;
    }
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size,
                     void* user) {
    self(user).answers[id].body.append(reinterpret_cast<const char*>(data), size);
    self(user).data_order.push_back(id);
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Client& client = self(user);
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      client.goaways.push_back({frame->goaway.last_stream_id, frame->goaway.error_code});
    } else if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
      ++client.settings_frames;
      for (std::size_t i = 0; i < frame->settings.niv; ++i) {
        client.settings[frame->settings.iv[i].settings_id] = frame->settings.iv[i].value;
      }
    } else if (frame->hd.stream_id != 0 && frame->hd.type <= NGHTTP2_HEADERS &&
               (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      client.answers[frame->hd.stream_id].ended = true;
    }
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
    Answer& answer = self(user).answers[id];
    answer.closed = true;
    answer.error = error;
    return 0;
  }

  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, std::unique_ptr<Source>> sources_;
};

}  // namespace weir::http2::testing
