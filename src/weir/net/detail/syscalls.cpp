#include "weir/net/detail/syscalls.hpp"

#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace weir::net::detail {

namespace {
int openat2(int directory, const char* path, const open_how* how) noexcept {
  return static_cast<int>(::syscall(SYS_openat2, directory, path, how, sizeof *how));
}
#ifdef WEIR_SANITIZED
// What a sanitizer does not see it does not check.
using ::recv;
using ::send;
#else
// Without the C library's own: in a program with threads those are cancellation points, which costs some percent of a
// small message, and no thread of ours is ever cancelled.
ssize_t recv(int fd, void* to, std::size_t size, int flags) noexcept {
  return ::syscall(SYS_recvfrom, fd, to, size, flags, nullptr, nullptr);
}
ssize_t send(int fd, const void* from, std::size_t size, int flags) noexcept {
  return ::syscall(SYS_sendto, fd, from, size, flags, nullptr, 0);
}
#endif
}  // namespace

// Constant-initialised both, so the order of initialisation between files does not matter.
constexpr Syscalls real_syscalls{.accept4 = &::accept4,
                                 .recv = &recv,
                                 .send = &send,
                                 .sendmsg = &::sendmsg,
                                 .sendfile = &::sendfile,
                                 .pread = &::pread,
                                 .socket = &::socket,
                                 .connect = &::connect,
                                 .openat2 = &openat2};
constinit Syscalls syscalls = real_syscalls;

}  // namespace weir::net::detail
