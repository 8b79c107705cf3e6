// weir-chat: rooms to talk in, over WebSockets, with a page for the browser.
#include <cstdio>
#include <string>

#include <weir/base/embedded_file.hpp>
#include <weir/weir.hpp>

#include "embedded/chat_page.hpp"

namespace {

/// What a client sends, and what everybody in the room gets.
struct Said {
  std::string text;
  static constexpr auto rules = weir::rules<Said>(weir::field<&Said::text>().min_length(1).max_length(2000));
};
struct Line {
  std::string name;
  std::string text;
  std::string kind = "said";  ///< Or "came", "went".
};
struct Guest {
  std::string name;
  static constexpr auto rules = weir::rules<Guest>(weir::field<&Guest::name>().min_length(1).max_length(40));
};

// [room]
weir::Task<void> talk(weir::WebSocket& ws, weir::Path<std::string> room, weir::Query<Guest> guest,
                      weir::State<weir::Topics> topics) {
  const auto say = [&](const Line& line) { topics->publish(*room, weir::json::to_string(line)); };
  ws.subscribe(*topics, *room);
  say({.name = guest->name, .text = {}, .kind = "came"});
  for (;;) {
    auto message = co_await ws.receive();
    if (!message) break;
    Said said;
    if (auto read = weir::json::read(message->data, said); !read) {
      ws.close(weir::CloseCode::policy_violation, "that was no message");
      break;
    }
    say({.name = guest->name, .text = said.text});
  }
  say({.name = guest->name, .text = {}, .kind = "went"});
}
// [/room]

weir::Response serve_page(const weir::EmbeddedFile& file) {
  weir::Response response = weir::static_bytes(file.bytes, file.content_type);
  response.headers.set("Content-Security-Policy",
                       "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
                       "base-uri 'none'; frame-ancestors 'none'");
  response.headers.set(weir::HeaderId::cache_control, "no-cache");
  return response;
}

}  // namespace

int main(int argc, char** argv) {
  weir::AppOptions options;
  options.name = "weir-chat";
  weir::App app(options);
  // [routes]
  app.make_state<weir::Topics>();
  weir::WebSocketOptions room;
  room.max_message = 16 * 1024;
  room.messages_per_second = 10;
  app.websocket("/rooms/{room}", &talk, room).summary("Talk in a room");
  // [/routes]
  for (const weir::EmbeddedFile& file : weir::embedded::chat_page()) {
    const std::string path = file.name == "index.html" ? "/" : "/" + std::string(file.name);
    app.get(weir::runtime_route(path), [&file] { return serve_page(file); }).hidden();
  }
  app.on_listening([&] {
    const char* const scheme = app.options().tls.certificates.empty() ? "http" : "https";
    std::printf("Open %s://%s/\n", scheme, app.addresses().front().to_string().c_str());
    std::fflush(stdout);
  });
  return app.run(argc, argv);
}
