// One suite for every kind of stream.
#include "weir/net/stream.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "weir/net/detail/syscalls.hpp"
#include "weir/net/listener.hpp"
#include "weir/net/memory_stream.hpp"
#include "weir/net/socket.hpp"
#include "weir/net/socket_stream.hpp"
#include "weir/runtime/run_task.hpp"

namespace weir::net {
namespace {

enum class Kind { tcp, unix_socket, memory };

struct Recorder final : StreamHandler {
  void on_readable() noexcept override {
    ++readable;
    if (when_readable) when_readable();
  }
  void on_writable() noexcept override {
    ++writable;
    if (when_writable) when_writable();
  }
  void on_hangup() noexcept override { ++hangups; }
  void on_peer_closed() noexcept override { ++peer_closed; }
  int readable = 0, writable = 0, hangups = 0, peer_closed = 0;
  std::function<void()> when_readable, when_writable;
};

class StreamTest : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::memory) {
      auto pair = memory_stream_pair(loop);
      client = std::move(pair.client);
      server = std::move(pair.server);
    } else {
      const auto address = GetParam() == Kind::tcp
                               ? SocketAddress::loopback(0)
                               : *SocketAddress::parse("unix:@weir-stream-" + std::to_string(::getpid()));
      struct Acceptor final : AcceptHandler {
        void on_accept(std::unique_ptr<Stream> stream) noexcept override { accepted = std::move(stream); }
        std::unique_ptr<Stream> accepted;
      } acceptor;
      auto listener = Listener::listen(loop, {.address = address}, acceptor);
      ASSERT_TRUE(listener) << listener.error().message();
      auto connected = run_task(loop, connect_tcp(loop, (*listener)->local_address(), std::chrono::seconds(5)));
      ASSERT_TRUE(connected) << connected.error().message();
      client = std::move(*connected);
      while (!acceptor.accepted) loop.run_once(true);
      server = std::move(acceptor.accepted);
    }
    client->set_handler(&client_events);
    server->set_handler(&server_events);
    client->want(false, false);
    server->want(false, false);
  }

  /// Turns until `done`, at most for ten seconds.
  void turn_until(const std::function<bool()>& done) {
    const auto limit = Clock::system().now() + std::chrono::seconds(10);
    while (!done()) {
      ASSERT_LT(Clock::system().now(), limit) << "nothing happens";
      loop.run_once(false);
    }
  }
  std::string read_some(Stream& stream) {
    std::string text(65536, '\0');
    const IoResult result = stream.read(text);
    EXPECT_FALSE(result.error()) << strerror(result.error_number);
    text.resize(result.bytes);
    return text;
  }
  /// Reads in turns until the end of the stream.
  std::string read_all(Stream& stream, Recorder& events) {
    std::string all;
    bool ended = false;
    events.when_readable = [&] {
      std::array<char, 4096> block;
      const IoResult result = stream.read(block);
      all.append(block.data(), result.bytes);
      ended = result.end_of_stream() || result.error();
    };
    stream.want(true, false);
    turn_until([&] { return ended; });
    events.when_readable = nullptr;
    stream.want(false, false);
    return all;
  }

  EventLoop loop;
  std::unique_ptr<Stream> client, server;
  Recorder client_events, server_events;
};

TEST_P(StreamTest, MovesBytesBothWays) {
  EXPECT_EQ(client->write("ping", 4).bytes, 4u);
  server->want(true, false);
  turn_until([&] { return server_events.readable > 0; });
  EXPECT_EQ(read_some(*server), "ping");
  EXPECT_EQ(server->write("pong", 4).bytes, 4u);
  client->want(true, false);
  turn_until([&] { return client_events.readable > 0; });
  EXPECT_EQ(read_some(*client), "pong");
}

TEST_P(StreamTest, WritesPiecesInOrder) {
  std::string a = "GET ", b, c = "/ HTTP/1.1\r\n";
  const iovec pieces[] = {{a.data(), a.size()}, {b.data(), b.size()}, {c.data(), c.size()}};
  EXPECT_EQ(client->write(pieces).bytes, a.size() + c.size());
  client->shutdown_write();
  EXPECT_EQ(read_all(*server, server_events), "GET / HTTP/1.1\r\n");
}

