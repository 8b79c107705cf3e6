#include "weir/telemetry/detail/json_line.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>

#include "weir/telemetry/detail/utf8.hpp"
#include "weir/telemetry/trace.hpp"

namespace weir::telemetry {
namespace {

bool plain(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

char* escape_one(char* out, char c) noexcept {
  constexpr char digits[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  *out++ = '\\';
  switch (c) {
    case '"':
    case '\\':
      *out++ = c;
      return out;
    case '\n':
      *out++ = 'n';
      return out;
    case '\r':
      *out++ = 'r';
      return out;
    case '\t':
      *out++ = 't';
      return out;
    default:
      break;
  }
  std::memcpy(out, "u00", 3);
  out[3] = digits[byte >> 4];
  out[4] = digits[byte & 15];
  return out + 5;
}

/// Writes the character at `at`, which is not plain ASCII, and moves `at` behind it.
char* escape_step(char* out, const char*& at, const char* end) noexcept {
  if (static_cast<unsigned char>(*at) < 0x80) return escape_one(out, *at++);
  const std::size_t size = utf8_sequence(at, static_cast<std::size_t>(end - at));
  if (size == 0) {
    ++at;
    std::memcpy(out, "\xef\xbf\xbd", 3);
    return out + 3;
  }
  std::memcpy(out, at, size);
  at += size;
  return out + size;
}

/// The bits of the bytes in 8 that are not plain have their top bit set in the result.
std::uint64_t special_of_8(std::uint64_t word) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t tops = 0x8080808080808080;
  // (x - n) borrows into a byte's top bit when the byte is below n; bytes of 0x80 and above count anyway. A borrow from
  // the byte below can only add false positives above a true one, and the first one is what is looked at.
  const std::uint64_t quote = word ^ (ones * '"');
  const std::uint64_t backslash = word ^ (ones * '\\');
  return ((word - ones * 0x20) | (quote - ones) | (backslash - ones) | word) & tops;
}

#ifdef __SSE2__
constexpr std::size_t chunk_bytes = 16;

/// Copies a chunk and says how many of its first bytes are plain.
std::size_t copy_chunk(char* out, const char* at) noexcept {
  __m128i bytes;
  std::memcpy(&bytes, at, sizeof bytes);
  std::memcpy(out, &bytes, sizeof bytes);
  // The comparison is signed: bytes from 0x80 on are below the space too.
  const __m128i special =
      _mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
                   _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
  const auto mask = static_cast<unsigned>(_mm_movemask_epi8(special));
  return mask == 0 ? chunk_bytes : static_cast<std::size_t>(std::countr_zero(mask));
}
#else
constexpr std::size_t chunk_bytes = 8;

std::size_t copy_chunk(char* out, const char* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  std::memcpy(out, &word, sizeof word);
  const std::uint64_t special = special_of_8(word);
  return special == 0 ? chunk_bytes : static_cast<std::size_t>(std::countr_zero(special)) / 8;
}
#endif

/// Copies plain characters from `at` until one that is not, or `end`, which is at least a chunk away.
char* copy_chunks(char* out, const char*& at, const char* end) noexcept {
  for (;;) {
    const std::size_t plain_bytes = copy_chunk(out, at);
    at += plain_bytes;
    out += plain_bytes;
    if (plain_bytes != chunk_bytes || at == end) return out;
    // The last chunk ends with the text: it begins in what has been copied, which is plain.
    const auto left = static_cast<std::size_t>(end - at);
    if (left < chunk_bytes) {
      at -= chunk_bytes - left;
      out -= chunk_bytes - left;
    }
  }
}

/// Copies a text of `2 * sizeof(Word)` bytes at most, as the two words that it begins and ends with. False: not all of
/// it is plain, and nothing is copied.
template <class Word>
bool copy_two_words(char* out, const char* at, std::size_t size) noexcept {
  Word first;
  Word last;
  std::memcpy(&first, at, sizeof(Word));
  std::memcpy(&last, at + size - sizeof(Word), sizeof(Word));
  if constexpr (sizeof(Word) == 8) {
    if ((special_of_8(first) | special_of_8(last)) != 0) return false;
  } else {
    if (special_of_8(first | std::uint64_t{last} << 32) != 0) return false;
  }
  std::memcpy(out, &first, sizeof(Word));
  std::memcpy(out + size - sizeof(Word), &last, sizeof(Word));
  return true;
}

/// Copies plain characters from `at` until one that is not, or `end`. `out` has room for as many.
char* copy_plain(char* out, const char*& at, const char* end) noexcept {
  const auto size = static_cast<std::size_t>(end - at);
  if (size >= chunk_bytes && std::endian::native == std::endian::little) return copy_chunks(out, at, end);
  // Most texts are short, and plain from end to end.
  if ((size >= 8 && size <= 16 && copy_two_words<std::uint64_t>(out, at, size)) ||
      (size >= 4 && size < 8 && copy_two_words<std::uint32_t>(out, at, size))) {
    at = end;
    return out + size;
  }
  while (at != end && plain(*at)) *out++ = *at++;
  return out;
}

}  // namespace

char* escape_json(char* out, std::string_view text) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    out = copy_plain(out, at, end);
    if (at == end) return out;
    out = escape_step(out, at, end);
  }
}

