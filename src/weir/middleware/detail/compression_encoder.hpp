// gzip, brotli and zstd behind one interface, and their contexts kept for reuse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace weir::middleware {

enum class Coding : std::uint8_t { gzip, brotli, zstd };

/// The content codings (RFC 9110 section 8.4.1, RFC 7932, RFC 8878): "gzip", "br", "zstd". Static storage.
std::string_view to_string(Coding coding) noexcept;
std::optional<Coding> parse_coding(std::string_view name) noexcept;
/// Whether the level exists: gzip 1-9, brotli 0-11, zstd 1-19.
bool is_level(Coding coding, int level) noexcept;

/// What one call of encode() is to bring about.
enum class EncodeStep : std::uint8_t {
  more,    ///< Take the input; keep what is needed to compress it well.
  flush,   ///< And give out everything, so that the other side can read what was written so far.
  finish,  ///< And end the stream.
};

/// One compressor at one level. It compresses one stream at a time: start(), then encode() until the end. One thread.
class Encoder {
 public:
  Encoder() = default;
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  virtual ~Encoder() = default;

  struct Progress {
    std::size_t written = 0;
    bool done = false;    ///< All input was taken and the step is complete.
    bool failed = false;  ///< Out of memory, or a bug: the stream cannot go on.
  };

  /// Begins a stream; `size` is how long it will be, where that is known. False when there is no memory.
  virtual bool start(std::optional<std::size_t> size) noexcept = 0;
  /// Takes from the front of `input` and writes at most `room` (at least 16) bytes to `out`. Call it again, with the
  /// rest of the input, until it is done. Once a step was begun it has to be completed.
  virtual Progress encode(std::string_view& input, char* out, std::size_t room, EncodeStep step) noexcept = 0;
  /// Lets go of memory that only the stream needed.
  virtual void stop() noexcept {}
};

/// An encoder that was borrowed from the calling thread's pool, and goes back to it. Empty when there was none.
class EncoderLease {
 public:
  EncoderLease() noexcept = default;
  /// A context of this coding and level; empty when `max_in_use` of this thread are in use, or memory is out.
  static EncoderLease take(Coding coding, int level, std::size_t max_in_use) noexcept;
  EncoderLease(EncoderLease&& other) noexcept
      : encoder_(std::move(other.encoder_)), coding_(other.coding_), level_(other.level_) {}
  EncoderLease& operator=(EncoderLease&&) = delete;
  ~EncoderLease();

  explicit operator bool() const noexcept { return encoder_ != nullptr; }
  Encoder& operator*() const noexcept { return *encoder_; }
  Encoder* operator->() const noexcept { return encoder_.get(); }

  /// How many the calling thread has in use, and how many wait in its pool.
  static std::size_t in_use() noexcept;
  static std::size_t idle() noexcept;

 private:
  std::unique_ptr<Encoder> encoder_;
  Coding coding_ = Coding::gzip;
  int level_ = 0;
};

}  // namespace weir::middleware
