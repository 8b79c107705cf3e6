// For tests of HTTP/1.x connections: a client that sends and receives bytes.
#pragma once

#include <string>
#include <string_view>

#include "weir/server/connection_test_support.hpp"

namespace weir::server {

class Http1ConnectionTest : public ConnectionTest {
 protected:
  Http1ConnectionTest() { make_worker(); }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const net::IoResult result = stream_->write(bytes.data(), bytes.size());
      if (result.ok()) {
        bytes.remove_prefix(result.bytes);
      } else if (!result.would_block()) {
        return;
      }
      loop_.run_until_idle();
    }
    loop_.run_until_idle();
  }
  /// Everything that has come; `closed_` tells whether the server has closed.
  std::string receive() {
    std::string all;
    char buffer[65536];
    for (int quiet = 0; quiet < 2;) {
      const net::IoResult result = stream_->read(buffer);
      if (result.ok()) {
        all.append(buffer, result.bytes);
        quiet = 0;
      } else {
        closed_ = closed_ || !result.would_block();
        ++quiet;
      }
      loop_.run_until_idle();
    }
    return all;
  }
  std::string exchange(std::string_view bytes) {
    send(bytes);
    return receive();
  }
};

inline std::size_t count(std::string_view text_, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text_.find(what); at != std::string_view::npos; at = text_.find(what, at + 1)) ++n;
  return n;
}

}  // namespace weir::server
