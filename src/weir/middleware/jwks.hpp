// Keys that verify JSON Web Tokens: from a shared secret, from PEM, from a JSON Web Key Set (RFC 7517).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/error.hpp"
#include "weir/json/rules.hpp"
#include "weir/time/clock.hpp"

struct evp_pkey_st;

namespace weir {

/// The signature algorithms: HS256, RS256 and ES256 of RFC 7518 section 3.1, EdDSA with Ed25519 of RFC 8037. "none" is
/// not among them.
enum class JwtAlgorithm : std::uint8_t { hs256, rs256, es256, eddsa };

template <>
inline constexpr auto enum_names_for<JwtAlgorithm> = enum_names<JwtAlgorithm>({{JwtAlgorithm::hs256, "HS256"},
                                                                               {JwtAlgorithm::rs256, "RS256"},
                                                                               {JwtAlgorithm::es256, "ES256"},
                                                                               {JwtAlgorithm::eddsa, "EdDSA"}});

/// "HS256" and so on. Static storage.
std::string_view to_string(JwtAlgorithm algorithm) noexcept;
std::optional<JwtAlgorithm> parse_jwt_algorithm(std::string_view name) noexcept;

/// One key. Its algorithm follows from what the key is and never from a token, so that a public key cannot be taken for
/// a shared secret (RFC 8725 section 2.1). A cheap value: copies share the key material, which nothing prints.
class JwtKey {
 public:
  static constexpr std::size_t min_secret = 32;  ///< Bytes: as long as the hash (RFC 7518 section 3.2).
  static constexpr int min_rsa_bits = 2048;      ///< RFC 7518 section 3.3.
  static constexpr int max_rsa_bits = 8192;      ///< What a verification costs has to have an end.
  static constexpr std::size_t max_file = std::size_t{1} << 20;

  /// For HS256. `id` is what tokens name in "kid"; empty: for tokens whose kid names no other key.
  static Result<JwtKey> secret(std::string_view bytes, std::string id = {});
  /// Every public key and certificate of a PEM text: RSA for RS256, P-256 for ES256, Ed25519 for EdDSA. A private key
  /// is refused: who only verifies should not have one.
  static Result<std::vector<JwtKey>> pem(std::string_view text, std::string id = {});
  /// Of the numbers in a JWK, big-endian.
  static Result<JwtKey> rsa(std::string_view modulus, std::string_view exponent, std::string id = {});
  static Result<JwtKey> p256(std::string_view x, std::string_view y, std::string id = {});
  static Result<JwtKey> ed25519(std::string_view x, std::string id = {});

  [[nodiscard]] JwtAlgorithm algorithm() const noexcept { return algorithm_; }
  [[nodiscard]] const std::string& id() const noexcept { return id_; }

  /// Whether `signature` (decoded) is this key's over `text`. Any thread. Memory that it needs is kept by the thread.
  [[nodiscard]] bool verify(std::string_view text, std::string_view signature) const noexcept;

 private:
  JwtKey(JwtAlgorithm algorithm, std::string id) : id_(std::move(id)), algorithm_(algorithm) {}
  static Result<JwtKey> of_public_key(std::shared_ptr<evp_pkey_st> key, std::string id);

  std::string id_;
  // Shared between the copies of a key, because the snapshots of a key set overlap.
  std::shared_ptr<evp_pkey_st> public_key_;
  std::shared_ptr<const std::string> secret_;
  std::size_t signature_size_ = 0;
  JwtAlgorithm algorithm_;
};

/// Some keys. A value.
class JwtKeySet {
 public:
  /// With more keys than this a token without kid would cost too many attempts.
  static constexpr std::size_t max_keys = 64;
  /// How many keys are tried for one token.
  static constexpr std::size_t max_attempts = 4;

  JwtKeySet() = default;
  explicit JwtKeySet(std::vector<JwtKey> keys) : keys_(std::move(keys)) {}

  /// A JWK Set (RFC 7517 section 5). Keys that are not for verifying with our algorithms are left out, as the RFC wants
  /// it, and named in `left_out` with the reason. An error when the text is no JWK Set, or no key is left.
  static Result<JwtKeySet> parse(std::string_view json, std::vector<std::string>* left_out = nullptr);

  void add(JwtKey key) { keys_.push_back(std::move(key)); }
  [[nodiscard]] std::span<const JwtKey> keys() const noexcept { return keys_; }
  [[nodiscard]] bool empty() const noexcept { return keys_.empty(); }
  [[nodiscard]] bool has(JwtAlgorithm algorithm) const noexcept;

  /// Whether a key for this algorithm and kid (empty: the token has none) verifies the signature. The keys with that
  /// kid are asked (RFC 7517 section 4.5); all keys for the algorithm, where none of them has an id (a secret, a PEM
  /// file), or for a token without kid.
  enum class Verdict : std::uint8_t { good, bad_signature, no_key };
  [[nodiscard]] Verdict verify(JwtAlgorithm algorithm, std::string_view kid, std::string_view text,
                               std::string_view signature) const noexcept;

 private:
  std::vector<JwtKey> keys_;
};

/// Where the keys of a running service come from, and how they change: a handle whose copies mean the same keys. Any
/// thread.
///
///   weir::JwtKeys keys = weir::JwtKeys::jwks_file("/etc/app/jwks.json");
///   app.use(weir::jwt({.issuer = "https://id.example"}, keys));
///   …
///   keys.reload();   // or wait: the file is looked at every so often
///
/// Keys behind a URL: fetch them, and hand them over with replace().
class JwtKeys {
 public:
  /// Fixed keys. Throws std::invalid_argument when there is none.
  explicit JwtKeys(JwtKeySet keys);
  /// A file that is read now and again when it changes; `read_every` bounds how often it is looked at. Throws
  /// std::invalid_argument when it has no usable key now. Later a file that cannot be used leaves the keys as they
  /// were.
  static JwtKeys jwks_file(std::string path, Duration read_every = std::chrono::seconds(10));
  static JwtKeys pem_file(std::string path, Duration read_every = std::chrono::seconds(10));

  /// Reads the file now, whether or not it has changed. An error leaves the keys as they were.
  Result<void> reload() const;
  /// Other keys from now on.
  void replace(JwtKeySet keys) const;

  [[nodiscard]] std::shared_ptr<const JwtKeySet> current() const;
  /// Another number whenever the keys have changed: whoever remembers what they verified forgets it then.
  [[nodiscard]] std::uint64_t generation() const noexcept;
  /// Looks whether the file has changed, if it is time to; then reload(). Costs one atomic load otherwise. `impatient`:
  /// a token named a key that is not there, so look again after a second already.
  Result<void> refresh(WallTime now, bool impatient = false) const;

 private:
  struct State;
  explicit JwtKeys(std::shared_ptr<State> state) : state_(std::move(state)) {}
  static JwtKeys file(std::string path, Duration read_every, bool pem);
  std::shared_ptr<State> state_;  // shared: that is what a handle is
};

}  // namespace weir
