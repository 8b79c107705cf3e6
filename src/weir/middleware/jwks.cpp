// Key sets, and where they come from.
#include "weir/middleware/jwks.hpp"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/json/read.hpp"
#include "weir/json/value.hpp"
#include "weir/middleware/detail/jwt_base64.hpp"

namespace weir {
namespace {

using middleware::decode_base64url;

/// A member of a JWK that holds bytes. Empty when it is missing or no base64url: no key has an empty number.
std::string bytes_member(const json::Value& jwk, std::string_view name) {
  return decode_base64url(jwk[name].as_string()).value_or(std::string());
}

/// Why a JWK is not for verifying signatures; empty if it is (RFC 7517 sections 4.2 and 4.3).
std::string_view other_purpose(const json::Value& jwk) {
  if (const json::Value* use = jwk.find("use"); use != nullptr && use->as_string() != "sig") {
    return "its use is not \"sig\"";
  }
  if (const json::Value* operations = jwk.find("key_ops"); operations != nullptr) {
    const bool verifies =
        std::ranges::any_of(operations->as_array(), [](const json::Value& op) { return op.as_string() == "verify"; });
    // Who holds a shared secret signs with it, so that is enough there.
    const bool signs =
        std::ranges::any_of(operations->as_array(), [](const json::Value& op) { return op.as_string() == "sign"; });
    if (!verifies && !(signs && jwk["kty"].as_string() == "oct")) return "its key_ops have no \"verify\"";
  }
  return {};
}

Result<JwtKey> parse_jwk(const json::Value& jwk) {
  if (!jwk.is_object()) return fail(Errc::invalid_argument, "it is no object");
  if (const std::string_view why = other_purpose(jwk); !why.empty()) {
    return fail(Errc::unimplemented, std::string(why));
  }
  const std::string_view type = jwk["kty"].as_string();
  const std::string_view curve = jwk["crv"].as_string();
  std::string id(jwk["kid"].as_string());
  Result<JwtKey> key = fail(Errc::unimplemented,
                            "its kty (and crv) are not supported: RSA, EC with P-256, OKP with "
                            "Ed25519 and oct are");
  if (type == "RSA") {
    key = JwtKey::rsa(bytes_member(jwk, "n"), bytes_member(jwk, "e"), std::move(id));
  } else if (type == "EC" && curve == "P-256") {
    key = JwtKey::p256(bytes_member(jwk, "x"), bytes_member(jwk, "y"), std::move(id));
  } else if (type == "OKP" && curve == "Ed25519") {
    key = JwtKey::ed25519(bytes_member(jwk, "x"), std::move(id));
  } else if (type == "oct") {
    key = JwtKey::secret(bytes_member(jwk, "k"), std::move(id));
  }
  if (!key) return key;
  if (const json::Value* alg = jwk.find("alg"); alg != nullptr && alg->as_string() != to_string(key->algorithm())) {
    return fail(Errc::unimplemented, "its alg is not " + std::string(to_string(key->algorithm())) +
                                         ", the one that such keys are used with here");
  }
  return key;
}

Result<std::string> read_file(const std::string& path, struct stat& status) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(system_error(errno, "open " + path));
  std::string text;
  int failed = ::fstat(fd, &status) == 0 ? 0 : errno;
  if (failed == 0 && !S_ISREG(status.st_mode)) failed = EINVAL;
  char piece[8192];
  while (failed == 0 && text.size() <= JwtKey::max_file) {
    const ssize_t got = ::read(fd, piece, sizeof piece);
    if (got == 0) break;
    if (got < 0 && errno != EINTR) failed = errno;
    if (got > 0) text.append(piece, static_cast<std::size_t>(got));
  }
  ::close(fd);
  if (failed != 0) return fail(system_error(failed, "read " + path));
  if (text.size() > JwtKey::max_file) return fail(Errc::too_large, path + ": a file over 1 MiB is no key file");
  return text;
}

/// What changes when a file is written or replaced by another.
struct FileMark {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified_ns = 0;
  friend bool operator==(const FileMark&, const FileMark&) = default;

