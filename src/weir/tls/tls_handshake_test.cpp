// Handshakes: what is agreed on, what is refused, and what they leave to others of the loop.
#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "weir/tls/tls_stream_test_support.hpp"

namespace weir::tls {
namespace {

using namespace std::chrono_literals;

TEST_F(TlsStreamTest, ChoosesTheProtocol) {
  serve({.certificates = {self_signed()}});
  connect();
  client->offer("\x08http/1.1\x02h2");
  pump();
  EXPECT_EQ(security().alpn, "h2");
  connect();
  client->offer(
      "\x03"
      "foo\x08http/1.1");
  pump();
  EXPECT_EQ(security().alpn, "http/1.1");
  connect();
  pump();
  EXPECT_EQ(security().alpn, "");
  connect();
  client->offer(
      "\x03"
      "foo");
  pump();
  EXPECT_EQ(client->error, "tlsv1 alert no application protocol");
  EXPECT_TRUE(server->ended);
  EXPECT_EQ(failed(TlsFailure::alpn), 1u);
}

TEST_F(TlsStreamTest, ChoosesTheCertificateByName) {
  const TestCertificate a = make_certificate("a", "DNS:a.example,DNS:*.b.example");
  const TestCertificate c = make_certificate("c", "DNS:c.example");
  const TestCertificate c_rsa = make_certificate("c-rsa", "DNS:c.example", nullptr, TestKey::rsa);
  serve({.certificates = {in_memory(a), in_memory(c), in_memory(c_rsa)}});
  const struct {
    const char* asked;
    const char* got;
  } cases[] = {{"a.example", "a"},     {"C.Example", "c"}, {"x.b.example", "a"}, {"b.example", "a"},
               {"x.y.b.example", "a"}, {"nobody", "a"},    {nullptr, "a"}};
  for (const auto& [asked, got] : cases) {
    connect();
    if (asked != nullptr) client->ask_for(asked);
    pump();
    ASSERT_TRUE(client->connected) << client->error;
    const X509Ptr shown(SSL_get1_peer_certificate(client->ssl()));
    EXPECT_EQ(common_name(X509_get_subject_name(shown.get())), got);
    EXPECT_EQ(security().server_name, asked == nullptr ? "" : asked);
  }
  EXPECT_EQ(context->stats().unknown_names.load(), 3u);
  connect();
  SSL_CTX_set_max_proto_version(client->context(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(client->context(), "ECDHE-RSA-AES128-GCM-SHA256");
  client->ask_for("c.example");
  pump();
  const X509Ptr shown(SSL_get1_peer_certificate(client->ssl()));
  ASSERT_TRUE(shown);
  EXPECT_EQ(common_name(X509_get_subject_name(shown.get())), "c-rsa");
}

TEST_F(TlsStreamTest, GoesOnWithSessionsOnOtherLoopsAndAfterReloads) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    serve_plainly();
    EventLoop other_loop{EventLoop::Options{.clock = &clock}};
    const auto other_filter = context->filter()(other_loop);
    connect();
    SSL_CTX_set_max_proto_version(client->context(), version);
    client->to_send = "x";
    pump();
    ASSERT_NE(client->session(), nullptr);
    EXPECT_FALSE(security().resumed);
    SCOPED_TRACE(version);
    const auto resumed = [&](SSL_SESSION* session) {
      SSL_SESSION* copy = SSL_SESSION_dup(session);  // OpenSSL spoils those of TLS 1.3 when they are used
      connect(other_loop, *other_filter);
      SSL_CTX_set_max_proto_version(client->context(), version);
      client->resume(copy);
      SSL_SESSION_free(copy);
      pump();
      EXPECT_TRUE(client->connected) << client->error;
      return security().resumed;
    };
    SSL_SESSION* session = SSL_SESSION_dup(client->session());
    EXPECT_TRUE(resumed(session));
    ASSERT_TRUE(context->reload());
    EXPECT_TRUE(resumed(session));
    clock.advance(7h);  // a new key by now
    EXPECT_TRUE(resumed(session));
    clock.advance(12h);  // the old one is too old
    EXPECT_FALSE(resumed(session));
    SSL_SESSION_free(session);
    EXPECT_EQ(context->stats().resumed.load(), 3u);
    server.reset();
    client.reset();
  }
}

TEST_F(TlsStreamTest, GivesNoTicketsWhenTheyAreOff) {
  serve({.certificates = {self_signed()}, .session_tickets = false});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    connect();
    SSL_CTX_set_max_proto_version(client->context(), version);
    client->to_send = "x";
    pump();
    EXPECT_EQ(client->received, "x");
    EXPECT_TRUE(client->session() == nullptr || !SSL_SESSION_has_ticket(client->session()));
  }
}

TEST_F(TlsStreamTest, EndsWhatIsNoHandshake) {
  serve_plainly();
  connect();
  const std::string_view http = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  static_cast<void>(client->stream().write(http.data(), http.size()));
  loop.run_until_idle();
  std::array<char, 500> answer;
  const net::IoResult got = client->stream().read(answer);
  ASSERT_TRUE(got.ok());
  EXPECT_TRUE(std::string_view(answer.data(), got.bytes).starts_with("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_TRUE(server->ended);
  EXPECT_EQ(failed(TlsFailure::not_tls), 1u);

  connect();
  const std::string junk(1000, '\x7f');
  static_cast<void>(client->stream().write(junk.data(), junk.size()));
  loop.run_until_idle();
  EXPECT_TRUE(server->ended);
  EXPECT_EQ(failed(TlsFailure::not_tls), 2u);

  connect();
  client->pump();
  loop.run_until_idle();
  client->stream().close();
  loop.run_until_idle();
  EXPECT_TRUE(server->ended || server->error != 0);
  EXPECT_EQ(failed(TlsFailure::closed_by_client), 1u);

  connect();
  client->pump();
  loop.run_until_idle();
  server->stream->close();
  EXPECT_EQ(failed(TlsFailure::timeout), 1u);

  connect();
  SSL_CTX_set_min_proto_version(client->context(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(client->context(), TLS1_1_VERSION);
  SSL_CTX_set_security_level(client->context(), 0);
  SSL_CTX_set_cipher_list(client->context(), "ALL:@SECLEVEL=0");
  pump();
  EXPECT_TRUE(client->failed);
  EXPECT_EQ(failed(TlsFailure::version), 1u);
  connect();
  SSL_CTX_set_max_proto_version(client->context(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(client->context(), "AES128-SHA");
  pump();
  EXPECT_TRUE(client->failed);
  EXPECT_EQ(failed(TlsFailure::cipher), 1u);
}

TEST_F(TlsStreamTest, SharesTheLoopWithThoseThatAreThere) {
  const TestCertificate heavy = make_certificate("rsa", "DNS:a.example", nullptr, TestKey::rsa);
  serve({.certificates = {in_memory(heavy)}});
  std::vector<std::unique_ptr<TestClient>> clients;
  std::vector<std::unique_ptr<Echo>> servers;
  for (int i = 0; i < 40; ++i) {
    connect();
    clients.push_back(std::move(client));
    servers.push_back(std::move(server));
  }
  for (int turn = 0; turn < 5000; ++turn) {
    bool all = true;
    for (auto& one : clients) {
      one->pump();
      all = all && one->connected;
    }
    if (all) break;
    loop.run_once(false);
  }
  for (auto& one : clients) EXPECT_TRUE(one->connected) << one->error;
  EXPECT_GT(context->stats().deferred.load(), 0u);
}

TEST_F(TlsStreamTest, HandshakesOfRefusedConnectionsHaveNoMoreThanTheirShare) {
  const TestCertificate heavy = make_certificate("rsa", "DNS:a.example", nullptr, TestKey::rsa);
  serve({.certificates = {in_memory(heavy)}});
  for (int i = 0; i < 40; ++i) {
    connect();
    client->pump();
    std::array<char, 100> room;
    EXPECT_TRUE(server->stream->read(room).would_block());
    server->stream->close();
  }
  EXPECT_GT(context->stats().deferred.load(), 0u);
}

TEST_F(TlsStreamTest, AStreamInLineMayGoAway) {
  const TestCertificate heavy = make_certificate("rsa", "DNS:a.example", nullptr, TestKey::rsa);
  serve({.certificates = {in_memory(heavy)}});
  std::vector<std::unique_ptr<TestClient>> clients;
  std::vector<std::unique_ptr<Echo>> servers;
  for (int i = 0; i < 40; ++i) {
    connect();
    client->pump();
    clients.push_back(std::move(client));
    servers.push_back(std::move(server));
  }
  loop.run_once(false);
  for (std::size_t i = 0; i < servers.size(); i += 2) servers[i]->stream->close(i % 4 == 0);
  servers.pop_back();
  loop.run_until_idle();
  servers.clear();
  loop.run_until_idle();
}

}  // namespace
}  // namespace weir::tls
