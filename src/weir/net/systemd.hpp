// systemd's two small protocols, without its library: socket activation (sd_listen_fds(3)) and notifications
// (sd_notify(3)).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/error.hpp"
#include "weir/time/clock.hpp"

namespace weir::net::systemd {

/// A socket that the service manager opened for this process.
struct ActivatedSocket {
  int fd;
  std::string name;  ///< FileDescriptorName= of its unit; "unknown" if none was given.
};

/// The sockets that were handed over ($LISTEN_PID, $LISTEN_FDS, $LISTEN_FDNAMES), for ListenOptions::adopt_fd; none
/// when the process was not started with sockets. They are marked close-on-exec and the variables are removed, so a
/// second call finds none. Call it before threads start. The error says which variable is malformed.
[[nodiscard]] Result<std::vector<ActivatedSocket>> activated_sockets();

/// Sends a notification, lines such as "READY=1\nSTATUS=serving", to $NOTIFY_SOCKET. False when there is no such
/// socket: the process was not started by a manager that listens. Never blocks for long; any thread.
Result<bool> notify(std::string_view state);

inline Result<bool> notify_ready() {
  return notify("READY=1");
}
inline Result<bool> notify_stopping() {
  return notify("STOPPING=1");
}
inline Result<bool> notify_watchdog() {
  return notify("WATCHDOG=1");
}
/// Before a reload; a notify_ready() ends it. systemd wants the time beside it (Type=notify-reload).
Result<bool> notify_reloading(const Clock& clock);

/// How often the manager wants to hear notify_watchdog() at least ($WATCHDOG_USEC, for this process); send it twice as
/// often.
[[nodiscard]] std::optional<Duration> watchdog_interval();

}  // namespace weir::net::systemd
