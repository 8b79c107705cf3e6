#include "weir/telemetry/trace.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>
#include <chrono>
#include <cstring>

#include <sys/random.h>

namespace weir {
namespace {

constexpr std::uint8_t random_flag = 0x02;  // Trace Context level 2, §3.2.2.5.2

/// The value of a lower-case hexadecimal digit, or 0xff: HEXDIGLC of §3.2.1.
constexpr auto digit_values = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(0xff);
  for (unsigned i = 0; i < 10; ++i) table['0' + i] = static_cast<std::uint8_t>(i);
  for (unsigned i = 0; i < 6; ++i) table['a' + i] = static_cast<std::uint8_t>(10 + i);
  return table;
}();

constexpr auto digit_pairs = [] {
  std::array<std::array<char, 2>, 256> table{};
  constexpr char digits[] = "0123456789abcdef";
  for (unsigned i = 0; i < 256; ++i) table[i] = {digits[i >> 4], digits[i & 15]};
  return table;
}();

std::uint8_t digit_value(char c) noexcept {
  return digit_values[static_cast<unsigned char>(c)];
}

/// Eight digits of the four bytes of `word` (little-endian), computed side by side.
std::uint64_t eight_digits(std::uint32_t word) noexcept {
  std::uint64_t lanes = word;
  lanes = (lanes | lanes << 16) & 0x0000ffff0000ffff;
  lanes = (lanes | lanes << 8) & 0x00ff00ff00ff00ff;
  const std::uint64_t nibbles = (lanes >> 4 & 0x000f000f000f000f) | (lanes & 0x000f000f000f000f) << 8;
  const std::uint64_t letters = (nibbles + 0x0606060606060606) >> 4 & 0x0101010101010101;
  return nibbles + 0x3030303030303030 + letters * ('a' - '0' - 10);
}

/// The four bytes of eight digits; anything at all when they are not lower-case digits.
std::uint32_t four_bytes(std::uint64_t digits) noexcept {
  const std::uint64_t nibbles = (digits & 0x0f0f0f0f0f0f0f0f) + (digits >> 6 & 0x0101010101010101) * 9;
  std::uint64_t lanes = (nibbles << 4 | nibbles >> 8) & 0x00ff00ff00ff00ff;
  lanes = (lanes | lanes >> 8) & 0x0000ffff0000ffff;
  return static_cast<std::uint32_t>(lanes | lanes >> 16);
}

/// Reads 2 x `size` digits.
bool read_hex(const char* text, std::size_t size, std::uint8_t* out) noexcept {
  bool good = true;
  if constexpr (std::endian::native == std::endian::little) {
    for (; size >= 4; size -= 4, text += 8, out += 4) {
      std::uint64_t digits;
      std::memcpy(&digits, text, 8);
      const std::uint32_t bytes = four_bytes(digits);
      std::memcpy(out, &bytes, 4);
      good = good && eight_digits(bytes) == digits;  // only the right digits come back as they were
    }
  }
  for (; size != 0; --size, text += 2, ++out) {
    const unsigned high = digit_value(text[0]);
    const unsigned low = digit_value(text[1]);
    good = good && (high | low) < 16;
    *out = static_cast<std::uint8_t>(high << 4 | low);
  }
  return good;
}

/// xoshiro256++ (Blackman and Vigna, 2019). 256 bits of state: with 64, ids of a large fleet would begin to collide.
struct Generator {
  std::uint64_t state[4];

  [[gnu::noinline]] void seed() noexcept {
    if (getrandom(state, sizeof state, GRND_NONBLOCK) != static_cast<ssize_t>(sizeof state)) {
      // Only before the system's generator is up: ids are poorer then, but the request is served.
      state[1] = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
      state[2] = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
      state[3] = std::bit_cast<std::uintptr_t>(&state);
    }
    state[0] |= 1;  // all zero means "not seeded", and it is the one state that the generator never leaves
  }

  std::uint64_t next() noexcept {
    if ((state[0] | state[1] | state[2] | state[3]) == 0) [[unlikely]]
      seed();
    const std::uint64_t result = std::rotl(state[0] + state[3], 23) + state[0];
    const std::uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = std::rotl(state[3], 45);
    return result;
  }
};

constinit thread_local Generator generator{};

/// N random bytes that are not all zero: an id of zeros would say that there is none.
template <std::size_t N>
std::array<std::uint8_t, N> random_id() noexcept {
  static_assert(N % 8 == 0);
  std::array<std::uint64_t, N / 8> words;
  std::uint64_t any = 0;
  do {
    for (std::uint64_t& word : words) any |= word = generator.next();
  } while (any == 0);
  return std::bit_cast<std::array<std::uint8_t, N>>(words);
}

}  // namespace

namespace telemetry {

std::uint64_t random_bits() noexcept {
  return generator.next();
}

void write_hex(const std::uint8_t* bytes, std::size_t size, char* out) noexcept {
  std::size_t i = 0;
#ifdef __SSE2__
  const __m128i fifteen = _mm_set1_epi8(15);
  for (; i + 8 <= size; i += 8) {
    const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes + i));
    const __m128i nibbles =
        _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi16(eight, 4), fifteen), _mm_and_si128(eight, fifteen));
    const __m128i to_letter = _mm_and_si128(_mm_cmpgt_epi8(nibbles, _mm_set1_epi8(9)), _mm_set1_epi8('a' - '0' - 10));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 2 * i),
                     _mm_add_epi8(_mm_add_epi8(nibbles, _mm_set1_epi8('0')), to_letter));
  }
