// Sets of fields that every serializer of responses knows.
#pragma once

#include "weir/http/header_id.hpp"

namespace weir::http {

/// What belongs to one connection or to the framing of its messages: the serializer of each version decides about it,
/// and whatever a response says of it is not sent (RFC 9110 section 7.6.1, RFC 9113 section 8.2.2).
inline constexpr HeaderSet framing_fields =
    HeaderSet::of(HeaderId::content_length, HeaderId::transfer_encoding, HeaderId::connection, HeaderId::keep_alive,
                  HeaderId::te, HeaderId::proxy_connection, HeaderId::upgrade);

/// Fields that are not sent as trailers (RFC 9110 section 6.5.1).
inline constexpr HeaderSet forbidden_trailers = [] {
  HeaderSet set = HeaderSet::of(HeaderId::host, HeaderId::trailer, HeaderId::expect, HeaderId::authorization,
                                HeaderId::proxy_authorization, HeaderId::www_authenticate, HeaderId::cookie,
                                HeaderId::set_cookie, HeaderId::content_encoding, HeaderId::content_type,
                                HeaderId::content_range, HeaderId::cache_control, HeaderId::location);
  set |= framing_fields;
  return set;
}();

}  // namespace weir::http
