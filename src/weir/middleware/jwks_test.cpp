#include "weir/middleware/jwks.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "weir/middleware/detail/jwt_base64.hpp"
#include "weir/middleware/jwt_test_support.hpp"

namespace weir::middleware {
namespace {

using namespace std::chrono_literals;
using Verdict = JwtKeySet::Verdict;

std::string decode(std::string_view text) {
  return decode_base64url(text).value();
}

const TestSigner& rsa() {
  static const TestSigner signer = TestSigner::rsa();
  return signer;
}
const TestSigner& p256() {
  static const TestSigner signer = TestSigner::p256();
  return signer;
}
const TestSigner& ed25519() {
  static const TestSigner signer = TestSigner::ed25519();
  return signer;
}

/// A file that goes away again.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view text) {
    char name[] = "/tmp/weir_jwks_XXXXXX";
    const int fd = ::mkstemp(name);
    if (fd < 0) throw std::runtime_error("mkstemp");
    ::close(fd);
    path = name;
    write(text);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::filesystem::remove(path); }
  /// Replaces the file as tools do it: a new one gets its name.
  void write(std::string_view text) const {
    const std::string other = path + ".new";
    std::ofstream(other, std::ios::binary) << text;
    std::filesystem::rename(other, path);
  }
  std::string path;
};

TEST(Base64Url, DecodesWhatItEncodes) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(decode_base64url(encode_base64url(bytes)), bytes);
    bytes.push_back(static_cast<char>(i * 7));
  }
  EXPECT_EQ(encode_base64url("\xff\xef\xbe"), "_---");
}

