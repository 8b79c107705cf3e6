// JwtKey: one key and its verification, on OpenSSL 3.
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>

#include "weir/middleware/detail/openssl.hpp"
#include "weir/middleware/jwks.hpp"

namespace weir {

using namespace middleware;  // NOLINT(google-build-using-namespace): our own internals

namespace {

constexpr std::size_t p256_coordinate = 32;
constexpr std::size_t ed25519_key = 32;

const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

KeyPtr key_from(const char* type, OSSL_PARAM_BLD* builder) {
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder));
  const KeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return KeyPtr(key);
}

/// The key's numbers belong together: the point lies on its curve.
bool is_sound(EVP_PKEY* key) {
  const KeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return context && EVP_PKEY_public_check(context.get()) == 1;
}

bool is_p256(EVP_PKEY* key) {
  std::array<char, 64> group{};
  std::size_t size = 0;
  return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1 &&
         std::string_view(group.data(), size) == "prime256v1";
}

Result<void> check_rsa(EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < JwtKey::min_rsa_bits || bits > JwtKey::max_rsa_bits) {
    return fail(Errc::invalid_argument, "an RSA key must have 2048 to 8192 bits, this one has " + std::to_string(bits));
  }
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &raw) != 1) {
    return fail(Errc::invalid_argument, "an RSA key without an exponent");
  }
  const BignumPtr exponent(raw);
  // A long exponent would make each verification as dear as a signature.
  if (BN_is_odd(raw) == 0 || BN_is_one(raw) != 0 || BN_num_bits(raw) > 32) {
    return fail(Errc::invalid_argument, "the exponent of an RSA key must be odd, above 1 and at most 32 bits long");
  }
  return {};
}

struct Mac {
  MacPtr mac{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
  MacContextPtr context{mac ? EVP_MAC_CTX_new(mac.get()) : nullptr};
};

bool verify_hmac(const std::string& secret, std::string_view text, std::string_view signature) noexcept {
  thread_local const Mac mac;
  EVP_MAC_CTX* const context = mac.context.get();
  if (context == nullptr) return false;
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  std::array<unsigned char, 32> expected{};
  std::size_t size = 0;
  if (EVP_MAC_init(context, bytes_of(secret), secret.size(), params) != 1 ||
      EVP_MAC_update(context, bytes_of(text), text.size()) != 1 ||
      EVP_MAC_final(context, expected.data(), &size, expected.size()) != 1 || size != expected.size()) {
    return false;
  }
  return CRYPTO_memcmp(expected.data(), signature.data(), expected.size()) == 0;
}

/// JWS has r and s as 32 bytes each (RFC 7518 section 3.4); OpenSSL wants them as ASN.1. Returns the size.
std::size_t ecdsa_to_der(std::string_view raw, std::array<unsigned char, 72>& out) noexcept {
  std::size_t at = 2;
  for (std::string_view number : {raw.substr(0, p256_coordinate), raw.substr(p256_coordinate)}) {
    while (number.size() > 1 && number.front() == '\0') number.remove_prefix(1);
    const bool negative = (static_cast<unsigned char>(number.front()) & 0x80) != 0;
    out[at++] = 0x02;  // INTEGER
    out[at++] = static_cast<unsigned char>(number.size() + (negative ? 1 : 0));
    if (negative) out[at++] = 0;
    std::memcpy(out.data() + at, number.data(), number.size());
    at += number.size();
  }
  out[0] = 0x30;  // SEQUENCE
  out[1] = static_cast<unsigned char>(at - 2);
  return at;
}

bool verify_public(EVP_PKEY* key, JwtAlgorithm algorithm, std::string_view text, std::string_view signature) noexcept {
  thread_local const DigestContextPtr context(EVP_MD_CTX_new());
  if (!context) return false;
  std::array<unsigned char, 72> der{};
  const unsigned char* raw = bytes_of(signature);
  std::size_t size = signature.size();
  if (algorithm == JwtAlgorithm::es256) {
    size = ecdsa_to_der(signature, der);
    raw = der.data();
  }
  const char* digest = algorithm == JwtAlgorithm::eddsa ? nullptr : "SHA256";  // Ed25519 hashes by itself.
  const bool good = EVP_DigestVerifyInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key, nullptr) == 1 &&
                    EVP_DigestVerify(context.get(), raw, size, bytes_of(text), text.size()) == 1;
  EVP_MD_CTX_reset(context.get());  // Lets go of the key.
  return good;
}

}  // namespace

