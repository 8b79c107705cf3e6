// Who called whom: W3C Trace Context (https://www.w3.org/TR/trace-context/) and request ids.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir {

/// 16 and 8 random bytes that name a trace and one span of it. All zero means none (§3.2.2.3, §3.2.2.4).
using TraceId = std::array<std::uint8_t, 16>;
using SpanId = std::array<std::uint8_t, 8>;

/// The position of one exchange in a distributed trace. A plain value.
struct TraceContext {
  static constexpr std::uint8_t sampled_flag = 0x01;
  static constexpr std::size_t traceparent_size = 55;

  TraceId trace_id{};
  SpanId span_id{};
  std::uint8_t flags = 0;

  [[nodiscard]] bool sampled() const noexcept { return (flags & sampled_flag) != 0; }
  [[nodiscard]] bool valid() const noexcept {
    const auto trace = std::bit_cast<std::array<std::uint64_t, 2>>(trace_id);
    return (trace[0] | trace[1]) != 0 && std::bit_cast<std::uint64_t>(span_id) != 0;
  }

  /// A new trace with a new span, from the thread's generator.
  [[nodiscard]] static TraceContext root(bool sampled) noexcept;
  /// A new span of the same trace with the same sampling decision: what this service's part is called, and after
  /// format_traceparent() what it sends upstream.
  [[nodiscard]] TraceContext child() const noexcept;

  friend bool operator==(const TraceContext&, const TraceContext&) noexcept = default;
};

/// Reads the `traceparent` header (§3.2). Version 00 must be exactly 55 characters; of a higher version the first 55
/// are read and more may follow after a "-"; version ff, capital letters, zero ids and anything else are refused: then
/// start a new trace. Flags other than `sampled` and `random` are dropped.
[[nodiscard]] std::optional<TraceContext> parse_traceparent(std::string_view header) noexcept;

/// Writes "00-<trace id>-<span id>-<flags>" to `out`, which has room for traceparent_size characters.
void format_traceparent(const TraceContext& context, char* out) noexcept;

/// Whether `header` is a well-formed `tracestate` (§3.3) of at most 32 members and 512 characters. If so it is passed
/// on as it is; if not it is dropped, all of it.
[[nodiscard]] bool valid_tracestate(std::string_view header) noexcept;

/// The same answer for the same trace id on every hop: true for about `ratio` (0 to 1) of all traces.
[[nodiscard]] bool sample_ratio(const TraceId& id, double ratio) noexcept;

/// The name of one request in logs and answers: 32 lower-case hexadecimal digits, 128 random bits.
struct RequestId {
  static constexpr std::size_t size = 32;
  char text[size];
  [[nodiscard]] std::string_view view() const noexcept { return {text, size}; }
};

/// A new one from the thread's generator (seeded from the system; not a secret, it must not be used as one).
[[nodiscard]] RequestId new_request_id() noexcept;

/// Whether an id that a client sent may go into logs and answers: 8 to 128 of A-Z a-z 0-9 . _ -
[[nodiscard]] bool valid_request_id(std::string_view id) noexcept;

namespace telemetry {
/// 64 random bits from a generator of the calling thread (xoshiro256++). Not for secrets.
[[nodiscard]] std::uint64_t random_bits() noexcept;
/// Writes 2 x `size` lower-case hexadecimal digits to `out`.
void write_hex(const std::uint8_t* bytes, std::size_t size, char* out) noexcept;
}  // namespace telemetry

}  // namespace weir