TEST_P(StreamTest, NothingThereWouldBlock) {
  std::array<char, 16> room;
  EXPECT_TRUE(server->read(room).would_block());
  EXPECT_TRUE(server->read({}).ok());
}

TEST_P(StreamTest, TellsAgainInEveryTurnWhileThereIsSomething) {
  ASSERT_TRUE(client->write("x", 1).ok());
  server->want(true, false);
  turn_until([&] { return server_events.readable == 3; });
  EXPECT_EQ(read_some(*server), "x");
  const int before = server_events.readable;
  loop.run_until_idle();
  EXPECT_EQ(server_events.readable, before);
}

TEST_P(StreamTest, UnwantedReadingIsNotTold) {
  ASSERT_TRUE(client->write("x", 1).ok());
  loop.run_until_idle();
  EXPECT_EQ(server_events.readable, 0);
}

TEST_P(StreamTest, WithoutHandlerNothingIsLost) {
  server->set_handler(nullptr);
  server->want(true, false);
  ASSERT_TRUE(client->write("later", 5).ok());
  loop.run_until_idle();
  server->set_handler(&server_events);
  turn_until([&] { return server_events.readable > 0; });
  EXPECT_EQ(read_some(*server), "later");
}

TEST_P(StreamTest, BackpressureAndEverythingArrivesInOrder) {
  std::string sent(4 << 20, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>((i * 2654435761u) >> 24);
  std::size_t at = 0;
  bool blocked = false;
  client_events.when_writable = [&] {
    const IoResult result = client->write(sent.data() + at, sent.size() - at);
    at += result.bytes;
    if (at == sent.size()) {
      client->shutdown_write();
      client->want(false, false);
    }
  };
  while (!blocked) {  // until the buffers are full, with nobody reading
    const IoResult result = client->write(sent.data() + at, std::min<std::size_t>(sent.size() - at, 65536));
    ASSERT_FALSE(result.error());
    at += result.bytes;
    blocked = result.would_block();
    if (at == sent.size()) break;
  }
  client->want(false, true);
  const int before = client_events.writable;
  if (blocked && GetParam() != Kind::tcp) {
    loop.run_until_idle();
    EXPECT_EQ(client_events.writable, before) << "told to write although there is no room";
  }
  EXPECT_EQ(read_all(*server, server_events), sent);
}

TEST_P(StreamTest, EndOfStreamAfterTheLastByteAndTheOtherDirectionStaysOpen) {
  ASSERT_TRUE(client->write("last", 4).ok());
  client->shutdown_write();
  EXPECT_EQ(read_all(*server, server_events), "last");
  EXPECT_EQ(server->write("answer", 6).bytes, 6u);
  client->want(true, false);
  turn_until([&] { return client_events.readable > 0; });
  EXPECT_EQ(read_some(*client), "answer");
  EXPECT_EQ(client_events.hangups + server_events.hangups, 0);
}

TEST_P(StreamTest, PeerClosedIsToldOnceWhileReadingIsNotWanted) {
  ASSERT_TRUE(client->write("unread", 6).ok());
  client->shutdown_write();
  turn_until([&] { return server_events.peer_closed > 0; });
  loop.run_until_idle();
  EXPECT_EQ(server_events.peer_closed, 1);
  EXPECT_EQ(server_events.hangups, 0);
  EXPECT_EQ(read_some(*server), "unread");
}

TEST_P(StreamTest, ResetIsAHangupWhenNothingIsWanted) {
  client->close(true);
  turn_until([&] { return server_events.hangups > 0; });
  loop.run_until_idle();
  EXPECT_EQ(server_events.hangups, 1);
}

TEST_P(StreamTest, ResetIsAnErrorOfReadAndOfWrite) {
  if (GetParam() == Kind::unix_socket) GTEST_SKIP() << "Unix sockets know no reset: the reader sees the end";
  client->close(true);
  server->want(true, false);
  turn_until([&] { return server_events.readable > 0; });
  std::array<char, 16> room;
  const IoResult read = server->read(room);
  EXPECT_TRUE(read.error());
  EXPECT_EQ(read.error_number, ECONNRESET);
  EXPECT_TRUE(server->write("x", 1).error());
}

TEST_P(StreamTest, WritingToAPeerThatIsGoneFailsInTheEndWithoutASignal) {
  client.reset();
  server->want(false, true);
  bool failed = false;
  server_events.when_writable = [&] { failed = server->write("x", 1).error(); };
  turn_until([&] { return failed; });
}

TEST_P(StreamTest, ClosedIsClosed) {
  EXPECT_FALSE(client->closed());
  client->close();
  client->close(true);
  std::array<char, 16> room;
  EXPECT_TRUE(client->closed());
  EXPECT_EQ(client->fd(), -1);
  EXPECT_TRUE(client->read(room).error());
  EXPECT_TRUE(client->write("x", 1).error());
  EXPECT_TRUE(client->send_file(0, 0, 1).error());
  client->shutdown_write();
  client->want(true, true);
  loop.run_until_idle();
  EXPECT_EQ(client_events.readable + client_events.writable, 0);
}

TEST_P(StreamTest, MayBeDestroyedInEachCallback) {
  ASSERT_TRUE(client->write("x", 1).ok());
  server_events.when_readable = [&] { server.reset(); };
  server->want(true, true);
  client_events.when_writable = [&] { client.reset(); };
  client->want(true, true);
  turn_until([&] { return !server && !client; });
  loop.run_until_idle();
  EXPECT_EQ(server_events.readable, 1);
  EXPECT_EQ(client_events.writable, 1);
  EXPECT_EQ(client_events.readable, 0);
}

TEST_P(StreamTest, MayBeClosedInACallback) {
  ASSERT_TRUE(client->write("x", 1).ok());
  server_events.when_writable = [&] { server->close(); };
  server->want(true, true);
  turn_until([&] { return server->closed(); });
  EXPECT_EQ(server_events.readable, 0);
}

TEST_P(StreamTest, SendsFilesFromAnOffset) {
  const Fd file(::memfd_create("weir-stream-test", MFD_CLOEXEC));
  std::string content(200'000, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>('a' + i % 26);
  ASSERT_EQ(::pwrite(file.get(), content.data(), content.size(), 0), 200'000);
  std::size_t at = 1000;
  const std::size_t end = content.size() - 500;
  client_events.when_writable = [&] {
    const IoResult result = client->send_file(file.get(), at, end - at);
    ASSERT_FALSE(result.error());
    at += result.bytes;
    if (at == end) {
      client->shutdown_write();
      client->want(false, false);
    }
  };
  client->want(false, true);
  EXPECT_EQ(read_all(*server, server_events), content.substr(1000, end - 1000));
}

TEST_P(StreamTest, SendingBehindTheEndOfAFileMovesNothing) {
  const Fd file(::memfd_create("weir-stream-test", MFD_CLOEXEC));
  const IoResult result = client->send_file(file.get(), 10, 100);
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.bytes, 0u);
}

TEST_P(StreamTest, SendingFromABadDescriptorIsAnError) {
  EXPECT_TRUE(client->send_file(-1, 0, 100).error());
}

INSTANTIATE_TEST_SUITE_P(
    All, StreamTest, ::testing::Values(Kind::tcp, Kind::unix_socket, Kind::memory), [](const auto& kind) {
      return std::string(kind.param == Kind::tcp ? "Tcp" : kind.param == Kind::unix_socket ? "Unix" : "Memory");
    });

// What only sockets do
// ---------------------------------------------------------------------------------------------------

class SocketStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    other = Fd(pair[1]);
    auto made = make_socket_stream(loop, Fd(pair[0]), SocketAddress());
    ASSERT_TRUE(made);
    stream = std::move(*made);
  }
  EventLoop loop;
  Fd other;
  std::unique_ptr<Stream> stream;
};

