// Certificates as OpenSSL wants them: what one reading of the files gave. Immutable.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/error.hpp"
#include "weir/telemetry/log.hpp"
#include "weir/tls/detail/client_sessions.hpp"
#include "weir/tls/detail/openssl.hpp"
#include "weir/tls/detail/ticket_keys.hpp"
#include "weir/tls/options.hpp"
#include "weir/tls/stats.hpp"

namespace weir::tls {

class CredentialSet {
 public:
  /// Reads all files. Errors name the file. `clock` and `stats` are borrowed.
  [[nodiscard]] static Result<std::shared_ptr<const CredentialSet>> load(const TlsOptions& options,
                                                                         std::shared_ptr<TicketKeys> tickets,
                                                                         Clock& clock, const Logger& log,
                                                                         TlsStats& stats);
  /// A server's side of a new connection; null when there is no memory. The set must live as long as it.
  [[nodiscard]] SslPtr new_server() const noexcept;
  /// When the first of the certificates ends: seconds of calendar time.
  [[nodiscard]] std::int64_t expiry() const noexcept { return expiry_; }

 private:
  struct Stapled {
    X509Ptr certificate;     // that it is about
    std::string response;    // DER
    std::int64_t until = 0;  // seconds of calendar time
  };
  /// A certificate, or two with keys of different kinds, and the names that it is for.
  struct Entry {
    CtxPtr context;
    std::vector<std::string> names;  // lower case
    std::vector<int> key_types;
    std::vector<Stapled> stapled;
    const CredentialSet* set = nullptr;
  };
  CredentialSet() = default;
  Result<void> add(const TlsOptions& options, const TlsCertificate& certificate, const Logger& log);
  Result<CtxPtr> make_context(const TlsOptions& options) const;
  void set_callbacks(SSL_CTX* context, Entry& entry, const TlsOptions& options);
  [[nodiscard]] const Entry* find(std::string_view server_name) const noexcept;

  static int on_server_name(SSL* ssl, int* alert, void* set);
  static int on_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
                     unsigned int offered_size, void* set);
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                       int seal);
  static int on_status_request(SSL* ssl, void* entry);

  std::vector<std::unique_ptr<Entry>> entries_;  // the first is the default
  std::string alpn_;                             // in the form of the wire
  std::string session_context_;
  std::shared_ptr<TicketKeys> tickets_;
  std::optional<ClientSessions> client_sessions_;  // where clients show certificates
  Clock* clock_ = nullptr;
  TlsStats* stats_ = nullptr;
  std::int64_t expiry_ = std::numeric_limits<std::int64_t>::max();
};

/// A number that changes when one of the options' files does.
[[nodiscard]] std::uint64_t fingerprint_of_files(const TlsOptions& options) noexcept;

}  // namespace weir::tls
