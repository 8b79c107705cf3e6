#include "weir/app/test_client.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <stdexcept>
#include <thread>

#include "weir/app/test_client_impl.hpp"
#include "weir/app/test_websocket.hpp"
#include "weir/http1/response_parser.hpp"

namespace weir {

std::string_view ClientResponse::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : headers) {
    if (http::equals_ignoring_case(key, name)) return value;
  }
  return {};
}

/// One whole response off the front of the input, if it is there.
std::optional<ClientResponse> TestClient::Impl::parse() {
  for (;;) {
    std::string bytes = input;
    bytes.append(http1::padding, '\0');
    const std::string_view view(bytes.data(), input.size());
    std::array<http::HeaderField, server::max_header_count> slots;
    http1::ResponseHead head(slots);
    http1::ResponseParser parser;
    const http1::HeadResult result = parser.parse_head(view, pending.front(), head);
    if (result.state != http1::ParseState::complete) return std::nullopt;
    ClientResponse response;
    response.status = static_cast<int>(http::to_code(head.status));
    for (const http::HeaderField& field : head.headers) response.headers.emplace_back(field.name, field.value);
    std::size_t at = result.size;
    if (head.interim) {
      interim.push_back(std::move(response));
      input.erase(0, at);
      continue;
    }
    response.interim = std::exchange(interim, {});
    parser.begin_body(head, 0);
    while (!parser.body().complete()) {
      http1::BodyResult step = parser.parse_body(view.substr(at));
      at += step.consumed;
      response.body.append(step.data);
      if (step.state == http1::ParseState::error) return std::nullopt;
      if (step.state == http1::ParseState::need_more && step.consumed == 0) {
        if (!ended || parser.close().state != http1::ParseState::complete) return std::nullopt;
        break;
      }
    }
    input.erase(0, at);
    pending.pop_front();
    return response;
  }
}

TestClient::TestClient(App& app) {
  if (Result<void> prepared = app.impl_->prepare(); !prepared) {
    throw std::runtime_error("the application cannot start:\n" + prepared.error().message());
  }
  if (app.impl_->blocking) app.impl_->blocking->start();  // The application may have stopped before.
  impl_ = std::make_unique<Impl>(*app.impl_);
}
TestClient::~TestClient() = default;
TestClient::TestClient(TestClient&&) noexcept = default;
TestClient& TestClient::operator=(TestClient&&) noexcept = default;

TestClient App::test() {
  return TestClient(*this);
}

void TestClient::send(ClientRequest request) {
  impl_->connect();
  std::string& out = impl_->output;
  out += http::to_string(request.method);
  out += ' ';
  out += request.target;
  out += " HTTP/1.1\r\n";
  bool host = false;
  bool framed = false;
  for (const auto& [name, value] : request.headers) {
    out += name + ": " + value + "\r\n";
    host = host || http::equals_ignoring_case(name, "Host");
    framed = framed || http::equals_ignoring_case(name, "Content-Length") ||
             http::equals_ignoring_case(name, "Transfer-Encoding");
  }
  if (!host) out += "Host: test\r\n";
  const bool sends_body = request.method == http::Method::post || request.method == http::Method::put ||
                          request.method == http::Method::patch;
  if (!framed && (!request.body.empty() || sends_body))
    out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  out += "\r\n";
  out += request.body;
  impl_->pending.push_back(request.method);
  impl_->pump();
}

ClientResponse TestClient::receive(Duration limit) {
  if (impl_->pending.empty()) throw std::logic_error("receive(): nothing was sent");
  const auto give_up = std::chrono::steady_clock::now() + limit;
  for (;;) {
    impl_->pump();
    if (std::optional<ClientResponse> response = impl_->parse()) return std::move(*response);
    if (impl_->ended || std::chrono::steady_clock::now() > give_up) return {};
    std::this_thread::sleep_for(std::chrono::microseconds(200));  // Something may come back from the blocking pool.
  }
}

ClientResponse TestClient::request(ClientRequest request) {
  send(std::move(request));
  return receive();
}
ClientResponse TestClient::get(std::string_view target, Headers headers) {
  return request({http::Method::get, std::string(target), std::move(headers), {}});
}
ClientResponse TestClient::del(std::string_view target, Headers headers) {
  return request({http::Method::del, std::string(target), std::move(headers), {}});
}
ClientResponse TestClient::head(std::string_view target, Headers headers) {
  return request({http::Method::head, std::string(target), std::move(headers), {}});
}
ClientResponse TestClient::post(std::string_view target, std::string_view media_type, std::string_view body,
                                Headers headers) {
  headers.emplace_back("Content-Type", media_type);
  return request({http::Method::post, std::string(target), std::move(headers), std::string(body)});
}

std::string TestClient::received() const {
  return impl_->input;
}

void TestClient::advance(Duration by) {
  impl_->clock.advance(by);
  impl_->pump();
}

TestWebSocket TestClient::websocket(std::string_view target, Headers headers) {
  return TestWebSocket(*this, target, headers);
}

void TestClient::disconnect() {
  impl_->stream.reset();
  impl_->ended = true;
  impl_->loop.run_until_idle();
}

}  // namespace weir
