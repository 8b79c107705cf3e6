// A connection that serves a steady load calls malloc no more.
#include <array>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "weir/net/listener.hpp"
#include "weir/net/socket.hpp"

#ifndef WEIR_SANITIZED

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}

namespace weir::net {
namespace {

/// Echoes, moves a time-out with each read, and defers work, as a server does.
class Echo final : public StreamHandler, private Timer, private Deferred {
 public:
  Echo(EventLoop& loop, std::unique_ptr<Stream> stream) : loop_(loop), stream_(std::move(stream)) {
    stream_->set_handler(this);
  }
  void on_readable() noexcept override {
    size_ = stream_->read(room_).bytes;
    loop_.arm_after(*this, std::chrono::seconds(5));
    loop_.defer(*this);
  }
  void on_writable() noexcept override {}
  void on_hangup() noexcept override {}

 private:
  void on_timer() noexcept override {}
  void on_deferred() noexcept override { EXPECT_EQ(stream_->write(room_.data(), size_).bytes, size_); }
  EventLoop& loop_;
  std::unique_ptr<Stream> stream_;
  std::array<char, 64> room_;
  std::size_t size_ = 0;
};

TEST(Allocation, ServingASteadyLoadAllocatesNothing) {
  EventLoop loop;
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const Fd client(pair[1]);
  Echo echo(loop, std::move(*make_socket_stream(loop, Fd(pair[0]), SocketAddress())));
  std::array<char, 64> room;
  const auto exchange = [&] {
    ASSERT_EQ(::send(client.get(), "ping", 4, 0), 4);
    loop.run_once(true);
    ASSERT_EQ(::recv(client.get(), room.data(), room.size(), 0), 4);
  };
  for (int i = 0; i < 10; ++i) exchange();
  const std::size_t before = allocations;
  for (int i = 0; i < 1000; ++i) exchange();
  EXPECT_EQ(allocations, before);
}

TEST(Allocation, AcceptingAgainAndAgainAllocatesNothing) {
  struct Refuser final : AcceptHandler {
    void on_accept(std::unique_ptr<Stream>) noexcept override { ++accepted; }
    int accepted = 0;
  } refuser;
  EventLoop loop;
  const auto listener = std::move(*Listener::listen(loop, {.address = SocketAddress::loopback(0)}, refuser));
  const auto& address = listener->local_address();
  const auto connect_once = [&] {
    const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(client.get(), address.native(), address.native_size()), 0);
    loop.run_once(true);
  };
  for (int i = 0; i < 10; ++i) connect_once();
  const std::size_t before = allocations;
  for (int i = 0; i < 200; ++i) connect_once();
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(refuser.accepted, 210);
}

}  // namespace
}  // namespace weir::net

#endif
