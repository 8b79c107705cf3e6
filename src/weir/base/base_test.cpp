#include <cerrno>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "weir/base/arena.hpp"
#include "weir/base/buffer.hpp"
#include "weir/base/error.hpp"
#include "weir/base/recycle.hpp"

namespace weir {
namespace {

TEST(Error, SystemErrorNamesTheObjectAndTheCause) {
  const Error error = system_error(ENOENT, "open /etc/weir.yaml");
  EXPECT_EQ(error.code(), Errc::not_found);
  EXPECT_EQ(error.message(), "open /etc/weir.yaml: No such file or directory");
}

TEST(Error, EveryCodeHasAName) {
  EXPECT_EQ(to_string(Errc::cancelled), "cancelled");
  EXPECT_EQ(to_string(Errc::unprocessable), "unprocessable");
}

TEST(Error, ContextGoesBeforeTheMessage) {
  EXPECT_EQ(Error(Errc::internal, "no such column").with_context("users.sql:3").message(),
            "users.sql:3: no such column");
}

template <class Thrown>
Error caught(Thrown thrown) {
  try {
    throw thrown;
  } catch (...) {
    return thrown_error();
  }
}

TEST(Error, WhatWasThrownBecomesAValue) {
  EXPECT_EQ(caught(Error(Errc::not_found, "no such user")).code(), Errc::not_found);
  EXPECT_EQ(caught(Error(Errc::not_found, "no such user")).message(), "no such user");
  EXPECT_EQ(caught(std::out_of_range("the third of two")).code(), Errc::internal);
  EXPECT_EQ(caught(std::out_of_range("the third of two")).message(), "the third of two");
  EXPECT_EQ(caught(std::bad_alloc()).code(), Errc::resource_exhausted);
  EXPECT_EQ(caught(5).message(), "an unknown exception");
}

TEST(Recycle, BlockSizesArePowersOfTwoAndCoverTheRequest) {
  EXPECT_EQ(recycle::block_size(0), 64u);
  EXPECT_EQ(recycle::block_size(64), 64u);
  EXPECT_EQ(recycle::block_size(65), 128u);
  EXPECT_EQ(recycle::block_size(recycle::max_block), recycle::max_block);
  EXPECT_EQ(recycle::block_size(recycle::max_block + 1), recycle::max_block + 1);
}

TEST(Recycle, BlocksMayBeGivenBackByAnotherThread) {
  void* block = recycle::allocate(1000);
  std::thread([block] { recycle::deallocate(block, 1000); }).join();
}

#ifndef WEIR_SANITIZED
TEST(Recycle, HandsTheLastBlockOutFirstAndKeepsABoundedNumber) {
  recycle::trim();
  void* first = recycle::allocate(100);
  void* second = recycle::allocate(128);
  recycle::deallocate(first, 100);  // may open the lists
  recycle::deallocate(second, 128);
  EXPECT_EQ(recycle::allocate(65), second);
  recycle::deallocate(second, 65);

  constexpr std::size_t most = recycle::keep_page_bytes / recycle::max_block;
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 2 * most; ++i) blocks.push_back(recycle::allocate(recycle::max_block));
  for (void* block : blocks) recycle::deallocate(block, recycle::max_block);
  std::size_t kept = 0;
  for (const auto* node = recycle::detail::lists.head.back(); node != nullptr; node = node->next) ++kept;
  EXPECT_EQ(kept, most);
  recycle::trim();
  EXPECT_EQ(recycle::detail::lists.head.back(), nullptr);
}

TEST(Recycle, GivesThePagesBackThatAreNotUsedAnyMore) {
  recycle::trim();
  void* used = recycle::allocate(recycle::min_pages);
  void* idle = recycle::allocate(recycle::min_pages);
  void* small = recycle::allocate(100);
  recycle::deallocate(idle, recycle::min_pages);
  recycle::deallocate(used, recycle::min_pages);
  recycle::deallocate(small, 100);
  EXPECT_TRUE(recycle::keeps_pages());
  recycle::age();
  EXPECT_EQ(recycle::allocate(recycle::min_pages), used) << "they rest until the next time";
  recycle::deallocate(used, recycle::min_pages);

  const auto is_mapped = [](void* page) { return ::msync(page, recycle::min_pages, MS_ASYNC) == 0; };
  EXPECT_TRUE(is_mapped(idle));
  recycle::age();
  EXPECT_FALSE(is_mapped(idle));
  EXPECT_TRUE(is_mapped(used));
  recycle::age();
  EXPECT_FALSE(is_mapped(used));
  EXPECT_FALSE(recycle::keeps_pages());
  EXPECT_EQ(recycle::allocate(100), small) << "small blocks stay";
  recycle::deallocate(small, 100);
}
#endif

TEST(Arena, AlignsAndKeepsItsContentsAcrossChunks) {
  Arena arena;
  const auto first = arena.copy("first");
  for (int i = 0; i < 1000; ++i) {
    const auto at = reinterpret_cast<std::uintptr_t>(arena.bump(33, 16));
    EXPECT_EQ(at % 16, 0u);
  }
  EXPECT_EQ(first, "first");
  EXPECT_GT(arena.capacity(), 33000u);
  arena.reset();
  EXPECT_LE(arena.capacity(), Arena::first_chunk);
}

TEST(Arena, ServesRequestsLargerThanAnyChunk) {
  Arena arena;
  std::string large(1 << 20, 'x');
  EXPECT_EQ(arena.copy(large), large);
}

TEST(Buffer, GrowsConsumesAndMoves) {
  Buffer buffer;
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    buffer.append("abc");
    buffer.push_back('d');
    expected += "abcd";
  }
  EXPECT_EQ(buffer.view(), expected);
  buffer.consume(4);
  EXPECT_EQ(buffer.view(), std::string_view(expected).substr(4));
  Buffer other = std::move(buffer);
  EXPECT_EQ(other.size(), expected.size() - 4);
  EXPECT_TRUE(buffer.empty());  // NOLINT: moved-from buffers are empty by contract
}

}  // namespace
}  // namespace weir
