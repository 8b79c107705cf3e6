#include "weir/net/systemd.hpp"

#include <cerrno>
#include <charconv>
#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

#include "weir/net/address.hpp"
#include "weir/net/socket.hpp"

namespace weir::net::systemd {
namespace {

constexpr int first_fd = 3;  // SD_LISTEN_FDS_START

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::optional<long long> number(std::string_view text) {
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::unexpected<Error> malformed(const char* name, std::string_view value) {
  return fail(Errc::invalid_argument, std::string(name) + "='" + std::string(value) + "': must be a number");
}

/// The first name of a list separated by colons, which loses it.
std::string take_name(std::string_view& names) {
  const auto colon = names.find(':');
  const std::string name(names.substr(0, colon));
  names = colon == std::string_view::npos ? std::string_view() : names.substr(colon + 1);
  return name.empty() ? "unknown" : name;
}

}  // namespace

Result<std::vector<ActivatedSocket>> activated_sockets() {
  std::vector<ActivatedSocket> sockets;
  const std::string_view pid_text = environment("LISTEN_PID");
  const std::string_view count_text = environment("LISTEN_FDS");
  if (pid_text.empty() || count_text.empty()) return sockets;
  const auto pid = number(pid_text);
  if (!pid) return malformed("LISTEN_PID", pid_text);
  if (*pid != ::getpid()) return sockets;  // meant for a parent of ours
  const auto count = number(count_text);
  if (!count || *count < 0 || *count > 4096) return malformed("LISTEN_FDS", count_text);
  const std::string names_kept(environment("LISTEN_FDNAMES"));
  std::string_view names = names_kept;
  for (int fd = first_fd; fd < first_fd + *count; ++fd) {
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
      return fail(system_error(errno, "LISTEN_FDS: descriptor " + std::to_string(fd)));
    sockets.push_back({fd, take_name(names)});
  }
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  return sockets;
}

Result<bool> notify(std::string_view state) {
  const std::string_view path = environment("NOTIFY_SOCKET");
  if (path.empty()) return false;
  const auto address = SocketAddress::parse("unix:" + std::string(path));
  if (!address) return fail(Error(address.error()).with_context("NOTIFY_SOCKET"));
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail(system_error(errno, "notify the service manager"));
  ssize_t sent = 0;
  do {
    sent = ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL, address->native(), address->native_size());
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return fail(system_error(errno, "notify the service manager at " + std::string(path)));
  return true;
}

Result<bool> notify_reloading(const Clock& clock) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(clock.now().time_since_epoch()).count();
  return notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}

std::optional<Duration> watchdog_interval() {
  const auto us = number(environment("WATCHDOG_USEC"));
  if (!us || *us <= 0) return std::nullopt;
  const std::string_view pid_text = environment("WATCHDOG_PID");
  if (!pid_text.empty() && number(pid_text) != ::getpid()) return std::nullopt;
  return std::chrono::microseconds(*us);
}

}  // namespace weir::net::systemd