TEST_F(SocketStreamTest, InterruptedCallsAreRepeated) {
  static int calls;
  calls = 0;
  detail::SyscallOverride override;
  override->recv = [](int fd, void* to, std::size_t size, int flags) {
    if (++calls > 2) return ::recv(fd, to, size, flags);
    errno = EINTR;
    return ssize_t{-1};
  };
  override->send = [](int fd, const void* from, std::size_t size, int flags) {
    if (++calls > 5) return ::send(fd, from, size, flags);
    errno = EINTR;
    return ssize_t{-1};
  };
  override->sendmsg = [](int fd, const msghdr* message, int flags) {
    if (++calls > 8) return ::sendmsg(fd, message, flags);
    errno = EINTR;
    return ssize_t{-1};
  };
  std::array<char, 16> room;
  EXPECT_TRUE(stream->read(room).would_block());
  EXPECT_EQ(stream->write("abc", 3).bytes, 3u);
  char text[] = "defg";
  const iovec pieces[] = {{text, 2}, {text + 2, 2}};
  EXPECT_EQ(stream->write(pieces).bytes, 4u);
  EXPECT_EQ(calls, 9);
}

TEST_F(SocketStreamTest, FailuresOfTheKernelComeOutAsErrors) {
  detail::SyscallOverride override;
  override->recv = [](int, void*, std::size_t, int) {
    errno = ENOMEM;
    return ssize_t{-1};
  };
  override->send = [](int, const void*, std::size_t, int) {
    errno = ENOMEM;
    return ssize_t{-1};
  };
  override->sendmsg = [](int, const msghdr*, int) {
    errno = ENOBUFS;
    return ssize_t{-1};
  };
  override->sendfile = [](int, int, off_t*, std::size_t) {
    errno = EIO;
    return ssize_t{-1};
  };
  std::array<char, 16> room;
  EXPECT_EQ(stream->read(room).error_number, ENOMEM);
  EXPECT_EQ(stream->write("abc", 3).error_number, ENOMEM);
  EXPECT_EQ(stream->write(std::span<const iovec>()).error_number, ENOBUFS);
  EXPECT_EQ(stream->send_file(0, 0, 1).error_number, EIO);
}

