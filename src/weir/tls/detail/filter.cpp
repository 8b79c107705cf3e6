#include "weir/tls/detail/filter.hpp"

#include <new>
#include <utility>

#include "weir/tls/detail/tls_stream.hpp"

namespace weir::tls {

std::unique_ptr<net::Stream> TlsFilter::wrap(std::unique_ptr<net::Stream> stream) noexcept try {
  return std::make_unique<TlsStream>(*this, std::move(stream));
} catch (const std::bad_alloc&) {
  return nullptr;
}

const std::shared_ptr<const CredentialSet>& TlsFilter::credentials() {
  if (const std::uint64_t version = context_.version(); version_ != version) {
    credentials_ = context_.credentials();
    version_ = version;
  }
  return credentials_;
}

bool TlsFilter::admit(TlsStream& stream) noexcept {
  const std::uint64_t turn = loop_.stats().turns.load(std::memory_order_relaxed);
  if (turn != turn_) {
    turn_ = turn;
    spent_ = {};
  }
  if (first_ == nullptr && spent_ < handshake_share) return true;
  stats().deferred.fetch_add(1, std::memory_order_relaxed);
  stream.previous_in_line_ = last_;
  stream.next_in_line_ = nullptr;
  (last_ == nullptr ? first_ : last_->next_in_line_) = &stream;
  last_ = &stream;
  stream.in_line_ = true;
  loop_.defer(*this);
  return false;
}

void TlsFilter::forget(TlsStream& stream) noexcept {
  if (!stream.in_line_) return;
  TlsStream* const before = stream.previous_in_line_;
  TlsStream* const after = stream.next_in_line_;
  (before == nullptr ? first_ : before->next_in_line_) = after;
  (after == nullptr ? last_ : after->previous_in_line_) = before;
  stream.in_line_ = false;
}

void TlsFilter::on_deferred() noexcept {
  const std::uint64_t turn = loop_.stats().turns.load(std::memory_order_relaxed);
  if (turn != turn_) {
    turn_ = turn;
    spent_ = {};
  }
  while (first_ != nullptr && spent_ < handshake_share) {
    TlsStream& stream = *first_;
    forget(stream);
    stream.advance();
  }
  if (first_ != nullptr) loop_.defer(*this);
}

}  // namespace weir::tls
