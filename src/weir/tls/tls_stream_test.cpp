// The server's side of TLS over memory, against a client of OpenSSL's.
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <openssl/ocsp.h>

#include "weir/net/memory_stream.hpp"
#include "weir/net/security.hpp"
#include "weir/runtime/event_loop.hpp"
#include "weir/time/manual_clock.hpp"
#include "weir/tls/context.hpp"
#include "weir/tls/tls_test_support.hpp"

namespace weir::tls {
namespace {

using namespace std::chrono_literals;

/// Sends back what it reads, and remembers how it ended.
struct Echo final : net::StreamHandler {
  explicit Echo(std::unique_ptr<net::Stream> given) : stream(std::move(given)) { stream->set_handler(this); }
  void on_readable() noexcept override {
    std::array<char, 5000> room;
    const net::IoResult result = stream->read(room);
    if (result.ok()) {
      ++reads;
      output.append(room.data(), result.bytes);
      flush();
    } else if (!result.would_block()) {
      ended = result.end_of_stream();
      error = result.error_number;
      stream->want(false, !output.empty());
    }
  }
  void on_writable() noexcept override { flush(); }
  void on_hangup() noexcept override { hung_up = true; }
  void flush() {
    while (!output.empty()) {
      const net::IoResult result = stream->write(output.data(), output.size());
      if (!result.ok()) {
        if (result.error()) error = result.error_number;
        break;
      }
      output.erase(0, result.bytes);
    }
    stream->want(!ended && error == 0, !output.empty());
  }
  std::unique_ptr<net::Stream> stream;
  std::string output;
  int reads = 0;
  int error = 0;
  bool ended = false;
  bool hung_up = false;
};

class TlsStreamTest : public ::testing::Test {
 protected:
  void serve(TlsOptions options) {
    auto made = TlsContext::create(std::move(options), {}, clock);
    ASSERT_TRUE(made) << made.error().message();
    server.reset();  // The filter outlives what it wrapped.
    context = std::move(*made);
    filter = context->filter()(loop);
  }
  void serve_plainly() { serve({.certificates = {self_signed({"localhost"})}}); }
  void connect(net::MemoryStreamOptions options = {}) { connect(loop, *filter, options); }
  void connect(EventLoop& on, net::StreamFilter& through, net::MemoryStreamOptions options = {}) {
    server.reset();
    client.reset();
    net::MemoryStreamPair pair = net::memory_stream_pair(on, options);
    client = std::make_unique<TestClient>(std::move(pair.client));
    server = std::make_unique<Echo>(through.wrap(std::move(pair.server)));
    current = &on;
  }
  void pump() {
    for (bool moved = true; moved;) {
      moved = client->pump();
      moved = current->run_until_idle() || moved;
    }
  }
  std::uint64_t failed(TlsFailure reason) { return context->stats().failed_for(reason).load(); }
  const net::Security& security() { return *server->stream->security(); }

  ManualClock clock;
  EventLoop loop{EventLoop::Options{.clock = &clock}};
  EventLoop* current = &loop;
  std::unique_ptr<TlsContext> context;
  std::unique_ptr<net::StreamFilter> filter;
  std::unique_ptr<TestClient> client;
  std::unique_ptr<Echo> server;
};

TEST_F(TlsStreamTest, CarriesBytesWhateverTheirPieces) {
  serve_plainly();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{100}, net::Faults::never}) {
      net::MemoryStreamOptions options;
      options.client_faults.max_read = options.client_faults.max_write = step;
      options.server_faults = options.client_faults;
      options.server_faults.block_every = 3;
      connect(options);
      EXPECT_EQ(server->stream->security(), nullptr);
      SSL_CTX_set_max_proto_version(client->context(), version);
      client->to_send = std::string(40000, 'x') + "end";
      const std::string expected = client->to_send;
      pump();
      EXPECT_EQ(client->received, expected);
      EXPECT_EQ(security().protocol, version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
      EXPECT_FALSE(security().cipher.empty());
      EXPECT_EQ(server->stream->unsent(), 0u);
    }
  }
  EXPECT_EQ(context->stats().handshakes_tls_1_2.load(), 3u);
  EXPECT_EQ(context->stats().handshakes_tls_1_3.load(), 3u);
}