// A read ends in front of the urgent byte though more has arrived, and no edge tells of that again.
TEST_P(StreamTest, WhatFollowsUrgentDataIsTold) {
  if (GetParam() != Kind::tcp) GTEST_SKIP() << "only TCP has urgent data";
  ASSERT_EQ(::send(client->fd(), "ab", 2, 0), 2);
  ASSERT_EQ(::send(client->fd(), "!", 1, MSG_OOB), 1);
  ASSERT_EQ(::send(client->fd(), "cd", 2, 0), 2);
  std::string all;
  server_events.when_readable = [&] { all += read_some(*server); };
  server->want(true, false);
  turn_until([&] { return all.size() >= 4; });
  EXPECT_EQ(all, "abcd");
  loop.run_until_idle();  // and it ends
}

TEST_P(StreamTest, WhatIsLeftUnreadIsToldWhenReadingIsWantedAgain) {
  ASSERT_TRUE(client->write("abcd", 4).ok());
  std::array<char, 2> room;
  server->want(true, false);
  turn_until([&] { return server_events.readable > 0; });
  EXPECT_EQ(server->read(room).bytes, 2u);
  server->want(false, false);
  loop.run_until_idle();
  const int before = server_events.readable;
  server->want(true, false);
  turn_until([&] { return server_events.readable > before; });
  EXPECT_EQ(read_some(*server), "cd");
}

TEST_F(SocketStreamTest, IdleStreamIsSmall) {
  EXPECT_LE(sizeof(SocketStream), 128u);
}

TEST(SocketStream, TcpHasNoDelay) {
  EventLoop loop;
  struct Acceptor final : AcceptHandler {
    void on_accept(std::unique_ptr<Stream> stream) noexcept override { accepted = std::move(stream); }
    std::unique_ptr<Stream> accepted;
  } acceptor;
  auto listener = Listener::listen(loop, {.address = SocketAddress::loopback(0)}, acceptor);
  ASSERT_TRUE(listener);
  auto client = run_task(loop, connect_tcp(loop, (*listener)->local_address(), std::chrono::seconds(5)));
  ASSERT_TRUE(client);
  while (!acceptor.accepted) loop.run_once(true);
  for (const int fd : {(*client)->fd(), acceptor.accepted->fd()}) {
    int value = 0;
    socklen_t size = sizeof value;
    ASSERT_EQ(::getsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &value, &size), 0);
    EXPECT_EQ(value, 1);
  }
}

// Connecting
// -------------------------------------------------------------------------------------------------------------

TEST(Connect, RefusedNamesTheAddress) {
  EventLoop loop;
  SocketAddress address;
  {
    const Fd unused(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto any_port = SocketAddress::loopback(0);
    ASSERT_EQ(::bind(unused.get(), any_port.native(), any_port.native_size()), 0);
    address = local_address(unused.get());
  }
  auto client = run_task(loop, connect_tcp(loop, address, std::chrono::seconds(5)));
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().message(), "connect to " + address.to_string() + ": Connection refused");
}

