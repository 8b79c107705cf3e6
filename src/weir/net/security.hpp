// What a secured stream knows of its security: which protocol, and who the peer has proved to be.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weir::net {

/// The certificate that the peer showed (RFC 5280). What it says may be used as an identity only when it is verified.
struct PeerCertificate {
  std::string subject;                       ///< The distinguished name as RFC 2253 text: "CN=worker-7,O=Example".
  std::string common_name;                   ///< The last CN of the subject; empty where there is none.
  std::vector<std::string> dns_names;        ///< Subject alternative names of the kind dNSName, …
  std::vector<std::string> email_addresses;  ///< … rfc822Name, …
  std::vector<std::string> uris;             ///< … and uniformResourceIdentifier (SPIFFE ids are such).
  std::string issuer;                        ///< As `subject`.
  std::string serial;                        ///< Hexadecimal, upper case.
  std::string fingerprint;                   ///< SHA-256 of the certificate: 64 hexadecimal digits, lower case.
  bool verified = false;                     ///< Its chain leads to an authority that the server trusts.
};

/// Lives as long as the stream, closed or not. Every text is empty where it does not apply.
struct Security {
  std::string_view protocol;                     ///< "TLSv1.3"
  std::string_view cipher;                       ///< "TLS_AES_128_GCM_SHA256"
  std::string_view alpn;                         ///< What was negotiated (RFC 7301): "h2", "http/1.1".
  std::string server_name;                       ///< The host that the client asked for (RFC 6066 section 3).
  bool resumed = false;                          ///< The session of an earlier connection went on.
  const PeerCertificate* certificate = nullptr;  ///< The client's; null: it showed none.
};

}  // namespace weir::net