TEST_F(TlsStreamTest, TellsTheHandlerNothingBeforeTheFirstBytes) {
  serve_plainly();
  connect();
  pump();
  EXPECT_TRUE(client->connected);
  EXPECT_EQ(server->reads, 0);
  ASSERT_NE(server->stream->security(), nullptr);
  client->to_send = "hello";
  pump();
  EXPECT_EQ(server->reads, 1);
}

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

TEST_F(TlsStreamTest, AsksForCertificates) {
  const TestCertificate authority = make_certificate("authority", "");
  const TestCertificate worker =
      make_certificate("worker 7", "DNS:w7.example,URI:spiffe://example/w7,email:w7@example.com", &authority);
  const TestCertificate stranger = make_certificate("stranger", "DNS:w7.example");
  const TestFolder folder;
  TlsOptions options;
  options.certificates = {self_signed()};
  options.client_ca_file = folder.write("ca.pem", authority.certificate_pem());

  options.client_auth = ClientAuth::required;
  serve(options);
  connect();
  client->use(worker);
  client->to_send = "x";
  pump();
  EXPECT_EQ(client->received, "x") << client->error;
  const net::PeerCertificate* shown = security().certificate;
  ASSERT_NE(shown, nullptr);
  EXPECT_TRUE(shown->verified);
  EXPECT_EQ(shown->subject, "CN=worker 7");
  EXPECT_EQ(shown->common_name, "worker 7");
  EXPECT_EQ(shown->issuer, "CN=authority");
  EXPECT_EQ(shown->dns_names, std::vector<std::string>{"w7.example"});
  EXPECT_EQ(shown->uris, std::vector<std::string>{"spiffe://example/w7"});
  EXPECT_EQ(shown->email_addresses, std::vector<std::string>{"w7@example.com"});
  EXPECT_EQ(shown->fingerprint.size(), 64u);
  EXPECT_FALSE(shown->serial.empty());

  connect();
  pump();
  EXPECT_TRUE(server->ended);
  EXPECT_EQ(failed(TlsFailure::certificate_missing), 1u);
  EXPECT_NE(client->error.find("certificate required"), std::string::npos) << client->error;
  connect();
  client->use(stranger);
  pump();
  EXPECT_TRUE(server->ended);
  EXPECT_EQ(failed(TlsFailure::certificate_rejected), 1u);

  options.client_auth = ClientAuth::optional;
  serve(options);
  connect();
  client->to_send = "x";
  pump();
  EXPECT_EQ(client->received, "x");
  EXPECT_EQ(security().certificate, nullptr);
  connect();
  client->use(stranger);
  pump();
  EXPECT_TRUE(server->ended);

  options.client_auth = ClientAuth::off;
  serve(options);
  connect();
  client->use(worker);
  client->to_send = "x";
  pump();
  EXPECT_EQ(security().certificate, nullptr);
}

TEST_F(TlsStreamTest, AnIdentityGoesOnWithItsSessionOnlyUnderTheSameAuthorities) {
  const TestCertificate authority = make_certificate("authority", "");
  const TestCertificate worker = make_certificate("worker", "DNS:w.example", &authority);
  const TestFolder folder;
  TlsOptions options;
  options.certificates = {self_signed()};
  options.client_auth = ClientAuth::optional;
  options.client_ca_file = folder.write("ca.pem", authority.certificate_pem());
  serve(options);
  connect();
  client->use(worker);
  client->to_send = "x";
  pump();
  SSL_SESSION* session = client->session();
  ASSERT_NE(session, nullptr);
  SSL_SESSION_up_ref(session);
  connect();
  client->resume(session);
  client->to_send = "x";
  pump();
  EXPECT_TRUE(security().resumed);
  ASSERT_NE(security().certificate, nullptr);
  EXPECT_EQ(security().certificate->common_name, "worker");

  folder.write("ca.pem", make_certificate("another", "").certificate_pem());
  ASSERT_TRUE(context->reload());
  connect();
  client->resume(session);
  client->to_send = "x";
  pump();
  EXPECT_TRUE(server->stream->security() == nullptr || !security().resumed);
  SSL_SESSION_free(session);
}

