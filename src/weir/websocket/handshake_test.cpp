#include "weir/websocket/handshake.hpp"

#include <array>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "weir/websocket/extension.hpp"

namespace weir::websocket {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// A request's head from pairs.
class Head {
 public:
  explicit Head(Fields fields) : fields_(std::move(fields)) {
    http::HeaderSet present;
    for (const auto& [name, value] : fields_) {
      const http::HeaderId id = http::header_id(name);
      present.insert(id);
      slots_.push_back({name, value, id});
    }
    request.headers = http::HeaderView(slots_.data(), slots_.size(), present);
    request.authority = "chat.example:8080";
  }
  http::Request request;

 private:
  Fields fields_;
  std::vector<http::HeaderField> slots_;
};

Fields good() {
  return {{"Host", "chat.example:8080"},
          {"Upgrade", "websocket"},
          {"Connection", "keep-alive, Upgrade"},
          {"Sec-WebSocket-Version", "13"},
          {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
}
Fields with(std::string name, std::string value) {
  Fields fields = good();
  std::erase_if(fields, [&](const auto& field) { return field.first == name; });
  if (!value.empty()) fields.emplace_back(std::move(name), std::move(value));
  return fields;
}

TEST(WebSocketHandshake, MakesTheAcceptKeyOfTheRfc) {
  const auto key = accept_key("dGhlIHNhbXBsZSBub25jZQ==");  // RFC 6455 section 1.3
  EXPECT_EQ(std::string_view(key.data(), key.size()), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocketHandshake, ChecksWhatTheRequestMustHave) {
  EXPECT_EQ(check_handshake(Head(good()).request), HandshakeProblem::none);
  EXPECT_EQ(check_handshake(Head(with("Upgrade", "WebSocket")).request), HandshakeProblem::none);
  EXPECT_EQ(check_handshake(Head(with("Upgrade", "")).request), HandshakeProblem::not_a_websocket);
  EXPECT_EQ(check_handshake(Head(with("Upgrade", "h2c")).request), HandshakeProblem::not_a_websocket);
  EXPECT_EQ(check_handshake(Head(with("Connection", "close")).request), HandshakeProblem::not_a_websocket);
  EXPECT_EQ(check_handshake(Head(with("Sec-WebSocket-Version", "8")).request), HandshakeProblem::wrong_version);
  EXPECT_EQ(check_handshake(Head(with("Sec-WebSocket-Version", "")).request), HandshakeProblem::wrong_version);
  for (const char* key : {"", "short==", "dGhlIHNhbXBsZSBub25jZQ=A", "dGhlIHNhbXBsZSBub25j*Q=="}) {
    EXPECT_EQ(check_handshake(Head(with("Sec-WebSocket-Key", key)).request), HandshakeProblem::bad_key) << key;
  }
  Head twice = Head([] {
    Fields fields = good();
    fields.emplace_back("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    return fields;
  }());
  EXPECT_EQ(check_handshake(twice.request), HandshakeProblem::bad_key);
  Head post(good());
  post.request.method = http::Method::post;
  EXPECT_EQ(check_handshake(post.request), HandshakeProblem::bad_method);
  Head old(good());
  old.request.version = http::Version::http_1_0;
  EXPECT_EQ(check_handshake(old.request), HandshakeProblem::not_a_websocket);
}

TEST(WebSocketHandshake, TakesExtendedConnect) {
  Head head(Fields{{"Sec-WebSocket-Version", "13"}});
  head.request.method = http::Method::connect;
  head.request.version = http::Version::http_2;
  head.request.protocol = "websocket";
  EXPECT_EQ(check_handshake(head.request), HandshakeProblem::none);
  head.request.protocol = "connect-udp";
  EXPECT_EQ(check_handshake(head.request), HandshakeProblem::not_a_websocket);
}

TEST(WebSocketHandshake, ChoosesTheClientsFirstSubprotocol) {
  const std::vector<std::string> supported = {"json", "text"};
  const auto choose = [&](std::string wanted) {
    Head head(with("Sec-WebSocket-Protocol", std::move(wanted)));
    return std::string(choose_subprotocol(head.request.headers, supported));
  };
  EXPECT_EQ(choose("text, json"), "text");
  EXPECT_EQ(choose("xml, json"), "json");
  EXPECT_EQ(choose("xml"), "");
  EXPECT_EQ(choose("JSON"), "");  // They are case-sensitive.
  EXPECT_EQ(choose(""), "");
}

TEST(WebSocketHandshake, LetsPagesOfTheSameHostIn) {
  const auto allowed = [](std::string origin, std::vector<std::string> list = {}) {
    Head head(with("Origin", std::move(origin)));
    return origin_allowed(head.request, list);
  };
  EXPECT_TRUE(allowed(""));  // No browser.
  EXPECT_TRUE(allowed("http://chat.example:8080"));
  EXPECT_TRUE(allowed("https://CHAT.example:8080"));
  EXPECT_FALSE(allowed("http://chat.example"));
  EXPECT_FALSE(allowed("http://evil.example"));
  EXPECT_FALSE(allowed("http://evil.example?chat.example:8080"));
  EXPECT_FALSE(allowed("null"));
  EXPECT_TRUE(allowed("https://app.example", {"https://app.example"}));
  EXPECT_TRUE(allowed("https://any.example", {"*"}));
  Head standard(with("Origin", "https://chat.example"));
  standard.request.authority = "chat.example:443";
  EXPECT_TRUE(origin_allowed(standard.request, {}));
  standard.request.scheme = "https";
  EXPECT_TRUE(origin_allowed(standard.request, {}));
  Head clear(with("Origin", "http://chat.example:8080"));
  clear.request.scheme = "http";
  EXPECT_TRUE(origin_allowed(clear.request, {}));
  clear.request.scheme = "https";
  EXPECT_FALSE(origin_allowed(clear.request, {})) << "a page in the clear, a connection over TLS";
}

struct Negotiation {
  const char* offers;
  const char* answer;  ///< Null: declined.
};

// RFC 7692 section 7.1. The server keeps no contexts unless it says so.
TEST(PermessageDeflate, AnswersOffers) {
  const Negotiation table[] = {
      {"permessage-deflate", "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
      {"Permessage-Deflate; client_max_window_bits",
       "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
      {"permessage-deflate; server_max_window_bits=10",
       "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10"},
      {"permessage-deflate; server_max_window_bits=\"10\"",
       "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10"},
      {"permessage-deflate; client_max_window_bits=8",
       "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
      {"x-webkit-deflate-frame, permessage-deflate",
       "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
      {"permessage-deflate; server_max_window_bits=8, permessage-deflate",
       "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
      {"permessage-deflate; server_max_window_bits=8", nullptr},
      {"permessage-deflate; server_max_window_bits", nullptr},
      {"permessage-deflate; server_max_window_bits=16", nullptr},
      {"permessage-deflate; server_max_window_bits=010", nullptr},
      {"permessage-deflate; server_max_window_bits=10; server_max_window_bits=10", nullptr},
      {"permessage-deflate; client_max_window_bits=7", nullptr},
      {"permessage-deflate; client_no_context_takeover=1", nullptr},
      {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", nullptr},
      {"permessage-deflate; unknown", nullptr},
      {"permessage-deflate; server_max_window_bits=", nullptr},
      {"permessage-bzip2", nullptr},
      {"", nullptr},
      {",,;=\"", nullptr},
  };
  for (const Negotiation& each : table) {
    const auto agreed = negotiate_deflate(each.offers, DeflateLimits{});
    ASSERT_EQ(agreed.has_value(), each.answer != nullptr) << each.offers;
    if (agreed) {
      EXPECT_EQ(agreed->to_string(), each.answer) << each.offers;
    }
  }
}

TEST(PermessageDeflate, KeepsContextsAndLimitsWindowsWhereToldTo) {
  const DeflateLimits limits{
      .server_context = true, .client_context = true, .server_window_bits = 12, .client_window_bits = 11};
  EXPECT_EQ(negotiate_deflate("permessage-deflate", limits)->to_string(),
            "permessage-deflate; server_max_window_bits=12");
  EXPECT_EQ(negotiate_deflate("permessage-deflate; client_max_window_bits", limits)->to_string(),
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=11");
  EXPECT_EQ(negotiate_deflate("permessage-deflate; server_no_context_takeover; client_no_context_takeover", limits)
                ->to_string(),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12");
  EXPECT_EQ(negotiate_deflate("permessage-deflate; client_max_window_bits=9", limits)->client_window_bits, 9);
}

}  // namespace
}  // namespace weir::websocket
