#include "weir/middleware/detail/compression_encoder.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <new>
#include <vector>

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include "weir/base/recycle.hpp"

namespace weir::middleware {
namespace {

constexpr std::size_t max_step = std::size_t{1} << 30;  // zlib counts in 32 bits

class GzipEncoder final : public Encoder {
 public:
  explicit GzipEncoder(int level) {
    // 15 bits of window, and 16 to say that the format is gzip's.
    if (deflateInit2(&stream_, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  }
  ~GzipEncoder() override { deflateEnd(&stream_); }

  bool start(std::optional<std::size_t>) noexcept override { return deflateReset(&stream_) == Z_OK; }

  Progress encode(std::string_view& input, char* out, std::size_t room, EncodeStep step) noexcept override {
    const std::size_t piece = std::min(input.size(), max_step);
    // zlib only reads it, whatever its type says.
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(input.data()));  // NOLINT
    stream_.avail_in = static_cast<uInt>(piece);
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(std::min(room, max_step));
    const uInt offered = stream_.avail_out;
    const bool last = piece == input.size();
    const int mode = !last || step == EncodeStep::more ? Z_NO_FLUSH
                     : step == EncodeStep::flush       ? Z_SYNC_FLUSH
                                                       : Z_FINISH;
    const int result = deflate(&stream_, mode);
    input.remove_prefix(piece - stream_.avail_in);
    Progress progress{.written = offered - stream_.avail_out};
    progress.failed = result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR;
    progress.done = step == EncodeStep::finish ? result == Z_STREAM_END : input.empty() && stream_.avail_out != 0;
    return progress;
  }

 private:
  z_stream stream_{};
};

/// Brotli makes a new encoder for every stream, out of a few large blocks. The thread keeps them: the smaller ones in
/// the recycler, the larger ones here.
class LargeBlocks {
 public:
  LargeBlocks() = default;
  LargeBlocks(const LargeBlocks&) = delete;
  LargeBlocks& operator=(const LargeBlocks&) = delete;
  ~LargeBlocks() {
    for (const Block& block : kept_) std::free(block.memory);  // NOLINT: it came from malloc
    gone_ = true;
  }

  static void* allocate(void*, std::size_t size) noexcept;
  static void deallocate(void*, void* memory) noexcept;

 private:
  struct Block {
    void* memory = nullptr;
    std::size_t size = 0;
  };
  static constexpr std::size_t header = 64;  // keeps the alignment, and holds the size
  std::array<Block, 6> kept_{};
  std::size_t next_ = 0;
  bool gone_ = false;
  static thread_local LargeBlocks of_thread_;
};
thread_local LargeBlocks LargeBlocks::of_thread_;

void* LargeBlocks::allocate(void*, std::size_t size) noexcept try {
  size += header;
  void* memory = nullptr;
  if (size <= recycle::max_block) {
    memory = recycle::allocate(size);
  } else {
    size = std::bit_ceil(size);
    const auto fitting = std::ranges::find(of_thread_.kept_, size, &Block::size);
    if (fitting != of_thread_.kept_.end() && !of_thread_.gone_) {
      memory = std::exchange(*fitting, Block{}).memory;
    } else {
      memory = std::malloc(size);  // NOLINT
      if (memory == nullptr) return nullptr;
    }
  }
  *static_cast<std::size_t*>(memory) = size;
  return static_cast<char*>(memory) + header;
} catch (const std::bad_alloc&) {
  return nullptr;
}

void LargeBlocks::deallocate(void*, void* memory) noexcept {
  if (memory == nullptr) return;
  void* const block = static_cast<char*>(memory) - header;
  const std::size_t size = *static_cast<std::size_t*>(block);
  if (size <= recycle::max_block) return recycle::deallocate(block, size);
  LargeBlocks& blocks = of_thread_;
  constexpr std::size_t largest_kept = std::size_t{4} << 20;
  if (blocks.gone_ || size > largest_kept) return std::free(block);  // NOLINT
  auto slot = std::ranges::find(blocks.kept_, std::size_t{0}, &Block::size);
  if (slot == blocks.kept_.end()) {
    slot = blocks.kept_.begin() + static_cast<std::ptrdiff_t>(blocks.next_++ % blocks.kept_.size());
    std::free(slot->memory);  // NOLINT
  }
  *slot = {block, size};
}

class BrotliEncoder final : public Encoder {
 public:
  explicit BrotliEncoder(int level) noexcept : level_(level) {}
  ~BrotliEncoder() override { stop(); }

  bool start(std::optional<std::size_t> size) noexcept override {
    stop();
    state_ = BrotliEncoderCreateInstance(&LargeBlocks::allocate, &LargeBlocks::deallocate, nullptr);
    if (state_ == nullptr) return false;
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, static_cast<std::uint32_t>(level_));
    // A window as large as the text, but not the 4 MiB that it may be: memory and clearing it cost time. 256 KiB else.
    const std::uint32_t window = size ? std::clamp(static_cast<std::uint32_t>(std::bit_width(*size)), 16U, 20U) : 18U;
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, window);
    if (size) {
      BrotliEncoderSetParameter(state_, BROTLI_PARAM_SIZE_HINT, static_cast<std::uint32_t>(std::min(*size, max_step)));
    }
    return true;
  }

