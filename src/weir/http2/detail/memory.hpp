// nghttp2's allocator on top of the thread's recycled blocks.
#pragma once

#include <nghttp2/nghttp2.h>

namespace weir::http2::detail {

/// What nghttp2 allocates for each stream and each frame comes from the lists of the thread. Large blocks, of which a
/// connection has one or two for its whole life, do not: rounded up to a power of two they would cost twice.
nghttp2_mem* recycled_memory() noexcept;

}  // namespace weir::http2::detail
