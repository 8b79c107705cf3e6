// What a server can be told about TLS.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "weir/time/clock.hpp"

namespace weir {

/// A certificate with its key: from files in PEM form, which may be replaced while the server runs, or from memory.
struct TlsCertificate {
  std::string certificate_file;  ///< The server's own certificate first, then the intermediate ones.
  std::string key_file;          ///< Its private key, without a passphrase. Empty: in `certificate_file` too.
  std::string certificate_pem;   ///< Instead of certificate_file.
  std::string key_pem;           ///< Instead of key_file.
  /// Hosts that it is for: "example.com", "*.example.com". Empty: those that the certificate itself names.
  std::vector<std::string> server_names;
  /// A DER file with the OCSP answer of the issuer, which clients get stapled (RFC 6066 section 8); some other program
  /// keeps it fresh. Empty: none. An answer that has expired, or is about another certificate, is not sent.
  std::string ocsp_file;
};

/// A certificate for development, made in memory: for these hosts and addresses ("localhost", "127.0.0.1"), valid for
/// 30 days, with an ECDSA key that nobody else gets. Clients do not trust it. Throws std::runtime_error when OpenSSL
/// cannot make it, and std::invalid_argument for an empty list or a name that does not fit into a certificate.
[[nodiscard]] TlsCertificate self_signed(const std::vector<std::string>& names = {"localhost", "127.0.0.1", "::1"});

/// Whether clients have to show a certificate.
enum class ClientAuth : std::uint8_t {
  off,       ///< They are not asked.
  optional,  ///< They are asked; one that they show must be good, or the handshake fails.
  required,  ///< Without a good one the handshake fails.
};

enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };

/// The defaults are those of Mozilla's "intermediate" advice, less the ciphers without elliptic curves.
struct TlsOptions {
  /// The first is for clients that name no host, or one that no certificate is for. Empty: no TLS. Two for the same
  /// names with keys of two kinds (ECDSA and RSA): each client gets the one that it can use.
  std::vector<TlsCertificate> certificates;
  TlsVersion min_version = TlsVersion::tls_1_2;
  /// OpenSSL's list of ciphers for TLS 1.2; the server's order counts, but a client that wants ChaCha20 first gets it.
  std::string ciphers =
      "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
      "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
  std::string groups = "X25519:P-256:P-384";
  ClientAuth client_auth = ClientAuth::off;
  std::string client_ca_file;  ///< PEM: the authorities that client certificates must come from.
  /// Protocols by ALPN (RFC 7301), the preferred first. A client that offers only others is refused.
  std::vector<std::string> alpn = {"h2", "http/1.1"};
  /// Sessions go on without a new key exchange (RFC 5077, RFC 8446 section 2.2). Their keys live in memory only and are
  /// shared by all loops of the process.
  bool session_tickets = true;
  Duration ticket_rotation = std::chrono::hours(6);  ///< A new key for new tickets.
  /// Tickets older than this are not taken. A client that showed a certificate has to show it again after this time,
  /// or earlier when the certificate ends.
  Duration ticket_lifetime = std::chrono::hours(12);
  /// How often the files are looked at; 0: never, reload with App::reload_tls() or SIGHUP.
  Duration reload_interval = std::chrono::seconds(10);
  /// The kernel encrypts, where it can (Linux with the module tls): files are sent without a copy. Young here: off.
  bool kernel_tls = false;
};

}  // namespace weir
