#include "weir/net/proxy_protocol.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <utility>

#include "weir/base/buffer.hpp"
#include "weir/base/recycle.hpp"

namespace weir::net {

namespace {

using State = ProxyHeader::State;

constexpr std::string_view v1_begin = "PROXY ";
constexpr std::string_view v2_signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t v1_most = 107;
constexpr std::size_t v2_fixed = 16;

bool begins_alike(std::string_view bytes, std::string_view wanted) noexcept {
  const std::size_t common = std::min(bytes.size(), wanted.size());
  return bytes.substr(0, common) == wanted.substr(0, common);
}

ProxyHeader of(State state) noexcept {
  ProxyHeader result;
  result.state = state;
  return result;
}

/// The next word of a version 1 line; takes it and the one space behind it away.
std::string_view next_word(std::string_view& line) noexcept {
  const std::size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line = space == std::string_view::npos ? std::string_view{} : line.substr(space + 1);
  return word;
}

bool parse_port(std::string_view text, std::uint16_t& port) noexcept {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

/// Section 2.1: "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"
ProxyHeader parse_v1(std::string_view bytes) noexcept {
  const std::size_t end = bytes.substr(0, v1_most).find("\r\n");
  if (end == std::string_view::npos) return of(bytes.size() >= v1_most ? State::malformed : State::need_more);
  ProxyHeader result = of(State::complete);
  result.size = end + 2;
  std::string_view line = bytes.substr(v1_begin.size(), end - v1_begin.size());
  const std::string_view family = next_word(line);
  if (family == "UNKNOWN") return result;
  const bool v4 = family == "TCP4";
  if (!v4 && family != "TCP6") return of(State::malformed);
  const std::string_view source = next_word(line);
  const std::string_view destination = next_word(line);
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  if (!parse_port(next_word(line), source_port) || !parse_port(line, destination_port)) return of(State::malformed);
  const auto from = [v4](std::string_view text, std::uint16_t port, SocketAddress& to) {
    // Whether it is worth asking; an error would be made of strings.
    if (text.empty() || text.find_first_not_of(v4 ? "0123456789." : "0123456789abcdefABCDEF:.") != text.npos)
      return false;
    const auto address = SocketAddress::ip(text, port);
    if (!address || (address->family() == SocketAddress::Family::ipv4) != v4) return false;
    to = *address;
    return true;
  };
  if (!from(source, source_port, result.source) || !from(destination, destination_port, result.destination)) {
    return of(State::malformed);
  }
  result.has_addresses = true;
  return result;
}

SocketAddress native_address(std::string_view ip, std::string_view port) noexcept {
  if (ip.size() == 4) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    std::memcpy(&address.sin_addr, ip.data(), 4);
    std::memcpy(&address.sin_port, port.data(), 2);
    return SocketAddress::from_native(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  std::memcpy(&address.sin6_addr, ip.data(), 16);
  std::memcpy(&address.sin6_port, port.data(), 2);
  return SocketAddress::from_native(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

/// Section 2.2.
ProxyHeader parse_v2(std::string_view bytes) noexcept {
  if (bytes.size() < v2_fixed) return of(State::need_more);
  const auto byte = [bytes](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  const unsigned command = byte(12) & 0x0fu;
  if (byte(12) >> 4 != 2 || command > 1) return of(State::malformed);
  const unsigned family = byte(13) >> 4;
  const unsigned transport = byte(13) & 0x0fu;
  if (family > 3 || transport > 2) return of(State::malformed);
  const std::size_t length = std::size_t{byte(14)} << 8 | byte(15);
  if (v2_fixed + length > max_proxy_header) return of(State::malformed);
  const std::size_t address_size = family == 1 ? 4 : family == 2 ? 16 : 0;
  const bool stream = command == 1 && transport == 1 && address_size != 0;
  if (stream && length < 2 * address_size + 4) return of(State::malformed);
  if (bytes.size() < v2_fixed + length) return of(State::need_more);
  ProxyHeader result = of(State::complete);
  result.size = v2_fixed + length;
  // LOCAL, Unix sockets and datagrams tell no client: the connection's own addresses hold.
  if (!stream) return result;
  const std::string_view block = bytes.substr(v2_fixed);
  const std::string_view ports = block.substr(2 * address_size);
  result.source = native_address(block.substr(0, address_size), ports.substr(0, 2));
  result.destination = native_address(block.substr(address_size, address_size), ports.substr(2, 2));
  result.has_addresses = true;
  return result;
}

/// What the filters of all loops share. Immutable.
struct ProxyRules {
  CidrSet trusted;
  std::function<void(const SocketAddress& peer)> on_refused;
};

/// Reads the header off a connection, then passes everything through.
class ProxyStream final : public Stream, private StreamHandler, private Deferred {
 public:
  ProxyStream(EventLoop& loop, const ProxyRules& rules, std::unique_ptr<Stream> below) noexcept
      : loop_(loop), rules_(rules), below_(std::move(below)), peer_(below_->peer()) {}
  ~ProxyStream() override {
    if (destroyed_ != nullptr) *destroyed_ = true;
  }

  using Stream::write;
  IoResult read(std::span<char> into) noexcept override {
    if (!met_) {
      if (const IoResult result = read_header(); !result.ok()) return result;
    }
    if (begin_ < early_.size()) {
      const std::size_t part = std::min(into.size(), early_.size() - begin_);
      std::memcpy(into.data(), early_.data() + begin_, part);
      begin_ += part;
      if (begin_ == early_.size()) {
        forget_early();
      } else if (want_read_ && handler_ != nullptr) {
        loop_.defer(*this);
      }
      return IoResult::moved(part);
    }
    return below_->read(into);
  }
  IoResult write(std::span<const iovec> pieces) noexcept override {
    return met_ ? below_->write(pieces) : IoResult::blocked();
  }
  IoResult send_file(int fd, std::uint64_t offset, std::size_t count) noexcept override {
    return met_ ? below_->send_file(fd, offset, count) : IoResult::blocked();
  }
  void set_handler(StreamHandler* handler) noexcept override {
    handler_ = handler;
    // Once the header is gone there is nothing left to do here.
    below_->set_handler(handler == nullptr || through() ? handler : this);
  }
  void want(bool read, bool write) noexcept override {
    want_read_ = read;
    below_->want(read, write && met_);
    if (read && begin_ < early_.size()) loop_.defer(*this);
  }
  void shutdown_write() noexcept override { below_->shutdown_write(); }
  void close(bool reset) noexcept override {
    take_back();
    below_->close(reset);
  }
  [[nodiscard]] bool closed() const noexcept override { return below_->closed(); }
  [[nodiscard]] SocketAddress peer() const noexcept override { return peer_; }
  [[nodiscard]] SocketAddress local() const noexcept override { return below_->local(); }
  [[nodiscard]] int fd() const noexcept override { return below_->fd(); }
  [[nodiscard]] const Security* security() const noexcept override { return below_->security(); }
  [[nodiscard]] std::size_t unsent() const noexcept override { return below_->unsent(); }
  [[nodiscard]] std::size_t undelivered() const noexcept override { return below_->undelivered(); }

  static void* operator new(std::size_t size) { return recycle::allocate(size); }
  static void operator delete(void* block, std::size_t size) noexcept { recycle::deallocate(block, size); }

 private:
  [[nodiscard]] bool through() const noexcept { return met_ && begin_ == early_.size(); }
  void forget_early() noexcept {
    early_.release();
    begin_ = 0;
    if (met_ && handler_ != nullptr) below_->set_handler(handler_);
  }
  /// ok(): the header has been read.
  IoResult read_header() noexcept try {
    for (;;) {
      constexpr std::size_t room = 512;
      char* to = early_.reserve_more(room);
      const IoResult result = below_->read(std::span(to, room));
      if (!result.ok()) return result;
      early_.advance(result.bytes);
      const ProxyHeader header = parse_proxy_header(early_.view());
      if (header.state == State::need_more) continue;
      if (header.state == State::malformed) {
        early_.release();
        if (rules_.on_refused) rules_.on_refused(peer_);
        return IoResult::failed(EPROTO);
      }
      met_ = true;
      if (header.has_addresses) peer_ = header.source;
      begin_ = header.size;
      if (begin_ == early_.size()) forget_early();
      return IoResult::moved(1);
    }
  } catch (const std::bad_alloc&) {
    return IoResult::failed(ENOMEM);
  }

  void on_readable() noexcept override {
    if (handler_ != nullptr) handler_->on_readable();
  }
  void on_writable() noexcept override {
    if (handler_ != nullptr) handler_->on_writable();
  }
  void on_hangup() noexcept override {
    if (handler_ != nullptr) handler_->on_hangup();
  }
  void on_peer_closed() noexcept override {
    if (handler_ != nullptr) handler_->on_peer_closed();
  }
  /// Bytes behind the header that nobody has read yet.
  void on_deferred() noexcept override {
    if (begin_ == early_.size() || !want_read_ || handler_ == nullptr || closed()) return;
    bool destroyed = false;
    destroyed_ = &destroyed;
    handler_->on_readable();
    if (destroyed) return;
    destroyed_ = nullptr;
    if (begin_ < early_.size() && want_read_ && handler_ != nullptr && !closed()) loop_.defer(*this);
  }

  EventLoop& loop_;
  const ProxyRules& rules_;  // the filter's, which lives longer
  std::unique_ptr<Stream> below_;
  StreamHandler* handler_ = nullptr;
  bool* destroyed_ = nullptr;  // set while a callback runs
  Buffer early_;               // the header, and what came with it
  std::size_t begin_ = 0;      // what is left of it for the reader
  SocketAddress peer_;
  bool met_ = false;  // the header has been read
  bool want_read_ = true;
};

class ProxyFilter final : public StreamFilter {
 public:
  ProxyFilter(EventLoop& loop, std::shared_ptr<const ProxyRules> rules) noexcept
      : loop_(loop), rules_(std::move(rules)) {}
  std::unique_ptr<Stream> wrap(std::unique_ptr<Stream> stream) noexcept override try {
    if (!rules_->trusted.contains(stream->peer())) return stream;
    return std::make_unique<ProxyStream>(loop_, *rules_, std::move(stream));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }

 private:
  EventLoop& loop_;
  std::shared_ptr<const ProxyRules> rules_;  // shared by the filters of all loops
};

class Chain final : public StreamFilter {
 public:
  Chain(std::unique_ptr<StreamFilter> first, std::unique_ptr<StreamFilter> second) noexcept
      : first_(std::move(first)), second_(std::move(second)) {}
  std::unique_ptr<Stream> wrap(std::unique_ptr<Stream> stream) noexcept override {
    stream = first_->wrap(std::move(stream));
    return stream ? second_->wrap(std::move(stream)) : nullptr;
  }

 private:
  std::unique_ptr<StreamFilter> first_;
  std::unique_ptr<StreamFilter> second_;
};

}  // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) noexcept {
  if (bytes.empty()) return of(State::need_more);
  if (begins_alike(bytes, v2_signature)) {
    return bytes.size() < v2_signature.size() ? of(State::need_more) : parse_v2(bytes);
  }
  if (begins_alike(bytes, v1_begin)) return bytes.size() < v1_begin.size() ? of(State::need_more) : parse_v1(bytes);
  return of(State::malformed);
}

StreamFilterFactory proxy_protocol(CidrSet trusted, std::function<void(const SocketAddress& peer)> on_refused) {
  ProxyRules rules{std::move(trusted), std::move(on_refused)};
  return [shared = std::make_shared<const ProxyRules>(std::move(rules))](EventLoop& loop) {
    return std::make_unique<ProxyFilter>(loop, shared);
  };
}

StreamFilterFactory chain(StreamFilterFactory first, StreamFilterFactory second) {
  if (!first) return second;
  if (!second) return first;
  return [first = std::move(first), second = std::move(second)](EventLoop& loop) {
    return std::make_unique<Chain>(first(loop), second(loop));
  };
}

}  // namespace weir::net
