#include "weir/base/contracts.hpp"

#include <cstdio>
#include <cstdlib>

namespace weir {
void contract_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "weir: contract broken at %s:%d: %s\n", file, line, condition);
  std::abort();
}
}  // namespace weir
