package lab;

import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;

import io.github.resilience4j.ratelimiter.RateLimiter;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import javax.crypto.spec.SecretKeySpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.security.config.web.server.ServerHttpSecurity;
import org.springframework.security.oauth2.jose.jws.MacAlgorithm;
import org.springframework.security.oauth2.jwt.NimbusReactiveJwtDecoder;
import org.springframework.security.oauth2.jwt.ReactiveJwtDecoder;
import org.springframework.security.web.server.SecurityWebFilterChain;
import org.springframework.security.web.server.context.NoOpServerSecurityContextRepository;
import org.springframework.web.reactive.HandlerMapping;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.WebFilter;

import static net.logstash.logback.argument.StructuredArguments.kv;

/** What --chain production puts in front: log, metrics (Actuator's own), time-out, JWT, rate limit. */
@Configuration
class Chain {
    private static final Logger LOG = LoggerFactory.getLogger("lab.access");

    private final boolean production;

    Chain(@Value("${lab.chain}") String chain) {
        production = chain.equals("production");
    }

    @Bean
    @Order(-200)
    WebFilter requestIdAndLog() {
        if (!production) return (exchange, next) -> next.filter(exchange);
        return (exchange, next) -> {
            long started = System.nanoTime();
            var request = exchange.getRequest();
            String sent = request.getHeaders().getFirst("X-Request-Id");
            String id = sent != null ? sent : UUID.randomUUID().toString();
            exchange.getResponse().getHeaders().set("X-Request-Id", id);
            exchange.getResponse().beforeCommit(() -> {
                HttpStatusCode status = exchange.getResponse().getStatusCode();
                LOG.info("request", kv("request_id", id), kv("method", request.getMethod().name()),
                    kv("path", request.getPath().value()),
                    kv("route", String.valueOf((Object) exchange.getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE))),
                    kv("status", status != null ? status.value() : 200), kv("latency_us", (System.nanoTime() - started) / 1000),
                    kv("ip", request.getRemoteAddress().getAddress().getHostAddress()),
                    kv("user_agent", request.getHeaders().getFirst("User-Agent")));
                return reactor.core.publisher.Mono.empty();
            });
            return next.filter(exchange);
        };
    }

    @Bean
    @Order(10)
    WebFilter timeoutAndRateLimit() {
        if (!production) return (exchange, next) -> next.filter(exchange);
        var limit = RateLimiterConfig.custom().limitForPeriod(100_000_000).limitRefreshPeriod(Duration.ofSeconds(1))
            .timeoutDuration(Duration.ZERO).build();
        Map<String, RateLimiter> visitors = new ConcurrentHashMap<>();
        return (exchange, next) -> {
            String address = exchange.getRequest().getRemoteAddress().getAddress().getHostAddress();
            if (!visitors.computeIfAbsent(address, name -> RateLimiter.of(name, limit)).acquirePermission()) {
                exchange.getResponse().setStatusCode(HttpStatus.TOO_MANY_REQUESTS);
                return exchange.getResponse().setComplete();
            }
            return next.filter(exchange).timeout(Duration.ofSeconds(5))
                .onErrorMap(TimeoutException.class, error -> new ResponseStatusException(HttpStatus.SERVICE_UNAVAILABLE));
        };
    }

    @Bean
    ReactiveJwtDecoder decoder() {
        String secret = System.getenv().getOrDefault("LAB_JWT_SECRET", "-".repeat(32));
        return NimbusReactiveJwtDecoder.withSecretKey(new SecretKeySpec(secret.getBytes(), "HmacSHA256"))
            .macAlgorithm(MacAlgorithm.HS256).build();
    }

    @Bean
    SecurityWebFilterChain security(ServerHttpSecurity http) {
        http.csrf(ServerHttpSecurity.CsrfSpec::disable).headers(ServerHttpSecurity.HeaderSpec::disable)
            .requestCache(ServerHttpSecurity.RequestCacheSpec::disable)
            .securityContextRepository(NoOpServerSecurityContextRepository.getInstance());
        if (!production) return http.securityMatcher(exchange ->
            org.springframework.security.web.server.util.matcher.ServerWebExchangeMatcher.MatchResult.notMatch()).build();
        return http.authorizeExchange(paths -> paths.pathMatchers("/runtime", "/metrics").permitAll().anyExchange().authenticated())
            .oauth2ResourceServer(server -> server.jwt(jwt -> {})).build();
    }
}
