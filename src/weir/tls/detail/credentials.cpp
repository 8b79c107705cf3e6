#include "weir/tls/detail/credentials.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>
#include <utility>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

namespace weir::tls {

namespace {

/// A key with a passphrase must fail instead of asking for it on the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

Result<std::string> read_file(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return fail(system_error(EISDIR, path));
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in) return fail(system_error(errno == 0 ? EIO : errno, path));
  return std::move(text).str();
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

BioPtr memory(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// The PEM text of a certificate's two parts, and how to name them in errors.
struct Sources {
  std::string chain;
  std::string key;
  std::string chain_name;
  std::string key_name;
};

Result<Sources> read_sources(const TlsCertificate& certificate) {
  Sources result;
  if (!certificate.certificate_pem.empty()) {
    result.chain = certificate.certificate_pem;
    result.chain_name = result.key_name = "the certificate in memory";
    result.key = certificate.key_pem.empty() ? certificate.certificate_pem : certificate.key_pem;
    return result;
  }
  if (certificate.certificate_file.empty()) {
    return fail(Errc::invalid_argument, "TLS: a certificate has neither certificate_file nor certificate_pem");
  }
  result.chain_name = certificate.certificate_file;
  result.key_name = certificate.key_file.empty() ? certificate.certificate_file : certificate.key_file;
  auto chain = read_file(result.chain_name);
  if (!chain) return fail(std::move(chain.error()).with_context("TLS certificate"));
  auto key = read_file(result.key_name);
  if (!key) return fail(std::move(key.error()).with_context("TLS key"));
  result.chain = std::move(*chain);
  result.key = std::move(*key);
  return result;
}

Result<KeyPtr> read_key(const TlsCertificate& certificate, const Sources& sources) {
  const BioPtr text = memory(sources.key);
  KeyPtr key(PEM_read_bio_PrivateKey(text.get(), nullptr, &no_passphrase, nullptr));
  if (key) return key;
  const std::string why = take_error();
  const std::string where = sources.key_name + ": ";
  // "BEGIN ENCRYPTED PRIVATE KEY", or the older "Proc-Type: 4,ENCRYPTED".
  if (sources.key.find("ENCRYPTED") != std::string::npos) {
    return fail(Errc::invalid_argument,
                where + "the private key must be in PEM form without a passphrase (openssl pkey takes it off)");
  }
  if (sources.key.find("PRIVATE KEY") != std::string::npos) {
    return fail(Errc::invalid_argument, where + "the private key cannot be read: " + why);
  }
  const bool named = !certificate.key_file.empty() || !certificate.key_pem.empty();
  return fail(Errc::invalid_argument, where + "there is no private key in PEM form in it" +
                                          (named ? "" : ", and no other file is named (key_file, --tls-key)"));
}

/// 0600 or 0640 is right.
void warn_of_open_key(const std::string& file, const Logger& log) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0 || (status.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) == 0) return;
  std::array<char, 8> mode{};  // in octal, as chmod takes it
  std::snprintf(mode.data(), mode.size(), "%04o", static_cast<unsigned>(status.st_mode & 07777));
  log.warn("the key of a TLS certificate is open to others: chmod 600 or 640", {{"file", file}, {"mode", mode.data()}});
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  auto* list = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, i);
    if (name->type != GEN_DNS) continue;
    const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    names.push_back(lower({text, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))}));
  }
  GENERAL_NAMES_free(list);
  if (names.empty()) names.push_back(lower(common_name(X509_get_subject_name(certificate))));
  return names;
}

/// What an OCSP answer says of `leaf`; null when it is about other certificates only.
OCSP_SINGLERESP* ocsp_answer_for(const X509* leaf, OCSP_BASICRESP* basic) {
  for (int i = 0; i < OCSP_resp_count(basic); ++i) {
    OCSP_SINGLERESP* single = OCSP_resp_get0(basic, i);
    ASN1_INTEGER* serial = nullptr;
    OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial, const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single)));
    if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0) return single;
  }
  return nullptr;
}

