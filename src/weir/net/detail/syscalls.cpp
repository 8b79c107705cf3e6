#include "weir/net/detail/syscalls.hpp"

#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace weir::net::detail {

namespace {
int openat2(int directory, const char* path, const open_how* how) noexcept {
  return static_cast<int>(::syscall(SYS_openat2, directory, path, how, sizeof *how));
}
}  // namespace

// Constant-initialised both, so the order of initialisation between files does not matter.
constinit const Syscalls real_syscalls{&::accept4, &::recv,   &::send,    &::sendmsg, &::sendfile,
                                       &::pread,   &::socket, &::connect, &openat2};
constinit Syscalls syscalls{&::accept4, &::recv,   &::send,    &::sendmsg, &::sendfile,
                            &::pread,   &::socket, &::connect, &openat2};

}  // namespace weir::net::detail
