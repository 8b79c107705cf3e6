#include <array>
#include <cstdint>
#include <stdexcept>

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "weir/tls/detail/openssl.hpp"
#include "weir/tls/options.hpp"

namespace weir {

namespace {

using tls::BioPtr;

[[noreturn]] void failed() {
  throw std::runtime_error("weir::self_signed: " + tls::take_error());
}

void require(bool done) {
  if (!done) failed();
}

std::string text_of(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

bool is_address(const std::string& name) {
  std::array<unsigned char, 16> room;
  return ::inet_pton(AF_INET, name.c_str(), room.data()) == 1 || ::inet_pton(AF_INET6, name.c_str(), room.data()) == 1;
}

std::string alternative_names(const std::vector<std::string>& names) {
  if (names.empty()) throw std::invalid_argument("weir::self_signed: a certificate needs a name");
  std::string result;
  for (const std::string& name : names) {
    if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:*") !=
                            std::string::npos) {
      throw std::invalid_argument("weir::self_signed: \"" + name + "\" is neither a host name nor an address");
    }
    if (!result.empty()) result += ',';
    result += (is_address(name) ? "IP:" : "DNS:") + name;
  }
  return result;
}

void add_extension(X509* certificate, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  require(extension != nullptr);
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  require(added);
}

}  // namespace

TlsCertificate self_signed(const std::vector<std::string>& names) {
  const std::string alternatives = alternative_names(names);
  const tls::KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const tls::X509Ptr certificate(X509_new());
  require(key && certificate);
  X509* x = certificate.get();
  require(X509_set_version(x, X509_VERSION_3) == 1);
  BIGNUM* serial = BN_new();
  const bool numbered = serial != nullptr && BN_rand(serial, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                        BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x)) != nullptr;
  BN_free(serial);
  require(numbered);
  constexpr long day = 24 * 60 * 60;
  // Clocks differ: it began a while ago.
  require(X509_gmtime_adj(X509_getm_notBefore(x), -day) != nullptr);
  require(X509_gmtime_adj(X509_getm_notAfter(x), 30 * day) != nullptr);
  X509_NAME* subject = X509_get_subject_name(x);
  // A common name has 64 characters at most; the alternative names are what counts.
  const std::string common = names.front().substr(0, 64);
  require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(common.c_str()), -1, -1, 0) == 1);
  require(X509_set_issuer_name(x, subject) == 1 && X509_set_pubkey(x, key.get()) == 1);
  add_extension(x, NID_subject_alt_name, alternatives);
  add_extension(x, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(x, NID_key_usage, "critical,digitalSignature");
  add_extension(x, NID_ext_key_usage, "serverAuth");
  add_extension(x, NID_subject_key_identifier, "hash");
  require(X509_sign(x, key.get(), EVP_sha256()) != 0);

  TlsCertificate result;
  const BioPtr out(BIO_new(BIO_s_mem()));
  const BioPtr secret(BIO_new(BIO_s_secmem()));
  require(out && secret && PEM_write_bio_X509(out.get(), x) == 1 &&
          PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  result.certificate_pem = text_of(out.get());
  result.key_pem = text_of(secret.get());
  return result;
}

}  // namespace weir
