// For tests of TLS: certificates, and a client of OpenSSL's at the other end of a MemoryStream.
#pragma once

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "weir/net/memory_stream.hpp"
#include "weir/tls/context.hpp"
#include "weir/tls/detail/openssl.hpp"

namespace weir::tls {

struct TestCertificate {
  X509Ptr certificate;
  KeyPtr key;

  [[nodiscard]] std::string certificate_pem() const {
    const BioPtr out(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(out.get(), certificate.get());
    return text(out);
  }
  [[nodiscard]] std::string key_pem() const {
    const BioPtr out(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return text(out);
  }
  static std::string text(const BioPtr& bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
  }
};

enum class TestKey : std::uint8_t { ecdsa, rsa };

/// A certificate for `names` ("DNS:a.example,URI:spiffe://x"), by `issuer` or by itself.
inline TestCertificate make_certificate(const std::string& common_name, const std::string& names,
                                        const TestCertificate* issuer = nullptr, TestKey kind = TestKey::ecdsa) {
  TestCertificate result;
  result.key.reset(kind == TestKey::rsa ? EVP_RSA_gen(2048) : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  result.certificate.reset(X509_new());
  X509* x = result.certificate.get();
  X509_set_version(x, X509_VERSION_3);
  static long serial = 0xA000;
  ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x), -1000);
  X509_gmtime_adj(X509_getm_notAfter(x), 100000);
  X509_NAME* subject = X509_get_subject_name(x);
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0);
  const TestCertificate& by = issuer == nullptr ? result : *issuer;
  X509_set_issuer_name(x, X509_get_subject_name(by.certificate.get()));
  X509_set_pubkey(x, result.key.get());
  const auto extend = [&](int id, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, by.certificate.get(), x, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
  };
  if (names.empty()) {
    extend(NID_basic_constraints, "critical,CA:TRUE");
  } else {
    extend(NID_subject_alt_name, names);
  }
  X509_sign(x, by.key.get(), EVP_sha256());
  return result;
}

inline TlsCertificate in_memory(const TestCertificate& certificate) {
  TlsCertificate result;
  result.certificate_pem = certificate.certificate_pem();
  result.key_pem = certificate.key_pem();
  return result;
}

/// A folder that goes away with it.
class TestFolder {
 public:
  TestFolder() {
    std::string path = std::filesystem::temp_directory_path() / "weir-tls-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    path_ = path;
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() { std::filesystem::remove_all(path_); }
  /// Writes a file; its path.
  std::string write(const std::string& name, const std::string& content) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return path;
  }

 private:
  std::string path_;
};

/// The client's side. pump() moves bytes; everything else only looks.
class TestClient {
 public:
  explicit TestClient(std::unique_ptr<net::MemoryStream> stream)
      : stream_(std::move(stream)), context_(SSL_CTX_new(TLS_client_method())) {
    // Not in the context too: it spoils what it holds when it goes.
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(context_.get(), static_cast<void*>(this));
    SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* ssl, SSL_SESSION* session) {
      auto* self = static_cast<TestClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
      SSL_SESSION_free(self->session_);
      self->session_ = session;
      return 1;
    });
  }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;
  ~TestClient() {
    // OpenSSL spoils the session of a connection that goes away without a goodbye.
    if (ssl_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_SESSION_free(session_);
  }

  SSL_CTX* context() { return context_.get(); }
  net::MemoryStream& stream() { return *stream_; }
  /// Made with the first call: settings of the context come before.
  SSL* ssl() {
    if (!ssl_) {
      ssl_.reset(SSL_new(context_.get()));
      SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
      SSL_set_connect_state(ssl_.get());
    }
    return ssl_.get();
  }
  void use(const TestCertificate& certificate) {
    SSL_CTX_use_certificate(context(), certificate.certificate.get());
    SSL_CTX_use_PrivateKey(context(), certificate.key.get());
  }
  void offer(std::string_view alpn) {  // in the form of the wire
    SSL_set_alpn_protos(ssl(), reinterpret_cast<const unsigned char*>(alpn.data()), static_cast<unsigned>(alpn.size()));
  }
  void ask_for(const char* server_name) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"  // OpenSSL's macro casts
    SSL_set_tlsext_host_name(ssl(), server_name);
#pragma GCC diagnostic pop
  }
  /// One step: shakes hands, sends `to_send`, reads. True if anything moved.
  bool pump() {
    bool moved = false;
    std::array<char, 20000> room;
    const net::IoResult in = stream_->read(room);
    if (in.ok() && in.bytes != 0) {
      BIO_write(SSL_get_rbio(ssl()), room.data(), static_cast<int>(in.bytes));
      moved = true;
    } else if (in.end_of_stream() || in.error()) {
      stream_ended = true;
    }
    ERR_clear_error();
    if (!connected && !failed) {
      const int result = SSL_do_handshake(ssl());
      if (result == 1) {
        connected = moved = true;
      } else if (SSL_get_error(ssl(), result) != SSL_ERROR_WANT_READ) {
        failed = moved = true;
        error = ERR_reason_error_string(ERR_peek_error()) == nullptr ? "" : ERR_reason_error_string(ERR_peek_error());
      }
    }
    while (connected && reading) {
      const int got = SSL_read(ssl(), room.data(), static_cast<int>(room.size()));
      if (got <= 0) {
        const int why = SSL_get_error(ssl(), got);
        if (why == SSL_ERROR_ZERO_RETURN) closed = true;
        if (why == SSL_ERROR_SSL && !failed) {
          failed = moved = true;
          const char* text = ERR_reason_error_string(ERR_peek_error());
          error = text == nullptr ? "" : text;
        }
        break;
      }
      received.append(room.data(), static_cast<std::size_t>(got));
      moved = true;
    }
    if (connected && !to_send.empty()) {
      SSL_write(ssl(), to_send.data(), static_cast<int>(to_send.size()));
      to_send.clear();
      moved = true;
    }
    char* out = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl()), &out);
    if (size > 0) {
      wire_.append(out, static_cast<std::size_t>(size));
      static_cast<void>(BIO_reset(SSL_get_wbio(ssl())));
    }
    if (!wire_.empty() && !stream_->closed()) {
      const net::IoResult sent = stream_->write(wire_.data(), wire_.size());
      if (sent.ok()) wire_.erase(0, sent.bytes);
      moved = moved || sent.ok();
    }
    return moved;
  }
  /// The session of the last ticket; the caller may hand it to another client's resume().
  SSL_SESSION* session() const { return session_; }
  void resume(SSL_SESSION* session) { SSL_set_session(ssl(), session); }

  std::string to_send;
  std::string received;
  std::string error;
  bool reading = true;  // false: a slow reader
  bool connected = false;
  bool failed = false;
  bool closed = false;        // by close_notify
  bool stream_ended = false;  // below TLS

 private:
  std::unique_ptr<net::MemoryStream> stream_;
  CtxPtr context_;
  SslPtr ssl_;
  SSL_SESSION* session_ = nullptr;
  std::string wire_;
};

}  // namespace weir::tls
