#include "weir/net/listener.hpp"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/net/detail/syscalls.hpp"
#include "weir/net/socket_stream.hpp"

namespace weir::net {

using detail::syscalls;

namespace {

void count(std::atomic<std::uint64_t>& counter) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

Fd open_reserve() noexcept {
  return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

/// What to do about it; empty where the system's words say it all.
std::string remedy(const SocketAddress& address, int error) {
  constexpr int first_unprivileged_port = 1024;
  if (error == EADDRINUSE && address.is_ip()) return "; end who listens there, or take another port (0: any)";
  if (error == EADDRINUSE) return "; another program listens there, or the file is no socket";
  if (error == EADDRNOTAVAIL) return "; it must be an address of this machine, or 0.0.0.0 or [::] for all of them";
  if (error == EACCES && address.is_ip() && address.port() < first_unprivileged_port) {
    return "; ports below 1024 need the capability CAP_NET_BIND_SERVICE, or a socket that systemd hands over";
  }
  return {};
}

std::unexpected<Error> listen_error(const SocketAddress& address, int error) {
  Error made = system_error(error, "listen on " + address.to_string());
  return fail(Error(made.code(), made.message() + remedy(address, error)));
}

bool set_option(int fd, int level, int name, int value) noexcept {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/// Removes the file of a Unix socket that nobody listens on any more.
void remove_stale_file(const SocketAddress& address) {
  const std::string path(address.unix_path());
  struct stat status{};
  if (path.empty() || path.front() == '\0' || ::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe && ::connect(probe.get(), address.native(), address.native_size()) != 0 && errno == ECONNREFUSED) {
    ::unlink(path.c_str());
  }
}

std::uint64_t inode_of(const SocketAddress& address) {
  const std::string path(address.unix_path());
  struct stat status{};
  if (path.empty() || path.front() == '\0' || ::lstat(path.c_str(), &status) != 0) return 0;
  return status.st_ino;
}

/// SO_REUSEPORT lets any process of this user listen beside us without an error. A socket without it can be bound only
/// where nobody listens.
Result<void> require_free(const ListenOptions& options) {
  const SocketAddress& address = options.address;
  const Fd probe(syscalls.socket(address.native()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return listen_error(address, errno);
  bool set = set_option(probe.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.family() == SocketAddress::Family::ipv6) {
    set = set && set_option(probe.get(), IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0);
  }
  if (!set || ::bind(probe.get(), address.native(), address.native_size()) != 0) return listen_error(address, errno);
  return {};
}

Result<Fd> bind_socket(const ListenOptions& options) {
  const SocketAddress& address = options.address;
  if (options.reuse_port && options.exclusive && address.port() != 0) {
    if (auto is_free = require_free(options); !is_free) return std::unexpected(std::move(is_free.error()));
  }
  Fd socket(syscalls.socket(address.native()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return listen_error(address, errno);
  const int fd = socket.get();
  bool set = true;
  if (address.is_ip()) {
    // What is accepted inherits TCP_NODELAY: one call for all connections.
    set = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) && set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (options.reuse_port) set = set && set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (address.family() == SocketAddress::Family::ipv6) {
      set = set && set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0);
    }
    if (options.defer_accept.count() > 0) {
      set = set && set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, static_cast<int>(options.defer_accept.count()));
    }
  } else {
    remove_stale_file(address);
  }
  if (!set || ::bind(fd, address.native(), address.native_size()) != 0) return listen_error(address, errno);
  if (address.is_unix() && options.unix_mode != 0 && address.unix_path().front() != '\0' &&
      ::chmod(std::string(address.unix_path()).c_str(), static_cast<mode_t>(options.unix_mode)) != 0) {
    return listen_error(address, errno);
  }
  if (::listen(fd, options.backlog) != 0) return listen_error(address, errno);
  return socket;
}

/// A socket that somebody else made: is it what it has to be?
Result<Fd> adopt_socket(int fd) {
  Fd socket(fd);
  int listening = 0;
  socklen_t size = sizeof listening;
  const std::string what = "adopt descriptor " + std::to_string(fd) + " for listening";
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0) return fail(system_error(errno, what));
  if (listening == 0) return fail(Errc::invalid_argument, what + ": must be a socket that listens");
  const int flags = ::fcntl(fd, F_GETFL);
  if (::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    return fail(system_error(errno, what));
  }
  if (local_address(fd).is_ip()) set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  return socket;
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::listen(EventLoop& loop, ListenOptions options, AcceptHandler& handler) {
  const bool adopt = options.adopt_fd >= 0;
  if (!adopt && options.address.empty()) return fail(Errc::invalid_argument, "listen: an address must be given");
  auto socket = adopt ? adopt_socket(options.adopt_fd) : bind_socket(options);
  if (!socket) return fail(std::move(socket.error()));
  std::unique_ptr<Listener> listener(new Listener(loop, options, handler, std::move(*socket)));
  if (!adopt && options.address.is_unix()) listener->file_inode_ = inode_of(options.address);
  if (auto added = loop.add(listener->socket_.get(), io::readable, *listener); !added) {
    return fail(std::move(added.error()).with_context("listen on " + listener->local_.to_string()));
  }
  return listener;
}

Listener::Listener(EventLoop& loop, ListenOptions options, AcceptHandler& handler, Fd socket) noexcept
    : loop_(loop),
      options_(options),
      handler_(handler),
      socket_(std::move(socket)),
      reserve_(open_reserve()),
      local_(net::local_address(socket_.get())) {}

Listener::~Listener() {
  close();
  if (destroyed_ != nullptr) *destroyed_ = true;
}

void Listener::on_io(std::uint32_t) noexcept {
  bool destroyed = false;
  destroyed_ = &destroyed;
  for (std::size_t i = 0; i < options_.accept_batch; ++i) {
    const Step step = accept_one();
    if (destroyed) return;
    if (step == Step::done || !socket_ || paused_ || armed()) break;
  }
  destroyed_ = nullptr;
}

Listener::Step Listener::accept_one() noexcept {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  Fd connection(syscalls.accept4(socket_.get(), address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!connection) return accept_failed(errno);
  std::unique_ptr<Stream> stream;
  try {
    auto made = std::make_unique<SocketStream>(loop_, std::move(connection), SocketAddress::from_native(address, size));
    if (made->start()) stream = std::move(made);
  } catch (const std::bad_alloc&) {
    stream = nullptr;  // The connection is closed already.
  }
  if (stream == nullptr) {
    count(stats_.errors);
    back_off();
    return Step::done;
  }
  count(stats_.accepted);
  handler_.on_accept(std::move(stream));
  return Step::next;
}

Listener::Step Listener::accept_failed(int error) noexcept {
  switch (error) {
    case EAGAIN:
      return Step::done;
    // The connection died while it waited, or the call was interrupted: there may be others (accept(2), "Error
    // handling").
    case EINTR:
      return Step::next;
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
    case EPERM:
      count(stats_.errors);
      return Step::next;
    case EMFILE:
    case ENFILE:
      reject_one();
      back_off();
      return Step::done;
    default:  // ENOBUFS, ENOMEM and what we do not know: waiting is better than spinning.
      count(stats_.errors);
      back_off();
      return Step::done;
  }
}

// Without a descriptor the connection would wait in the queue until its client gives up: close it, so that it knows.
void Listener::reject_one() noexcept {
  if (reserve_) {
    reserve_.reset();
    const Fd connection(syscalls.accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection) count(stats_.rejected_fd_limit);
  }
  reserve_ = open_reserve();
}

void Listener::back_off() noexcept {
  count(stats_.back_offs);
  loop_.arm_after(*this, options_.back_off);
  update_interest();
}

void Listener::on_timer() noexcept {
  if (!reserve_) reserve_ = open_reserve();
  update_interest();
}

void Listener::update_interest() noexcept {
  if (socket_) loop_.modify(socket_.get(), paused_ || armed() ? io::none : io::readable, *this);
}

void Listener::pause() noexcept {
  paused_ = true;
  update_interest();
}

void Listener::resume() noexcept {
  paused_ = false;
  update_interest();
}

void Listener::drain() noexcept {
  if (!socket_) return;
  bool destroyed = false;
  bool* const outer = std::exchange(destroyed_, &destroyed);
  // At most the queue's length: more than that did not wait when we began.
  for (int i = 0; i < options_.backlog && socket_ && accept_one() == Step::next; ++i) {
    if (destroyed) break;
  }
  if (destroyed) {
    if (outer != nullptr) *outer = true;
    return;
  }
  destroyed_ = outer;
  close();
}

void Listener::close() noexcept {
  if (!socket_) return;
  loop_.cancel(*this);
  loop_.remove(socket_.get());
  socket_.reset();
  if (file_inode_ != 0 && inode_of(local_) == file_inode_) ::unlink(std::string(local_.unix_path()).c_str());
}

}  // namespace weir::net
