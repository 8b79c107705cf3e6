#include "weir/websocket/extension.hpp"

#include <algorithm>

namespace weir::websocket {

namespace {

using http::equals_ignoring_case;

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Cuts what stands before the next `separator` outside of quotes off the front of `rest`.
std::string_view cut(std::string_view& rest, char separator) noexcept {
  bool quoted = false;
  std::size_t at = 0;
  for (; at < rest.size(); ++at) {
    if (quoted && rest[at] == '\\' && at + 1 < rest.size()) {
      ++at;
    } else if (rest[at] == '"') {
      quoted = !quoted;
    } else if (rest[at] == separator && !quoted) {
      break;
    }
  }
  const std::string_view piece = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return trim(piece);
}

struct Parameter {
  std::string_view name;
  std::string_view value;
  bool has_value = false;
  bool good = true;
};

/// token [ "=" ( token | quoted-string ) ] (RFC 6455 section 9.1); what is quoted must be a token, too.
Parameter read_parameter(std::string_view text) noexcept {
  Parameter parameter;
  const std::size_t equals = text.find('=');
  parameter.name = trim(text.substr(0, equals));
  if (equals != std::string_view::npos) {
    parameter.has_value = true;
    parameter.value = trim(text.substr(equals + 1));
    if (parameter.value.size() >= 2 && parameter.value.front() == '"' && parameter.value.back() == '"') {
      parameter.value = parameter.value.substr(1, parameter.value.size() - 2);
    }
    parameter.good = http::is_token(parameter.value);
  }
  parameter.good = parameter.good && http::is_token(parameter.name);
  return parameter;
}

/// 8 to 15 without leading zeros (RFC 7692 section 7.1.2), or 0.
std::uint8_t read_bits(std::string_view text) noexcept {
  if (text.size() == 1 && (text[0] == '8' || text[0] == '9')) return static_cast<std::uint8_t>(text[0] - '0');
  if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5') {
    return static_cast<std::uint8_t>(10 + text[1] - '0');
  }
  return 0;
}

/// What a client offers.
struct Offer {
  bool server_no_context = false;
  bool client_no_context = false;
  bool has_server_bits = false;
  bool has_client_bits = false;
  std::uint8_t server_bits = 15;
  std::uint8_t client_bits = 15;
};

bool read_offer(std::string_view parameters, Offer& offer) noexcept {
  while (!parameters.empty()) {
    const Parameter parameter = read_parameter(cut(parameters, ';'));
    if (!parameter.good) return false;
    const auto flag = [&parameter](bool& seen) {
      return !parameter.has_value && !std::exchange(seen, true);  // once, and without a value
    };
    if (equals_ignoring_case(parameter.name, "server_no_context_takeover")) {
      if (!flag(offer.server_no_context)) return false;
    } else if (equals_ignoring_case(parameter.name, "client_no_context_takeover")) {
      if (!flag(offer.client_no_context)) return false;
    } else if (equals_ignoring_case(parameter.name, "server_max_window_bits")) {
      offer.server_bits = read_bits(parameter.value);
      if (std::exchange(offer.has_server_bits, true) || offer.server_bits == 0) return false;
    } else if (equals_ignoring_case(parameter.name, "client_max_window_bits")) {
      // May come without a value: "I can be told" (section 7.1.2.2).
      if (std::exchange(offer.has_client_bits, true)) return false;
      if (parameter.has_value) {
        offer.client_bits = read_bits(parameter.value);
        if (offer.client_bits == 0) return false;
      }
    } else {
      return false;
    }
  }
  return true;
}

std::optional<DeflateAgreement> accept(const Offer& offer, const DeflateLimits& limits) noexcept {
  const auto server_limit = std::clamp<std::uint8_t>(limits.server_window_bits, 9, 15);
  const auto client_limit = std::clamp<std::uint8_t>(limits.client_window_bits, 9, 15);
  DeflateAgreement agreed;
  agreed.server_window_bits = std::min(offer.server_bits, server_limit);
  if (agreed.server_window_bits < 9) return std::nullopt;
  agreed.say_server_bits = offer.has_server_bits || agreed.server_window_bits != 15;
  agreed.server_context = limits.server_context && !offer.server_no_context;
  // A server may forbid what the client did not offer to give up (section 7.1.1.2).
  agreed.client_context = limits.client_context && !offer.client_no_context;
  agreed.client_window_bits = offer.client_bits;
  if (offer.has_client_bits && client_limit < offer.client_bits) {
    agreed.client_window_bits = client_limit;
    agreed.say_client_bits = true;
  }
  return agreed;
}

}  // namespace

std::string DeflateAgreement::to_string() const {
  std::string text = "permessage-deflate";
  if (!server_context) text += "; server_no_context_takeover";
  if (!client_context) text += "; client_no_context_takeover";
  if (say_server_bits) text += "; server_max_window_bits=" + std::to_string(server_window_bits);
  if (say_client_bits) text += "; client_max_window_bits=" + std::to_string(client_window_bits);
  return text;
}

std::optional<DeflateAgreement> negotiate_deflate(std::string_view offers, const DeflateLimits& limits) {
  while (!offers.empty()) {
    std::string_view parameters = cut(offers, ',');
    const std::string_view name = cut(parameters, ';');
    if (!equals_ignoring_case(name, "permessage-deflate")) continue;
    Offer offer;
    if (!read_offer(parameters, offer)) continue;
    if (std::optional<DeflateAgreement> agreed = accept(offer, limits)) return agreed;
  }
  return std::nullopt;
}

std::optional<DeflateAgreement> negotiate_deflate(const http::HeaderView& headers, const DeflateLimits& limits) {
  std::optional<DeflateAgreement> agreed;
  headers.each(http::HeaderId::sec_websocket_extensions, [&](std::string_view offers) {
    if (!agreed) agreed = negotiate_deflate(offers, limits);
  });
  return agreed;
}

}  // namespace weir::websocket