std::string_view to_string(JwtAlgorithm algorithm) noexcept {
  constexpr std::array<std::string_view, 4> names = {"HS256", "RS256", "ES256", "EdDSA"};
  return names[static_cast<std::size_t>(algorithm)];
}

std::optional<JwtAlgorithm> parse_jwt_algorithm(std::string_view name) noexcept {
  for (const JwtAlgorithm algorithm :
       {JwtAlgorithm::hs256, JwtAlgorithm::rs256, JwtAlgorithm::es256, JwtAlgorithm::eddsa}) {
    if (name == to_string(algorithm)) return algorithm;
  }
  return std::nullopt;
}

Result<JwtKey> JwtKey::secret(std::string_view bytes, std::string id) {
  if (bytes.size() < min_secret) {
    return fail(Errc::invalid_argument, "a secret for HS256 must have at least 32 bytes, this one has " +
                                            std::to_string(bytes.size()) +
                                            " (openssl rand -base64 48 makes a good one)");
  }
  JwtKey key(JwtAlgorithm::hs256, std::move(id));
  key.secret_ = std::shared_ptr<const std::string>(new std::string(bytes), [](const std::string* secret) {
    // The memory is given back to whoever comes next.
    OPENSSL_cleanse(const_cast<char*>(secret->data()), secret->size());  // NOLINT: it is about to die
    delete secret;
  });
  key.signature_size_ = 32;
  return key;
}

Result<JwtKey> JwtKey::of_public_key(std::shared_ptr<evp_pkey_st> public_key, std::string id) {
  std::optional<JwtAlgorithm> algorithm;
  EVP_PKEY* const raw = public_key.get();
  if (EVP_PKEY_is_a(raw, "RSA") == 1) {
    if (auto sound = check_rsa(raw); !sound) return fail(std::move(sound.error()));
    algorithm = JwtAlgorithm::rs256;
  } else if (is_p256(raw)) {
    if (!is_sound(raw)) return fail(Errc::invalid_argument, "the point of an EC key does not lie on its curve");
    algorithm = JwtAlgorithm::es256;
  } else if (EVP_PKEY_is_a(raw, "ED25519") == 1) {
    algorithm = JwtAlgorithm::eddsa;
  } else {
    const char* name = EVP_PKEY_get0_type_name(raw);
    return fail(Errc::invalid_argument, std::string("a key of type ") + (name == nullptr ? "unknown" : name) +
                                            " verifies no token; RSA, EC with P-256 and Ed25519 do");
  }
  JwtKey key(*algorithm, std::move(id));
  key.public_key_ = std::move(public_key);
  key.signature_size_ = *algorithm == JwtAlgorithm::rs256 ? static_cast<std::size_t>(EVP_PKEY_get_size(raw)) : 64;
  return key;
}

