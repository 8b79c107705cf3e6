#include "weir/net/systemd.hpp"

#include <array>
#include <cstdlib>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/net/address.hpp"
#include "weir/net/socket.hpp"
#include "weir/time/manual_clock.hpp"

namespace weir::net::systemd {
namespace {

/// Sets a variable for the length of a test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

std::string own_pid() {
  return std::to_string(::getpid());
}

TEST(SystemdActivation, NothingWithoutVariablesOrForAnotherProcess) {
  EXPECT_TRUE(activated_sockets()->empty());
  const Variable pid("LISTEN_PID", "1"), count("LISTEN_FDS", "2");
  EXPECT_TRUE(activated_sockets()->empty());
  EXPECT_NE(std::getenv("LISTEN_FDS"), nullptr) << "not ours to remove";
}

TEST(SystemdActivation, MalformedVariablesAreErrors) {
  {
    const Variable pid("LISTEN_PID", "me"), count("LISTEN_FDS", "1");
    EXPECT_EQ(activated_sockets().error().message(), "LISTEN_PID='me': must be a number");
  }
  for (const char* wrong : {"-1", "1x", "1000000"}) {
    const Variable pid("LISTEN_PID", own_pid()), count("LISTEN_FDS", wrong);
    EXPECT_FALSE(activated_sockets()) << wrong;
  }
}

// In a child, where descriptors 3 and 4 can be what the test wants.
TEST(SystemdActivation, TakesOverDescriptorsWithTheirNames) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int fd = ::open("/dev/null", O_RDONLY);
    ::dup2(fd, 13);
    ::dup2(13, 3);
    ::dup2(13, 4);
    ::dup2(13, 5);
    const Variable pid("LISTEN_PID", own_pid()), count("LISTEN_FDS", "3"), names("LISTEN_FDNAMES", "http:admin");
    const auto sockets = activated_sockets();
    const bool good = sockets && sockets->size() == 3 && (*sockets)[0].fd == 3 && (*sockets)[0].name == "http" &&
                      (*sockets)[1].name == "admin" && (*sockets)[2].fd == 5 && (*sockets)[2].name == "unknown" &&
                      ::fcntl(4, F_GETFD) == FD_CLOEXEC && std::getenv("LISTEN_PID") == nullptr &&
                      activated_sockets()->empty();
    ::_exit(good ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

class SystemdNotify : public ::testing::TestWithParam<const char*> {};

TEST_P(SystemdNotify, SendsADatagramToTheManager) {
  const std::string name = GetParam() + own_pid();
  const auto address = *SocketAddress::parse("unix:" + name);
  ::unlink(name.c_str());
  const Fd manager(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ASSERT_EQ(::bind(manager.get(), address.native(), address.native_size()), 0);
  const Variable variable("NOTIFY_SOCKET", name);
  const auto received = [&] {
    std::array<char, 256> room;
    const ssize_t size = ::recv(manager.get(), room.data(), room.size(), 0);
    return std::string(room.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  };
  EXPECT_TRUE(*notify_ready());
  EXPECT_EQ(received(), "READY=1");
  EXPECT_TRUE(*notify("STATUS=draining\nSTOPPING=1"));
  EXPECT_EQ(received(), "STATUS=draining\nSTOPPING=1");
  EXPECT_TRUE(*notify_stopping());
  EXPECT_EQ(received(), "STOPPING=1");
  EXPECT_TRUE(*notify_watchdog());
  EXPECT_EQ(received(), "WATCHDOG=1");
  const ManualClock clock;
  EXPECT_TRUE(*notify_reloading(clock));
  EXPECT_EQ(received(), "RELOADING=1\nMONOTONIC_USEC=1000000");
  ::unlink(name.c_str());
}

INSTANTIATE_TEST_SUITE_P(Names, SystemdNotify, ::testing::Values("/tmp/weir-notify-", "@weir-notify-"),
                         [](const auto& name) { return name.param[0] == '@' ? "Abstract" : "Path"; });

TEST(SystemdNotifyAlone, WithoutAManagerNothingIsSent) {
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_FALSE(*notify_ready());
  const Variable variable("NOTIFY_SOCKET", "/nonexistent/socket");
  const auto sent = notify_ready();
  ASSERT_FALSE(sent);
  EXPECT_THAT(sent.error().message(), ::testing::HasSubstr("/nonexistent/socket: No such file"));
}

TEST(SystemdWatchdog, IntervalIsForThisProcessOnly) {
  EXPECT_FALSE(watchdog_interval());
  const Variable interval("WATCHDOG_USEC", "3000000");
  EXPECT_EQ(watchdog_interval(), std::chrono::seconds(3));
  {
    const Variable pid("WATCHDOG_PID", "1");
    EXPECT_FALSE(watchdog_interval());
  }
  const Variable pid("WATCHDOG_PID", own_pid());
  EXPECT_TRUE(watchdog_interval());
}

}  // namespace
}  // namespace weir::net::systemd
