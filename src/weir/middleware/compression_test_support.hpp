// For tests and benchmarks: the other side of compression, and text to compress.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

namespace weir::middleware {

/// What a stream that may not have ended yet says so far.
struct Decoded {
  std::string text;
  bool ended = false;
};

inline std::optional<Decoded> decode_gzip(std::string_view bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return std::nullopt;
  Decoded decoded;
  char room[65536];
  std::string input(bytes);
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  int result = Z_OK;
  do {
    stream.next_out = reinterpret_cast<Bytef*>(room);
    stream.avail_out = sizeof room;
    result = inflate(&stream, Z_SYNC_FLUSH);
    decoded.text.append(room, sizeof room - stream.avail_out);
  } while (result == Z_OK && (stream.avail_in != 0 || stream.avail_out == 0));
  const bool rest = stream.avail_in != 0;
  inflateEnd(&stream);
  if ((result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) || rest) return std::nullopt;
  decoded.ended = result == Z_STREAM_END;
  return decoded;
}

inline std::optional<Decoded> decode_brotli(std::string_view bytes) {
  BrotliDecoderState* state = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
  Decoded decoded;
  const auto* next_in = reinterpret_cast<const std::uint8_t*>(bytes.data());
  std::size_t available_in = bytes.size();
  std::uint8_t room[65536];
  BrotliDecoderResult result = BROTLI_DECODER_RESULT_ERROR;
  do {
    std::uint8_t* next_out = room;
    std::size_t available_out = sizeof room;
    result = BrotliDecoderDecompressStream(state, &available_in, &next_in, &available_out, &next_out, nullptr);
    decoded.text.append(reinterpret_cast<const char*>(room), sizeof room - available_out);
  } while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT);
  BrotliDecoderDestroyInstance(state);
  if (result == BROTLI_DECODER_RESULT_ERROR || available_in != 0) return std::nullopt;
  decoded.ended = result == BROTLI_DECODER_RESULT_SUCCESS;
  return decoded;
}

inline std::optional<Decoded> decode_zstd(std::string_view bytes) {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  Decoded decoded;
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  char room[65536];
  std::size_t result = 1;
  bool more = true;
  while (more) {
    ZSTD_outBuffer out{room, sizeof room, 0};
    result = ZSTD_decompressStream(context, &out, &in);
    if (ZSTD_isError(result) != 0) break;
    decoded.text.append(room, out.pos);
    more = result != 0 && (in.pos < in.size || out.pos == out.size);
  }
  ZSTD_freeDCtx(context);
  if (ZSTD_isError(result) != 0 || in.pos != in.size) return std::nullopt;
  decoded.ended = result == 0;
  return decoded;
}

/// By the value of Content-Encoding.
inline std::optional<Decoded> decode(std::string_view coding, std::string_view bytes) {
  if (coding == "gzip") return decode_gzip(bytes);
  if (coding == "br") return decode_brotli(bytes);
  if (coding == "zstd") return decode_zstd(bytes);
  return std::nullopt;
}

/// JSON as services answer it.
inline std::string json_text(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string text = "[";
  while (text.size() < size) {
    text += R"({"id":)" + std::to_string(random()) + R"(,"name":"user )" + std::to_string(random() % 1000) +
            R"(","active":)" + (random() % 2 == 0 ? "true" : "false") + R"(,"tags":["alpha","beta"],"score":)" +
            std::to_string(random() % 100000) + "},";
  }
  text.resize(size);
  return text;
}

inline std::string random_text(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

}  // namespace weir::middleware