TEST(Connect, TimesOutAndStops) {
  // A socket that never becomes writable stands for a peer that never answers.
  EventLoop loop;
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
  const Fd keep(pair[1]);
  static int full;
  full = pair[0];
  std::string block(65536, 'x');
  while (::write(full, block.data(), block.size()) > 0) continue;

  detail::SyscallOverride override;
  override->socket = [](int, int, int) { return ::fcntl(full, F_DUPFD_CLOEXEC, 0); };
  override->connect = [](int, const sockaddr*, socklen_t) {
    errno = EINPROGRESS;
    return -1;
  };
  auto late = run_task(loop, connect_tcp(loop, SocketAddress::loopback(9), std::chrono::milliseconds(2)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Errc::deadline_exceeded);
  EXPECT_EQ(late.error().message(), "connect to 127.0.0.1:9: timed out");

  StopSource source;
  struct Stopper final : Deferred {
    void on_deferred() noexcept override { source->request_stop(StopReason::gone); }
    StopSource* source = nullptr;
  } stopper;
  auto task = connect_tcp(loop, SocketAddress::loopback(9), std::chrono::hours(1), source.token());
  stopper.source = &source;
  task.start();
  loop.defer(stopper);
  while (!task.done()) loop.run_once(true);
  auto stopped = task.take();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), Errc::cancelled);

  {
    auto dropped = connect_tcp(loop, SocketAddress::loopback(9), std::chrono::hours(1));
    dropped.start();
  }
  loop.run_until_idle();
  ::close(full);
}

// What only memory does
// --------------------------------------------------------------------------------------------------

TEST(MemoryStream, FaultsCutReadsAndWritesShort) {
  EventLoop loop;
  auto pair = memory_stream_pair(loop, {.client_faults = {.max_write = 3}, .server_faults = {.max_read = 2}});
  std::array<char, 16> room;
  EXPECT_EQ(pair.client->write("abcdef", 6).bytes, 3u);
  EXPECT_EQ(pair.server->unread(), 3u);
  EXPECT_EQ(pair.server->read(room).bytes, 2u);
  EXPECT_EQ(pair.server->read(room).bytes, 1u);
}

TEST(MemoryStream, FaultsBreakAfterSoManyBytes) {
  EventLoop loop;
  auto pair = memory_stream_pair(
      loop, {.client_faults = {.fail_write_after = 4}, .server_faults = {.fail_read_after = 2, .error_number = EIO}});
  std::array<char, 16> room;
  EXPECT_EQ(pair.client->write("abcdef", 6).bytes, 4u);
  EXPECT_EQ(pair.client->write("ef", 2).error_number, ECONNRESET);
  EXPECT_EQ(pair.server->read(room).bytes, 2u);
  EXPECT_EQ(pair.server->read(room).error_number, EIO);
}

TEST(MemoryStream, CapacityBoundsWhatIsUnderWay) {
  EventLoop loop;
  auto pair = memory_stream_pair(loop, {.capacity = 4});
  std::array<char, 3> room;
  EXPECT_EQ(pair.client->write("abcdef", 6).bytes, 4u);
  EXPECT_TRUE(pair.client->write("ef", 2).would_block());
  EXPECT_EQ(pair.server->read(room).bytes, 3u);
  EXPECT_EQ(pair.client->write("efgh", 4).bytes, 3u);
}

TEST(MemoryStream, KnowsTheAddressesItWasGiven) {
  EventLoop loop;
  const auto address = *SocketAddress::parse("192.0.2.7:5000");
  auto pair = memory_stream_pair(loop, {.client_address = address});
  EXPECT_EQ(pair.server->peer(), address);
  EXPECT_EQ(pair.client->local(), address);
}

TEST(MemoryStream, CallbacksNeverComeFromWithinACall) {
  EventLoop loop;
  auto pair = memory_stream_pair(loop);
  Recorder events;
  pair.server->set_handler(&events);
  ASSERT_TRUE(pair.client->write("x", 1).ok());
  EXPECT_EQ(events.readable, 0);
  loop.run_once(false);
  EXPECT_EQ(events.readable, 1);
}

}  // namespace
}  // namespace weir::net
