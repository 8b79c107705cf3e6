#include "weir/tls/detail/tls_stream.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/contracts.hpp"

namespace weir::tls {

using net::IoResult;

namespace {

/// The largest plaintext of a record (RFC 8446 section 5.1).
constexpr std::size_t record_bytes = 16384;
/// Plaintext that one write() takes, and that leaves in one system call: many records for a client that took all of
/// what came before, since waking it up costs about as much as encrypting; few for one that did not, since they wait
/// here.
constexpr std::size_t batch_bytes = 15 * record_bytes;
constexpr std::size_t slow_batch_bytes = 3 * record_bytes;
/// What a record adds to its plaintext, generously.
constexpr std::size_t record_overhead = 64;
static_assert(batch_bytes + (batch_bytes / record_bytes + 1) * record_overhead <= recycle::max_block);
/// What is read of a file at once: it should still be in the cache when it is encrypted.
constexpr std::size_t file_bytes = 4 * record_bytes;
/// A peer that makes us answer (key updates) and does not read is not read from beyond this, which lets a batch wait.
constexpr std::size_t unsent_limit = batch_bytes + 64 * 1024;
/// What OpenSSL takes from below in one call beside content, about: records without any (key updates, attempts to
/// renegotiate) could keep it busy for as long as they come.
constexpr std::int64_t read_bytes = 2 * record_bytes;

/// For whoever speaks plain HTTP to a TLS port.
constexpr std::string_view speak_tls =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 44\r\nConnection: close\r\n\r\n"
    "This port speaks TLS: use https:// instead.\n";

/// What OpenSSL asks of a BIO when the kernel is to encrypt: named in its bio.h, but only in a comment.
constexpr int ktls_set = 72;
constexpr int ktls_control_message = 74;
constexpr int ktls_control_message_over = 75;

}  // namespace

/// OpenSSL's way to the stream below.
struct StreamBio {
  static TlsStream& of(BIO* bio) noexcept { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    TlsStream& stream = of(bio);
    if (stream.may_read_ <= 0) {  // The stream below is readable in the next turn again.
      BIO_set_retry_read(bio);
      return -1;
    }
    const IoResult result = stream.below_->read(std::span(into, static_cast<std::size_t>(size)));
    switch (result.kind) {
      case IoResult::Kind::ok:
        // Below zero too: a byte of content makes up for a byte, not for another buffer.
        stream.may_read_ -= static_cast<std::int64_t>(result.bytes);
        return static_cast<int>(result.bytes);
      case IoResult::Kind::would_block:
        stream.starved_ = true;
        BIO_set_retry_read(bio);
        return -1;
      case IoResult::Kind::end_of_stream:
        stream.ended_ = true;
        return 0;
      case IoResult::Kind::error:
        stream.read_error_ = result.error_number;
        return -1;
    }
    return -1;
  }

  static int write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    TlsStream& stream = of(bio);
    if (stream.control_message_) return stream.send_control_message(data, size);
    try {
      stream.outgoing_.append({data, static_cast<std::size_t>(size)});
    } catch (const std::bad_alloc&) {
      stream.write_error_ = ENOMEM;
      return -1;
    }
    return size;
  }

  static long control(BIO* bio, int command, long number, void* pointer) {
    TlsStream& stream = of(bio);
    switch (command) {
      case BIO_CTRL_FLUSH:
        return 1;
      case ktls_set:  // What is received is decrypted here: OpenSSL 3.0 could hand over TLS 1.2 only.
        return number != 0 && stream.start_kernel_tls(pointer) ? 1 : 0;
      case BIO_CTRL_GET_KTLS_SEND:
        return stream.in_kernel_ ? 1 : 0;
      case ktls_control_message:
      case ktls_control_message_over:
        stream.control_message_ = command == ktls_control_message;
        return BIO_ctrl(stream.socket_.get(), command, number, pointer);
      default:
        return 0;
    }
  }

