// OpenSSL's objects, owned.
#pragma once

#include <memory>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

namespace weir::middleware {

template <auto Free>
struct OpensslDelete {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using BioPtr = std::unique_ptr<BIO, OpensslDelete<&BIO_free_all>>;
using BignumPtr = std::unique_ptr<BIGNUM, OpensslDelete<&BN_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslDelete<&EVP_PKEY_free>>;
using KeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, OpensslDelete<&EVP_PKEY_CTX_free>>;
using DigestPtr = std::unique_ptr<EVP_MD, OpensslDelete<&EVP_MD_free>>;
using DigestContextPtr = std::unique_ptr<EVP_MD_CTX, OpensslDelete<&EVP_MD_CTX_free>>;
using MacPtr = std::unique_ptr<EVP_MAC, OpensslDelete<&EVP_MAC_free>>;
using MacContextPtr = std::unique_ptr<EVP_MAC_CTX, OpensslDelete<&EVP_MAC_CTX_free>>;
using ParamBuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, OpensslDelete<&OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, OpensslDelete<&OSSL_PARAM_free>>;
using CertificatePtr = std::unique_ptr<X509, OpensslDelete<&X509_free>>;

/// OpenSSL leaves what failed in a queue of the thread, where TLS would find it: this empties it again.
struct OpensslErrors {
  OpensslErrors() = default;
  OpensslErrors(const OpensslErrors&) = delete;
  OpensslErrors& operator=(const OpensslErrors&) = delete;
  ~OpensslErrors() { ERR_clear_error(); }
};

}  // namespace weir::middleware
