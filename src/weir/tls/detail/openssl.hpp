// Owners for OpenSSL's objects, and its errors as text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace weir::tls {

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using BioPtr = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
using CtxPtr = std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using SslPtr = std::unique_ptr<SSL, FreeWith<SSL_free>>;
using X509Ptr = std::unique_ptr<X509, FreeWith<X509_free>>;

/// Takes the oldest error off the thread's queue and empties it: "no start line". Never holds key material.
[[nodiscard]] std::string take_error();

/// When it ends: seconds of calendar time. 0: it cannot be told.
[[nodiscard]] std::int64_t end_of(const X509* certificate) noexcept;

/// The names that a certificate is for: its dNSNames, or the common name where it has none.
[[nodiscard]] std::string name_text(const X509_NAME* name);
[[nodiscard]] std::string common_name(const X509_NAME* name);

}  // namespace weir::tls
