// What a token costs: remembered, and verified afresh with each algorithm.
#include <string>

#include <benchmark/benchmark.h>

#include "weir/middleware/jwt_test_support.hpp"
#include "weir/middleware/jwt_verifier.hpp"

namespace weir::middleware {
namespace {

const std::string secret = "0123456789abcdef0123456789abcdef";
const WallTime now{std::chrono::seconds(1'767'225'600)};
/// As an identity provider fills it.
const std::string claims =
    R"({"iss":"https://id.example/realms/main","sub":"5be86359-073c-434b-ad2d-a3932222dabe","exp":1767226000,)"
    R"("iat":1767225000,"jti":"9f4a3a4e-8c1e-4f5b-8f2a-1f5a3f4a9f11","scope":"openid profile tasks:read tasks:write",)"
    R"("preferred_username":"ada","realm_access":{"roles":["user","admin"]}})";

void verify(benchmark::State& state, const JwtVerifier& verifier, const std::string& token, bool cached) {
  for (auto _ : state) {
    auto user = cached ? verifier.verify(token, now) : verifier.verify_uncached(token, now);
    if (!user) {
      state.SkipWithError(user.error().message().c_str());
      break;
    }
    benchmark::DoNotOptimize(user);
  }
  state.SetLabel(std::to_string(token.size()) + " bytes");
}

TestSigner signer_of(int algorithm) {
  return algorithm == 1 ? TestSigner::rsa() : algorithm == 2 ? TestSigner::p256() : TestSigner::ed25519();
}

/// Argument: the JwtAlgorithm.
void BM_jwt_uncached(benchmark::State& state) {
  const auto algorithm = static_cast<JwtAlgorithm>(state.range(0));
  if (algorithm == JwtAlgorithm::hs256) {
    return verify(state, JwtVerifier(JwtOptions{.secret = secret}), sign_jwt(claims, secret).value(), false);
  }
  const TestSigner signer = signer_of(static_cast<int>(state.range(0)));
  verify(state, JwtVerifier({}, JwtKeys(JwtKeySet({signer.key()}))), signer.token(claims), false);
}
BENCHMARK(BM_jwt_uncached)->ArgName("alg")->DenseRange(0, 3);

void BM_jwt_cached(benchmark::State& state) {
  const auto algorithm = static_cast<JwtAlgorithm>(state.range(0));
  if (algorithm == JwtAlgorithm::hs256) {
    return verify(state, JwtVerifier(JwtOptions{.secret = secret}), sign_jwt(claims, secret).value(), true);
  }
  const TestSigner signer = signer_of(static_cast<int>(state.range(0)));
  verify(state, JwtVerifier({}, JwtKeys(JwtKeySet({signer.key()}))), signer.token(claims), true);
}
BENCHMARK(BM_jwt_cached)->ArgName("alg")->DenseRange(0, 1);

/// Many users in turn: the argument is how many. 4096 fit.
void BM_jwt_cached_users(benchmark::State& state) {
  const JwtVerifier verifier(JwtOptions{.secret = secret, .cache_bytes = 64U << 20U});
  std::vector<std::string> tokens;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    tokens.push_back(sign_jwt(R"({"sub":"user )" + std::to_string(i) + R"(","exp":1767226000})", secret).value());
    static_cast<void>(verifier.verify(tokens.back(), now));
  }
  std::size_t i = 0;
  for (auto _ : state) {
    auto user = verifier.verify(tokens[i], now);
    benchmark::DoNotOptimize(user);
    i = (i + 1) % tokens.size();
  }
}
BENCHMARK(BM_jwt_cached_users)->Arg(100)->Arg(2000)->Arg(20000);

/// What an attacker can make us do per request: a good form, a bad signature.
void BM_jwt_forged(benchmark::State& state) {
  const TestSigner signer = signer_of(static_cast<int>(state.range(0)));
  const JwtVerifier verifier({}, JwtKeys(JwtKeySet({signer_of(static_cast<int>(state.range(0))).key()})));
  const std::string token = signer.token(claims);
  for (auto _ : state) {
    auto user = verifier.verify(token, now);
    benchmark::DoNotOptimize(user);
  }
}
BENCHMARK(BM_jwt_forged)->ArgName("alg")->DenseRange(1, 3);

}  // namespace
}  // namespace weir::middleware