  static BIO_METHOD* method() noexcept {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* result = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir stream");
      if (result != nullptr) {
        BIO_meth_set_read(result, &read);
        BIO_meth_set_write(result, &write);
        BIO_meth_set_ctrl(result, &control);
      }
      return result;
    }();
    return made;
  }
};

TlsStream::TlsStream(TlsFilter& filter, std::unique_ptr<net::Stream> below) noexcept
    : filter_(filter), below_(std::move(below)) {}

TlsStream::~TlsStream() {
  close(false);
  if (destroyed_ != nullptr) *destroyed_ = true;
}

const net::Security* TlsStream::security() const noexcept {
  return facts_ ? &facts_->security : nullptr;
}

// --- the handshake ---

/// OpenSSL's objects are made for the first bytes: who connects and says nothing costs nothing.
bool TlsStream::begin() noexcept {
  credentials_ = filter_.credentials();
  ssl_ = credentials_->new_server();
  BIO* bio = ssl_ && StreamBio::method() != nullptr ? BIO_new(StreamBio::method()) : nullptr;
  if (bio == nullptr) return false;
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_accept_state(ssl_.get());
  offer_kernel_tls();
  return true;
}

/// Has the kernel prepare the socket, where it can: OpenSSL hands it the keys when it has them.
void TlsStream::offer_kernel_tls() noexcept {
  static std::atomic<bool> refused{false};  // by this kernel, once and for all
  if (!filter_.options().kernel_tls || below_->fd() < 0 || refused.load(std::memory_order_relaxed)) return;
  if (::setsockopt(below_->fd(), IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") != 0) {
    if (errno == ENOENT || errno == ENOPROTOOPT) refused.store(true, std::memory_order_relaxed);
    return;
  }
  SSL_set_options(ssl_.get(), SSL_OP_ENABLE_KTLS);
}

/// From here on `outgoing_` holds plaintext, which the kernel encrypts. False: it goes on as before.
bool TlsStream::start_kernel_tls(void* keys) noexcept {
  if (drain_outgoing() != Drain::done) return false;
  socket_.reset(BIO_new_socket(below_->fd(), BIO_NOCLOSE));
  in_kernel_ = socket_ && BIO_ctrl(socket_.get(), ktls_set, 1, keys) > 0;
  if (in_kernel_) filter_.stats().kernel_tls.fetch_add(1, std::memory_order_relaxed);
  return in_kernel_;
}

/// A record that is no application data, with the kernel's TLS.
int TlsStream::send_control_message(const char* data, int size) noexcept {
  control_message_ = false;
  const int sent = drain_outgoing() == Drain::done ? BIO_write(socket_.get(), data, size) : -1;
  if (sent != size && write_error_ == 0) write_error_ = EPIPE;
  return sent;
}

void TlsStream::step() noexcept {
  if (below_->closed()) return handshake_failed(TlsFailure::other);
  const TlsFilter::Step timed(filter_);
  may_read_ = read_bytes;
  ERR_clear_error();
  if (!ssl_ && !begin()) return handshake_failed(TlsFailure::other);
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return established();
  if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) {
    if (drain_outgoing() == Drain::failed) handshake_failed(TlsFailure::closed_by_client);
    return;
  }
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
  ERR_clear_error();
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
      outgoing_.clear();
      sent_ = 0;
      try {
        outgoing_.append(speak_tls);
      } catch (const std::bad_alloc&) {
        outgoing_.clear();
      }
      return handshake_failed(TlsFailure::not_tls);
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_BAD_RECORD_TYPE:
    case SSL_R_RECORD_LENGTH_MISMATCH:
    case SSL_R_RECORD_TOO_SMALL:
      return handshake_failed(TlsFailure::not_tls);
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_VERSION_TOO_HIGH:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_INAPPROPRIATE_FALLBACK:
      return handshake_failed(TlsFailure::version);
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
      return handshake_failed(TlsFailure::cipher);
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return handshake_failed(TlsFailure::alpn);
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return handshake_failed(TlsFailure::certificate_missing);
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      log_rejection();
      return handshake_failed(TlsFailure::certificate_rejected);
    default:
      if (reason > SSL_AD_REASON_OFFSET) return handshake_failed(TlsFailure::refused_by_client);
      if (ended_ || read_error_ != 0) return handshake_failed(TlsFailure::closed_by_client);
      return handshake_failed(TlsFailure::other);
  }
}

