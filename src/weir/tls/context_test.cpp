// Certificates of the server: what they have to be, OCSP answers about them, and others while it runs.
#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <openssl/ocsp.h>
#include <sys/stat.h>

#include "weir/tls/tls_stream_test_support.hpp"

namespace weir::tls {
namespace {

using namespace std::chrono_literals;

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
  EXPECT_NE(error(with(cert, "")).find("--tls-key"), std::string::npos) << error(with(cert, ""));
  EXPECT_EQ(error(with(cert, cert)).find("--tls-key"), std::string::npos) << "it is named";
  EXPECT_NE(error(with("/tmp", key)).find("directory"), std::string::npos) << error(with("/tmp", key));
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

TEST(TlsContext, WarnsOfAKeyThatOthersMayRead) {
  const TestFolder folder;
  const TestCertificate good = make_certificate("good", "DNS:a.example");
  TlsOptions options;
  options.certificates = {{.certificate_file = folder.write("cert.pem", good.certificate_pem()),
                           .key_file = folder.write("key.pem", good.key_pem())}};
  const auto logged = [&] {
    std::string text;
    Log log(log_to_callback([&text](std::string_view lines) { text += lines; }));
    EXPECT_TRUE(TlsContext::create(options, log.logger("tls"), Clock::system()));
    log.flush(10s);
    return text;
  };
  std::filesystem::permissions(options.certificates[0].key_file, std::filesystem::perms{0644});
  EXPECT_NE(logged().find(R"("mode":"0644")"), std::string::npos) << logged();
  std::filesystem::permissions(options.certificates[0].key_file, std::filesystem::perms{0640});
  EXPECT_EQ(logged(), "");
  // What holds no key is not called one.
  options.certificates[0].key_file = options.certificates[0].certificate_file;
  std::string text;
  Log log(log_to_callback([&text](std::string_view lines) { text += lines; }));
  EXPECT_FALSE(TlsContext::create(options, log.logger("tls"), Clock::system()));
  log.flush(10s);
  EXPECT_EQ(text, "");
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

TEST(TlsContext, LooksAgainAtAFileWhosePermissionsHaveChanged) {
  const TestFolder folder;
  const TestCertificate only = make_certificate("only", "DNS:a.example");
  const std::string key = folder.write("key.pem", only.key_pem());
  TlsOptions options;
  options.certificates = {{.certificate_file = folder.write("cert.pem", only.certificate_pem()), .key_file = key}};
  const auto context = TlsContext::create(options);
  ASSERT_TRUE(context);
  EXPECT_FALSE((*context)->reload_if_changed().value());
  struct stat before{};
  struct stat after{};
  ASSERT_EQ(::stat(key.c_str(), &before), 0);
  do {  // The kernel's time of a change moves in steps of some milliseconds.
    ASSERT_EQ(::chmod(key.c_str(), 0640), 0);
    ASSERT_EQ(::stat(key.c_str(), &after), 0);
  } while (before.st_ctim.tv_nsec == after.st_ctim.tv_nsec && before.st_ctim.tv_sec == after.st_ctim.tv_sec);
  EXPECT_TRUE((*context)->reload_if_changed().value());
}

TEST(TlsContext, TellsWhenTheFirstCertificateEnds) {
  const TestFolder folder;
  const TestCertificate first = make_certificate("first", "DNS:a.example");
  const TlsCertificate later = self_signed();
  TlsOptions options;
  options.certificates = {later,
                          {.certificate_file = folder.write("cert.pem", first.certificate_pem()),
                           .key_file = folder.write("key.pem", first.key_pem())}};
  const auto context = TlsContext::create(options);
  ASSERT_TRUE(context);
  const std::int64_t end = end_of(first.certificate.get());
  EXPECT_EQ((*context)->stats().expiry.load(), end);
  folder.write("cert.pem", later.certificate_pem);
  EXPECT_FALSE((*context)->reload());
  EXPECT_EQ((*context)->stats().expiry.load(), end) << "the old ones stay";
  folder.write("key.pem", later.key_pem);
  EXPECT_TRUE((*context)->reload());
  EXPECT_GT((*context)->stats().expiry.load(), end);
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
