// The system calls of the module behind a table, so that tests can make them fail.
#pragma once

#include <cstddef>

#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

namespace weir::net::detail {

struct Syscalls {
  int (*accept4)(int, sockaddr*, socklen_t*, int);
  ssize_t (*recv)(int, void*, std::size_t, int);
  ssize_t (*send)(int, const void*, std::size_t, int);
  ssize_t (*sendmsg)(int, const msghdr*, int);
  ssize_t (*sendfile)(int, int, off_t*, std::size_t);
  ssize_t (*pread)(int, void*, std::size_t, off_t);
  int (*socket)(int, int, int);
  int (*connect)(int, const sockaddr*, socklen_t);
  int (*openat2)(int, const char*, const open_how*);
  /// A recv() of less than was asked for has emptied the socket, a send() of less than was given has filled it: so it
  /// is for stream sockets on Linux (epoll(7), question 9). Tests whose calls move less for no reason set it to false.
  bool less_is_all = true;
};

/// The real ones.
extern const Syscalls real_syscalls;
/// What the module calls. Only tests change it, through SyscallOverride, while nothing else uses sockets.
extern Syscalls syscalls;

/// Lets a test replace calls while it lives: `SyscallOverride o; o->accept4 = …;`
class SyscallOverride {
 public:
  SyscallOverride() noexcept = default;
  SyscallOverride(const SyscallOverride&) = delete;
  SyscallOverride& operator=(const SyscallOverride&) = delete;
  ~SyscallOverride() { syscalls = real_syscalls; }
  Syscalls* operator->() noexcept { return &syscalls; }
};

}  // namespace weir::net::detail