void TlsStream::count_failure(TlsFailure reason) noexcept {
  if (std::exchange(counted_, true)) return;
  filter_.stats().failed_for(reason).fetch_add(1, std::memory_order_relaxed);
}

void TlsStream::log_rejection() const noexcept {
  net::SocketAddress::IpText room;
  const char* const why = X509_verify_cert_error_string(SSL_get_verify_result(ssl_.get()));
  filter_.log().info("a client's certificate was rejected", {{"why", why}, {"peer", below_->peer().ip_text(room)}});
}

void TlsStream::handshake_failed(TlsFailure reason) noexcept {
  count_failure(reason);
  state_ = State::failed;
  static_cast<void>(drain_outgoing());  // the alert
}

namespace {

void add_names(X509* certificate, net::PeerCertificate& to) {
  auto* list = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, i);
    std::vector<std::string>* kind = name->type == GEN_DNS     ? &to.dns_names
                                     : name->type == GEN_EMAIL ? &to.email_addresses
                                     : name->type == GEN_URI   ? &to.uris
                                                               : nullptr;
    if (kind == nullptr) continue;
    const ASN1_IA5STRING* text = name->d.ia5;
    kind->emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                       static_cast<std::size_t>(ASN1_STRING_length(text)));
  }
  GENERAL_NAMES_free(list);
}

void describe(X509* certificate, net::PeerCertificate& to) {
  to.subject = name_text(X509_get_subject_name(certificate));
  to.common_name = common_name(X509_get_subject_name(certificate));
  to.issuer = name_text(X509_get_issuer_name(certificate));
  add_names(certificate, to);
  if (BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr)) {
    if (char* text = BN_bn2hex(number)) {
      to.serial = text;
      OPENSSL_free(text);
    }
    BN_free(number);
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return;
  constexpr std::string_view digits = "0123456789abcdef";
  for (unsigned i = 0; i < size; ++i) {
    to.fingerprint += digits[digest[i] >> 4];
    to.fingerprint += digits[digest[i] & 15];
  }
}

}  // namespace

void TlsStream::established() noexcept try {
  SSL* ssl = ssl_.get();
  TlsStats& stats = filter_.stats();
  const bool newest = SSL_version(ssl) == TLS1_3_VERSION;
  facts_ = std::make_unique<Facts>();
  net::Security& security = facts_->security;
  security.protocol = SSL_get_version(ssl);
  security.cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(ssl));
  security.resumed = SSL_session_reused(ssl) == 1;
  if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) security.server_name = name;
  const unsigned char* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
  if (alpn_size != 0) facts_->alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  security.alpn = facts_->alpn;
  if (filter_.options().client_auth != ClientAuth::off) {
    const X509Ptr certificate(SSL_get1_peer_certificate(ssl));
    if (certificate) {
      describe(certificate.get(), facts_->certificate);
      facts_->certificate.verified = SSL_get_verify_result(ssl) == X509_V_OK;
      security.certificate = &facts_->certificate;
    }
  }
  counted_ = true;
  (newest ? stats.handshakes_tls_1_3 : stats.handshakes_tls_1_2).fetch_add(1, std::memory_order_relaxed);
  if (security.resumed) stats.resumed.fetch_add(1, std::memory_order_relaxed);
  state_ = State::open;
  // What is left of the server's part (session tickets) goes out with the first answer, if that comes in this turn.
  if (unsent() != 0) filter_.loop().defer(*this);
} catch (const std::bad_alloc&) {
  handshake_failed(TlsFailure::other);
}

void TlsStream::advance() noexcept {
  step();
  if (state_ == State::handshake) return update_interest();
  update_interest();
  if (handler_ == nullptr) return;
  if (state_ == State::failed) {
    // Whoever wants to read finds the end.
    if (want_read_) {
      tell([this] { handler_->on_readable(); });
    } else {
      tell([this] { handler_->on_hangup(); });
    }
    return;
  }
  if (want_read_ && buffered() && !tell([this] { handler_->on_readable(); })) return;
  if (handler_ != nullptr && want_write_ && state_ == State::open && !closed()) {
    tell([this] { handler_->on_writable(); });
  }
}