TEST_F(TlsStreamTest, ASessionSpeaksForItsClientNoLongerThanTheCertificate) {
  const auto catch_up = std::chrono::system_clock::now().time_since_epoch() - clock.wall().time_since_epoch();
  clock.advance(std::chrono::duration_cast<Duration>(catch_up));  // Certificates are dated by the real clock.
  const TestCertificate authority = make_certificate("authority", "");
  TestCertificate worker;
  const TestFolder folder;
  TlsOptions options;
  options.certificates = {self_signed()};
  options.client_auth = ClientAuth::required;
  options.client_ca_file = folder.write("ca.pem", authority.certificate_pem());
  options.ticket_rotation = 1h;
  options.ticket_lifetime = 4h;

  // Kept as bytes, as clients do that go away in between.
  std::string session;
  const auto visit = [&](int version) {
    connect();
    SSL_CTX_set_max_proto_version(client->context(), version);
    client->use(worker);
    if (!session.empty()) {
      const auto* from = reinterpret_cast<const unsigned char*>(session.data());
      SSL_SESSION* restored = d2i_SSL_SESSION(nullptr, &from, static_cast<long>(session.size()));
      client->resume(restored);
      SSL_SESSION_free(restored);
    }
    client->to_send = "x";
    pump();
    EXPECT_EQ(client->received, "x") << client->error;
    EXPECT_EQ(security().certificate->common_name, "worker");
    if (client->session() != nullptr) {  // TLS 1.2 gives a new ticket only when its key is another.
      session.resize(static_cast<std::size_t>(i2d_SSL_SESSION(client->session(), nullptr)));
      auto* to = reinterpret_cast<unsigned char*>(session.data());
      i2d_SSL_SESSION(client->session(), &to);
    }
    return security().resumed;
  };
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE(version);
    worker = make_certificate("worker", "DNS:w.example", &authority);
    // A valid certificate is shown again after a ticket's lifetime, however often the session went on meanwhile.
    serve(options);
    session.clear();
    EXPECT_FALSE(visit(version));
    for (int hour = 1; hour <= 4; ++hour) {
      clock.advance(1h - 1s);
      EXPECT_TRUE(visit(version)) << hour;
    }
    clock.advance(1min);
    EXPECT_FALSE(visit(version));

    // One that ends earlier, not even so long.
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock.wall().time_since_epoch()).count();
    X509_gmtime_adj(X509_getm_notAfter(worker.certificate.get()), now - std::time(nullptr) + 600);
    X509_sign(worker.certificate.get(), authority.key.get(), EVP_sha256());
    serve(options);
    session.clear();
    EXPECT_FALSE(visit(version));
    clock.advance(9min);
    EXPECT_TRUE(visit(version));
    clock.advance(2min);
    EXPECT_FALSE(visit(version));
  }
}

