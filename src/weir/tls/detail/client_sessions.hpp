// How long a session may speak for the client that showed a certificate when it began.
#pragma once

#include <cstddef>
#include <cstdint>

#include "weir/time/clock.hpp"
#include "weir/tls/detail/openssl.hpp"

namespace weir::tls {

/// OpenSSL looks at a client's certificate in full handshakes only. A session that goes on carries what was found then,
/// and gets new tickets each time: it could outlive the certificate without end. So each ticket says until when its
/// session may speak for its client: as long as every certificate of the chain is valid, and for no longer than
/// `lifetime` from the full handshake. With a ticket from beyond that, the client has to show its certificate again.
class ClientSessions {
 public:
  /// `clock` is borrowed.
  ClientSessions(Clock& clock, Duration lifetime) noexcept : clock_(clock), lifetime_(lifetime) {}
  /// Has `context` ask this object, which must outlive its connections.
  void guard(SSL_CTX* context);

 private:
  static int on_new_ticket(SSL* ssl, void* self);
  static SSL_TICKET_RETURN on_old_ticket(SSL* ssl, SSL_SESSION* session, const unsigned char* key_name,
                                         std::size_t key_name_size, SSL_TICKET_STATUS status, void* self);
  /// Seconds of calendar time.
  [[nodiscard]] std::int64_t now() const noexcept;

  Clock& clock_;
  Duration lifetime_;
};

}  // namespace weir::tls