char* escape_json_plain(char* out, std::string_view text) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    if (plain(*at)) {
      *out++ = *at++;
    } else {
      out = escape_step(out, at, end);
    }
  }
  return out;
}

namespace {
constexpr auto two_digits = [] {
  std::array<std::array<char, 2>, 100> table{};
  for (unsigned i = 0; i < 100; ++i) table[i] = {static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10)};
  return table;
}();

void put_two(char* out, std::int64_t value) noexcept {
  std::memcpy(out, two_digits[static_cast<std::size_t>(value)].data(), 2);
}
}  // namespace

void TimestampWriter::write_second(std::int64_t second) noexcept {
  using namespace std::chrono;
  const sys_seconds time{seconds(second)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  const int year = static_cast<int>(date.year());
  std::memcpy(text_, "0000-00-00T00:00:00.", 20);
  put_two(text_, std::clamp(year, 0, 9999) / 100);
  put_two(text_ + 2, std::clamp(year, 0, 9999) % 100);
  put_two(text_ + 5, static_cast<unsigned>(date.month()));
  put_two(text_ + 8, static_cast<unsigned>(date.day()));
  put_two(text_ + 11, clock.hours().count());
  put_two(text_ + 14, clock.minutes().count());
  put_two(text_ + 17, clock.seconds().count());
  second_ = second;
}

char* TimestampWriter::write(char* out, std::int64_t wall_ns) noexcept {
  std::int64_t second = wall_ns / 1'000'000'000;
  std::int64_t ns = wall_ns % 1'000'000'000;
  if (ns < 0) {
    --second;
    ns += 1'000'000'000;
  }
  if (second != second_) write_second(second);
  std::memcpy(out, text_, 20);
  const std::int64_t us = ns / 1000;
  put_two(out + 20, us / 10000);
  put_two(out + 22, us / 100 % 100);
  put_two(out + 24, us % 100);
  out[26] = 'Z';
  return out + size;
}

void JsonLine::real(double value) noexcept {
  // JSON has no words for these; a string tells more than null.
  if (std::isnan(value)) return literal("\"NaN\"");
  if (std::isinf(value)) return value > 0 ? literal("\"Infinity\"") : literal("\"-Infinity\"");
  at_ = std::to_chars(at_, at_ + 32, value).ptr;
}

void JsonLine::hex(const std::uint8_t* bytes, std::size_t size) noexcept {
  write_hex(bytes, size, at_);
  at_ += 2 * size;
}

}  // namespace weir::telemetry
