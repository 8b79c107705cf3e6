// The head of a request that comes as a list of fields (RFC 9113 section 8.3), put together into an http::Request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "weir/base/arena.hpp"
#include "weir/http/headers.hpp"
#include "weir/http/message.hpp"

namespace weir::http2 {

struct HeadLimits {
  std::size_t target_bytes = 8 * 1024;   ///< Of :path; more is 414.
  std::size_t header_bytes = 16 * 1024;  ///< Names and values as they were before compression; more is 431.
  std::size_t header_count = 100;        ///< Fields; more is 431. Also bounded by the slots given.
};

/// Takes the fields of one request, in their order, and copies them into the arena of its exchange: the views of
/// request() live as long as the arena's contents. Which pseudo-header fields there must be and of which characters the
/// texts are made is checked before, by the session.
///
/// What is over a limit is not stored, but it has to be received to the end, because the compression of all later
/// heads depends on it: refusal() says then what to answer.
class RequestHead {
 public:
  /// Nothing is stored before begin(): a head without an exchange refuses what it gets.
  RequestHead() noexcept = default;
  void begin(std::span<http::HeaderField> slots, Arena& arena, const HeadLimits& limits) noexcept;

  /// One field; `name` is in lower case, as the wire demands. False when the head is so far over its limits that the
  /// connection is better cut than listened to.
  bool add(std::string_view name, std::string_view value) noexcept;
  /// All fields have been added. False: no request comes out of them (RFC 9113 section 8.1.1: a stream error).
  bool finish() noexcept;

  /// After finish(). Its scheme is what the client claims.
  [[nodiscard]] const http::Request& request() const noexcept { return request_; }
  /// Not ok: the request is to be refused with this.
  [[nodiscard]] http::Status refusal() const noexcept { return refusal_; }
  [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept { return content_length_; }
  /// Expect: 100-continue.
  [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
  /// :protocol of an extended CONNECT (RFC 8441); empty without one.
  [[nodiscard]] std::string_view protocol() const noexcept { return protocol_; }

 private:
  bool add_pseudo(std::string_view name, std::string_view value);
  void refuse(http::Status status) noexcept {
    if (refusal_ == http::Status::ok) refusal_ = status;
  }
  bool push(http::HeaderId id, std::string_view name, std::string_view value) noexcept;
  bool split_path() noexcept;
  bool settle_authority() noexcept;
  void join_cookies();

  http::Request request_;
  http::HeaderField* slots_ = nullptr;
  Arena* arena_ = nullptr;
  HeadLimits limits_;
  std::size_t slot_count_ = 0;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  http::HeaderSet present_;
  std::string_view protocol_;
  std::optional<std::uint64_t> content_length_;
  http::Status refusal_ = http::Status::ok;
  bool expects_continue_ = false;
  bool several_cookies_ = false;
  bool several_hosts_ = false;
};

}  // namespace weir::http2
