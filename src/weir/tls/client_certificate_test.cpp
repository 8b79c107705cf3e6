// Clients that show who they are, and their sessions.
#include <chrono>
#include <ctime>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "weir/tls/tls_stream_test_support.hpp"

namespace weir::tls {
namespace {

using namespace std::chrono_literals;

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

}  // namespace
}  // namespace weir::tls
