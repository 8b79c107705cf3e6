// Bodies that are compressed while they are sent.
#pragma once

#include <cstddef>

#include "weir/base/buffer.hpp"
#include "weir/http/message.hpp"
#include "weir/middleware/detail/compression_encoder.hpp"
#include "weir/runtime/event_loop.hpp"

namespace weir::middleware {

/// A body with the content of `body` (bytes in memory, or a stream) behind `encoder`, which has been started. It takes
/// one piece of input and one of output at a time, and lets the loop do other work between large pieces.
http::Body compressed_body(http::Body body, EncoderLease encoder, EventLoop& loop);

/// Compresses `bytes` in one go, when that makes them smaller; false otherwise, or when it failed. `out` is empty.
bool compress_whole(Encoder& encoder, std::string_view bytes, Buffer& out);

}  // namespace weir::middleware
