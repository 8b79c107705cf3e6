#include "weir/tls/detail/client_sessions.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>

namespace weir::tls {

void ClientSessions::guard(SSL_CTX* context) {
  SSL_CTX_set_session_ticket_cb(context, &on_new_ticket, &on_old_ticket, this);
}

std::int64_t ClientSessions::now() const noexcept {
  return std::chrono::floor<std::chrono::seconds>(clock_.wall()).time_since_epoch().count();
}

int ClientSessions::on_new_ticket(SSL* ssl, void* self) {
  if (SSL_session_reused(ssl) == 1) return 1;  // OpenSSL hands on what the first ticket said.
  const auto& sessions = *static_cast<const ClientSessions*>(self);
  const STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl);
  if (sk_X509_num(chain) <= 0) return 1;  // The client showed none, and is nobody in its session too.
  std::int64_t until = sessions.now() + std::chrono::duration_cast<std::chrono::seconds>(sessions.lifetime_).count();
  for (int i = 0; i < sk_X509_num(chain); ++i) until = std::min(until, end_of(sk_X509_value(chain, i)));
  return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), &until, sizeof until);
}

SSL_TICKET_RETURN ClientSessions::on_old_ticket(SSL*, SSL_SESSION* session, const unsigned char*, std::size_t,
                                                SSL_TICKET_STATUS status, void* self) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
  const SSL_TICKET_RETURN use = status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
  if (SSL_SESSION_get0_peer(session) == nullptr) return use;
  void* data = nullptr;
  std::size_t size = 0;
  std::int64_t until = 0;
  if (SSL_SESSION_get0_ticket_appdata(session, &data, &size) != 1 || size != sizeof until) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  std::memcpy(&until, data, sizeof until);
  return static_cast<const ClientSessions*>(self)->now() < until ? use : SSL_TICKET_RETURN_IGNORE_RENEW;
}

}  // namespace weir::tls