  Progress encode(std::string_view& input, char* out, std::size_t room, EncodeStep step) noexcept override {
    const auto* next_in = reinterpret_cast<const std::uint8_t*>(input.data());
    std::size_t available_in = input.size();
    auto* next_out = reinterpret_cast<std::uint8_t*>(out);
    std::size_t available_out = room;
    const BrotliEncoderOperation operation = step == EncodeStep::more    ? BROTLI_OPERATION_PROCESS
                                             : step == EncodeStep::flush ? BROTLI_OPERATION_FLUSH
                                                                         : BROTLI_OPERATION_FINISH;
    Progress progress;
    progress.failed = BrotliEncoderCompressStream(state_, operation, &available_in, &next_in, &available_out, &next_out,
                                                  nullptr) == BROTLI_FALSE;
    input.remove_prefix(input.size() - available_in);
    progress.written = room - available_out;
    progress.done = input.empty() && BrotliEncoderHasMoreOutput(state_) == BROTLI_FALSE &&
                    (step != EncodeStep::finish || BrotliEncoderIsFinished(state_) == BROTLI_TRUE);
    return progress;
  }

  void stop() noexcept override {
    if (state_ != nullptr) BrotliEncoderDestroyInstance(std::exchange(state_, nullptr));
  }

 private:
  BrotliEncoderState* state_ = nullptr;
  int level_;
};

class ZstdEncoder final : public Encoder {
 public:
  explicit ZstdEncoder(int level) : context_(ZSTD_createCCtx()) {
    if (context_ == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
    // RFC 9659: decoders of the content coding need not take windows above 8 MiB. 2 MiB is enough for bodies.
    ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, 21);
  }
  ~ZstdEncoder() override { ZSTD_freeCCtx(context_); }

  bool start(std::optional<std::size_t> size) noexcept override {
    ZSTD_CCtx_reset(context_, ZSTD_reset_session_only);
    return ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(context_, size ? *size : ZSTD_CONTENTSIZE_UNKNOWN)) == 0;
  }

  Progress encode(std::string_view& input, char* out, std::size_t room, EncodeStep step) noexcept override {
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer to{out, room, 0};
    const ZSTD_EndDirective directive = step == EncodeStep::more    ? ZSTD_e_continue
                                        : step == EncodeStep::flush ? ZSTD_e_flush
                                                                    : ZSTD_e_end;
    const std::size_t left = ZSTD_compressStream2(context_, &to, &in, directive);
    input.remove_prefix(in.pos);
    Progress progress{.written = to.pos};
    progress.failed = ZSTD_isError(left) != 0;
    progress.done = !progress.failed && input.empty() && (step == EncodeStep::more || left == 0);
    return progress;
  }

 private:
  ZSTD_CCtx* context_;
};

std::unique_ptr<Encoder> make(Coding coding, int level) {
  switch (coding) {
    case Coding::gzip:
      return std::make_unique<GzipEncoder>(level);
    case Coding::brotli:
      return std::make_unique<BrotliEncoder>(level);
    case Coding::zstd:
      return std::make_unique<ZstdEncoder>(level);
  }
  return nullptr;
}

/// The idle contexts of a thread: a few, because each holds a quarter of a megabyte and more.
struct Pool {
  struct Idle {
    std::unique_ptr<Encoder> encoder;
    Coding coding = Coding::gzip;
    int level = 0;
  };
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    for (Idle& idle : kept) idle.encoder.reset();
    gone = true;
  }
  std::array<Idle, 6> kept{};
  std::size_t next = 0;
  std::size_t in_use = 0;
  bool gone = false;
};
thread_local Pool pool;

}  // namespace

std::string_view to_string(Coding coding) noexcept {
  constexpr std::array<std::string_view, 3> names = {"gzip", "br", "zstd"};
  return names[static_cast<std::size_t>(coding)];
}

std::optional<Coding> parse_coding(std::string_view name) noexcept {
  for (const Coding coding : {Coding::gzip, Coding::brotli, Coding::zstd}) {
    if (name == to_string(coding)) return coding;
  }
  return std::nullopt;
}

bool is_level(Coding coding, int level) noexcept {
  switch (coding) {
    case Coding::gzip:
      return level >= 1 && level <= 9;
    case Coding::brotli:
      return level >= 0 && level <= 11;
    case Coding::zstd:
      return level >= 1 && level <= 19;
  }
  return false;
}

EncoderLease EncoderLease::take(Coding coding, int level, std::size_t max_in_use) noexcept try {
  EncoderLease lease;
  Pool& of_thread = pool;
  if (of_thread.in_use >= max_in_use || of_thread.gone) return lease;
  lease.coding_ = coding;
  lease.level_ = level;
  for (Pool::Idle& idle : of_thread.kept) {
    if (idle.encoder == nullptr || idle.coding != coding || idle.level != level) continue;
    lease.encoder_ = std::move(idle.encoder);
    break;
  }
  if (lease.encoder_ == nullptr) lease.encoder_ = make(coding, level);
  ++of_thread.in_use;
  return lease;
} catch (const std::bad_alloc&) {
  return {};
}

EncoderLease::~EncoderLease() {
  if (encoder_ == nullptr) return;
  encoder_->stop();
  Pool& of_thread = pool;
  if (of_thread.gone) return;
  --of_thread.in_use;
  auto slot = std::ranges::find_if(of_thread.kept, [](const Pool::Idle& idle) { return idle.encoder == nullptr; });
  if (slot == of_thread.kept.end()) {
    slot = of_thread.kept.begin() + static_cast<std::ptrdiff_t>(of_thread.next++ % of_thread.kept.size());
  }
  *slot = {std::move(encoder_), coding_, level_};
}

std::size_t EncoderLease::in_use() noexcept {
  return pool.in_use;
}

std::size_t EncoderLease::idle() noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(pool.kept, [](const Pool::Idle& idle) { return idle.encoder != nullptr; }));
}

}  // namespace weir::middleware
