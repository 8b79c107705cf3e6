#include "weir/telemetry/detail/log_ring.hpp"

#include <new>

#include <sys/mman.h>

#include "weir/base/contracts.hpp"

namespace weir::telemetry {

LogRing::LogRing(std::size_t bytes) : mask_(bytes - 1), wake_at_(bytes / 4) {
  WEIR_ASSERT(bytes >= 64 && (bytes & (bytes - 1)) == 0);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<char*>(memory);
}

LogRing::~LogRing() {
  munmap(data_, mask_ + 1);
}

}  // namespace weir::telemetry
