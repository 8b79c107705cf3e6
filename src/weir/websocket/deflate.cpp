#include "weir/websocket/deflate.hpp"

#include <algorithm>
#include <limits>
#include <new>

#define ZLIB_CONST
#include <zlib.h>

namespace weir::websocket {

namespace {

constexpr std::string_view tail("\x00\x00\xff\xff", 4);  // RFC 7692 section 7.2.1: the end of every message
constexpr std::size_t step = 4096;

const Bytef* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const Bytef*>(text.data());
}
uInt clamp_size(std::size_t size) noexcept {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max() / 2));
}

}  // namespace

void detail::DeflateEnd::operator()(z_stream_s* stream) const noexcept {
  static_cast<void>(deflateEnd(stream));
  delete stream;
}
void detail::InflateEnd::operator()(z_stream_s* stream) const noexcept {
  static_cast<void>(inflateEnd(stream));
  delete stream;
}

bool Deflater::compress(std::string_view message, bool keep_context, Buffer& out) noexcept try {
  if (stream_ == nullptr) {
    auto fresh = std::make_unique<z_stream>();
    if (deflateInit2(fresh.get(), options_.level, Z_DEFLATED, -int{options_.window_bits}, options_.memory_level,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      return false;
    }
    stream_.reset(fresh.release());
  }
  const std::size_t before = out.size();
  z_stream& stream = *stream_;
  std::string_view rest = message;
  stream.avail_in = 0;
  // Until zlib leaves room in what it was given: only then everything is out.
  do {
    if (stream.avail_in == 0 && !rest.empty()) {
      stream.next_in = bytes_of(rest);
      stream.avail_in = clamp_size(rest.size());
      rest.remove_prefix(stream.avail_in);
    }
    const std::size_t room = std::max<std::size_t>(step, stream.avail_in / 2 + 64);
    stream.next_out = reinterpret_cast<Bytef*>(out.reserve_more(room));
    stream.avail_out = static_cast<uInt>(room);
    if (deflate(&stream, rest.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH) == Z_STREAM_ERROR) {
      out.truncate(before);
      return false;
    }
    out.advance(room - stream.avail_out);
  } while (stream.avail_out == 0 || stream.avail_in != 0 || !rest.empty());
  if (!keep_context) forget();
  if (out.size() - before >= tail.size() && out.view().ends_with(tail)) {
    out.truncate(out.size() - tail.size());
  }
  // Nothing new since the last flush, so zlib wrote nothing: an empty block says it (section 7.2.3.6).
  if (out.size() == before) out.push_back('\0');
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

void Deflater::forget() noexcept {
  if (stream_ != nullptr) static_cast<void>(deflateReset(stream_.get()));
}

Inflater::Outcome Inflater::decompress(std::string_view piece, bool last, std::size_t limit, Buffer& out) noexcept try {
  if (stream_ == nullptr) {
    auto fresh = std::make_unique<z_stream>();
    if (inflateInit2(fresh.get(), -int{window_bits_}) != Z_OK) return Outcome::no_memory;
    stream_.reset(fresh.release());
  }
  if (const Outcome outcome = run(piece, limit, out); outcome != Outcome::good) return outcome;
  if (!last) return Outcome::good;
  if (const Outcome outcome = run(tail, limit, out); outcome != Outcome::good) return outcome;
  // The tail is an empty block; a message that was cut within a block would have swallowed it as data.
  return (stream_->data_type & 128) != 0 ? Outcome::good : Outcome::corrupt;
} catch (const std::bad_alloc&) {
  return Outcome::no_memory;
}

Inflater::Outcome Inflater::run(std::string_view input, std::size_t limit, Buffer& out) {
  z_stream& stream = *stream_;
  stream.avail_in = 0;
  bool full = false;  // zlib filled its room: there may be more of the same input
  for (;;) {
    if (stream.avail_in == 0 && !input.empty()) {
      stream.next_in = bytes_of(input);
      stream.avail_in = clamp_size(input.size());
      input.remove_prefix(stream.avail_in);
    }
    if (stream.avail_in == 0 && !full) return Outcome::good;
    // One byte more than the limit tells that it is passed.
    const std::size_t most = limit - std::min(limit, out.size()) + 1;
    const std::size_t room = std::min(most, std::max<std::size_t>(step, std::size_t{stream.avail_in} * 4));
    stream.next_out = reinterpret_cast<Bytef*>(out.reserve_more(room));
    stream.avail_out = clamp_size(room);
    const uInt given = stream.avail_in;
    const uInt offered = stream.avail_out;
    const int result = inflate(&stream, Z_SYNC_FLUSH);
    out.advance(offered - stream.avail_out);
    if (out.size() > limit) return Outcome::too_big;
    full = stream.avail_out == 0;
    if (result == Z_MEM_ERROR) return Outcome::no_memory;
    if (result == Z_STREAM_END) {
      // A block that says it is the last may stand anywhere (section 7.2.3.5): what follows is another stream with the
      // same history.
      if (!restart()) return Outcome::corrupt;
      full = false;
      continue;
    }
    if (result != Z_OK && result != Z_BUF_ERROR) return Outcome::corrupt;
    if (given == stream.avail_in && offered == stream.avail_out && given != 0) return Outcome::corrupt;
  }
}

/// The history stays where it is: to take it out and put it in again would be 64 KiB of copies for every two bytes of a
/// message that is made of last blocks.
bool Inflater::restart() noexcept {
  return inflateResetKeep(stream_.get()) == Z_OK;
}

void Inflater::forget() noexcept {
  if (stream_ != nullptr) static_cast<void>(inflateReset(stream_.get()));
}

}  // namespace weir::websocket