// --- reading ---

bool TlsStream::buffered() const noexcept {
  return state_ == State::failed || (state_ == State::open && ssl_ && !starved_ && SSL_has_pending(ssl_.get()) == 1);
}

IoResult TlsStream::read(std::span<char> into) noexcept {
  if (state_ == State::handshake && !in_line_) {
    // Who reads without having been told to, as the server does before it closes what is too much for it, waits too.
    if (filter_.admit(*this)) {
      step();
    } else {
      update_interest();
    }
  }
  if (state_ == State::failed) return IoResult::end();
  if (!ssl_) return closed() ? IoResult::failed(EBADF) : IoResult::blocked();
  if (state_ == State::handshake) return IoResult::blocked();
  if (into.empty()) return IoResult::moved(0);
  if (unsent() >= unsent_limit) {
    const Drain drained = drain_outgoing();
    if (drained == Drain::failed) return IoResult::failed(write_error_);
    if (drained == Drain::blocked) {
      update_interest();  // Not to be asked again before something has left.
      return IoResult::blocked();
    }
  }

  std::size_t moved = 0;
  may_read_ = read_bytes;
  starved_ = false;
  ERR_clear_error();
  do {
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_.get(), into.data() + moved, into.size() - moved, &got);
    if (result != 1) {
      if (moved != 0) break;
      return read_failed(result);
    }
    moved += got;
    may_read_ += static_cast<std::int64_t>(got);
  } while (moved < into.size() && SSL_has_pending(ssl_.get()) == 1);
  if (want_read_ && handler_ != nullptr && buffered()) filter_.loop().defer(*this);
  return IoResult::moved(moved);
}

IoResult TlsStream::read_failed(int result) noexcept {
  const int error = SSL_get_error(ssl_.get(), result);
  if (unsent() != 0 && !blocked_) filter_.loop().defer(*this);  // an alert, or the answer to a key update
  if (error == SSL_ERROR_WANT_READ) return IoResult::blocked();
  if (error == SSL_ERROR_ZERO_RETURN) return IoResult::end();
  ERR_clear_error();
  // The end without close_notify: HTTP knows by itself whether its messages are whole (RFC 9112 section 9.8).
  if (ended_) return IoResult::end();
  static_cast<void>(drain_outgoing());
  return IoResult::failed(read_error_ != 0 ? read_error_ : EPROTO);
}

// --- writing ---

TlsStream::Drain TlsStream::drain_outgoing() noexcept {
  while (unsent() != 0) {
    const IoResult result = below_->write(outgoing_.data() + sent_, unsent());
    if (result.would_block()) {
      blocked_ = true;
      flows_ = false;
      keep_the_rest();
      return Drain::blocked;
    }
    if (!result.ok()) {
      write_error_ = result.error_number;
      return Drain::failed;
    }
    sent_ += result.bytes;
  }
  flows_ = !blocked_;
  blocked_ = false;
  outgoing_.release();
  sent_ = 0;
  return Drain::done;
}

/// What a slow client has not taken moves to a block of its size.
void TlsStream::keep_the_rest() noexcept try {
  if (unsent() > outgoing_.capacity() / 4) return;
  Buffer rest(outgoing_.view().substr(sent_));
  outgoing_ = std::move(rest);
  sent_ = 0;
} catch (const std::bad_alloc&) {
  // It stays where it is.
}

std::size_t TlsStream::batch() const noexcept {
  return flows_ ? batch_bytes : slow_batch_bytes;
}

/// Room for all of a batch at once: to grow record by record would copy what is there already.
void TlsStream::make_room(std::size_t plain) {
  static_cast<void>(outgoing_.reserve_more(plain + (plain / record_bytes + 1) * record_overhead));
}

