// match() does not touch the heap. Not with sanitizers, which bring their own operator new.
#ifndef WEIR_SANITIZED
#include <atomic>
#include <cstdlib>
#include <new>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "weir/router/router.hpp"

namespace {
std::atomic<std::size_t> allocations{0};
}

void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}

namespace weir {
namespace {

TEST(Router, MatchingDoesNotAllocate) {
  RouteTable table;
  for (const std::string_view pattern : {"/users/{id:int}", "/f/{file:[a-z]+\\.png}", "/files/{rest*}", "/a/b"}) {
    table.add({.host = "{tenant}.example.com", .pattern = pattern});
  }
  const auto built = std::move(table).build();
  ASSERT_TRUE(built);
  const Router& router = **built;
  Arena arena;
  const auto run = [&] {
    for (const std::string_view path : {"/users/7", "/f/a.png", "/f/%61.png", "/files/a/b", "/a/b/", "/a", "/no/%zz"}) {
      for (const auto method : {http::Method::get, http::Method::put, http::Method::options}) {
        static_cast<void>(router.match({.method = method, .host = "ACME.example.com:80", .path = path}, arena));
      }
    }
    arena.reset();
  };
  run();  // the arena's first block; the expression's program and automaton
  const auto before = allocations.load();
  EXPECT_GT(before, 0u);
  for (int i = 0; i < 100; ++i) run();
  EXPECT_EQ(allocations.load(), before);
}

}  // namespace
}  // namespace weir
#endif
