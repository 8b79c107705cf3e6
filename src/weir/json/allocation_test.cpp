// Reading and writing allocate nothing of their own once a thread is warm.
// Not under the sanitizers: they have their own operator new, and recycled memory is freed at once there.
#ifndef WEIR_SANITIZED

#include <atomic>
#include <cstdlib>
#include <map>
#include <new>

#include <gtest/gtest.h>

#include "weir/json/json.hpp"

namespace {
std::atomic<std::size_t> allocations{0};
}

// Counts every operator new of this test program.
void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}

namespace {

struct Sample {
  std::int64_t id = 0;
  std::string short_text;
  std::optional<double> value;
  std::string_view view;
  weir::recycle::Vector<int> numbers;
  std::array<bool, 2> flags{};

  static constexpr auto rules = weir::rules<Sample>(
      weir::field<&Sample::id>().min(1), weir::field<&Sample::short_text>().max_length(15).pattern("[a-z]*"),
      weir::field<&Sample::view>().format(weir::format::email), weir::field<&Sample::numbers>().unique_items());
};

TEST(Allocations, NoneInSteadyState) {
  constexpr std::string_view text =
      R"({"id":5,"short_text":"abc","value":1.5,"view":"a@b.c","numbers":[1,2,3],"flags":[true,false],"x":["\u0041"]})";
  weir::Buffer out;
  const auto once = [&] {
    Sample sample;
    ASSERT_TRUE(weir::json::read(text, sample).has_value());
    out.clear();
    weir::json::write(sample, out);
  };
  for (int i = 0; i < 10; ++i) once();
  const std::size_t before = allocations.load();
  for (int i = 0; i < 1000; ++i) once();
  EXPECT_EQ(allocations.load(), before);
}

}  // namespace

#endif