std::size_t TlsStream::encrypt(const char* data, std::size_t size) {
  std::size_t taken = 0;
  while (taken < size) {
    std::size_t written = 0;
    if (SSL_write_ex(ssl_.get(), data + taken, size - taken, &written) != 1) {
      if (write_error_ == 0) write_error_ = EPROTO;
      break;
    }
    taken += written;
  }
  return taken;
}

/// After encrypting: sends it, and says what became of the caller's bytes.
IoResult TlsStream::result_of_write(std::size_t moved) noexcept {
  if (write_error_ != 0 || drain_outgoing() == Drain::failed) return IoResult::failed(write_error_);
  if (blocked_) update_interest();
  return IoResult::moved(moved);
}

IoResult TlsStream::write(std::span<const iovec> pieces) noexcept try {
  if (state_ == State::handshake && !closed()) return IoResult::blocked();
  if (!ssl_ || state_ == State::failed || shut_) return IoResult::failed(closed() ? EBADF : EPIPE);
  if (blocked_) {
    const Drain drained = drain_outgoing();
    if (drained == Drain::failed) return IoResult::failed(write_error_);
    if (drained == Drain::blocked) return IoResult::blocked();
  }
  ERR_clear_error();
  const std::size_t most = batch();
  std::size_t wanted = 0;
  for (const iovec& piece : pieces) wanted += std::min(piece.iov_len, most - wanted);
  make_room(wanted);
  std::size_t moved = 0;
  Buffer& gathered = filter_.scratch();
  gathered.clear();
  for (const iovec& piece : pieces) {
    const auto* data = static_cast<const char*>(piece.iov_base);
    std::size_t left = std::min(piece.iov_len, most - std::min(moved + gathered.size(), most));
    // Small pieces share a record; a large one is encrypted from where it lies.
    if (gathered.size() != 0 || (left < record_bytes && pieces.size() != 1)) {
      const std::size_t part = std::min(left, record_bytes - gathered.size());
      gathered.append({data, part});
      data += part;
      left -= part;
      if (gathered.size() == record_bytes) {
        moved += encrypt(gathered.data(), gathered.size());
        gathered.clear();
      }
    }
    if (left != 0) moved += encrypt(data, left);
    if (write_error_ != 0 || moved + gathered.size() >= most) break;
  }
  if (!gathered.empty() && write_error_ == 0) moved += encrypt(gathered.data(), gathered.size());
  gathered.clear();
  return result_of_write(moved);
} catch (const std::bad_alloc&) {
  return IoResult::failed(ENOMEM);
}

IoResult TlsStream::send_file(int fd, std::uint64_t offset, std::size_t count) noexcept try {
  if (state_ == State::handshake && !closed()) return IoResult::blocked();
  if (!ssl_ || state_ == State::failed || shut_) return IoResult::failed(closed() ? EBADF : EPIPE);
  if (blocked_) {
    const Drain drained = drain_outgoing();
    if (drained == Drain::failed) return IoResult::failed(write_error_);
    if (drained == Drain::blocked) return IoResult::blocked();
  }
  if (in_kernel_) {
    const Drain drained = drain_outgoing();
    if (drained != Drain::done) return drained == Drain::blocked ? IoResult::blocked() : IoResult::failed(write_error_);
    return below_->send_file(fd, offset, count);
  }
  Buffer& block = filter_.scratch();
  block.clear();
  char* to = block.reserve_more(file_bytes);
  const std::size_t wanted = std::min(count, batch());
  make_room(wanted);
  ERR_clear_error();
  std::size_t moved = 0;
  while (moved < wanted && write_error_ == 0) {
    const ssize_t got = ::pread(fd, to, std::min(wanted - moved, file_bytes), static_cast<off_t>(offset + moved));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && moved == 0) return IoResult::failed(errno);
    if (got <= 0) break;  // The next call finds the same.
    moved += encrypt(to, static_cast<std::size_t>(got));
  }
  if (moved == 0 && write_error_ == 0) return IoResult::moved(0);
  return result_of_write(moved);
} catch (const std::bad_alloc&) {
  return IoResult::failed(ENOMEM);
}

