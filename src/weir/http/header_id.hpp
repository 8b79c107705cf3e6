// The well-known field names (RFC 9110 section 18.4 and the IANA registry), as numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::http {

/// The fields that servers, clients and gateways look at. Everything else is `other`, and is found by its name.
enum class HeaderId : std::uint8_t {
  accept,
  accept_charset,
  accept_encoding,
  accept_language,
  accept_patch,
  accept_ranges,
  access_control_allow_credentials,
  access_control_allow_headers,
  access_control_allow_methods,
  access_control_allow_origin,
  access_control_expose_headers,
  access_control_max_age,
  access_control_request_headers,
  access_control_request_method,
  access_control_request_private_network,
  age,
  allow,
  alt_svc,
  authorization,
  baggage,
  cache_control,
  clear_site_data,
  connection,
  content_disposition,
  content_encoding,
  content_language,
  content_length,
  content_location,
  content_range,
  content_security_policy,
  content_security_policy_report_only,
  content_type,
  cookie,
  cross_origin_embedder_policy,
  cross_origin_opener_policy,
  cross_origin_resource_policy,
  date,
  dnt,
  early_data,
  etag,
  expect,
  expires,
  forwarded,
  from,
  grpc_encoding,
  grpc_message,
  grpc_status,
  grpc_timeout,
  host,
  idempotency_key,
  if_match,
  if_modified_since,
  if_none_match,
  if_range,
  if_unmodified_since,
  keep_alive,
  last_event_id,
  last_modified,
  link,
  location,
  max_forwards,
  origin,
  permissions_policy,
  pragma,
  priority,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  range,
  referer,
  referrer_policy,
  retry_after,
  sec_ch_ua,
  sec_ch_ua_mobile,
  sec_ch_ua_platform,
  sec_fetch_dest,
  sec_fetch_mode,
  sec_fetch_site,
  sec_fetch_user,
  sec_websocket_accept,
  sec_websocket_extensions,
  sec_websocket_key,
  sec_websocket_protocol,
  sec_websocket_version,
  server,
  server_timing,
  set_cookie,
  strict_transport_security,
  te,
  tracestate,
  traceparent,
  trailer,
  transfer_encoding,
  upgrade,
  upgrade_insecure_requests,
  user_agent,
  vary,
  via,
  www_authenticate,
  x_api_key,
  x_content_type_options,
  x_correlation_id,
  x_csrf_token,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_port,
  x_forwarded_prefix,
  x_forwarded_proto,
  x_frame_options,
  x_http_method_override,
  x_idempotency_key,
  x_powered_by,
  x_ratelimit_limit,
  x_ratelimit_remaining,
  x_ratelimit_reset,
  x_real_ip,
  x_request_id,
  x_requested_with,
  x_xss_protection,
  other,
};

inline constexpr std::size_t header_count = static_cast<std::size_t>(HeaderId::other);
static_assert(header_count < 128, "HeaderSet holds 128 bits");

/// The id of a field name, whatever its case; HeaderId::other for names that are not in the list. A few nanoseconds.
HeaderId header_id(std::string_view name) noexcept;

/// The name as it is usually written, for example "Content-Type"; empty for `other`. Static storage.
std::string_view to_string(HeaderId id) noexcept;

/// A set of HeaderId (`other` may be a member too).
class HeaderSet {
 public:
  constexpr HeaderSet() noexcept = default;
  template <class... Ids>
  static constexpr HeaderSet of(Ids... ids) noexcept {
    HeaderSet set;
    (set.insert(ids), ...);
    return set;
  }

  constexpr void insert(HeaderId id) noexcept { bits_[word(id)] |= bit(id); }
  constexpr void erase(HeaderId id) noexcept { bits_[word(id)] &= ~bit(id); }
  [[nodiscard]] constexpr bool contains(HeaderId id) const noexcept { return (bits_[word(id)] & bit(id)) != 0; }
  [[nodiscard]] constexpr bool intersects(const HeaderSet& other) const noexcept {
    return ((bits_[0] & other.bits_[0]) | (bits_[1] & other.bits_[1])) != 0;
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return (bits_[0] | bits_[1]) == 0; }
  constexpr void clear() noexcept { bits_[0] = bits_[1] = 0; }
  constexpr HeaderSet& operator|=(const HeaderSet& other) noexcept {
    bits_[0] |= other.bits_[0];
    bits_[1] |= other.bits_[1];
    return *this;
  }
  friend constexpr bool operator==(const HeaderSet&, const HeaderSet&) noexcept = default;

 private:
  static constexpr std::size_t word(HeaderId id) noexcept { return static_cast<std::size_t>(id) >> 6; }
  static constexpr std::uint64_t bit(HeaderId id) noexcept {
    return std::uint64_t{1} << (static_cast<unsigned>(id) & 63U);
  }
  std::uint64_t bits_[2] = {0, 0};
};

}  // namespace weir::http
