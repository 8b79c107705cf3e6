// The bytes of a TLS stream, both ways, until its end.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/uio.h>

#include "weir/tls/tls_stream_test_support.hpp"

namespace weir::tls {
namespace {

TEST_F(TlsStreamTest, CarriesBytesWhateverTheirPieces) {
  serve_plainly();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{100}, net::Faults::never}) {
      net::MemoryStreamOptions options;
      options.client_faults.max_read = options.client_faults.max_write = step;
      options.server_faults = options.client_faults;
      options.server_faults.block_every = 3;
      connect(options);
      EXPECT_EQ(server->stream->security(), nullptr);
      SSL_CTX_set_max_proto_version(client->context(), version);
      client->to_send = std::string(40000, 'x') + "end";
      const std::string expected = client->to_send;
      pump();
      EXPECT_EQ(client->received, expected);
      EXPECT_EQ(security().protocol, version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
      EXPECT_FALSE(security().cipher.empty());
      EXPECT_EQ(server->stream->unsent(), 0u);
    }
  }
  EXPECT_EQ(context->stats().handshakes_tls_1_2.load(), 3u);
  EXPECT_EQ(context->stats().handshakes_tls_1_3.load(), 3u);
}

TEST_F(TlsStreamTest, TellsTheHandlerNothingBeforeTheFirstBytes) {
  serve_plainly();
  connect();
  pump();
  EXPECT_TRUE(client->connected);
  EXPECT_EQ(server->reads, 0);
  ASSERT_NE(server->stream->security(), nullptr);
  client->to_send = "hello";
  pump();
  EXPECT_EQ(server->reads, 1);
}

/// What the client has written meanwhile, as bytes of the wire.
std::string take_wire(TestClient& client) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(SSL_get_wbio(client.ssl()), &data);
  std::string result(data, static_cast<std::size_t>(size));
  static_cast<void>(BIO_reset(SSL_get_wbio(client.ssl())));
  return result;
}