/// The end of the time of an OCSP answer about `leaf` in seconds, 0 when it is about another certificate; an error for
/// one that is no success or about none at all.
Result<std::int64_t> ocsp_valid_until(const X509* leaf, const std::string& der, const std::string& file) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  OCSP_RESPONSE* response = d2i_OCSP_RESPONSE(nullptr, &bytes, static_cast<long>(der.size()));
  if (response == nullptr) return fail(Errc::invalid_argument, file + " is no OCSP response in DER: " + take_error());
  const auto wrong = [&](const char* what) {
    OCSP_RESPONSE_free(response);
    return fail(Errc::invalid_argument, file + ": " + what);
  };
  if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL) return wrong("the OCSP responder failed");
  OCSP_BASICRESP* basic = OCSP_response_get1_basic(response);
  if (basic == nullptr) return wrong("the OCSP response holds nothing");
  std::int64_t until = 0;
  OCSP_SINGLERESP* single = ocsp_answer_for(leaf, basic);
  ASN1_GENERALIZEDTIME* next = nullptr;
  const bool any = OCSP_resp_count(basic) > 0;
  const bool good = single != nullptr && OCSP_single_get0_status(single, nullptr, nullptr, nullptr, &next) >= 0;
  if (good && next != nullptr) {
    std::tm time{};
    if (ASN1_TIME_to_tm(next, &time) == 1) until = ::timegm(&time);
  } else if (good) {
    until = std::int64_t{1} << 62;  // Newer information is always there (RFC 6960 section 4.2.2.1): no end is named.
  }
  OCSP_BASICRESP_free(basic);
  if (!any) return wrong("the OCSP response is about no certificate");
  OCSP_RESPONSE_free(response);
  return until;
}

bool same_names(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::is_permutation(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

Result<std::shared_ptr<const CredentialSet>> CredentialSet::load(const TlsOptions& options,
                                                                 std::shared_ptr<TicketKeys> tickets, Clock& clock,
                                                                 const Logger& log, TlsStats& stats) {
  std::shared_ptr<CredentialSet> set(new CredentialSet);  // shared by the streams that shake hands with it
  set->tickets_ = std::move(tickets);
  set->clock_ = &clock;
  set->stats_ = &stats;
  if (options.certificates.empty()) return fail(Errc::invalid_argument, "TLS: there is no certificate");
  for (const std::string& protocol : options.alpn) {
    if (protocol.empty() || protocol.size() > 255) {
      return fail(Errc::invalid_argument, "TLS: an ALPN protocol has 1 to 255 bytes");
    }
    set->alpn_ += static_cast<char>(protocol.size());
    set->alpn_ += protocol;
  }
  std::string identity = "weir " + std::to_string(static_cast<int>(options.client_auth));
  if (options.client_auth != ClientAuth::off) {
    if (options.client_ca_file.empty()) {
      return fail(Errc::invalid_argument, "TLS: client_auth needs client_ca_file");
    }
    auto authorities = read_file(options.client_ca_file);
    if (!authorities) return fail(std::move(authorities.error()).with_context("TLS client authorities"));
    identity += *authorities;
    set->client_sessions_.emplace(clock, options.ticket_lifetime);
  }
  // A session may go on only where its client would be trusted today as well.
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(identity.data()), identity.size(), digest.data());
  set->session_context_.assign(reinterpret_cast<const char*>(digest.data()), digest.size());

  for (const TlsCertificate& certificate : options.certificates) {
    ERR_clear_error();
    if (Result<void> added = set->add(options, certificate, log); !added) return fail(std::move(added.error()));
  }
  return set;
}

Result<CtxPtr> CredentialSet::make_context(const TlsOptions& options) const {
  CtxPtr made(SSL_CTX_new(TLS_server_method()));
  if (!made) return fail(Errc::resource_exhausted, "TLS: " + take_error());
  SSL_CTX* context = made.get();
  const int version = options.min_version == TlsVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
  SSL_CTX_set_min_proto_version(context, version);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_passwd_cb(context, &no_passphrase);
  if (SSL_CTX_set_cipher_list(context, options.ciphers.c_str()) != 1) {
    return fail(Errc::invalid_argument, "TLS: there is no cipher in \"" + options.ciphers + "\"");
  }
  std::string groups = options.groups;  // The macro casts const away.
  if (SSL_CTX_set1_groups_list(context, groups.data()) != 1) {
    return fail(Errc::invalid_argument, "TLS: \"" + options.groups + "\" is no list of groups");
  }
  // Sessions live in tickets only: no cache, no lock, nothing to share between loops but the keys.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(session_context_.data()),
                                 static_cast<unsigned>(session_context_.size()));
  const auto lifetime = std::chrono::duration_cast<std::chrono::seconds>(options.ticket_lifetime).count();
  SSL_CTX_set_timeout(context, static_cast<long>(lifetime));
  if (!options.session_tickets) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
  }
  if (options.client_auth != ClientAuth::off) {
    const char* file = options.client_ca_file.c_str();
    if (SSL_CTX_load_verify_locations(context, file, nullptr) != 1) {
      return fail(Errc::invalid_argument, options.client_ca_file + ": no authorities in PEM form: " + take_error());
    }
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(file));
    SSL_CTX_set_verify(context,
                       options.client_auth == ClientAuth::required ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                                                                   : SSL_VERIFY_PEER,
                       nullptr);
  }
  return made;
}

