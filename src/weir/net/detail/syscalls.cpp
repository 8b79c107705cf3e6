#include "weir/net/detail/syscalls.hpp"

#include <sys/sendfile.h>
#include <unistd.h>

namespace weir::net::detail {

// Constant-initialised both, so the order of initialisation between files does not matter.
constinit const Syscalls real_syscalls{&::accept4,  &::recv,  &::send,   &::sendmsg,
                                       &::sendfile, &::pread, &::socket, &::connect};
constinit Syscalls syscalls{&::accept4, &::recv, &::send, &::sendmsg, &::sendfile, &::pread, &::socket, &::connect};

}  // namespace weir::net::detail