// --- interest and events ---

void TlsStream::set_handler(net::StreamHandler* handler) noexcept {
  handler_ = handler;
  below_->set_handler(handler != nullptr || blocked_ ? static_cast<net::StreamHandler*>(this) : nullptr);
  update_interest();
}

void TlsStream::want(bool read, bool write) noexcept {
  want_read_ = read;
  want_write_ = write;
  update_interest();
}

void TlsStream::update_interest() noexcept {
  if (closed()) return;
  bool read = handler_ != nullptr && want_read_;
  bool write = blocked_;
  if (state_ == State::handshake) {
    read = !in_line_;
  } else if (state_ == State::open) {
    write = write || (handler_ != nullptr && want_write_);
    read = read && unsent() < unsent_limit;
    if (read && buffered()) filter_.loop().defer(*this);
  } else {
    if (read) filter_.loop().defer(*this);
    read = false;
  }
  below_->want(read, write);
}

template <class Call>
bool TlsStream::tell(Call call) noexcept {
  bool destroyed = false;
  bool* const outer = std::exchange(destroyed_, &destroyed);
  call();
  if (destroyed) {
    if (outer != nullptr) *outer = true;
    return false;
  }
  destroyed_ = outer;
  return true;
}

void TlsStream::on_readable() noexcept {
  starved_ = false;
  if (state_ == State::handshake) {
    if (in_line_) return;
    if (!filter_.admit(*this)) return update_interest();
    return advance();
  }
  if (handler_ != nullptr && want_read_) tell([this] { handler_->on_readable(); });
}

void TlsStream::on_writable() noexcept {
  if (blocked_) {
    const Drain drained = drain_outgoing();
    if (drained == Drain::blocked) return update_interest();
    if (drained == Drain::done && shut_) below_->shutdown_write();
    if (drained == Drain::failed) {
      // read() and write() tell it from now on.
      blocked_ = false;
      outgoing_.release();
      sent_ = 0;
    }
    update_interest();
    if (state_ == State::handshake) return;
  }
  if (handler_ != nullptr && want_write_) tell([this] { handler_->on_writable(); });
}

void TlsStream::on_hangup() noexcept {
  if (state_ == State::handshake) {
    count_failure(TlsFailure::closed_by_client);
    filter_.forget(*this);
    state_ = State::failed;
  }
  if (handler_ != nullptr) tell([this] { handler_->on_hangup(); });
}

void TlsStream::on_peer_closed() noexcept {
  if (state_ == State::handshake) return;  // The next step finds it.
  if (handler_ != nullptr) tell([this] { handler_->on_peer_closed(); });
}

void TlsStream::on_deferred() noexcept {
  if (closed()) return;
  if (unsent() != 0 && !blocked_) {
    static_cast<void>(drain_outgoing());
    if (blocked_) update_interest();
  }
  if (handler_ == nullptr || !want_read_ || !buffered()) return;
  if (!tell([this] { handler_->on_readable(); })) return;
  if (handler_ != nullptr && want_read_ && !closed() && buffered()) filter_.loop().defer(*this);
}

// --- the end ---

void TlsStream::send_close_notify() noexcept {
  if (state_ != State::open || !ssl_ || shut_) return;
  shut_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  static_cast<void>(drain_outgoing());
}

void TlsStream::shutdown_write() noexcept {
  if (closed() || shut_) return;
  send_close_notify();
  shut_ = true;
  if (blocked_) return update_interest();  // on_writable() goes on
  below_->shutdown_write();
}

void TlsStream::close(bool reset) noexcept {
  if (below_->closed()) return;
  filter_.forget(*this);
  if (state_ == State::handshake) {
    // A stream that nobody spoke on has had no handshake.
    if (ssl_) count_failure(TlsFailure::timeout);
  } else if (!reset) {
    send_close_notify();
  }
  take_back();
  ssl_.reset();
  outgoing_.release();
  sent_ = 0;
  blocked_ = false;
  below_->close(reset);
}

}  // namespace weir::tls
