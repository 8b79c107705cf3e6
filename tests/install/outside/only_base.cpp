#include <weir/base/error.hpp>

int main() {
  return weir::Result<int>(0).value();
}