#endif
  if constexpr (std::endian::native == std::endian::little) {
    for (; i + 4 <= size; i += 4) {
      std::uint32_t word;
      std::memcpy(&word, bytes + i, 4);
      const std::uint64_t digits = eight_digits(word);
      std::memcpy(out + 2 * i, &digits, 8);
    }
  }
  for (; i < size; ++i) std::memcpy(out + 2 * i, digit_pairs[bytes[i]].data(), 2);
}

}  // namespace telemetry

TraceContext TraceContext::root(bool sampled) noexcept {
  return {.trace_id = random_id<16>(),
          .span_id = random_id<8>(),
          .flags = static_cast<std::uint8_t>(random_flag | (sampled ? sampled_flag : 0))};
}

TraceContext TraceContext::child() const noexcept {
  return {.trace_id = trace_id, .span_id = random_id<8>(), .flags = flags};
}

std::optional<TraceContext> parse_traceparent(std::string_view header) noexcept {
  // version "-" trace-id "-" parent-id "-" trace-flags (§3.2.2)
  constexpr std::size_t size = TraceContext::traceparent_size;
  if (header.size() < size || header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  std::uint8_t version = 0;
  std::uint8_t flags = 0;
  TraceContext context;
  if (!read_hex(header.data(), 1, &version) || !read_hex(header.data() + 3, 16, context.trace_id.data()) ||
      !read_hex(header.data() + 36, 8, context.span_id.data()) || !read_hex(header.data() + 53, 1, &flags)) {
    return std::nullopt;
  }
  if (version == 0xff || !context.valid()) return std::nullopt;
  // §3.2.4: version 00 ends here; a later one may go on after a dash.
  if (header.size() > size && (version == 0 || header[size] != '-')) return std::nullopt;
  // Of a later version only the sampled flag is understood.
  context.flags = flags & (version == 0 ? TraceContext::sampled_flag | random_flag : TraceContext::sampled_flag);
  return context;
}

void format_traceparent(const TraceContext& context, char* out) noexcept {
  std::memcpy(out, "00-", 3);
  telemetry::write_hex(context.trace_id.data(), 16, out + 3);
  out[35] = '-';
  telemetry::write_hex(context.span_id.data(), 8, out + 36);
  out[52] = '-';
  telemetry::write_hex(&context.flags, 1, out + 53);
}

namespace {

bool is_lower_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/// key = ( lcalpha / DIGIT ) 0*255 ( keychar ), keychar = lcalpha / DIGIT / "_" / "-" / "*" / "/" / "@"
/// (level 2 §3.3.1.3.1; it takes in all keys of level 1).
bool valid_tracestate_key(std::string_view key) noexcept {
  if (key.empty() || key.size() > 256 || !is_lower_or_digit(key[0])) return false;
  for (const char c : key) {
    if (!is_lower_or_digit(c) && c != '_' && c != '-' && c != '*' && c != '/' && c != '@') return false;
  }
  return true;
}

/// value = 0*255(chr) nblk-chr: printable ASCII without "," and "=", not ending in a space (§3.3.1.3.2).
bool valid_tracestate_value(std::string_view value) noexcept {
  if (value.empty() || value.size() > 256 || value.back() == ' ') return false;
  for (const char c : value) {
    if (c < 0x20 || c > 0x7e || c == ',' || c == '=') return false;
  }
  return true;
}

std::string_view trim_spaces(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

bool valid_tracestate(std::string_view header) noexcept {
  constexpr std::size_t max_members = 32;
  constexpr std::size_t max_size = 512;
  if (header.size() > max_size) return false;
  std::size_t members = 0;
  while (!header.empty()) {
    const std::size_t comma = header.find(',');
    const std::string_view member = trim_spaces(header.substr(0, comma));
    header = comma == std::string_view::npos ? std::string_view{} : header.substr(comma + 1);
    if (member.empty()) continue;  // §3.3.1.3: empty members are allowed
    const std::size_t equals = member.find('=');
    if (equals == std::string_view::npos || ++members > max_members) return false;
    if (!valid_tracestate_key(member.substr(0, equals)) || !valid_tracestate_value(member.substr(equals + 1))) {
      return false;
    }
  }
  return members != 0;
}

bool sample_ratio(const TraceId& id, double ratio) noexcept {
  if (ratio >= 1) return true;
  if (!(ratio > 0)) return false;
  // The last 7 bytes are random in every generator (level 2 §3.2.2.5.2), so all hops draw the same number.
  std::uint64_t number = 0;
  for (std::size_t i = 9; i < 16; ++i) number = number << 8 | id[i];
  return static_cast<double>(number) < ratio * static_cast<double>(std::uint64_t{1} << 56);
}

RequestId new_request_id() noexcept {
  RequestId id;
  const auto bytes = random_id<16>();
  telemetry::write_hex(bytes.data(), bytes.size(), id.text);
  return id;
}

bool valid_request_id(std::string_view id) noexcept {
  if (id.size() < 8 || id.size() > 128) return false;
  for (const char c : id) {
    if (!is_lower_or_digit(c) && !(c >= 'A' && c <= 'Z') && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

}  // namespace weir