TEST_F(TlsStreamTest, RecordsWithoutContentNeitherFillTheMemoryNorHoldUpTheLoop) {
  serve_plainly();
  for (const std::size_t room : {std::size_t{8} << 20, std::size_t{4000}}) {
    net::MemoryStreamOptions options;
    options.capacity = room;
    connect(options);
    pump();
    ASSERT_TRUE(client->connected);
    for (int i = 0; i < 40000; ++i) {  // Each asks for one in return.
      ASSERT_EQ(SSL_key_update(client->ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
      ASSERT_EQ(SSL_do_handshake(client->ssl()), 1);
    }
    std::string flood = take_wire(*client);
    const auto send = [&] {
      const net::IoResult sent = client->stream().write(flood.data(), flood.size());
      if (sent.ok()) flood.erase(0, sent.bytes);
      return sent.ok();
    };
    ASSERT_TRUE(send());
    loop.run_once(false);
    EXPECT_LT(client->stream().unread(), 100'000u) << "one turn took all of it";
    do {
      loop.run_until_idle();  // It would not end if a stream that is blocked were asked again and again.
    } while (!flood.empty() && send());
    EXPECT_LT(server->stream->unsent(), 400'000u);
    EXPECT_EQ(flood.empty(), room > 1'000'000) << "who does not read is not read from for ever";
    while (!flood.empty()) {
      pump();
      ASSERT_TRUE(send());
    }
    client->to_send = "still here";
    pump();
    EXPECT_EQ(client->received, "still here");
  }
}

TEST_F(TlsStreamTest, OneReadTakesABoundedPartOfWhatHasCome) {
  const auto content = [](TestClient& from, std::size_t size) {
    const std::string text(size, 'x');
    ASSERT_GT(SSL_write(from.ssl(), text.data(), static_cast<int>(size)), 0);
  };
  const auto key_update = [](TestClient& from) {
    ASSERT_EQ(SSL_key_update(from.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(from.ssl()), 1);
  };
  const struct {
    const char* name;
    int records;
    std::function<void(TestClient&, int)> write;
  } floods[] = {
      {"large records", 100, [&](TestClient& to, int) { content(to, 16384); }},
      {"a byte a record", 20000, [&](TestClient& to, int) { content(to, 1); }},
      {"no content", 20000, [&](TestClient& to, int) { key_update(to); }},
      {"hardly any content", 20000, [&](TestClient& to, int i) { i % 700 == 0 ? content(to, 1) : key_update(to); }},
  };
  serve_plainly();
  std::vector<char> room(std::size_t{1} << 20);
  for (const auto& flood : floods) {
    SCOPED_TRACE(flood.name);
    connect({.capacity = std::size_t{8} << 20});
    pump();
    for (int i = 0; i < flood.records; ++i) flood.write(*client, i);
    const std::string wire = take_wire(*client);
    ASSERT_EQ(client->stream().write(wire.data(), wire.size()).bytes, wire.size());
    const net::IoResult result = server->stream->read(room);
    ASSERT_TRUE(result.ok() || result.would_block());
    // 32 KiB beside content and, as that was not spent before its last read, a buffer of OpenSSL's.
    EXPECT_LE(wire.size() - below->unread(), result.bytes + 50'000);
  }
}

TEST_F(TlsStreamTest, APeerThatSendsWithoutEndLetsOthersHaveTheirTurn) {
  serve_plainly();
  connect({.capacity = std::size_t{8} << 20});
  pump();
  const std::string text(4'000'000, 'x');
  ASSERT_GT(SSL_write(client->ssl(), text.data(), static_cast<int>(text.size())), 0);
  const std::string wire = take_wire(*client);
  const std::unique_ptr<TestClient> endless = std::move(client);
  const std::unique_ptr<Echo> busy = std::move(server);
  net::MemoryStream& flooded = *below;
  connect();
  pump();
  ASSERT_EQ(endless->stream().write(wire.data(), wire.size()).bytes, wire.size());
  for (int turn = 1; turn <= 20; ++turn) {
    client->to_send = "x";
    client->pump();
    loop.run_once(false);
    EXPECT_EQ(server->reads, turn);
    EXPECT_GT(flooded.unread(), 3'000'000u);
    EXPECT_GE(busy->reads, turn);
  }
}

TEST_F(TlsStreamTest, CutsBytesThatWereTamperedWith) {
  serve_plainly();
  connect();
  client->to_send = "x";
  pump();
  const std::string record("\x17\x03\x03\x00\x20" + std::string(32, 'z'));
  static_cast<void>(client->stream().write(record.data(), record.size()));
  loop.run_until_idle();
  EXPECT_EQ(server->error, EPROTO);
}

TEST_F(TlsStreamTest, MakesFastWritersWait) {
  serve_plainly();
  connect({.capacity = 20000});
  pump();
  client->reading = false;
  std::string expected;
  for (int i = 0; expected.size() < 3'000'000; ++i) expected += std::to_string(i) + " ";
  server->output = expected;
  server->flush();
  loop.run_until_idle();
  // One batch at most waits encrypted: a large one, since the client took all until now.
  EXPECT_GT(server->output.size(), 2'700'000u);
  EXPECT_LE(server->stream->unsent(), 247'000u);
  EXPECT_GT(server->stream->unsent(), 0u);
  EXPECT_EQ(server->stream->undelivered(), server->stream->unsent() + client->stream().unread());
  client->reading = true;
  pump();
  EXPECT_TRUE(client->received == expected);
  EXPECT_EQ(server->stream->unsent(), 0u);
}

TEST_F(TlsStreamTest, FinishesSendingBeforeItSaysGoodbye) {
  serve_plainly();
  connect({.capacity = 1000});
  pump();
  server->output = std::string(10000, 'x');
  server->flush();
  EXPECT_TRUE(server->output.empty());
  server->stream->shutdown_write();
  pump();
  EXPECT_EQ(client->received.size(), 10000u);
  EXPECT_TRUE(client->closed);
}

TEST_F(TlsStreamTest, GathersPiecesAndSendsFiles) {
  serve_plainly();
  connect();
  pump();
  std::string expected;
  std::vector<std::string> parts;
  for (const std::size_t size : {10, 0, 30000, 5, 16384, 16383, 1, 100000, 7}) {
    parts.emplace_back(size, static_cast<char>('a' + parts.size()));
    expected += parts.back();
  }
  std::string sent;
  for (std::size_t first = 0; first < parts.size();) {
    std::vector<iovec> pieces;
    for (std::size_t i = first; i < parts.size(); ++i) pieces.push_back({parts[i].data(), parts[i].size()});
    const net::IoResult result = server->stream->write(pieces);
    ASSERT_TRUE(result.ok());
    for (std::size_t left = result.bytes; first < parts.size();) {
      const std::size_t part = std::min(left, parts[first].size());
      sent += parts[first].substr(0, part);
      parts[first].erase(0, part);
      left -= part;
      if (!parts[first].empty()) break;
      ++first;
    }
    pump();
  }
  EXPECT_TRUE(client->received == expected);

  client->received.clear();
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  std::fwrite(expected.data(), 1, expected.size(), file);
  std::fflush(file);
  std::size_t at = 3;
  for (;;) {
    const net::IoResult result = server->stream->send_file(::fileno(file), at, expected.size());
    ASSERT_TRUE(result.ok());
    if (result.bytes == 0) break;
    at += result.bytes;
    pump();
  }
  std::fclose(file);
  EXPECT_TRUE(client->received == expected.substr(3));
}

TEST_F(TlsStreamTest, SaysGoodbye) {
  serve_plainly();
  connect();
  client->to_send = "x";
  pump();
  server->stream->shutdown_write();
  pump();
  EXPECT_TRUE(client->closed);
  EXPECT_FALSE(server->ended);
  SSL_shutdown(client->ssl());
  pump();
  EXPECT_TRUE(server->ended);
  server->stream->close(false);
  EXPECT_TRUE(server->stream->closed());
  EXPECT_EQ(server->stream->write("x", 1).error_number, EBADF);
}

TEST_F(TlsStreamTest, AnEndWithoutGoodbyeIsAnEnd) {
  serve_plainly();
  connect();
  client->to_send = "x";
  pump();
  client->stream().shutdown_write();
  pump();
  EXPECT_TRUE(server->ended);
}

}  // namespace
}  // namespace weir::tls
