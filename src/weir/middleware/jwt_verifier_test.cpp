#include "weir/middleware/jwt_verifier.hpp"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "weir/middleware/detail/jwt_base64.hpp"
#include "weir/middleware/detail/jwt_cache.hpp"
#include "weir/middleware/jwt_test_support.hpp"
#include "weir/middleware/malloc_count_test_support.hpp"

namespace weir::middleware {
namespace {

using namespace std::chrono_literals;

const std::string secret = "0123456789abcdef0123456789abcdef";
/// The moment of these tests, in Unix seconds.
constexpr std::int64_t now_seconds = 1'767'225'600;
const WallTime now{std::chrono::seconds(now_seconds)};

std::string decode(std::string_view text) {
  return decode_base64url(text).value();
}
std::string sign(std::string_view claims) {
  return sign_jwt(claims, secret).value();
}
std::string at(std::int64_t from_now) {
  return std::to_string(now_seconds + from_now);
}
/// Good for an hour, with these members more.
std::string good_claims(std::string_view more = {}) {
  return R"({"sub":"ada","exp":)" + at(3600) + std::string(more) + "}";
}

/// An HS256 token with a header of its own.
std::string sign_with_header(std::string_view header, std::string_view claims) {
  const std::string text = encode_base64url(header) + "." + encode_base64url(claims);
  const std::string other = sign_jwt("{}", secret).value();
  unsigned char mac[32];
  std::size_t size = 0;
  if (EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, secret.data(), secret.size(),
                reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, sizeof mac, &size) == nullptr) {
    throw std::runtime_error("HMAC");
  }
  return text + "." + encode_base64url({reinterpret_cast<const char*>(mac), size});
}

const JwtVerifier& verifier() {
  static const JwtVerifier one(JwtOptions{.secret = secret});
  return one;
}

std::string why_refused(const JwtVerifier& by, std::string_view token, WallTime when = now) {
  const auto user = by.verify(token, when);
  if (user) return "";
  EXPECT_EQ(user.error().code(), Errc::unauthenticated);
  return user.error().message();
}

JwtVerifier with_key(JwtKey key, JwtOptions options = {}) {
  return JwtVerifier(std::move(options), JwtKeys(JwtKeySet({std::move(key)})));
}

const TestSigner& rsa() {
  static const TestSigner signer = TestSigner::rsa();
  return signer;
}

// --- RFC 7515 appendix A: one payload under three algorithms ---

constexpr std::string_view rfc_payload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const WallTime rfc_now{std::chrono::seconds(1'300'819'380 - 60)};

void expect_rfc_payload(const JwtVerifier& by, const std::string& token) {
  const auto user = by.verify(token, rfc_now);
  ASSERT_TRUE(user) << user.error().message();
  EXPECT_EQ((*user)->issuer, "joe");
  ASSERT_NE((*user)->find("http://example.com/is_root"), nullptr);
  EXPECT_TRUE((*user)->find("http://example.com/is_root")->as_bool());
  EXPECT_EQ((*user)->expires, WallTime(std::chrono::seconds(1'300'819'380)));
  EXPECT_EQ(why_refused(by, token, rfc_now + 2min), "the token has expired");
}

TEST(JwtVerifier, VerifiesTheHs256ExampleOfRfc7515) {
  const auto key =
      JwtKey::secret(decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"));
  ASSERT_TRUE(key);
  expect_rfc_payload(with_key(*key), "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + std::string(rfc_payload) +
                                         ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

TEST(JwtVerifier, VerifiesTheRs256ExampleOfRfc7515) {
  const auto key = JwtKey::rsa(
      decode("ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-"
             "SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
             "UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2eth"
             "FkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"),
      decode("AQAB"));
  ASSERT_TRUE(key);
  expect_rfc_payload(
      with_key(*key),
      "eyJhbGciOiJSUzI1NiJ9." + std::string(rfc_payload) +
          ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9"
          "CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn"
          "6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"
          "p0igcN_IoypGlUPQGe77Rw");
}

TEST(JwtVerifier, VerifiesTheEs256ExampleOfRfc7515) {
  const auto key = JwtKey::p256(decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
                                decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"));
  ASSERT_TRUE(key);
  expect_rfc_payload(with_key(*key),
                     "eyJhbGciOiJFUzI1NiJ9." + std::string(rfc_payload) +
                         ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
}

TEST(JwtVerifier, VerifiesFreshTokensOfEveryAlgorithm) {
  for (const TestSigner& signer : {rsa(), TestSigner::p256(), TestSigner::ed25519()}) {
    const JwtVerifier by = with_key(signer.key());
    const auto user = by.verify(signer.token(good_claims()), now);
    ASSERT_TRUE(user) << to_string(signer.algorithm()) << ": " << user.error().message();
    EXPECT_EQ((*user)->subject, "ada");
    EXPECT_EQ((*user)->algorithm, signer.algorithm());
  }
}

// --- what must not get through ---

TEST(JwtVerifier, RefusesATokenWithAnyCharacterChanged) {
  const TestSigner ed25519 = TestSigner::ed25519();
  const TestSigner p256 = TestSigner::p256();
  const std::vector<std::pair<JwtVerifier, std::string>> cases = [&] {
    std::vector<std::pair<JwtVerifier, std::string>> list;
    list.emplace_back(JwtVerifier(JwtOptions{.secret = secret}), sign(good_claims()));
    list.emplace_back(with_key(ed25519.key()), ed25519.token(good_claims()));
    list.emplace_back(with_key(p256.key()), p256.token(good_claims()));
    list.emplace_back(with_key(rsa().key()), rsa().token(good_claims()));
    return list;
  }();
  for (const auto& [by, token] : cases) {
    ASSERT_EQ(why_refused(by, token), "");  // From now on it is remembered.
    for (std::size_t i = 0; i < token.size(); ++i) {
      for (const char c : {'A', 'Q', '_', '.', '=', ' ', '\0'}) {
        std::string tampered = token;
        if (tampered[i] == c) continue;
        tampered[i] = c;
        ASSERT_NE(why_refused(by, tampered), "") << "position " << i << " of " << token;
      }
      ASSERT_NE(why_refused(by, token.substr(0, i)), "");
    }
    EXPECT_NE(why_refused(by, token + "A"), "");
    EXPECT_NE(why_refused(by, token + "="), "");
    EXPECT_NE(why_refused(by, token + "."), "");
    EXPECT_NE(why_refused(by, token + "\n"), "");
    EXPECT_NE(why_refused(by, " " + token), "");
    EXPECT_NE(why_refused(by, token + "." + token), "");
    EXPECT_EQ(why_refused(by, token), "");
  }
}

// CVE-2015-9235 and its kind: the public key, which everybody has, taken for a shared secret.
TEST(JwtVerifier, NeverTakesAPublicKeyForASecret) {
  const std::string pem = rsa().public_pem();
  const JwtVerifier by = with_key(rsa().key());
  const std::string token = sign_jwt(good_claims(), pem).value();
  EXPECT_EQ(why_refused(by, token), "the token is signed with a key that is not known here");
}

TEST(JwtVerifier, NeverTakesAnotherAlgorithmThanTheKeys) {
  // Signed by the right key, but announced as something else.
  const JwtVerifier by = with_key(rsa().key());
  for (const char* alg : {"HS256", "ES256", "EdDSA", "RS512", "PS256", "none", "None", "nOnE", "rs256", ""}) {
    const std::string header = R"({"alg":")" + std::string(alg) + "\"}";
    EXPECT_NE(why_refused(by, rsa().token(header, good_claims())), "") << alg;
  }
  EXPECT_NE(why_refused(by, rsa().token("{}", good_claims())), "");
  EXPECT_NE(why_refused(by, rsa().token(R"({"alg":null})", good_claims())), "");
  EXPECT_NE(why_refused(by, rsa().token(R"({"alg":["RS256"]})", good_claims())), "");
}

TEST(JwtVerifier, RefusesTokensWithoutASignature) {
  const std::string payload = encode_base64url(good_claims());
  for (const char* alg : {"none", "None", "NONE", "HS256"}) {
    const std::string header = encode_base64url(R"({"alg":")" + std::string(alg) + "\"}");
    EXPECT_NE(why_refused(verifier(), header + "." + payload + "."), "") << alg;
    EXPECT_NE(why_refused(verifier(), header + "." + payload), "") << alg;
  }
}

TEST(JwtVerifier, NarrowsTheAlgorithmsToThoseThatAreNamed) {
  JwtKeySet both({rsa().key(), JwtKey::secret(secret).value()});
  const JwtVerifier by(JwtOptions{.algorithms = {JwtAlgorithm::rs256}}, JwtKeys(both));
  EXPECT_EQ(why_refused(by, rsa().token(good_claims())), "");
  EXPECT_EQ(why_refused(by, sign(good_claims())), "the token's algorithm is not accepted here");
}

TEST(JwtVerifier, RefusesHeadersThatItDoesNotUnderstand) {
  EXPECT_EQ(why_refused(verifier(), sign_with_header(R"({"alg":"HS256"})", good_claims())), "");
  EXPECT_EQ(why_refused(verifier(), sign_with_header(R"({"alg":"HS256","jku":"http://x","x5c":[]})", good_claims())),
            "");
  for (const char* bad : {
           R"({"alg":"HS256","crit":["exp"],"exp":1})",
           R"({"alg":"HS256","crit":[]})",
           R"({"alg":"HS256","b64":false,"crit":["b64"]})",
           R"({"alg":"HS256","alg":"HS256"})",
           R"({"alg":"none","alg":"HS256"})",
           R"({"alg":"HS256","kid":7})",
           R"({"alg":"HS256","typ":7})",
           R"(["HS256"])",
           R"("HS256")",
           R"({"alg":"HS256"}x)",
           R"({"alg":"HS256")",
           "",
       }) {
    EXPECT_NE(why_refused(verifier(), sign_with_header(bad, good_claims())), "") << bad;
  }
}

TEST(JwtVerifier, ChecksTheTypeWhereOneIsSet) {
  const JwtVerifier by(JwtOptions{.secret = secret, .type = "at+jwt"});
  EXPECT_EQ(why_refused(by, sign_with_header(R"({"alg":"HS256","typ":"at+jwt"})", good_claims())), "");
  EXPECT_EQ(why_refused(by, sign_with_header(R"({"alg":"HS256","typ":"Application/AT+JWT"})", good_claims())), "");
  EXPECT_NE(why_refused(by, sign_with_header(R"({"alg":"HS256","typ":"JWT"})", good_claims())), "");
  EXPECT_NE(why_refused(by, sign_with_header(R"({"alg":"HS256"})", good_claims())), "");
}

TEST(JwtVerifier, RefusesPayloadsThatAreNoClaims) {
  for (const char* bad :
       {"", "[]", "7", "null", "{", R"({"exp":9999999999,"exp":9999999999})", R"({"exp":9999999999}})",
        R"({"exp":"9999999999"})", R"({"exp":9999999999,"sub":7})", R"({"exp":9999999999,"iss":null})",
        R"({"exp":9999999999,"aud":7})", R"({"exp":9999999999,"aud":["a",7]})", R"({"exp":9999999999,"nbf":"x"})",
        R"({"exp":9999999999,"jti":{}})", R"({"exp":true})", "{\"exp\":9999999999,\"a\":\"\xff\"}",
        R"({"exp":9999999999,"a":[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]})"}) {
    EXPECT_NE(why_refused(verifier(), sign(bad)), "") << bad;
  }
}

TEST(JwtVerifier, RefusesLongTokensUnread) {
  const std::string fits = sign(good_claims(R"(,"a":")" + std::string(5900, 'x') + "\""));
  ASSERT_LE(fits.size(), 8192U);
  EXPECT_EQ(why_refused(verifier(), fits), "");
  const std::string token = sign(good_claims(R"(,"a":")" + std::string(6200, 'x') + "\""));
  ASSERT_GT(token.size(), 8192U);
  EXPECT_EQ(why_refused(verifier(), token), "the token is too long");
}

// --- claims ---

TEST(JwtVerifier, KeepsToTheTimesWithTheLeeway) {
  struct Case {
    std::string claims;
    const char* why;
  };
  const std::vector<Case> cases = {
      {R"({"exp":)" + at(1) + "}", ""},
      {R"({"exp":)" + at(-29) + "}", ""},
      {R"({"exp":)" + at(-30) + "}", "the token has expired"},  // "on or after"
      {R"({"exp":)" + at(-30) + ".5}", ""},                     // dates may have fractions: this one is 29.5 s ago
      {R"({"exp":)" + at(-31) + ".5}", "the token has expired"},
      {R"({"exp":-1})", "the token has expired"},
      {R"({"exp":0})", "the token has expired"},
      {R"({"exp":1e300})", ""},
      {R"({"exp":-1e300})", "the token has expired"},
      {R"({"exp":18446744073709551615})", ""},
      {R"({"exp":9223372036854775807})", ""},
      {R"({"exp":-9223372036854775808})", "the token has expired"},
      {good_claims(R"(,"nbf":)" + at(30)), ""},
      {good_claims(R"(,"nbf":)" + at(31)), "the token is not valid yet"},
      {good_claims(R"(,"nbf":1e300)"), "the token is not valid yet"},
      {good_claims(R"(,"nbf":-1e300)"), ""},
      {good_claims(R"(,"iat":)" + at(30)), ""},
      {good_claims(R"(,"iat":)" + at(31)), "the token was issued in the future"},
      {R"({"sub":"ada"})", "the token lacks the claim \"exp\""},
  };
  for (const Case& c : cases) EXPECT_EQ(why_refused(verifier(), sign(c.claims)), c.why) << c.claims;
}

TEST(JwtVerifier, ChecksIssuerAudienceAndRequiredClaims) {
  const JwtVerifier by(JwtOptions{.secret = secret,
                                  .issuer = "https://id.example",
                                  .audiences = {"https://a.example", "https://b.example"},
                                  .required_claims = {"sub", "jti"}});
  const std::string iss = R"("iss":"https://id.example")";
  const auto claims = [](std::string_view members) { return "{" + std::string(members) + "}"; };
  EXPECT_EQ(why_refused(by, sign(claims(iss + R"(,"sub":"a","jti":"1","aud":"https://b.example")"))), "");
  EXPECT_EQ(why_refused(by, sign(claims(iss + R"(,"sub":"a","jti":"1","aud":["x","https://a.example"])"))), "");
  EXPECT_EQ(why_refused(by, sign(claims(iss + R"(,"sub":"a","jti":"1","aud":["x","https://a.example/"])"))),
            "the token is for another audience");
  EXPECT_EQ(why_refused(by, sign(claims(iss + R"(,"sub":"a","jti":"1","aud":[])"))),
            "the token is for another audience");
  EXPECT_EQ(why_refused(by, sign(claims(iss + R"(,"sub":"a","jti":"1")"))), "the token is for another audience");
  EXPECT_EQ(why_refused(by, sign(claims(iss + R"(,"sub":"a","aud":"https://b.example")"))),
            "the token lacks the claim \"jti\"");
  EXPECT_EQ(
      why_refused(by, sign(claims(R"("iss":"https://id.example.evil","sub":"a","jti":"1","aud":"https://b.example")"))),
      "the token is from another issuer");
  EXPECT_EQ(why_refused(by, sign(claims(R"("sub":"a","jti":"1","aud":"https://b.example")"))),
            "the token is from another issuer");
}

TEST(JwtVerifier, RefusesTokensForAnAudienceWhereNoneIsConfigured) {
  const std::string token = sign(good_claims(R"(,"aud":"someone")"));
  EXPECT_EQ(why_refused(verifier(), token), "the token is for an audience, and this service has no name");
  EXPECT_EQ(why_refused(JwtVerifier(JwtOptions{.secret = secret, .any_audience = true}), token), "");
}

TEST(JwtVerifier, ReadsScopesHoweverTheyAreWritten) {
  const auto scopes = [](std::string_view member) {
    const auto user = verifier().verify(sign(good_claims("," + std::string(member))), now);
    return user ? (*user)->scopes : std::vector<std::string>{"refused"};
  };
  const std::vector<std::string> two = {"read", "write:all"};
  EXPECT_EQ(scopes(R"("scope":"read write:all")"), two);
  EXPECT_EQ(scopes(R"("scope":"  read   write:all ")"), two);
  EXPECT_EQ(scopes(R"("scp":["read","write:all"])"), two);
  EXPECT_EQ(scopes(R"("scopes":["read write:all",7])"), two);
  EXPECT_EQ(scopes(R"("scope":7)"), std::vector<std::string>{});
  const auto user = verifier().verify(sign(good_claims(R"(,"scope":"read:all")")), now);
  ASSERT_TRUE(user);
  EXPECT_TRUE((*user)->has_scope("read:all"));
  EXPECT_FALSE((*user)->has_scope("read"));
}

TEST(JwtVerifier, HandsOutTheWholePayload) {
  const std::string claims = good_claims(R"(,"roles":{"app":["admin"]},"jti":"j")");
  const auto user = verifier().verify(sign(claims), now);
  ASSERT_TRUE(user);
  EXPECT_EQ((*user)->claims, claims);
  EXPECT_EQ((*user)->id, "j");
  EXPECT_EQ((*(*user)->find("roles"))["app"][0].as_string(), "admin");
  EXPECT_EQ((*user)->find("absent"), nullptr);
}

TEST(JwtVerifier, TellsAnUnknownKeyFromABadSignature) {
  const JwtVerifier by = with_key(rsa().key("a"));
  bool unknown = false;
  EXPECT_FALSE(by.verify(rsa().token(R"({"alg":"RS256","kid":"b"})", good_claims()), now, &unknown));
  EXPECT_TRUE(unknown);
  unknown = false;
  EXPECT_FALSE(by.verify(TestSigner::rsa().token(R"({"alg":"RS256","kid":"a"})", good_claims()), now, &unknown));
  EXPECT_FALSE(unknown);
}

TEST(JwtVerifier, RefusesOptionsThatCannotBeMeant) {
  EXPECT_THROW(JwtVerifier(JwtOptions{}), std::invalid_argument);
  EXPECT_THROW(JwtVerifier(JwtOptions{.secret = "too short"}), std::invalid_argument);
  EXPECT_THROW(JwtVerifier(JwtOptions{.secret = secret, .jwks_file = "/etc/jwks.json"}), std::invalid_argument);
  EXPECT_THROW(JwtVerifier(JwtOptions{.jwks_file = "/nowhere/jwks.json"}), std::invalid_argument);
  EXPECT_THROW(JwtVerifier(JwtOptions{.secret = secret, .algorithms = {JwtAlgorithm::rs256}}), std::invalid_argument);
  EXPECT_THROW(JwtVerifier(JwtOptions{.secret = secret, .leeway = -1s}), std::invalid_argument);
  EXPECT_THROW(JwtVerifier(JwtOptions{.secret = secret, .leeway = 1h}), std::invalid_argument);
  EXPECT_THROW(JwtVerifier(JwtOptions{.secret = secret, .audiences = {"a"}, .any_audience = true}),
               std::invalid_argument);
  EXPECT_EQ(JwtVerifier(JwtOptions{.secret = secret}).options().secret, "") << "it is not kept where it can be read";
}

TEST(SignJwt, RefusesWhatWouldNotVerify) {
  EXPECT_FALSE(sign_jwt("{}", "short"));
  EXPECT_FALSE(sign_jwt("{}", secret, "a\"b"));
  const auto token = sign_jwt(good_claims(), secret, "k1");
  ASSERT_TRUE(token);
  const auto user = verifier().verify(*token, now);
  ASSERT_TRUE(user);
  EXPECT_EQ((*user)->key_id, "k1");
}

// --- what is remembered ---

TEST(JwtVerifierCache, GivesTheSameUserWithoutAllocating) {
  const JwtVerifier by = with_key(rsa().key());
  const std::string token = rsa().token(good_claims(R"(,"scope":"a b c")"));
  const auto first = by.verify(token, now);
  ASSERT_TRUE(first);
  const std::size_t before = malloc_calls();
  bool same = true;
  for (int i = 0; i < 100; ++i) {
    const auto again = by.verify(token, now);
    same = same && again && &**again == &**first;
  }
  EXPECT_EQ(malloc_calls() - before, 0U);
  EXPECT_TRUE(same);
}

TEST(JwtVerifierCache, ForgetsWithTheExpiry) {
  const JwtVerifier by(JwtOptions{.secret = secret});
  const std::string token = sign(good_claims());
  EXPECT_EQ(why_refused(by, token), "");
  EXPECT_EQ(why_refused(by, token, now + 3600s + 29s), "");
  EXPECT_EQ(why_refused(by, token, now + 3600s + 30s), "the token has expired");
}

TEST(JwtVerifierCache, HoldsToNotBeforeWhenTheClockGoesBack) {
  const JwtVerifier by(JwtOptions{.secret = secret});
  const std::string token = sign(good_claims(R"(,"nbf":)" + at(0)));
  EXPECT_EQ(why_refused(by, token), "");
  EXPECT_EQ(why_refused(by, token, now - 31s), "the token is not valid yet");
  EXPECT_EQ(why_refused(by, token), "");
}

TEST(JwtVerifierCache, ForgetsEverythingWhenTheKeysChange) {
  const TestSigner first = TestSigner::ed25519();
  const TestSigner second = TestSigner::ed25519();
  const JwtKeys keys(JwtKeySet({first.key()}));
  const JwtVerifier by(JwtOptions{}, keys);
  const std::string old = first.token(good_claims());
  EXPECT_EQ(why_refused(by, old), "");
  keys.replace(JwtKeySet({second.key()}));
  EXPECT_EQ(why_refused(by, old), "the token's signature is wrong");
  EXPECT_EQ(why_refused(by, second.token(good_claims())), "");
  keys.replace(JwtKeySet());
  EXPECT_NE(why_refused(by, second.token(good_claims())), "");
}

TEST(JwtVerifierCache, KeepsUsersAliveThatAreInUse) {
  const JwtKeys keys(JwtKeySet({JwtKey::secret(secret).value()}));
  std::optional<Jwt> user;
  {
    const JwtVerifier by(JwtOptions{}, keys);
    user = by.verify(sign(good_claims()), now).value();
    keys.replace(JwtKeySet());
    EXPECT_NE(why_refused(by, sign(good_claims())), "");
  }
  EXPECT_EQ((*user)->subject, "ada");
}

TEST(JwtVerifierCache, CanBeSwitchedOff) {
  const JwtVerifier by(JwtOptions{.secret = secret, .cache_entries = 0});
  const std::string token = sign(good_claims());
  const auto first = by.verify(token, now);
  const auto second = by.verify(token, now);
  ASSERT_TRUE(first && second);
  EXPECT_NE(&**first, &**second);
}

TEST(JwtVerifierCache, ServesManyThreadsWhileKeysChange) {
  const JwtKeys keys(JwtKeySet({JwtKey::secret(secret).value()}));
  const JwtVerifier by(JwtOptions{.cache_entries = 16}, keys);
  std::vector<std::string> tokens;
  for (int i = 0; i < 40; ++i) tokens.push_back(sign(good_claims(R"(,"n":)" + std::to_string(i))));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 400; ++i) {
        const auto n = static_cast<std::size_t>((i * 7 + t) % 40);
        const auto user = by.verify(tokens[n], now);
        if (!user || (*user)->find("n")->as_integer() != static_cast<std::int64_t>(n)) ++wrong;
      }
    });
  }
  for (int i = 0; i < 50; ++i) keys.replace(JwtKeySet({JwtKey::secret(secret).value()}));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

std::shared_ptr<const VerifiedToken> remembered(std::string text, std::size_t bytes = 1000) {
  auto token = std::make_shared<VerifiedToken>();
  token->token = std::move(text);
  token->bytes = bytes;
  return token;
}

TEST(JwtCache, IsBoundedInEntries) {
  JwtCache cache(64, 1U << 30U);
  EXPECT_EQ(cache.find("x", 1, now), nullptr);
  for (int i = 0; i < 1000; ++i) cache.insert(remembered("token " + std::to_string(i)), 1);
  EXPECT_LE(cache.size(), 64U);
  EXPECT_GT(cache.size(), 48U);
  EXPECT_NE(cache.find("token 999", 1, now), nullptr) << "the newest must be there";
}

TEST(JwtCache, IsBoundedInBytes) {
  JwtCache cache(4096, 100'000);
  EXPECT_EQ(cache.find("x", 1, now), nullptr);
  for (int i = 0; i < 5000; ++i) {
    cache.insert(remembered("token " + std::to_string(i), 700 + static_cast<std::size_t>(i % 600)), 1);
    ASSERT_LE(cache.bytes(), 100'000U);
  }
  EXPECT_GT(cache.bytes(), 90'000U);
  cache.insert(remembered("huge", 50'000), 1);
  EXPECT_EQ(cache.find("huge", 1, now), nullptr) << "one token must not push out all others";
}

TEST(JwtCache, KeepsWhatIsUsed) {
  JwtCache cache(8, 1U << 30U);  // One set.
  EXPECT_EQ(cache.find("x", 1, now), nullptr);
  cache.insert(remembered("hot"), 1);
  for (int i = 0; i < 100; ++i) {
    cache.insert(remembered("token " + std::to_string(i)), 1);
    ASSERT_NE(cache.find("hot", 1, now), nullptr) << i;
  }
}

TEST(JwtCache, ComparesTheWholeToken) {
  const std::string end(40, 's');
  JwtCache cache(8, 1U << 30U);
  EXPECT_EQ(cache.find("x", 1, now), nullptr);
  cache.insert(remembered("one" + end), 1);
  EXPECT_EQ(cache.find("two" + end, 1, now), nullptr);
  cache.insert(remembered("two" + end), 1);
  EXPECT_EQ(cache.find("one" + end, 1, now)->token, "one" + end);
  EXPECT_EQ(cache.find("two" + end, 1, now)->token, "two" + end);
}

TEST(JwtCache, DropsWhatWasVerifiedWithOtherKeys) {
  JwtCache cache(8, 1U << 30U);
  EXPECT_EQ(cache.find("x", 1, now), nullptr);
  cache.insert(remembered("old"), 1);
  EXPECT_NE(cache.find("old", 1, now), nullptr);
  EXPECT_EQ(cache.find("old", 2, now), nullptr);
  EXPECT_EQ(cache.size(), 0U);
  cache.insert(remembered("old"), 1);  // Came late.
  EXPECT_EQ(cache.find("old", 2, now), nullptr);
}

}  // namespace
}  // namespace weir::middleware