Result<std::vector<JwtKey>> JwtKey::pem(std::string_view text, std::string id) {
  const OpensslErrors errors;
  if (text.size() > max_file) return fail(Errc::too_large, "a PEM text over 1 MiB holds no keys");
  const BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  std::vector<JwtKey> keys;
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  while (bio && PEM_read_bio(bio.get(), &name, &header, &data, &size) == 1) {
    using Text = std::unique_ptr<char, decltype([](char* p) { OPENSSL_free(p); })>;
    const Text owned_name(name);
    const Text owned_header(header);
    const std::unique_ptr<unsigned char, decltype([](unsigned char* p) { OPENSSL_free(p); })> owned(data);
    const std::string_view kind(name);
    const unsigned char* at = data;
    KeyPtr key;
    if (kind == "PUBLIC KEY") {
      key.reset(d2i_PUBKEY(nullptr, &at, size));
    } else if (kind == "RSA PUBLIC KEY") {
      key.reset(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size));
    } else if (kind == "CERTIFICATE") {
      const CertificatePtr certificate(d2i_X509(nullptr, &at, size));
      if (certificate) key.reset(X509_get_pubkey(certificate.get()));
    } else if (kind.ends_with("PRIVATE KEY")) {
      OPENSSL_cleanse(data, static_cast<std::size_t>(size));
      return fail(Errc::invalid_argument,
                  "a private key: to verify tokens, give the public one (openssl pkey -in key.pem -pubout)");
    } else {
      continue;  // Parameters, requests and the like say nothing about keys.
    }
    if (!key) return fail(Errc::invalid_argument, "a PEM block \"" + std::string(kind) + "\" cannot be decoded");
    auto made = of_public_key(std::shared_ptr<evp_pkey_st>(std::move(key)), id);
    if (!made) return fail(std::move(made.error()));
    keys.push_back(std::move(*made));
  }
  if (keys.empty()) return fail(Errc::invalid_argument, "the PEM text holds no public key and no certificate");
  return keys;
}

Result<JwtKey> JwtKey::rsa(std::string_view modulus, std::string_view exponent, std::string id) {
  const OpensslErrors errors;
  if (modulus.size() > max_rsa_bits / 8 + 1 || exponent.size() > 8) {
    return fail(Errc::invalid_argument, "an RSA key must have 2048 to 8192 bits and an exponent of at most 32");
  }
  const BignumPtr n(BN_bin2bn(bytes_of(modulus), static_cast<int>(modulus.size()), nullptr));
  const BignumPtr e(BN_bin2bn(bytes_of(exponent), static_cast<int>(exponent.size()), nullptr));
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  if (!n || !e || BN_is_odd(n.get()) == 0 || !builder ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return fail(Errc::invalid_argument, "n and e are no RSA key");
  }
  KeyPtr key = key_from("RSA", builder.get());
  if (!key) return fail(Errc::invalid_argument, "n and e are no RSA key");
  return of_public_key(std::shared_ptr<evp_pkey_st>(std::move(key)), std::move(id));
}

Result<JwtKey> JwtKey::p256(std::string_view x, std::string_view y, std::string id) {
  const OpensslErrors errors;
  if (x.size() != p256_coordinate || y.size() != p256_coordinate) {
    return fail(Errc::invalid_argument, "x and y of a P-256 key must have 32 bytes each");
  }
  std::array<char, 1 + 2 * p256_coordinate> point{};
  point[0] = 4;  // uncompressed (SEC 1 section 2.3.3)
  std::memcpy(point.data() + 1, x.data(), x.size());
  std::memcpy(point.data() + 1 + x.size(), y.data(), y.size());
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
    return fail(Errc::invalid_argument, "x and y are no P-256 key");
  }
  KeyPtr key = key_from("EC", builder.get());
  if (!key) return fail(Errc::invalid_argument, "x and y are no point of P-256");
  return of_public_key(std::shared_ptr<evp_pkey_st>(std::move(key)), std::move(id));
}

Result<JwtKey> JwtKey::ed25519(std::string_view x, std::string id) {
  const OpensslErrors errors;
  if (x.size() != ed25519_key) return fail(Errc::invalid_argument, "x of an Ed25519 key must have 32 bytes");
  KeyPtr key(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, bytes_of(x), x.size()));
  if (!key) return fail(Errc::invalid_argument, "x is no Ed25519 key");
  return of_public_key(std::shared_ptr<evp_pkey_st>(std::move(key)), std::move(id));
}

bool JwtKey::verify(std::string_view text, std::string_view signature) const noexcept {
  if (signature.size() != signature_size_) return false;
  if (secret_) return verify_hmac(*secret_, text, signature);
  const OpensslErrors errors;
  return verify_public(public_key_.get(), algorithm_, text, signature);
}

}  // namespace weir
