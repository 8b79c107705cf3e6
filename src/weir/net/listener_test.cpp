#include "weir/net/listener.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/net/detail/syscalls.hpp"
#include "weir/time/manual_clock.hpp"

namespace weir::net {
namespace {

using ::testing::HasSubstr;

struct Collector final : AcceptHandler {
  void on_accept(std::unique_ptr<Stream> stream) noexcept override {
    streams.push_back(std::move(stream));
    if (then) then();
  }
  std::vector<std::unique_ptr<Stream>> streams;
  std::function<void()> then;
};

/// A blocking client: connects, so that the listener has something to accept.
Fd connect_to(const SocketAddress& address) {
  Fd socket(::socket(address.native()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(socket.get(), address.native(), address.native_size()), 0) << std::strerror(errno);
  return socket;
}

SocketAddress unix_address(const std::string& name) {
  const auto path = std::filesystem::temp_directory_path() / (name + "-" + std::to_string(::getpid()) + ".sock");
  std::filesystem::remove(path);
  return *SocketAddress::parse("unix:" + path.string());
}

class ListenerTest : public ::testing::Test {
 protected:
  std::unique_ptr<Listener> listen(ListenOptions options = {.address = SocketAddress::loopback(0)}) {
    auto listener = Listener::listen(loop, options, collector);
    EXPECT_TRUE(listener) << listener.error().message();
    return listener ? std::move(*listener) : nullptr;
  }
  /// True once the peer has closed this connection.
  static bool closed_by_peer(const Fd& client) {
    char byte = 0;
    return ::recv(client.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }

  ManualClock clock;
  EventLoop loop{{.clock = &clock}};
  Collector collector;
};

TEST_F(ListenerTest, TellsThePortThatTheKernelChose) {
  const auto listener = listen();
  EXPECT_NE(listener->local_address().port(), 0);
  EXPECT_EQ(listener->local_address().to_string(), "127.0.0.1:" + std::to_string(listener->local_address().port()));
}

TEST_F(ListenerTest, AcceptsConnectionsWithTheirPeers) {
  const auto listener = listen();
  const Fd client = connect_to(listener->local_address());
  loop.run_until_idle();
  ASSERT_EQ(collector.streams.size(), 1u);
  EXPECT_EQ(collector.streams[0]->peer(), local_address(client.get()));
  EXPECT_EQ(collector.streams[0]->local(), listener->local_address());
  EXPECT_EQ(listener->stats().accepted, 1u);
}

TEST_F(ListenerTest, AcceptsInBatchesAndGetsToAll) {
  const auto listener = listen({.address = SocketAddress::loopback(0), .accept_batch = 4});
  std::vector<Fd> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(connect_to(listener->local_address()));
  loop.run_once(false);
  EXPECT_EQ(collector.streams.size(), 4u);
  loop.run_until_idle();
  EXPECT_EQ(collector.streams.size(), 10u);
}

TEST_F(ListenerTest, ErrorNamesTheAddressAndTheCause) {
  const auto first = listen();
  const auto second = Listener::listen(loop, {.address = first->local_address()}, collector);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message(), "listen on " + first->local_address().to_string() +
                                          ": Address already in use; end who listens there, or take another port "
                                          "(0: any)");
  const auto foreign = Listener::listen(loop, {.address = *SocketAddress::parse("192.0.2.1:0")}, collector);
  ASSERT_FALSE(foreign);
  EXPECT_THAT(foreign.error().message(), HasSubstr("an address of this machine"));
}

TEST_F(ListenerTest, APortThatOnlyPrivilegedProgramsMayHaveSaysWhatIsMissing) {
  std::ifstream limit("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  int first_free = 0;
  if (!(limit >> first_free) || first_free < 2) GTEST_SKIP() << "every port is free here";
  // A process of its own without privileges.
  const auto try_it = [&] {
    static_cast<void>(!::setresuid(65534, 65534, 65534));
    const auto refused = Listener::listen(loop, {.address = SocketAddress::loopback(1)}, collector);
    const std::string text = refused ? "it listens" : refused.error().message();
    static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
    ::_exit(0);
  };
  EXPECT_EXIT(try_it(), testing::ExitedWithCode(0), "Permission denied; .*CAP_NET_BIND_SERVICE");
}

TEST_F(ListenerTest, SeveralListenOnOnePortWithReusePort) {
  const auto first = listen({.address = SocketAddress::loopback(0), .reuse_port = true});
  const auto second = listen({.address = first->local_address(), .reuse_port = true});
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(first->local_address(), second->local_address());
}

TEST_F(ListenerTest, ExclusiveReusePortIsRefusedWhereSomebodyListens) {
  for (const auto& address : {SocketAddress::loopback(0), *SocketAddress::parse("[::1]:0")}) {
    const auto first = listen({.address = address, .reuse_port = true, .exclusive = true});
    const ListenOptions again{.address = first->local_address(), .reuse_port = true, .exclusive = true};
    const auto second = Listener::listen(loop, again, collector);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message(), HasSubstr("Address already in use"));
    first->close();
    EXPECT_TRUE(Listener::listen(loop, again, collector));
  }
}

TEST_F(ListenerTest, PausedLeavesConnectionsInTheQueue) {
  const auto listener = listen();
  listener->pause();
  const Fd client = connect_to(listener->local_address());
  loop.run_until_idle();
  EXPECT_TRUE(collector.streams.empty());
  listener->resume();
  loop.run_until_idle();
  EXPECT_EQ(collector.streams.size(), 1u);
}

TEST_F(ListenerTest, ClosedRefusesConnections) {
  const auto listener = listen();
  listener->close();
  listener->close();
  const auto address = listener->local_address();
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_NE(::connect(socket.get(), address.native(), address.native_size()), 0);
  EXPECT_EQ(errno, ECONNREFUSED);
}

TEST_F(ListenerTest, DrainAcceptsWhatWaitsAndCloses) {
  const auto listener = listen();
  std::vector<Fd> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(connect_to(listener->local_address()));
  listener->drain();
  EXPECT_EQ(collector.streams.size(), 100u);
  EXPECT_EQ(listener->fd(), -1);
  listener->drain();
}

TEST_F(ListenerTest, MayBeDestroyedWhileItDrains) {
  auto listener = listen();
  const Fd one = connect_to(listener->local_address());
  const Fd two = connect_to(listener->local_address());
  collector.then = [&] { listener.reset(); };
  listener->drain();
  EXPECT_EQ(listener, nullptr);
  EXPECT_EQ(collector.streams.size(), 1u);
}

TEST_F(ListenerTest, DeferAcceptIsSet) {
  const auto listener = listen({.address = SocketAddress::loopback(0), .defer_accept = std::chrono::seconds(5)});
  int seconds = 0;
  socklen_t size = sizeof seconds;
  ASSERT_EQ(::getsockopt(listener->fd(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, &size), 0);
  EXPECT_GT(seconds, 0);
}

TEST_F(ListenerTest, MayBeDestroyedInItsCallback) {
  auto listener = listen();
  const Fd one = connect_to(listener->local_address());
  const Fd two = connect_to(listener->local_address());
  collector.then = [&] { listener.reset(); };
  loop.run_until_idle();
  EXPECT_EQ(collector.streams.size(), 1u);
}

// Running out of descriptors
// -------------------------------------------------------------------------------------------

TEST_F(ListenerTest, OutOfDescriptorsClosesThePendingConnectionAndBacksOff) {
  const auto listener = listen();
  const Fd first = connect_to(listener->local_address());
  const Fd second = connect_to(listener->local_address());
  static int calls;
  calls = 0;
  {
    detail::SyscallOverride override;
    override->accept4 = [](int fd, sockaddr* address, socklen_t* size, int flags) {
      ++calls;
      if (calls == 2) return ::accept4(fd, address, size, flags);  // the reserve made room for this one
      errno = EMFILE;
      return -1;
    };
    loop.run_until_idle();  // ends: no busy loop
  }
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(listener->stats().rejected_fd_limit, 1u);
  EXPECT_EQ(listener->stats().back_offs, 1u);
  EXPECT_TRUE(closed_by_peer(first));
  EXPECT_FALSE(closed_by_peer(second));
  EXPECT_TRUE(collector.streams.empty());

  clock.advance(std::chrono::milliseconds(100));
  loop.run_until_idle();
  EXPECT_EQ(collector.streams.size(), 1u);
}

TEST_F(ListenerTest, OutOfMemoryBacksOffAndComesBack) {
  const auto listener = listen();
  const Fd client = connect_to(listener->local_address());
  for (const int error : {ENOBUFS, ENOMEM, ENFILE}) {
    static int failure;
    failure = error;
    detail::SyscallOverride override;
    override->accept4 = [](int, sockaddr*, socklen_t*, int) {
      errno = failure;
      return -1;
    };
    loop.run_until_idle();
    EXPECT_TRUE(collector.streams.empty());
    clock.advance(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(listener->stats().back_offs, 3u);
  loop.run_until_idle();
  EXPECT_EQ(collector.streams.size(), 1u);
}

TEST_F(ListenerTest, ConnectionsThatDiedInTheQueueAreSkipped) {
  const auto listener = listen();
  const Fd client = connect_to(listener->local_address());
  static int calls;
  calls = 0;
  detail::SyscallOverride override;
  override->accept4 = [](int fd, sockaddr* address, socklen_t* size, int flags) {
    if (++calls > 2) return ::accept4(fd, address, size, flags);
    errno = calls == 1 ? ECONNABORTED : EINTR;
    return -1;
  };
  loop.run_until_idle();
  EXPECT_EQ(collector.streams.size(), 1u);
  EXPECT_EQ(listener->stats().errors, 1u);
}

// Unix sockets
// ---------------------------------------------------------------------------------------------------------

TEST_F(ListenerTest, UnixSocketFileIsMadeWithItsModeAndRemoved) {
  const auto address = unix_address("weir-mode");
  const std::string path(address.unix_path());
  auto listener = listen({.address = address, .unix_mode = 0600});
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const Fd client = connect_to(address);
  loop.run_until_idle();
  ASSERT_EQ(collector.streams.size(), 1u);
  EXPECT_TRUE(collector.streams[0]->peer().is_unix());
  listener.reset();
  EXPECT_NE(::stat(path.c_str(), &status), 0);
}

TEST_F(ListenerTest, StaleUnixSocketFileIsReplaced) {
  const auto address = unix_address("weir-stale");
  {
    const Fd stale(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(stale.get(), address.native(), address.native_size()), 0);
  }
  EXPECT_NE(listen({.address = address}), nullptr);
}

TEST_F(ListenerTest, UnixSocketInUseIsNotTaken) {
  const auto address = unix_address("weir-used");
  const auto first = listen({.address = address});
  const auto second = Listener::listen(loop, {.address = address}, collector);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), HasSubstr("Address already in use"));
  loop.run_until_idle();
  collector.streams.clear();  // the second one had to try whether somebody listens
  const Fd client = connect_to(address);
  loop.run_until_idle();
  EXPECT_EQ(collector.streams.size(), 1u);
}

TEST_F(ListenerTest, RegularFileAtTheUnixPathIsNotTouched) {
  const auto address = unix_address("weir-file");
  const std::string path(address.unix_path());
  ASSERT_EQ(::mknod(path.c_str(), S_IFREG | 0600, 0), 0);
  const auto refused = Listener::listen(loop, {.address = address}, collector);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("no socket"));
  EXPECT_TRUE(std::filesystem::exists(path));
  std::filesystem::remove(path);
}

TEST_F(ListenerTest, AbstractUnixSocket) {
  const auto address = *SocketAddress::parse("unix:@weir-test-" + std::to_string(::getpid()));
  const auto listener = listen({.address = address});
  const Fd client = connect_to(address);
  loop.run_until_idle();
  EXPECT_EQ(collector.streams.size(), 1u);
}

// Adopted sockets
// ------------------------------------------------------------------------------------------------------

TEST_F(ListenerTest, AdoptsASocketThatListens) {
  int fd = -1;
  SocketAddress address;
  {
    const Fd made(::socket(AF_INET, SOCK_STREAM, 0));
    const auto any_port = SocketAddress::loopback(0);
    ASSERT_EQ(::bind(made.get(), any_port.native(), any_port.native_size()), 0);
    ASSERT_EQ(::listen(made.get(), 8), 0);
    address = local_address(made.get());
    fd = ::dup(made.get());
  }
  const auto listener = listen({.adopt_fd = fd});
  EXPECT_EQ(listener->local_address(), address);
  const Fd client = connect_to(address);
  loop.run_until_idle();
  EXPECT_EQ(collector.streams.size(), 1u);
}

TEST_F(ListenerTest, DoesNotAdoptWhatDoesNotListen) {
  const auto listener = Listener::listen(loop, {.adopt_fd = ::socket(AF_INET, SOCK_STREAM, 0)}, collector);
  ASSERT_FALSE(listener);
  EXPECT_THAT(listener.error().message(), HasSubstr("must be a socket that listens"));
}

}  // namespace
}  // namespace weir::net