Result<void> CredentialSet::add(const TlsOptions& options, const TlsCertificate& certificate, const Logger& log) {
  auto sources = read_sources(certificate);
  if (!sources) return fail(std::move(sources.error()));
  const auto wrong = [](const std::string& name, const std::string& what) {
    return fail(Errc::invalid_argument, name + ": " + what);
  };

  const BioPtr chain = memory(sources->chain);
  const X509Ptr leaf(PEM_read_bio_X509_AUX(chain.get(), nullptr, &no_passphrase, nullptr));
  if (!leaf) return wrong(sources->chain_name, "no certificate in PEM form: " + take_error());
  auto read = read_key(certificate, *sources);
  if (!read) return fail(std::move(read.error()));
  const KeyPtr key = std::move(*read);
  if (certificate.certificate_pem.empty()) warn_of_open_key(sources->key_name, log);
  if (X509_check_private_key(leaf.get(), key.get()) != 1) {
    static_cast<void>(take_error());
    return wrong(sources->key_name, "the key does not belong to the certificate in " + sources->chain_name);
  }
  if (X509_cmp_current_time(X509_get0_notAfter(leaf.get())) < 0) {
    log.warn("a TLS certificate has expired", {{"file", sources->chain_name}});
  }
  if (X509_cmp_current_time(X509_get0_notBefore(leaf.get())) > 0) {
    log.warn("a TLS certificate is not valid yet", {{"file", sources->chain_name}});
  }
  expiry_ = std::min(expiry_, end_of(leaf.get()));

  std::vector<std::string> names;
  for (const std::string& name : certificate.server_names) names.push_back(lower(name));
  if (names.empty()) names = names_of(leaf.get());
  const int key_type = EVP_PKEY_get_base_id(key.get());
  Entry* entry = nullptr;
  for (const auto& candidate : entries_) {
    const bool has_kind = std::ranges::find(candidate->key_types, key_type) != candidate->key_types.end();
    if (!has_kind && same_names(candidate->names, names)) entry = candidate.get();
  }
  if (entry == nullptr) {
    auto context = make_context(options);
    if (!context) return fail(std::move(context.error()));
    entries_.push_back(std::make_unique<Entry>());
    entry = entries_.back().get();
    entry->context = std::move(*context);
    entry->names = std::move(names);
    entry->set = this;
    set_callbacks(entry->context.get(), *entry, options);
  }
  SSL_CTX* context = entry->context.get();
  entry->key_types.push_back(key_type);
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1 || SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return wrong(sources->chain_name, "the certificate cannot be used: " + take_error());
  }
  for (;;) {
    const X509Ptr next(PEM_read_bio_X509(chain.get(), nullptr, &no_passphrase, nullptr));
    if (!next) break;
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) {
      return wrong(sources->chain_name, "an intermediate certificate cannot be used: " + take_error());
    }
  }
  const unsigned long ended = ERR_peek_last_error();
  if (ended != 0 && ERR_GET_REASON(ended) != PEM_R_NO_START_LINE) {
    return wrong(sources->chain_name, "an intermediate certificate is broken: " + take_error());
  }
  ERR_clear_error();

  if (!certificate.ocsp_file.empty()) {
    auto response = read_file(certificate.ocsp_file);
    if (!response) return fail(std::move(response.error()).with_context("TLS OCSP response"));
    auto until = ocsp_valid_until(leaf.get(), *response, certificate.ocsp_file);
    if (!until) return fail(std::move(until.error()));
    // So it is for a while when the certificate is renewed first; no reason to stay with the old one.
    if (*until == 0)
      log.warn("an OCSP answer is about another certificate: it is not stapled", {{"file", certificate.ocsp_file}});
    X509_up_ref(leaf.get());
    entry->stapled.push_back({X509Ptr(leaf.get()), std::move(*response), *until});
  }
  return {};
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"  // OpenSSL's macros cast the functions
void CredentialSet::set_callbacks(SSL_CTX* context, Entry& entry, const TlsOptions& options) {
  if (client_sessions_) client_sessions_->guard(context);
  SSL_CTX_set_tlsext_servername_callback(context, &on_server_name);
  SSL_CTX_set_tlsext_servername_arg(context, this);
  if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(context, &on_alpn, this);
  SSL_CTX_set_tlsext_status_cb(context, &on_status_request);
  SSL_CTX_set_tlsext_status_arg(context, &entry);
  if (options.session_tickets) {
    SSL_CTX_set_app_data(context, tickets_.get());
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &on_ticket);
  }
}