  static FileMark of(const struct stat& status) noexcept {
    return {status.st_dev, status.st_ino, status.st_size,
            std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
  }
};

}  // namespace

// --- a set of keys ---

bool JwtKeySet::has(JwtAlgorithm algorithm) const noexcept {
  return std::ranges::any_of(keys_, [algorithm](const JwtKey& key) { return key.algorithm() == algorithm; });
}

Result<JwtKeySet> JwtKeySet::parse(std::string_view text, std::vector<std::string>* left_out) {
  if (text.size() > JwtKey::max_file) return fail(Errc::too_large, "a JWK Set over 1 MiB is refused");
  auto document = json::read<json::Value>(text);
  if (!document) return fail(std::move(document.error()).with_context("JWK Set"));
  const json::Value* list = document->find("keys");
  if (list == nullptr || !list->is_array()) {
    return fail(Errc::invalid_argument, "a JWK Set is an object with an array \"keys\" (RFC 7517 section 5)");
  }
  JwtKeySet set;
  std::string reasons;
  std::size_t index = 0;
  for (const json::Value& jwk : list->as_array()) {
    auto key = parse_jwk(jwk);
    if (key && set.keys_.size() == max_keys) key = fail(Errc::resource_exhausted, "there are more than 64 keys");
    if (key) {
      set.add(std::move(*key));
    } else {
      std::string line = "keys[" + std::to_string(index) + "]: " + key.error().message();
      if (reasons.size() < 1000) reasons += "; " + line;
      if (left_out != nullptr) left_out->push_back(std::move(line));
    }
    ++index;
  }
  if (set.empty()) return fail(Errc::invalid_argument, "the JWK Set has no key that verifies tokens" + reasons);
  return set;
}

JwtKeySet::Verdict JwtKeySet::verify(JwtAlgorithm algorithm, std::string_view kid, std::string_view text,
                                     std::string_view signature) const noexcept {
  std::size_t attempts = 0;
  const auto any_good = [&](auto&& wanted) {
    for (const JwtKey& key : keys_) {
      if (key.algorithm() != algorithm || !wanted(key) || attempts == max_attempts) continue;
      ++attempts;
      if (key.verify(text, signature)) return true;
    }
    return false;
  };
  bool good = false;
  if (kid.empty()) {
    good = any_good([](const JwtKey&) { return true; });
  } else {
    const bool have_ids = std::ranges::any_of(
        keys_, [algorithm](const JwtKey& key) { return key.algorithm() == algorithm && !key.id().empty(); });
    good = any_good([kid, have_ids](const JwtKey& key) { return !have_ids || key.id() == kid; });
  }
  if (good) return Verdict::good;
  return attempts == 0 ? Verdict::no_key : Verdict::bad_signature;
}

// --- keys that change ---

struct JwtKeys::State {
  mutable std::mutex mutex;  // of all below but the atomics; never taken for a token that is remembered
  std::shared_ptr<const JwtKeySet> set;
  FileMark mark;
  std::string path;  // empty: fixed keys
  bool pem = false;
  Duration read_every{};
  std::atomic<std::uint64_t> generation{1};
  std::atomic<Duration::rep> last_look{0};  // nanoseconds since 1970

  void replace(JwtKeySet keys) {
    auto next = std::make_shared<const JwtKeySet>(std::move(keys));
    const std::lock_guard lock(mutex);
    set = std::move(next);
    generation.fetch_add(1, std::memory_order_release);
  }

  /// Reads the file; with `only_if_changed`, when it is another than the last time.
  Result<void> read(bool only_if_changed) {
    struct stat status{};
    if (only_if_changed) {
      if (::stat(path.c_str(), &status) != 0) return fail(system_error(errno, "look at " + path));
      const std::lock_guard lock(mutex);
      if (FileMark::of(status) == mark) return {};
    }
    auto text = read_file(path, status);
    if (!text) return fail(std::move(text.error()));
    {
      // Remembered also when the file turns out to be useless: it is complained about once.
      const std::lock_guard lock(mutex);
      mark = FileMark::of(status);
    }
    Result<JwtKeySet> keys = fail(Errc::unknown, "");
    if (pem) {
      auto list = JwtKey::pem(*text);
      if (list) {
        keys = JwtKeySet(std::move(*list));
      } else {
        keys = fail(std::move(list.error()));
      }
    } else {
      keys = JwtKeySet::parse(*text);
    }
    if (!keys) return fail(std::move(keys.error()).with_context(path));
    replace(std::move(*keys));
    return {};
  }
};

JwtKeys::JwtKeys(JwtKeySet keys) : state_(std::make_shared<State>()) {
  if (keys.empty()) throw std::invalid_argument("jwt: there is no key to verify tokens with");
  state_->set = std::make_shared<const JwtKeySet>(std::move(keys));
}

JwtKeys JwtKeys::file(std::string path, Duration read_every, bool pem) {
  auto state = std::make_shared<State>();
  state->path = std::move(path);
  state->pem = pem;
  state->read_every = std::max(read_every, Duration(std::chrono::seconds(1)));
  if (auto read = state->read(false); !read) throw std::invalid_argument("jwt: " + read.error().message());
  return JwtKeys(std::move(state));
}

JwtKeys JwtKeys::jwks_file(std::string path, Duration read_every) {
  return file(std::move(path), read_every, false);
}
JwtKeys JwtKeys::pem_file(std::string path, Duration read_every) {
  return file(std::move(path), read_every, true);
}

Result<void> JwtKeys::reload() const {
  if (state_->path.empty()) return fail(Errc::failed_precondition, "these keys do not come from a file");
  return state_->read(false);
}

void JwtKeys::replace(JwtKeySet keys) const {
  state_->replace(std::move(keys));
}

std::shared_ptr<const JwtKeySet> JwtKeys::current() const {
  const std::lock_guard lock(state_->mutex);
  return state_->set;
}

std::uint64_t JwtKeys::generation() const noexcept {
  return state_->generation.load(std::memory_order_acquire);
}

Result<void> JwtKeys::refresh(WallTime now, bool impatient) const {
  if (state_->path.empty()) return {};
  const Duration::rep at = now.time_since_epoch().count();
  Duration::rep last = state_->last_look.load(std::memory_order_relaxed);
  const Duration wait = impatient ? Duration(std::chrono::seconds(1)) : state_->read_every;
  if (at >= last && at - last < wait.count()) return {};
  // One of the threads that notice goes and looks.
  if (!state_->last_look.compare_exchange_strong(last, at, std::memory_order_relaxed)) return {};
  return state_->read(true);
}

}  // namespace weir
