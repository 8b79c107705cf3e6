#include "weir/middleware/detail/compression_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <utility>

#include <unistd.h>

#include "weir/base/recycle.hpp"

namespace weir::middleware {
namespace {

constexpr std::size_t input_piece = std::size_t{32} << 10;   // between two looks at the loop: well below a millisecond
constexpr std::size_t output_piece = std::size_t{16} << 10;  // what is handed on at a time

/// What a compressed body holds on to. Recycled, so that streaming does not call malloc for it.
struct Job {
  http::Body source;
  EncoderLease encoder;
  EventLoop* loop;

  static void* operator new(std::size_t size) { return recycle::allocate(size); }
  static void operator delete(void* block, std::size_t size) noexcept { recycle::deallocate(block, size); }
};

/// The writer that the inner stream sees.
class CompressingWriter final : public http::BodyWriter {
 public:
  CompressingWriter(http::BodyWriter& next, Job& job) noexcept : next_(next), job_(job) {
    if (const auto length = job.source.length()) {
      announced_ = true;
      left_ = *length;
    }
  }

  Task<Result<void>> write(std::string_view bytes) override {
    if (!count(bytes.size())) co_return too_much();
    const Result<void> pushed = co_await push(bytes, EncodeStep::more);
    co_return pushed;
  }

  Task<Result<void>> send_file(int fd, std::uint64_t offset, std::uint64_t length) override {
    if (!count(length)) co_return too_much();
    Buffer piece;
    while (length != 0) {
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(length, input_piece));
      const ssize_t got = ::pread(fd, piece.reserve_more(wanted), wanted, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) co_return fail(system_error(errno, "read a file to compress it"));
      if (got == 0) co_return fail(Errc::data_loss, "a file is shorter than what should be sent of it");
      const auto size = static_cast<std::size_t>(got);
      const std::string_view bytes(piece.data(), size);
      const Result<void> pushed = co_await push(bytes, EncodeStep::more);
      if (!pushed) co_return pushed;
      offset += size;
      length -= size;
    }
    co_return Result<void>();
  }

  Task<Result<void>> flush() override {
    const Result<void> pushed = co_await push(std::string_view(), EncodeStep::flush);
    if (!pushed) co_return pushed;
    const Result<void> flushed = co_await next_.flush();
    co_return flushed;
  }

  bool trailer(std::string_view name, std::string_view value) override { return next_.trailer(name, value); }
  [[nodiscard]] StopToken stop() noexcept override { return next_.stop(); }

  /// The end of the stream.
  Task<Result<void>> finish() {
    if (announced_ && left_ != 0) co_return fail(Errc::data_loss, "the body is shorter than announced");
    const Result<void> pushed = co_await push(std::string_view(), EncodeStep::finish);
    co_return pushed;
  }

 private:
  /// What the stream announced as its length still holds, though the client is not told of it.
  bool count(std::uint64_t bytes) noexcept {
    if (!announced_) return true;
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }
  static std::unexpected<Error> too_much() {
    return fail(Errc::out_of_range, "more was written than the announced content length");
  }

  Task<Result<void>> push(std::string_view bytes, EncodeStep step) {
    std::size_t since_yield = 0;
    for (;;) {
      std::string_view piece = bytes.substr(0, input_piece);
      const std::size_t offered = piece.size();
      const bool last = offered == bytes.size();
      const std::size_t before = out_.size();
      char* const room = out_.reserve_more(output_piece - before);
      const Encoder::Progress progress =
          job_.encoder->encode(piece, room, output_piece - before, last ? step : EncodeStep::more);
      if (progress.failed) co_return fail(Errc::internal, "compressing the body failed");
      out_.advance(progress.written);
      bytes.remove_prefix(offered - piece.size());
      since_yield += offered - piece.size();
      const bool done = progress.done && bytes.empty();
      if (output_piece - out_.size() < 64 || (done && step != EncodeStep::more && !out_.empty())) {
        const Result<void> written = co_await next_.write(out_.view());
        if (!written) co_return written;
        out_.clear();
      }
      if (done) co_return Result<void>();
      if (since_yield >= input_piece) {
        since_yield = 0;
        co_await job_.loop->schedule();
        if (next_.stop().stop_requested()) co_return fail(Errc::cancelled, "the client has gone away");
      }
    }
  }

  http::BodyWriter& next_;
  Job& job_;
  Buffer out_;
  std::uint64_t left_ = 0;  // of what was announced
  bool announced_ = false;
};

Task<Result<void>> run(Job* job, http::BodyWriter* next) {
  CompressingWriter writer(*next, *job);
  Result<void> result;
  if (http::StreamBody* stream = job->source.stream()) {
    result = co_await stream->write(writer);
  } else {
    const std::string_view bytes = *job->source.bytes();
    result = co_await writer.write(bytes);
  }
  if (result) result = co_await writer.finish();
  co_return result;
}

}  // namespace

http::Body compressed_body(http::Body body, EncoderLease encoder, EventLoop& loop) {
  auto job = std::unique_ptr<Job>(new Job{std::move(body), std::move(encoder), &loop});
  return http::StreamBody{
      .write = [job = std::move(job)](http::BodyWriter& writer) { return run(job.get(), &writer); },
      .content_length = {},
  };
}

bool compress_whole(Encoder& encoder, std::string_view bytes, Buffer& out) {
  // Less room than the bytes take: where it does not fit, it is not worth it.
  const std::size_t room = bytes.size() - bytes.size() / 16;
  char* const to = out.reserve_more(room);
  std::size_t size = 0;
  for (;;) {
    const Encoder::Progress progress = encoder.encode(bytes, to + size, room - size, EncodeStep::finish);
    size += progress.written;
    if (progress.failed) return false;
    if (progress.done) break;
    if (room - size < 16 || progress.written == 0) return false;
  }
  out.advance(size);
  return true;
}

}  // namespace weir::middleware
