#include "weir/tls/context.hpp"

#include <utility>

#include "weir/tls/detail/credentials.hpp"
#include "weir/tls/detail/filter.hpp"
#include "weir/tls/detail/ticket_keys.hpp"

namespace weir {

std::string_view to_string(TlsFailure failure) noexcept {
  static constexpr std::array<std::string_view, tls_failures> names = {
      "not_tls",           "version",          "cipher",  "alpn", "certificate_missing", "certificate_rejected",
      "refused_by_client", "closed_by_client", "timeout", "other"};
  return names[static_cast<std::size_t>(failure)];
}

TlsContext::TlsContext(TlsOptions options, Logger log, Clock& clock)
    : options_(std::move(options)),
      log_(log),
      clock_(clock),
      tickets_(std::make_shared<tls::TicketKeys>(clock, options_.ticket_rotation, options_.ticket_lifetime)) {}

TlsContext::~TlsContext() = default;

Result<std::unique_ptr<TlsContext>> TlsContext::create(TlsOptions options, Logger log, Clock& clock) {
  std::unique_ptr<TlsContext> context(new TlsContext(std::move(options), log, clock));
  context->seen_ = tls::fingerprint_of_files(context->options_);
  auto loaded = tls::CredentialSet::load(context->options_, context->tickets_, clock, log, context->stats_);
  if (!loaded) return std::unexpected(std::move(loaded.error()));
  context->stats_.expiry.store((*loaded)->expiry(), std::memory_order_relaxed);
  context->current_ = std::move(*loaded);
  return context;
}

Result<void> TlsContext::reload() {
  const std::lock_guard one_at_a_time(reloading_);
  return load();
}

Result<bool> TlsContext::reload_if_changed() {
  const std::lock_guard one_at_a_time(reloading_);
  if (tls::fingerprint_of_files(options_) == seen_) return false;
  Result<void> loaded = load();
  if (!loaded) return std::unexpected(std::move(loaded.error()));
  return true;
}

Result<void> TlsContext::load() {
  // Before they are read: a change in between is seen the next time.
  seen_ = tls::fingerprint_of_files(options_);
  auto loaded = tls::CredentialSet::load(options_, tickets_, clock_, log_, stats_);
  if (!loaded) {
    stats_.reload_failures.fetch_add(1, std::memory_order_relaxed);
    log_.error("the TLS certificates were not reloaded: the old ones stay", {{"error", loaded.error().message()}});
    return std::unexpected(std::move(loaded.error()));
  }
  stats_.expiry.store((*loaded)->expiry(), std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    current_ = std::move(*loaded);
    version_.fetch_add(1, std::memory_order_release);
  }
  stats_.reloads.fetch_add(1, std::memory_order_relaxed);
  log_.info("the TLS certificates were reloaded");
  return {};
}

std::shared_ptr<const tls::CredentialSet> TlsContext::credentials() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

net::StreamFilterFactory TlsContext::filter() {
  return [this](EventLoop& loop) { return std::make_unique<tls::TlsFilter>(*this, loop); };
}

}  // namespace weir
