#include "weir/tls/detail/ticket_keys.hpp"

#include <algorithm>
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

namespace weir::tls {

TicketKeys::TicketKeys(Clock& clock, Duration rotation, Duration lifetime)
    : clock_(clock),
      // A ticket must not outlive its key, and the ring is short.
      rotation_(std::max(rotation, lifetime / static_cast<int>(kept - 1))),
      lifetime_(lifetime),
      cipher_(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr)) {}

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(keys_.data(), sizeof keys_);
  EVP_CIPHER_free(cipher_);
}

bool TicketKeys::rotate(Instant now) noexcept {
  std::rotate(keys_.begin(), keys_.end() - 1, keys_.end());
  Key& key = keys_.front();
  key.valid = RAND_bytes(key.name.data(), key.name.size()) == 1 &&
              RAND_priv_bytes(key.cipher.data(), key.cipher.size()) == 1 &&
              RAND_priv_bytes(key.mac.data(), key.mac.size()) == 1;
  key.made = now;
  return key.valid;
}

int TicketKeys::set_up(bool seal, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac) noexcept {
  const std::lock_guard lock(mutex_);
  const Instant now = clock_.now();
  if (!keys_.front().valid || now - keys_.front().made >= rotation_) {
    if (!rotate(now)) return -1;
  }
  const Key* key = nullptr;
  if (seal) {
    key = &keys_.front();
    std::memcpy(name, key->name.data(), key->name.size());
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(cipher_)) != 1) return -1;
  } else {
    for (const Key& candidate : keys_) {
      // Sealed at the very end of the key's time, a ticket is good for its own.
      if (!candidate.valid || now - candidate.made > rotation_ + lifetime_) continue;
      if (std::memcmp(candidate.name.data(), name, candidate.name.size()) == 0) key = &candidate;
    }
    if (key == nullptr) return 0;
  }
  char digest[] = "SHA256";
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key->mac.data()),
                                        key->mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  if (EVP_MAC_CTX_set_params(mac, params) != 1) return -1;
  if (EVP_CipherInit_ex(cipher, cipher_, nullptr, key->cipher.data(), iv, seal ? 1 : 0) != 1) return -1;
  return seal || key == &keys_.front() ? 1 : 2;
}

}  // namespace weir::tls
