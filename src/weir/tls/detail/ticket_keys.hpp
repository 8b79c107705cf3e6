// The keys that session tickets are sealed with.
#pragma once

#include <array>
#include <mutex>

#include "weir/time/clock.hpp"
#include "weir/tls/detail/openssl.hpp"

namespace weir::tls {

/// A ring of keys: the newest seals, the older ones still open. They live in memory only, are made from the system's
/// randomness, replaced by time, and wiped. Shared by all loops and all sets of credentials; any thread.
class TicketKeys {
 public:
  TicketKeys(Clock& clock, Duration rotation, Duration lifetime);
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;
  ~TicketKeys();

  /// SSL_CTX_set_tlsext_ticket_key_evp_cb(3): sets up cipher and MAC to seal (`seal`) or to open a ticket. 1: done; 2:
  /// opened with an older key, so send a new ticket; 0: no such key; -1: failed.
  int set_up(bool seal, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) noexcept;

 private:
  static constexpr std::size_t kept = 8;
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;
    std::array<unsigned char, 32> mac;
    Instant made;
    bool valid = false;
  };
  bool rotate(Instant now) noexcept;

  Clock& clock_;
  Duration rotation_;
  Duration lifetime_;
  EVP_CIPHER* cipher_;  // fetched once: to look it up costs more than to use it
  std::mutex mutex_;
  std::array<Key, kept> keys_{};  // the newest first
};

}  // namespace weir::tls