TEST(Base64Url, RefusesEveryOtherSpelling) {
  EXPECT_EQ(decode_base64url("QQ"), "A");
  EXPECT_EQ(decode_base64url("QUI"), "AB");
  for (const char* bad : {"QQ==", "QQ=", "QR", "QUJ", "Q", "QUJDR", "QQ ", " QQ", "QQ\n", "Q+==", "Q/", "QUI+",
                          "QU\xc3\xa4", "QU.D", "****"}) {
    EXPECT_EQ(decode_base64url(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(decode_base64url(std::string_view("QQ\0Q", 4)), std::nullopt);
}

// RFC 8037 appendix A.4: a signature over text that is no JSON.
TEST(JwtKey, VerifiesTheEd25519ExampleOfRfc8037) {
  const auto key = JwtKey::ed25519(decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->algorithm(), JwtAlgorithm::eddsa);
  const std::string signature =
      decode("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
  constexpr std::string_view text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
  EXPECT_TRUE(key->verify(text, signature));
  EXPECT_FALSE(key->verify(std::string(text) + "A", signature));
}

TEST(JwtKey, VerifiesOnlyItsOwnSignaturesOfTheRightLength) {
  for (const TestSigner* signer : {&rsa(), &p256(), &ed25519()}) {
    const JwtKey key = signer->key();
    EXPECT_EQ(key.algorithm(), signer->algorithm());
    const std::string signature = signer->signature("text");
    EXPECT_TRUE(key.verify("text", signature));
    EXPECT_FALSE(key.verify("texd", signature));
    EXPECT_FALSE(key.verify("", signature));
    EXPECT_FALSE(key.verify("text", ""));
    EXPECT_FALSE(key.verify("text", signature.substr(1)));
    EXPECT_FALSE(key.verify("text", signature + std::string(1, '\0')));
    EXPECT_FALSE(key.verify("text", std::string(signature.size(), '\0')));
    std::string wrong = signature;
    wrong.back() = static_cast<char>(wrong.back() ^ 1);
    EXPECT_FALSE(key.verify("text", wrong));
    EXPECT_EQ(ERR_peek_error(), 0U) << "left in OpenSSL's queue, where TLS would find it";
  }
}

// r or s with leading zeros, or with the top bit set, take another length in ASN.1.
TEST(JwtKey, VerifiesP256SignaturesWhateverTheirNumbersLookLike) {
  const JwtKey key = p256().key();
  bool zero = false;
  bool high = false;
  for (int i = 0; i < 2000 && !(zero && high && i > 100); ++i) {
    const std::string text = "text " + std::to_string(i);
    const std::string signature = p256().signature(text);
    ASSERT_TRUE(key.verify(text, signature)) << text;
    zero = zero || signature[0] == 0 || signature[32] == 0;
    high = high || signature[0] < 0 || signature[32] < 0;
  }
  EXPECT_TRUE(zero && high);
}

TEST(JwtKey, RefusesWeakAndWrongKeys) {
  EXPECT_FALSE(JwtKey::secret("short"));
  EXPECT_FALSE(JwtKey::secret(std::string(31, 'x')));
  EXPECT_TRUE(JwtKey::secret(std::string(32, 'x')));
  EXPECT_FALSE(JwtKey::pem(TestSigner::rsa(1024).public_pem()));
  EXPECT_FALSE(JwtKey::pem(rsa().private_pem()));
  EXPECT_FALSE(JwtKey::pem("no pem"));
  EXPECT_FALSE(JwtKey::pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
  EXPECT_FALSE(JwtKey::ed25519("short"));
  EXPECT_FALSE(JwtKey::p256(std::string(32, '\1'), std::string(32, '\2'))) << "not on the curve";
  EXPECT_FALSE(JwtKey::p256(std::string(31, '\1'), std::string(32, '\2')));
  const std::string n(256, '\xff');
  EXPECT_TRUE(JwtKey::rsa(n, std::string("\x01\x00\x01", 3)));
  EXPECT_FALSE(JwtKey::rsa(n, "\x01")) << "e = 1 signs everything";
  EXPECT_FALSE(JwtKey::rsa(n, "\x02"));
  EXPECT_FALSE(JwtKey::rsa(n, "\x01\x01\x01\x01\x01")) << "a long exponent makes verifying dear";
  EXPECT_FALSE(JwtKey::rsa(std::string(255, '\xff') + "\xfe", "\x03")) << "even";
  EXPECT_FALSE(JwtKey::rsa(std::string(2048, '\xff'), "\x03"));
  EXPECT_FALSE(JwtKey::rsa("", ""));
}

TEST(JwtKey, ReadsEveryKeyAndCertificateOfAPem) {
  const auto keys = JwtKey::pem("junk\n" + p256().certificate() + rsa().public_pem() + ed25519().public_pem());
  ASSERT_TRUE(keys) << keys.error().message();
  ASSERT_EQ(keys->size(), 3U);
  EXPECT_TRUE((*keys)[0].verify("a", p256().signature("a")));
  EXPECT_TRUE((*keys)[1].verify("a", rsa().signature("a")));
  EXPECT_TRUE((*keys)[2].verify("a", ed25519().signature("a")));
}

TEST(JwtKeySet, ParsesAllKindsOfKeys) {
  const std::string secret(32, 's');
  const std::string text = R"({"keys":[)" + rsa().jwk("r") + "," + p256().jwk("p") + "," + ed25519().jwk("e") +
                           R"(,{"kty":"oct","kid":"s","k":")" + encode_base64url(secret) + R"("}],"more":1})";
  const auto set = JwtKeySet::parse(text);
  ASSERT_TRUE(set) << set.error().message();
  ASSERT_EQ(set->keys().size(), 4U);
  EXPECT_EQ(set->verify(JwtAlgorithm::rs256, "r", "t", rsa().signature("t")), Verdict::good);
  EXPECT_EQ(set->verify(JwtAlgorithm::es256, "p", "t", p256().signature("t")), Verdict::good);
  EXPECT_EQ(set->verify(JwtAlgorithm::eddsa, "e", "t", ed25519().signature("t")), Verdict::good);
}

TEST(JwtKeySet, LeavesOutWhatIsNotForVerifying) {
  const std::string members = p256().jwk_members();
  const std::vector<std::string> bad = {
      "{" + members + R"(,"use":"enc"})",
      "{" + members + R"(,"key_ops":["sign"]})",
      "{" + members + R"(,"alg":"ES512"})",
      "{" + members + R"(,"alg":"HS256"})",
      R"({"kty":"EC","crv":"P-521","x":"AA","y":"AA"})",
      R"({"kty":"RSA","n":"AQAB","e":"AQAB"})",
      R"({"kty":"RSA"})",
      R"({"kty":"oct","k":"c2hvcnQ"})",
      R"({"kty":"oct","k":"not base64!"})",
      R"({"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
      R"({"kty":1})",
      "7",
  };
  std::string list;
  for (const std::string& jwk : bad) {
    EXPECT_FALSE(JwtKeySet::parse(R"({"keys":[)" + jwk + "]}")) << jwk;
    list += jwk + ",";
  }
  std::vector<std::string> left_out;
  const std::string good = "{" + members + R"(,"use":"sig","key_ops":["verify"],"alg":"ES256","kid":"good"})";
  const auto set = JwtKeySet::parse(R"({"keys":[)" + list + good + "]}", &left_out);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->keys().size(), 1U);
  EXPECT_EQ(left_out.size(), bad.size());
  EXPECT_TRUE(left_out[0].starts_with("keys[0]: its use is not \"sig\"")) << left_out[0];
}

TEST(JwtKeySet, RefusesWhatIsNoKeySet) {
  for (const char* bad : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[]})", R"({"keys":[)", "not json"}) {
    EXPECT_FALSE(JwtKeySet::parse(bad)) << bad;
  }
}

TEST(JwtKeySet, FindsKeysByTheirIdWhereTheyHaveOne) {
  const TestSigner other = TestSigner::p256();
  const std::string signature = p256().signature("t");
  JwtKeySet set({other.key("a"), p256().key("b"), rsa().key("r")});
  EXPECT_EQ(set.verify(JwtAlgorithm::es256, "b", "t", signature), Verdict::good);
  EXPECT_EQ(set.verify(JwtAlgorithm::es256, "", "t", signature), Verdict::good);
  EXPECT_EQ(set.verify(JwtAlgorithm::es256, "a", "t", signature), Verdict::bad_signature);
  EXPECT_EQ(set.verify(JwtAlgorithm::es256, "c", "t", signature), Verdict::no_key);
  EXPECT_EQ(set.verify(JwtAlgorithm::es256, "r", "t", signature), Verdict::no_key) << "another algorithm";
  EXPECT_EQ(set.verify(JwtAlgorithm::hs256, "", "t", signature), Verdict::no_key);
  set.add(p256().key());
  EXPECT_EQ(set.verify(JwtAlgorithm::es256, "c", "t", signature), Verdict::no_key) << "keys have ids here";
  EXPECT_EQ(set.verify(JwtAlgorithm::es256, "a", "t", signature), Verdict::bad_signature);
  set.add(ed25519().key());  // None of its algorithm has one: it is for tokens with any.
  EXPECT_EQ(set.verify(JwtAlgorithm::eddsa, "c", "t", ed25519().signature("t")), Verdict::good);
  EXPECT_EQ(set.verify(JwtAlgorithm::eddsa, "", "t", ed25519().signature("t")), Verdict::good);
}

TEST(JwtKeySet, TriesAFewKeysOnly) {
  JwtKeySet set;
  for (std::size_t i = 0; i < JwtKeySet::max_attempts; ++i) set.add(TestSigner::ed25519().key());
  set.add(ed25519().key());
  EXPECT_EQ(set.verify(JwtAlgorithm::eddsa, "", "t", ed25519().signature("t")), Verdict::bad_signature);
}

TEST(JwtKeys, FollowAFileThatChanges) {
  const TemporaryFile file(R"({"keys":[)" + p256().jwk("a") + "]}");
  const JwtKeys keys = JwtKeys::jwks_file(file.path, 10s);
  const WallTime start = WallTime(1h);
  EXPECT_TRUE(keys.refresh(start));
  const std::uint64_t first = keys.generation();
  file.write(R"({"keys":[)" + rsa().jwk("b") + "," + p256().jwk("a") + "]}");

  EXPECT_TRUE(keys.refresh(start + 9s));
  EXPECT_EQ(keys.generation(), first) << "looked at too early";
  EXPECT_TRUE(keys.refresh(start + 10s));
  EXPECT_NE(keys.generation(), first);
  EXPECT_EQ(keys.current()->keys().size(), 2U);

  const std::uint64_t second = keys.generation();
  EXPECT_TRUE(keys.refresh(start + 1h));
  EXPECT_EQ(keys.generation(), second) << "nothing has changed";
}

TEST(JwtKeys, LookEarlierWhenAKeyIsMissing) {
  const TemporaryFile file(p256().public_pem());
  const JwtKeys keys = JwtKeys::pem_file(file.path, 10s);
  const WallTime start = WallTime(1h);
  EXPECT_TRUE(keys.refresh(start));
  file.write(rsa().public_pem());
  EXPECT_TRUE(keys.refresh(start + 999ms, true));
  EXPECT_FALSE(keys.current()->has(JwtAlgorithm::rs256));
  EXPECT_TRUE(keys.refresh(start + 1s, true));
  EXPECT_TRUE(keys.current()->has(JwtAlgorithm::rs256));
  EXPECT_FALSE(keys.current()->has(JwtAlgorithm::es256)) << "the old key must be gone";
}

TEST(JwtKeys, StayAsTheyWereWhenTheFileIsUnusable) {
  const TemporaryFile file(R"({"keys":[)" + p256().jwk("a") + "]}");
  const JwtKeys keys = JwtKeys::jwks_file(file.path, 10s);
  const std::uint64_t first = keys.generation();
  WallTime now = WallTime(1h);
  for (const char* bad : {"", "{", R"({"keys":[]})"}) {
    file.write(bad);
    EXPECT_FALSE(keys.refresh(now += 1min)) << bad;
    EXPECT_TRUE(keys.refresh(now += 1min)) << "the same mistake was complained about twice";
    EXPECT_FALSE(keys.reload());
  }
  std::filesystem::remove(file.path);
  EXPECT_FALSE(keys.refresh(now += 1min));
  EXPECT_FALSE(keys.reload());
  EXPECT_EQ(keys.generation(), first);
  EXPECT_EQ(keys.current()->keys().size(), 1U);
  file.write(R"({"keys":[)" + rsa().jwk("a") + "]}");
  EXPECT_TRUE(keys.reload());
  EXPECT_TRUE(keys.current()->has(JwtAlgorithm::rs256));
}

TEST(JwtKeys, AreSharedByCopiesAndCanBeReplaced) {
  const JwtKeys keys{JwtKeySet({p256().key()})};
  const JwtKeys copy = keys;  // NOLINT(performance-unnecessary-copy-initialization): that is the test
  const std::uint64_t first = copy.generation();
  keys.replace(JwtKeySet({rsa().key()}));
  EXPECT_NE(copy.generation(), first);
  EXPECT_TRUE(copy.current()->has(JwtAlgorithm::rs256));
  EXPECT_FALSE(keys.reload()) << "there is no file";
  EXPECT_TRUE(keys.refresh(WallTime(1h)));
}

TEST(JwtKeys, MustBeThereAtStart) {
  EXPECT_THROW(JwtKeys{JwtKeySet()}, std::invalid_argument);
  EXPECT_THROW(JwtKeys::jwks_file("/nowhere/jwks.json"), std::invalid_argument);
  EXPECT_THROW(JwtKeys::pem_file("/proc"), std::invalid_argument);
  const TemporaryFile file("{}");
  EXPECT_THROW(JwtKeys::jwks_file(file.path), std::invalid_argument);
  EXPECT_THROW(JwtKeys::pem_file(file.path), std::invalid_argument);
}

}  // namespace
}  // namespace weir::middleware
