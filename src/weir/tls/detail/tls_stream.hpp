// The server's side of TLS on top of another stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "weir/base/buffer.hpp"
#include "weir/base/recycle.hpp"
#include "weir/net/security.hpp"
#include "weir/net/stream.hpp"
#include "weir/runtime/event_loop.hpp"
#include "weir/tls/detail/credentials.hpp"
#include "weir/tls/detail/filter.hpp"
#include "weir/tls/stats.hpp"

namespace weir::tls {

/// What the peer sends is read from the stream below as OpenSSL asks for it; what is sent to it is collected in
/// `outgoing_` and leaves in one write: a flight of the handshake, the session tickets together with the first answer,
/// several records of a file. write() encrypts only when nothing is left over from before, so `outgoing_` holds one
/// call's records at most.
///
/// The handshake goes on whenever bytes arrive; the handler hears nothing until it is done or has failed. A failed one
/// reads as the end of the stream, so that the alert reaches the peer before the connection closes.
class TlsStream final : public net::Stream, private net::StreamHandler, private Deferred {
 public:
  TlsStream(TlsFilter& filter, std::unique_ptr<net::Stream> below) noexcept;
  ~TlsStream() override;

  using Stream::write;
  net::IoResult read(std::span<char> into) noexcept override;
  net::IoResult write(std::span<const iovec> pieces) noexcept override;
  net::IoResult send_file(int fd, std::uint64_t offset, std::size_t count) noexcept override;
  void set_handler(net::StreamHandler* handler) noexcept override;
  void want(bool read, bool write) noexcept override;
  void shutdown_write() noexcept override;
  void close(bool reset = false) noexcept override;
  [[nodiscard]] bool closed() const noexcept override { return below_->closed(); }
  [[nodiscard]] net::SocketAddress peer() const noexcept override { return below_->peer(); }
  [[nodiscard]] net::SocketAddress local() const noexcept override { return below_->local(); }
  [[nodiscard]] int fd() const noexcept override { return below_->fd(); }
  [[nodiscard]] const net::Security* security() const noexcept override;
  [[nodiscard]] std::size_t unsent() const noexcept override { return outgoing_.size() - sent_; }
  [[nodiscard]] std::size_t undelivered() const noexcept override { return unsent() + below_->undelivered(); }

  static void* operator new(std::size_t size) { return recycle::allocate(size); }
  static void operator delete(void* block, std::size_t size) noexcept { recycle::deallocate(block, size); }

 private:
  friend class TlsFilter;
  friend struct StreamBio;
  enum class State : std::uint8_t { handshake, open, failed };
  struct Facts {
    net::Security security;
    net::PeerCertificate certificate;
    std::string alpn;
  };

  // StreamHandler of the stream below, Deferred
  void on_readable() noexcept override;
  void on_writable() noexcept override;
  void on_hangup() noexcept override;
  void on_peer_closed() noexcept override;
  void on_deferred() noexcept override;

  /// One step of the handshake in its turn, and what follows from it. May destroy this.
  void advance() noexcept;
  /// One step. Afterwards the state tells.
  void step() noexcept;
  bool begin() noexcept;
  void offer_kernel_tls() noexcept;
  bool start_kernel_tls(void* keys) noexcept;
  int send_control_message(const char* data, int size) noexcept;
  void established() noexcept;
  void handshake_failed(TlsFailure reason) noexcept;
  void count_failure(TlsFailure reason) noexcept;
  /// Which of the many things is wrong with the client's certificate.
  void log_rejection() const noexcept;
  [[nodiscard]] net::IoResult read_failed(int result) noexcept;
  /// What OpenSSL has read from below, or could decrypt, without another look.
  [[nodiscard]] bool buffered() const noexcept;
  enum class Drain : std::uint8_t { done, blocked, failed };
  Drain drain_outgoing() noexcept;
  void keep_the_rest() noexcept;
  /// Bytes that a write takes now.
  [[nodiscard]] std::size_t batch() const noexcept;
  void make_room(std::size_t plain);
  /// Encrypts; the number of bytes that were taken. Throws std::bad_alloc.
  std::size_t encrypt(const char* data, std::size_t size);
  net::IoResult result_of_write(std::size_t moved) noexcept;
  void send_close_notify() noexcept;
  void update_interest() noexcept;
  /// Calls a callback of the handler; false when this was destroyed in it.
  template <class Call>
  bool tell(Call call) noexcept;

  TlsFilter& filter_;
  std::unique_ptr<net::Stream> below_;
  net::StreamHandler* handler_ = nullptr;
  BioPtr socket_;  // what OpenSSL tells the kernel through, once that encrypts
  SslPtr ssl_;
  std::shared_ptr<const CredentialSet> credentials_;  // shared: a reload must not take them from a connection
  std::unique_ptr<Facts> facts_;                      // once the handshake is done
  Buffer outgoing_;                                   // [sent_, size()) is encrypted and has to leave
  std::size_t sent_ = 0;
  bool* destroyed_ = nullptr;  // set while callbacks run
  TlsStream* previous_in_line_ = nullptr;
  TlsStream* next_in_line_ = nullptr;
  std::int64_t may_read_ = 0;  // bytes beside content that OpenSSL may still take from the stream below in this call
  int write_error_ = 0;        // errno of the stream below
  int read_error_ = 0;
  State state_ = State::handshake;
  bool in_line_ = false;   // for a step of the handshake
  bool want_read_ = true;  // what the handler wants
  bool want_write_ = false;
  bool starved_ = false;          // the last look at the stream below found nothing
  bool ended_ = false;            // the stream below has ended
  bool in_kernel_ = false;        // the kernel encrypts
  bool control_message_ = false;  // what OpenSSL writes next is no application data
  bool blocked_ = false;          // the stream below took no more
  bool flows_ = false;            // it took all of the last batch at once
  bool shut_ = false;             // shutdown_write() was called
  bool counted_ = false;          // the handshake's end is in the statistics
};

}  // namespace weir::tls
