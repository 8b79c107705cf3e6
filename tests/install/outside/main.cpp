#include <weir/base/error.hpp>
#if __has_include(<weir/weir.hpp>)
#include <weir/weir.hpp>
#endif

#include <cstdio>

int main() {
  const weir::Result<int> answer = 42;
  if (!answer || *answer != 42) return 1;
  std::puts("outside project: ok");
  return 0;
}