#pragma GCC diagnostic pop

SslPtr CredentialSet::new_server() const noexcept {
  return SslPtr(SSL_new(entries_.front()->context.get()));
}

const CredentialSet::Entry* CredentialSet::find(std::string_view server_name) const noexcept {
  const auto equal = [](std::string_view pattern, std::string_view name) {
    return std::ranges::equal(pattern, name, [](char p, char n) {
      return p == (n >= 'A' && n <= 'Z' ? static_cast<char>(n - 'A' + 'a') : n);
    });
  };
  if (server_name.ends_with('.')) server_name.remove_suffix(1);
  for (const auto& entry : entries_) {
    for (const std::string& name : entry->names) {
      if (equal(name, server_name)) return entry.get();
    }
  }
  // "*" stands for one whole label, the first (RFC 9525 section 6.3).
  const std::size_t dot = server_name.find('.');
  if (dot == std::string_view::npos || dot == 0) return nullptr;
  const std::string_view rest = server_name.substr(dot);
  for (const auto& entry : entries_) {
    for (const std::string& name : entry->names) {
      if (name.starts_with("*.") && equal(std::string_view(name).substr(1), rest)) return entry.get();
    }
  }
  return nullptr;
}

int CredentialSet::on_server_name(SSL* ssl, int*, void* set) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const auto& self = *static_cast<const CredentialSet*>(set);
  const Entry* found = self.find(name);
  // A name that nothing is for gets the default certificate: the client then sees what is wrong.
  if (found == nullptr) self.stats_->unknown_names.fetch_add(1, std::memory_order_relaxed);
  if (found != nullptr && found->context.get() != SSL_get_SSL_CTX(ssl)) {
    SSL_set_SSL_CTX(ssl, found->context.get());
  }
  return SSL_TLSEXT_ERR_OK;
}

int CredentialSet::on_alpn(SSL*, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
                           unsigned int offered_size, void* set) {
  const std::string& ours = static_cast<const CredentialSet*>(set)->alpn_;
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), offered, offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // no_application_protocol, RFC 7301 section 3.2
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

int CredentialSet::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                             int seal) {
  auto* keys = static_cast<TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  return keys->set_up(seal != 0, name, iv, cipher, mac);
}

int CredentialSet::on_status_request(SSL* ssl, void*) {
  // The argument is that of the context that the connection began with; the certificate may be another's by now.
  void* argument = nullptr;
  SSL_CTX_get_tlsext_status_arg(SSL_get_SSL_CTX(ssl), static_cast<void*>(&argument));
  const auto* entry = static_cast<const Entry*>(argument);
  const X509* chosen = SSL_get_certificate(ssl);
  const auto stapled = std::ranges::find_if(
      entry->stapled, [chosen](const Stapled& candidate) { return candidate.certificate.get() == chosen; });
  if (stapled == entry->stapled.end()) return SSL_TLSEXT_ERR_NOACK;
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(entry->set->clock_->wall().time_since_epoch());
  if (now.count() >= stapled->until) return SSL_TLSEXT_ERR_NOACK;
  const std::string& response = stapled->response;
  void* copy = OPENSSL_memdup(response.data(), response.size());  // OpenSSL frees it
  if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(response.size()));
  return SSL_TLSEXT_ERR_OK;
}

std::uint64_t fingerprint_of_files(const TlsOptions& options) noexcept {
  std::uint64_t hash = 14695981039346656037ull;
  const auto mix = [&hash](std::uint64_t value) {
    for (int i = 0; i < 8; ++i) hash = (hash ^ (value >> (8 * i) & 0xff)) * 1099511628211ull;
  };
  const auto look = [&mix](const std::string& path) {
    struct stat status{};
    if (path.empty()) return;
    if (::stat(path.c_str(), &status) != 0) return mix(1);
    mix(status.st_ino);
    mix(static_cast<std::uint64_t>(status.st_size));
    mix(static_cast<std::uint64_t>(status.st_mtim.tv_sec));
    mix(static_cast<std::uint64_t>(status.st_mtim.tv_nsec));
    // Whose file it is, and who may read it: a key that could not be read may be readable now.
    mix(static_cast<std::uint64_t>(status.st_ctim.tv_sec));
    mix(static_cast<std::uint64_t>(status.st_ctim.tv_nsec));
  };
  for (const TlsCertificate& certificate : options.certificates) {
    look(certificate.certificate_file);
    look(certificate.key_file);
    look(certificate.ocsp_file);
  }
  look(options.client_ca_file);
  return hash;
}

}  // namespace weir::tls
