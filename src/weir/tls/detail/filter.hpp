// TLS for the connections of one listener on one loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "weir/base/buffer.hpp"
#include "weir/net/stream_filter.hpp"
#include "weir/runtime/event_loop.hpp"
#include "weir/tls/context.hpp"
#include "weir/tls/detail/credentials.hpp"

namespace weir::tls {

class TlsStream;

/// A handshake costs as much as a hundred requests. The steps of handshakes take at most `handshake_share` of a turn;
/// those beyond wait in line for the next turns, and the connections that are there are served in between.
class TlsFilter final : public net::StreamFilter, private Deferred {
 public:
  static constexpr std::chrono::microseconds handshake_share{1000};

  TlsFilter(TlsContext& context, EventLoop& loop) noexcept : context_(context), loop_(loop) {}
  std::unique_ptr<net::Stream> wrap(std::unique_ptr<net::Stream> stream) noexcept override;

  [[nodiscard]] EventLoop& loop() const noexcept { return loop_; }
  [[nodiscard]] TlsStats& stats() noexcept { return context_.stats(); }
  [[nodiscard]] const TlsOptions& options() const noexcept { return context_.options(); }
  [[nodiscard]] const Logger& log() const noexcept { return context_.log(); }
  /// Those that new handshakes use.
  const std::shared_ptr<const CredentialSet>& credentials();

  /// Whether a step may be taken in this turn. False: the stream was put in line, and its advance() will be called.
  bool admit(TlsStream& stream) noexcept;
  /// Takes it out of the line.
  void forget(TlsStream& stream) noexcept;

  /// Counts the time of a step against the turn's share.
  class Step {
   public:
    explicit Step(TlsFilter& filter) noexcept : filter_(filter), began_(std::chrono::steady_clock::now()) {}
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
    ~Step() { filter_.spent_ += std::chrono::steady_clock::now() - began_; }

   private:
    TlsFilter& filter_;
    std::chrono::steady_clock::time_point began_;
  };

  /// Room that small pieces are gathered in, and files are read into; in use only within a call.
  [[nodiscard]] Buffer& scratch() noexcept { return scratch_; }

 private:
  void on_deferred() noexcept override;

  TlsContext& context_;
  EventLoop& loop_;
  std::shared_ptr<const CredentialSet> credentials_;
  std::uint64_t version_ = ~std::uint64_t{0};
  TlsStream* first_ = nullptr;  // the line
  TlsStream* last_ = nullptr;
  std::uint64_t turn_ = ~std::uint64_t{0};
  std::chrono::steady_clock::duration spent_{};
  Buffer scratch_;
};

}  // namespace weir::tls
