#include "weir/web/forwarded.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "weir/http/authority.hpp"

namespace weir {

namespace {

/// Hops beyond these are not looked at: nobody has so many proxies of his own.
constexpr std::size_t max_hops = 32;

/// The last elements of a list that may be spread over several fields.
class Elements {
 public:
  void add(std::string_view element) noexcept { kept_[count_++ % max_hops] = element; }
  [[nodiscard]] std::size_t size() const noexcept { return std::min(count_, max_hops); }
  /// 0 is the last one.
  [[nodiscard]] std::string_view from_right(std::size_t i) const noexcept { return kept_[(count_ - 1 - i) % max_hops]; }

 private:
  std::array<std::string_view, max_hops> kept_;
  std::size_t count_ = 0;
};

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// An address with or without a port: "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80".
std::optional<net::SocketAddress> address_of(std::string_view text) noexcept {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    text = text.substr(1, end - 1);
  } else if (std::ranges::count(text, ':') == 1) {
    text = text.substr(0, text.find(':'));
  }
  // Anything else would be answered with an error that is made of strings.
  if (text.empty() || text.find_first_not_of("0123456789abcdefABCDEF.:") != std::string_view::npos) return std::nullopt;
  auto address = net::SocketAddress::ip(text, 0);
  if (!address) return std::nullopt;
  return *address;
}

std::string_view scheme_of(std::string_view text) noexcept {
  if (http::equals_ignoring_case(text, "https")) return "https";
  if (http::equals_ignoring_case(text, "http")) return "http";
  return {};
}

std::string_view authority_of(std::string_view text) noexcept {
  return !text.empty() && http::is_authority(text) ? text : std::string_view{};
}

/// Cuts at `separator` outside of quotes; f(std::string_view) for each part. False: a quote was never closed.
template <class F>
bool for_each_part(std::string_view text, char separator, F f) {
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[i] == separator) {
      f(trim(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  f(trim(text.substr(std::min(begin, text.size()))));
  return !quoted;
}

/// One parameter of an element (RFC 7239 section 4). Escapes within quotes are not undone: no address or name has any.
std::string_view parameter(std::string_view element, std::string_view name) noexcept {
  std::string_view found;
  for_each_part(element, ';', [&](std::string_view pair) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || !http::equals_ignoring_case(trim(pair.substr(0, equals)), name)) return;
    found = trim(pair.substr(equals + 1));
    if (found.size() >= 2 && found.front() == '"' && found.back() == '"') found = found.substr(1, found.size() - 2);
  });
  return found;
}

/// How many hops, from the right, were written by trusted proxies; `client` becomes the address at the last of them.
template <class AddressAt>
std::size_t walk(std::size_t hops, const net::CidrSet& trusted, net::SocketAddress& client, AddressAt address_at) {
  for (std::size_t i = 0; i < hops; ++i) {
    const std::optional<net::SocketAddress> address = address_at(i);
    if (!address) return i + 1;  // "unknown" or hidden: no more is known than the proxy before it
    client = *address;
    if (!trusted.contains(client)) return i + 1;
  }
  return hops;
}

}  // namespace

Forwarded read_forwarded(const http::HeaderView& headers, const net::SocketAddress& peer, const net::CidrSet& trusted,
                         ForwardedFields fields) noexcept {
  Forwarded result;
  result.client = peer;
  if (fields == ForwardedFields::forwarded) {
    Elements elements;
    headers.each(http::HeaderId::forwarded, [&](std::string_view value) {
      // A quote that a client left open would make what proxies have appended a part of its own element.
      if (!for_each_part(value, ',', [](std::string_view) {})) return elements.add({});
      for_each_part(value, ',', [&](std::string_view element) {
        if (!element.empty()) elements.add(element);
      });
    });
    const std::size_t hops = walk(elements.size(), trusted, result.client,
                                  [&](std::size_t i) { return address_of(parameter(elements.from_right(i), "for")); });
    if (hops == 0) return result;
    const std::string_view element = elements.from_right(hops - 1);
    result.scheme = scheme_of(parameter(element, "proto"));
    result.authority = authority_of(parameter(element, "host"));
    return result;
  }
  const auto list = [&headers](http::HeaderId id) {
    Elements elements;
    headers.each(id, [&](std::string_view value) {
      http::for_each_token(value, [&](std::string_view element) { elements.add(element); });
    });
    return elements;
  };
  const Elements addresses = list(http::HeaderId::x_forwarded_for);
  const std::size_t hops = walk(addresses.size(), trusted, result.client,
                                [&](std::size_t i) { return address_of(addresses.from_right(i)); });
  // Proxies that replace these fields leave one element, proxies that add to them one each.
  const auto at_client = [hops](const Elements& elements) {
    if (elements.size() == 0) return std::string_view{};
    return elements.from_right(std::min(std::max<std::size_t>(hops, 1), elements.size()) - 1);
  };
  result.scheme = scheme_of(at_client(list(http::HeaderId::x_forwarded_proto)));
  result.authority = authority_of(at_client(list(http::HeaderId::x_forwarded_host)));
  return result;
}

}  // namespace weir