TEST_F(TlsStreamTest, RecordsWithoutContentNeitherFillTheMemoryNorHoldUpTheLoop) {
  serve_plainly();
  for (const std::size_t room : {std::size_t{8} << 20, std::size_t{4000}}) {
    net::MemoryStreamOptions options;
    options.capacity = room;
    connect(options);
    pump();
    ASSERT_TRUE(client->connected);
    for (int i = 0; i < 40000; ++i) {  // Each asks for one in return.
      ASSERT_EQ(SSL_key_update(client->ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
      ASSERT_EQ(SSL_do_handshake(client->ssl()), 1);
    }
    char* data = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(client->ssl()), &data);
    std::string flood(data, static_cast<std::size_t>(size));
    static_cast<void>(BIO_reset(SSL_get_wbio(client->ssl())));
    const auto send = [&] {
      const net::IoResult sent = client->stream().write(flood.data(), flood.size());
      if (sent.ok()) flood.erase(0, sent.bytes);
      return sent.ok();
    };
    ASSERT_TRUE(send());
    loop.run_once(false);
    EXPECT_LT(client->stream().unread(), 100'000u) << "one turn took all of it";
    do {
      loop.run_until_idle();  // It would not end if a stream that is blocked were asked again and again.
    } while (!flood.empty() && send());
    EXPECT_LT(server->stream->unsent(), 400'000u);
    EXPECT_EQ(flood.empty(), room > 1'000'000) << "who does not read is not read from for ever";
    while (!flood.empty()) {
      pump();
      ASSERT_TRUE(send());
    }
    client->to_send = "still here";
    pump();
    EXPECT_EQ(client->received, "still here");
  }
}

TEST_F(TlsStreamTest, SaysGoodbye) {
  serve_plainly();
  connect();
  client->to_send = "x";
  pump();
  server->stream->shutdown_write();
  pump();
  EXPECT_TRUE(client->closed);
  EXPECT_FALSE(server->ended);
  SSL_shutdown(client->ssl());
  pump();
  EXPECT_TRUE(server->ended);
  server->stream->close(false);
  EXPECT_TRUE(server->stream->closed());
  EXPECT_EQ(server->stream->write("x", 1).error_number, EBADF);
}

TEST_F(TlsStreamTest, AnEndWithoutGoodbyeIsAnEnd) {
  serve_plainly();
  connect();
  client->to_send = "x";
  pump();
  client->stream().shutdown_write();
  pump();
  EXPECT_TRUE(server->ended);
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

TEST_F(TlsStreamTest, CutsBytesThatWereTamperedWith) {
  serve_plainly();
  connect();
  client->to_send = "x";
  pump();
  const std::string record("\x17\x03\x03\x00\x20" + std::string(32, 'z'));
  static_cast<void>(client->stream().write(record.data(), record.size()));
  loop.run_until_idle();
  EXPECT_EQ(server->error, EPROTO);
}

TEST_F(TlsStreamTest, MakesFastWritersWait) {
  serve_plainly();
  connect({.capacity = 20000});
  pump();
  client->reading = false;
  std::string expected;
  for (int i = 0; expected.size() < 3'000'000; ++i) expected += std::to_string(i) + " ";
  server->output = expected;
  server->flush();
  loop.run_until_idle();
  // One batch at most waits encrypted: a large one, since the client took all until now.
  EXPECT_GT(server->output.size(), 2'700'000u);
  EXPECT_LE(server->stream->unsent(), 247'000u);
  EXPECT_GT(server->stream->unsent(), 0u);
  EXPECT_EQ(server->stream->undelivered(), server->stream->unsent() + client->stream().unread());
  client->reading = true;
  pump();
  EXPECT_TRUE(client->received == expected);
  EXPECT_EQ(server->stream->unsent(), 0u);
}

TEST_F(TlsStreamTest, FinishesSendingBeforeItSaysGoodbye) {
  serve_plainly();
  connect({.capacity = 1000});
  pump();
  server->output = std::string(10000, 'x');
  server->flush();
  EXPECT_TRUE(server->output.empty());
  server->stream->shutdown_write();
  pump();
  EXPECT_EQ(client->received.size(), 10000u);
  EXPECT_TRUE(client->closed);
}

TEST_F(TlsStreamTest, GathersPiecesAndSendsFiles) {
  serve_plainly();
  connect();
  pump();
  std::string expected;
  std::vector<std::string> parts;
  for (const std::size_t size : {10, 0, 30000, 5, 16384, 16383, 1, 100000, 7}) {
    parts.emplace_back(size, static_cast<char>('a' + parts.size()));
    expected += parts.back();
  }
  std::string sent;
  for (std::size_t first = 0; first < parts.size();) {
    std::vector<iovec> pieces;
    for (std::size_t i = first; i < parts.size(); ++i) pieces.push_back({parts[i].data(), parts[i].size()});
    const net::IoResult result = server->stream->write(pieces);
    ASSERT_TRUE(result.ok());
    for (std::size_t left = result.bytes; first < parts.size();) {
      const std::size_t part = std::min(left, parts[first].size());
      sent += parts[first].substr(0, part);
      parts[first].erase(0, part);
      left -= part;
      if (!parts[first].empty()) break;
      ++first;
    }
    pump();
  }
  EXPECT_TRUE(client->received == expected);

  client->received.clear();
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  std::fwrite(expected.data(), 1, expected.size(), file);
  std::fflush(file);
  std::size_t at = 3;
  for (;;) {
    const net::IoResult result = server->stream->send_file(::fileno(file), at, expected.size());
    ASSERT_TRUE(result.ok());
    if (result.bytes == 0) break;
    at += result.bytes;
    pump();
  }
  std::fclose(file);
  EXPECT_TRUE(client->received == expected.substr(3));
}

TEST_F(TlsStreamTest, ReloadsWithoutTouchingConnections) {
  const TestFolder folder;
  const TestCertificate first = make_certificate("first", "DNS:a.example");
  const TestCertificate second = make_certificate("second", "DNS:a.example");
  TlsOptions options;
  options.certificates = {{.certificate_file = folder.write("cert.pem", first.certificate_pem()),
                           .key_file = folder.write("key.pem", first.key_pem())}};
  serve(options);
  const auto shown = [this] {
    pump();
    const X509Ptr certificate(SSL_get1_peer_certificate(client->ssl()));
    return certificate ? common_name(X509_get_subject_name(certificate.get())) : "nothing: " + client->error;
  };
  connect();
  EXPECT_EQ(shown(), "first");
  EXPECT_FALSE(context->reload_if_changed().value());

  folder.write("cert.pem", second.certificate_pem());  // its key is not there yet
  const auto broken = context->reload_if_changed();
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message().find("does not belong"), std::string::npos) << broken.error().message();
  EXPECT_EQ(context->stats().reload_failures.load(), 1u);
  EXPECT_FALSE(context->reload_if_changed().value());
  std::unique_ptr<TestClient> old_client = std::move(client);
  std::unique_ptr<Echo> old_server = std::move(server);
  connect();
  EXPECT_EQ(shown(), "first");

  folder.write("key.pem", second.key_pem());
  EXPECT_TRUE(context->reload_if_changed().value());
  connect();
  EXPECT_EQ(shown(), "second");
  client = std::move(old_client);
  server = std::move(old_server);
  client->to_send = "still here";
  pump();
  EXPECT_EQ(client->received, "still here");
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

/// What an issuer says of a certificate, until `until` seconds from now.
std::string ocsp_answer(const TestCertificate& issuer, const TestCertificate& about, long until) {
  OCSP_BASICRESP* basic = OCSP_BASICRESP_new();
  OCSP_CERTID* id = OCSP_cert_to_id(EVP_sha1(), about.certificate.get(), issuer.certificate.get());
  ASN1_TIME* from = X509_gmtime_adj(nullptr, -10);
  ASN1_TIME* to = X509_gmtime_adj(nullptr, until);
  OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, nullptr, from, to);
  OCSP_basic_sign(basic, issuer.certificate.get(), issuer.key.get(), EVP_sha256(), nullptr, 0);
  OCSP_RESPONSE* response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response, &der);
  std::string result(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  OCSP_RESPONSE_free(response);
  OCSP_BASICRESP_free(basic);
  OCSP_CERTID_free(id);
  ASN1_TIME_free(from);
  ASN1_TIME_free(to);
  return result;
}

TEST_F(TlsStreamTest, StaplesOcspAnswersWhileTheyHold) {
  const TestCertificate authority = make_certificate("authority", "");
  const TestCertificate leaf = make_certificate("leaf", "DNS:a.example", &authority);
  const TestFolder folder;
  TlsOptions options;
  options.certificates = {in_memory(leaf)};
  const auto stapled = [&] {
    connect();
    SSL_set_tlsext_status_type(client->ssl(), TLSEXT_STATUSTYPE_ocsp);
    pump();
    EXPECT_TRUE(client->connected) << client->error;
    const unsigned char* answer = nullptr;
    return SSL_get_tlsext_status_ocsp_resp(client->ssl(), &answer);
  };
  // The answer is dated by the real clock; the server's is somewhere else, and is brought there.
  const auto catch_up = std::chrono::system_clock::now().time_since_epoch() - clock.wall().time_since_epoch();
  clock.advance(std::chrono::duration_cast<Duration>(catch_up));
  const std::string answer = ocsp_answer(authority, leaf, 3600);
  options.certificates.front().ocsp_file = folder.write("ocsp.der", answer);
  serve(options);
  EXPECT_EQ(stapled(), static_cast<long>(answer.size()));
  clock.advance(2h);
  EXPECT_EQ(stapled(), -1);

  const TestCertificate renewed = make_certificate("leaf", "DNS:a.example", &authority);
  folder.write("ocsp.der", ocsp_answer(authority, renewed, 10 * 3600));
  ASSERT_TRUE(context->reload());
  EXPECT_EQ(stapled(), -1) << "it is about another certificate";
  folder.write("ocsp.der", ocsp_answer(authority, leaf, 10 * 3600));
  ASSERT_TRUE(context->reload());
  EXPECT_GT(stapled(), 0);

  folder.write("ocsp.der", "no DER");
  EXPECT_FALSE(context->reload());
}

TEST(TlsContext, SaysWhatIsWrong) {
  const TestFolder folder;
  const TestCertificate good = make_certificate("good", "DNS:a.example");
  const TestCertificate other = make_certificate("other", "DNS:a.example");
  const auto error = [](TlsOptions options) {
    const auto made = TlsContext::create(std::move(options));
    return made ? std::string("none") : made.error().message();
  };
  const auto with = [&](const std::string& certificate, const std::string& key) {
    TlsOptions options;
    options.certificates = {{.certificate_file = certificate, .key_file = key}};
    return options;
  };
  const std::string cert = folder.write("cert.pem", good.certificate_pem());
  const std::string key = folder.write("key.pem", good.key_pem());
  EXPECT_EQ(error(with(cert, key)), "none");
  EXPECT_EQ(error(with(folder.write("both.pem", good.key_pem() + good.certificate_pem()), "")), "none");
  EXPECT_NE(error(with("/nowhere.pem", key)).find("/nowhere.pem"), std::string::npos);
  EXPECT_NE(error(with(key, key)).find("no certificate"), std::string::npos) << error(with(key, key));
  EXPECT_NE(error(with(cert, cert)).find("no private key"), std::string::npos);
  EXPECT_NE(error(with(cert, folder.write("o.pem", other.key_pem()))).find("does not belong"), std::string::npos);
  TlsOptions options = with(cert, key);
  options.ciphers = "nonsense";
  EXPECT_NE(error(options).find("cipher"), std::string::npos);
  options = with(cert, key);
  options.groups = "nonsense";
  EXPECT_NE(error(options).find("groups"), std::string::npos);
  options = with(cert, key);
  options.client_auth = ClientAuth::required;
  EXPECT_NE(error(options).find("client_ca_file"), std::string::npos);
  options.client_ca_file = key;
  EXPECT_NE(error(options).find("authorities"), std::string::npos);
  EXPECT_NE(error({}).find("no certificate"), std::string::npos);
}

TEST(TlsContext, NeverAsksForAPassphrase) {
  const TestFolder folder;
  const TestCertificate good = make_certificate("good", "DNS:a.example");
  const BioPtr out(BIO_new(BIO_s_mem()));
  unsigned char secret[] = "secret";
  PEM_write_bio_PrivateKey(out.get(), good.key.get(), EVP_aes_128_cbc(), secret, 6, nullptr, nullptr);
  TlsOptions options;
  options.certificates = {{.certificate_pem = good.certificate_pem(), .key_pem = TestCertificate::text(out)}};
  const auto made = TlsContext::create(options);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message().find("passphrase"), std::string::npos);
}

TEST(SelfSigned, IsForTheNamesAsked) {
  const TlsCertificate made = self_signed({"dev.example", "*.dev.example", "10.0.0.1", "::1"});
  const BioPtr text(BIO_new_mem_buf(made.certificate_pem.data(), static_cast<int>(made.certificate_pem.size())));
  const X509Ptr certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  ASSERT_TRUE(certificate);
  EXPECT_EQ(X509_check_host(certificate.get(), "a.dev.example", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(certificate.get(), "example", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "::1", 0), 1);
  EXPECT_THROW(static_cast<void>(self_signed({})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(self_signed({"a,DNS:b"})), std::invalid_argument);
}

}  // namespace
}  // namespace weir::tls
