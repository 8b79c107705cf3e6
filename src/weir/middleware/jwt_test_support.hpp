// For tests and benchmarks: fresh key pairs, and tokens signed with them.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "weir/middleware/detail/jwt_base64.hpp"
#include "weir/middleware/detail/openssl.hpp"
#include "weir/middleware/jwks.hpp"

namespace weir::middleware {

/// A key pair. Tokens that it signs carry whatever header and payload they are given.
class TestSigner {
 public:
  static TestSigner rsa(unsigned bits = 2048) {
    return TestSigner(JwtAlgorithm::rs256, EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{bits}));
  }
  static TestSigner p256() {
    return TestSigner(JwtAlgorithm::es256, EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  }
  static TestSigner ed25519() {
    return TestSigner(JwtAlgorithm::eddsa, EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }

  [[nodiscard]] JwtAlgorithm algorithm() const { return algorithm_; }

  [[nodiscard]] std::string signature(std::string_view text) const {
    const DigestContextPtr context(EVP_MD_CTX_new());
    const char* digest = algorithm_ == JwtAlgorithm::eddsa ? nullptr : "SHA256";
    std::string out(1024, '\0');
    std::size_t size = out.size();
    if (EVP_DigestSignInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key_.get(), nullptr) != 1 ||
        EVP_DigestSign(context.get(), to_bytes(out.data()), &size, reinterpret_cast<const unsigned char*>(text.data()),
                       text.size()) != 1) {
      throw std::runtime_error("signing failed");
    }
    out.resize(size);
    return algorithm_ == JwtAlgorithm::es256 ? raw_ecdsa(out) : out;
  }

  [[nodiscard]] std::string token(std::string_view header, std::string_view payload) const {
    const std::string text = encode_base64url(header) + "." + encode_base64url(payload);
    return text + "." + encode_base64url(signature(text));
  }
  /// With the plain header for this key.
  [[nodiscard]] std::string token(std::string_view payload) const {
    return token(R"({"alg":")" + std::string(to_string(algorithm_)) + "\"}", payload);
  }

  [[nodiscard]] std::string public_pem() const {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PUBKEY(bio.get(), key_.get());
    return contents(bio.get());
  }
  [[nodiscard]] std::string private_pem() const {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return contents(bio.get());
  }
  /// A certificate for the key, signed by itself (not with Ed25519).
  [[nodiscard]] std::string certificate() const {
    const CertificatePtr certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key_.get());
    if (X509_sign(certificate.get(), key_.get(), EVP_sha256()) == 0) throw std::runtime_error("signing failed");
    const BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(bio.get(), certificate.get());
    return contents(bio.get());
  }

  /// The members of its JWK but kid, use and alg: `"kty":"RSA","n":…`.
  [[nodiscard]] std::string jwk_members() const {
    switch (algorithm_) {
      case JwtAlgorithm::rs256:
        return R"("kty":"RSA","n":")" + number(OSSL_PKEY_PARAM_RSA_N) + R"(","e":")" + number(OSSL_PKEY_PARAM_RSA_E) +
               "\"";
      case JwtAlgorithm::es256:
        return R"("kty":"EC","crv":"P-256","x":")" + number(OSSL_PKEY_PARAM_EC_PUB_X, 32) + R"(","y":")" +
               number(OSSL_PKEY_PARAM_EC_PUB_Y, 32) + "\"";
      default: {
        std::string raw(32, '\0');
        std::size_t size = raw.size();
        EVP_PKEY_get_raw_public_key(key_.get(), to_bytes(raw.data()), &size);
        return R"("kty":"OKP","crv":"Ed25519","x":")" + encode_base64url(raw) + "\"";
      }
    }
  }
  [[nodiscard]] std::string jwk(std::string_view id) const {
    return "{" + jwk_members() + R"(,"kid":")" + std::string(id) + "\"}";
  }
  /// The public half.
  [[nodiscard]] JwtKey key(std::string id = {}) const {
    return JwtKey::pem(public_pem(), std::move(id)).value().front();
  }

 private:
  TestSigner(JwtAlgorithm algorithm, EVP_PKEY* key) : key_(key, &EVP_PKEY_free), algorithm_(algorithm) {
    if (key == nullptr) throw std::runtime_error("no key was made");
  }
  static unsigned char* to_bytes(char* p) { return reinterpret_cast<unsigned char*>(p); }
  static std::string contents(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);  // NOLINT: OpenSSL's macro casts
    return {data, static_cast<std::size_t>(size)};
  }
  [[nodiscard]] std::string number(const char* name, int size = 0) const {
    BIGNUM* raw = nullptr;
    EVP_PKEY_get_bn_param(key_.get(), name, &raw);
    const BignumPtr value(raw);
    std::string bytes(static_cast<std::size_t>(size != 0 ? size : BN_num_bytes(raw)), '\0');
    BN_bn2binpad(raw, to_bytes(bytes.data()), static_cast<int>(bytes.size()));
    return encode_base64url(bytes);
  }
  /// From ASN.1 (two short INTEGERs) to r and s.
  static std::string raw_ecdsa(std::string_view der) {
    std::string out;
    std::size_t at = 2;
    for (int i = 0; i < 2; ++i) {
      const auto size = static_cast<std::size_t>(static_cast<unsigned char>(der[at + 1]));
      std::string_view value = der.substr(at + 2, size);
      at += 2 + size;
      while (value.size() > 32) value.remove_prefix(1);
      out.append(32 - value.size(), '\0').append(value);
    }
    return out;
  }

  std::shared_ptr<EVP_PKEY> key_;
  JwtAlgorithm algorithm_;
};

}  // namespace weir::middleware
