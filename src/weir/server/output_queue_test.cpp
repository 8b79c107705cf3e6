#include "weir/server/output_queue.hpp"

#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "weir/http/message.hpp"
#include "weir/net/memory_stream.hpp"
#include "weir/runtime/event_loop.hpp"

namespace weir::server {
namespace {

/// A queue before a stream, and what its other end has read.
class OutputQueueTest : public testing::Test {
 protected:
  OutputQueueTest() {
    net::MemoryStreamOptions options;
    options.capacity = 1000;
    pair_ = net::memory_stream_pair(loop_, options);
  }
  ~OutputQueueTest() override { loop_.run_until_idle(); }

  net::MemoryStream& stream() { return *pair_.server; }
  std::string read() {
    std::array<char, 4096> room{};
    std::string all;
    for (;;) {
      const net::IoResult result = pair_.client->read(room);
      if (!result.ok() || result.bytes == 0) return all;
      all.append(room.data(), result.bytes);
    }
  }
  /// What goes out while the other end reads.
  std::string drain() {
    std::string all = read();
    while (!queue_.empty()) {
      EXPECT_NE(queue_.flush(stream()), OutputQueue::Flush::failed);
      all += read();
    }
    return all;
  }

  EventLoop loop_;
  net::MemoryStreamPair pair_;
  OutputQueue queue_;
};

TEST_F(OutputQueueTest, WritesThroughBehindWhatWaits) {
  queue_.append("waits ");
  EXPECT_EQ(queue_.write_through(stream(), "head ", "body"), OutputQueue::Flush::done);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.written(), 15u);
  EXPECT_EQ(queue_.tail().capacity(), 0u) << "an empty queue holds no memory";
  EXPECT_EQ(read(), "waits head body");
}

TEST_F(OutputQueueTest, KeepsWhatTheStreamDoesNotTake) {
  const std::string all = std::string(7, 'w') + std::string(5, 'h') + std::string(2000, 'b');
  for (const std::size_t takes : {1u, 6u, 7u, 8u, 11u, 12u, 13u, 999u}) {
    stream().faults().max_write = takes;
    const std::uint64_t before = queue_.written();
    queue_.append(std::string_view(all).substr(0, 7));
    {
      std::string body = all.substr(12);
      EXPECT_EQ(queue_.write_through(stream(), all.substr(7, 5), body), OutputQueue::Flush::blocked);
      body.assign(body.size(), '!');  // It was copied.
    }
    EXPECT_EQ(queue_.written() - before + queue_.pending(), all.size()) << takes;
    EXPECT_EQ(drain(), all) << takes;
  }
}

TEST_F(OutputQueueTest, WritesThroughBehindABodyOfItsOwn) {
  const std::string large(5000, 'l');
  queue_.append(http::Body(large));
  EXPECT_EQ(queue_.write_through(stream(), "head ", "body"), OutputQueue::Flush::blocked);
  EXPECT_EQ(drain(), large + "head body");
}

TEST_F(OutputQueueTest, TellsOfAStreamThatFails) {
  stream().faults().fail_write_after = 0;
  EXPECT_EQ(queue_.write_through(stream(), "head ", "body"), OutputQueue::Flush::failed);
}

}  // namespace
}  // namespace weir::server
