// docs/guide/async.md
#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "support.hpp"

namespace guide {
namespace {

using namespace std::chrono_literals;

// [coroutine]
/// A function that waits without a thread: parameters by value, for it may go on after its caller returned.
weir::Task<std::string> greet_later(weir::EventLoop& loop, std::string name, weir::StopToken stop) {
  weir::Result<void> slept = co_await loop.sleep(100ms, stop);
  if (!slept) co_return "never mind";
  co_return "hello " + name;
}
// [/coroutine]

TEST(Async, HandlersMayWait) {
  weir::App app(quiet());
  // [handler]
  app.get("/later/{name}", [](weir::Context& ctx, weir::Path<std::string> name) -> weir::Task<std::string> {
    weir::Task<std::string> greeting = greet_later(ctx.loop(), name.value, ctx.stop_token());
    std::string text = co_await std::move(greeting);
    co_return text;
  });
  // [/handler]
  weir::TestClient client = app.test();
  client.send({weir::Method::get, "/later/ada", {}, {}});
  EXPECT_EQ(client.received(), "");
  client.advance(100ms);
  EXPECT_EQ(client.receive().body, "hello ada");
}

// [database]
struct Database {
  // Blocks its thread.
  std::string query(const std::string& text) {
    std::this_thread::yield();
    return "result of " + text;
  }
};
// [/database]

TEST(Async, BlockingWorkHasAPool) {
  weir::App app(quiet());
  // [blocking]
  auto& database = app.state(Database{});

  app.get(
      "/query/{text}", [&](weir::Context& ctx, weir::Path<std::string> text) -> weir::Task<weir::Result<std::string>> {
        // Named first, as the rules say. It owns the text, because it may run on after the client has gone.
        auto call = app.blocking().run([&database, text = *text] { return database.query(text); }, ctx.stop_token());
        weir::Result<std::string> found = co_await call;
        co_return found;
      });
  // [/blocking]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/query/a").body, "result of a");
}

// [connections]
/// Connections that callers take in turns. With as many as the pool has threads nobody waits for one.
class Connections {
 public:
  explicit Connections(std::size_t count) {
    while (free_.size() < count) free_.push_back(std::make_unique<Database>());
  }

  /// Calls `use` with a connection that nobody else has meanwhile. Blocks: for the pool.
  template <class F>
  auto with(F use) {
    const Lease lease(*this);
    return use(*lease.connection);
  }

 private:
  struct Lease {
    explicit Lease(Connections& all) : from(all) {
      std::unique_lock lock(from.mutex_);
      from.returned_.wait(lock, [this] { return !from.free_.empty(); });
      connection = std::move(from.free_.back());
      from.free_.pop_back();
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {  // also when `use` throws
      const std::lock_guard lock(from.mutex_);
      from.free_.push_back(std::move(connection));
      from.returned_.notify_one();
    }
    Connections& from;
    std::unique_ptr<Database> connection;
  };
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Database>> free_;
};
// [/connections]

TEST(Async, ConnectionsAreTakenInTurns) {
  weir::App app(quiet());
  // [pooled]
  auto& connections = app.make_state<Connections>(app.options().blocking_threads);
  app.get("/rows/{id}", [&](weir::Context& ctx, weir::Path<int> id) -> weir::Task<weir::Result<std::string>> {
    auto call = app.blocking().run(
        [&connections, id = *id] {
          return connections.with([id](Database& database) { return database.query("row " + std::to_string(id)); });
        },
        ctx.stop_token());
    weir::Result<std::string> row = co_await call;
    co_return row;
  });
  // [/pooled]
  weir::TestClient client = app.test();
  for (int id = 0; id < 10; ++id) {  // more than there are connections: they come back
    EXPECT_EQ(client.get("/rows/" + std::to_string(id)).body, "result of row " + std::to_string(id));
  }
}

struct Mail {
  std::string to;
  std::string text;
};
weir::Task<bool> send_mail(weir::EventLoop& loop, Mail mail) {
  co_await loop.schedule();
  co_return !mail.to.empty();
}

// [jobs]
/// What handlers leave to be done, by one thread beside the event loops.
class Jobs {
 public:
  void push(std::string job) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(job));
    changed_.notify_one();
  }
  /// Does jobs until it is asked to stop; those that wait by then are done, too.
  void work(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
      [[maybe_unused]] const std::string job = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      done_.fetch_add(1);  // … what takes long
      lock.lock();
    }
  }
  [[nodiscard]] int done() const { return done_.load(); }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::string> waiting_;
  std::atomic<int> done_{0};
};
// [/jobs]

TEST(Async, WorkGoesOnBesideRequests) {
  const std::string log = testing::TempDir() + "weir-guide-jobs-" + std::to_string(::getpid()) + ".log";
  weir::AppOptions options;
  options.log.file = log;
  options.listen = {"127.0.0.1:0"};
  options.threads = 1;
  weir::App app(options);
  bool well = false;
  app.on_start([&well]() -> weir::Result<void> {
    if (!well) return weir::unavailable("not yet");
    return {};
  });
  // [worker]
  auto& jobs = app.make_state<Jobs>();
  std::jthread worker;
  app.on_start([&]() -> weir::Result<void> {
    worker = std::jthread([&jobs](std::stop_token stop) { jobs.work(std::move(stop)); });
    return {};
  });
  app.on_stop([&worker] { worker = std::jthread(); });  // asks it to stop, if there is one, and waits
  app.post("/reports", [](weir::State<Jobs> queue) {
    queue->push("report");
    return weir::accepted(std::string("it is being made"));
  });
  // [/worker]
  EXPECT_EQ(app.test().post("/reports", "text/plain", "").status, 202);
  EXPECT_FALSE(app.start());  // The worker does not begin, and its stop hook is called all the same.
  well = true;
  ASSERT_TRUE(app.start());
  app.stop(0s);  // The job was left before the worker began; it is done before the worker ends.
  EXPECT_EQ(jobs.done(), 1);
  EXPECT_FALSE(worker.joinable());
  std::ifstream file(log);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}).find("threw"), std::string::npos);
  std::filesystem::remove(log);
}

TEST(Async, TemporariesAreNamed) {
  weir::App app(quiet());
  // [named]
  app.post("/mails/{to}", [](weir::Context& ctx, weir::Path<std::string> to) -> weir::Task<std::string> {
    Mail mail{*to, "hello"};  // not: co_await send_mail(ctx.loop(), Mail{*to, "hello"})
    bool sent = co_await send_mail(ctx.loop(), std::move(mail));
    co_return sent ? "sent" : "not sent";
  });
  // [/named]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.post("/mails/ada", "text/plain", "").body, "sent");
}

TEST(Async, DeadlinesCancel) {
  weir::App app(quiet());
  weir::StopReason seen = weir::StopReason::none;
  // [cancel]
  app.get("/slow",
          [&seen](weir::Context& ctx) -> weir::Task<weir::Result<std::string>> {
            weir::Result<void> slept = co_await ctx.loop().sleep(1h, ctx.stop_token());
            if (!slept) {
              seen = ctx.stop_token().reason();  // deadline, gone (the client) or shutdown
              co_return weir::fail(std::move(slept.error()));
            }
            co_return "done";
          })
      .timeout(2s);
  // [/cancel]
  weir::TestClient client = app.test();
  client.send({weir::Method::get, "/slow", {}, {}});
  client.advance(2s);
  EXPECT_EQ(client.receive().status, 503);
  EXPECT_EQ(seen, weir::StopReason::deadline);
  client.send({weir::Method::get, "/slow", {}, {}});
  client.disconnect();
  EXPECT_EQ(seen, weir::StopReason::gone);
}

TEST(Async, BodiesAreStreamed) {
  weir::App app(quiet());
  // [stream]
  app.get("/numbers.csv", [](weir::Query<std::optional<int>, "count"> count) {
    return weir::stream("text/csv", [n = count->value_or(3)](weir::BodyWriter& out) -> weir::Task<weir::Result<void>> {
      for (int i = 1; i <= n; ++i) {
        const std::string line = std::to_string(i) + "," + std::to_string(std::int64_t{i} * i) + "\n";
        weir::Result<void> written = co_await out.write(line);  // waits for a slow reader
        if (!written) co_return written;                        // the client has gone
      }
      co_return weir::Result<void>();
    });
  });
  // [/stream]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/numbers.csv").body, "1,1\n2,4\n3,9\n");
}

TEST(Async, EventsAreSent) {
  weir::App app(quiet());
  // [sse]
  app.get("/countdown", [] {
    return weir::sse([](weir::EventStream& events) -> weir::Task<weir::Result<void>> {
      for (int n = 3; n > 0; --n) {
        const std::string text = std::to_string(n);
        const weir::SseEvent event{.event = "count", .data = text};  // named: see the rules above
        weir::Result<void> sent = co_await events.send(event);
        if (!sent) co_return sent;
        weir::Result<void> slept = co_await events.sleep(1s);
        if (!slept) co_return weir::Result<void>();  // the client has gone, or the server drains
      }
      co_return weir::Result<void>();
    });
  });
  // [/sse]
  weir::TestClient client = app.test();
  client.send({weir::Method::get, "/countdown", {}, {}});
  EXPECT_NE(client.received().find("event: count\ndata: 3\n\n"), std::string::npos) << client.received();
  EXPECT_EQ(client.received().find("data: 2"), std::string::npos);
  client.advance(1s);
  EXPECT_NE(client.received().find("data: 2"), std::string::npos);
}

TEST(Async, EventsReachAll) {
  weir::App app(quiet());
  // [broadcast]
  auto& changes = app.make_state<weir::Broadcast<weir::SseMessage>>(weir::BroadcastOptions{.history = 100});
  app.get("/changes", [&changes] { return weir::sse(changes); });
  app.post("/changes", [&changes](weir::RawBody body) {
    changes.publish({.event = "change", .data = std::string(*body)});  // any thread
  });
  // [/broadcast]
  weir::TestClient reader = app.test();
  reader.send({weir::Method::get, "/changes", {}, {}});
  weir::TestClient writer = app.test();
  EXPECT_EQ(writer.post("/changes", "text/plain", "hello").status, 204);
  reader.advance(0s);
  EXPECT_NE(reader.received().find("data: hello"), std::string::npos) << reader.received();
  reader.disconnect();
}

TEST(Async, BodiesAreReadPieceByPiece) {
  weir::App app(quiet());
  // [read]
  app.put("/upload",
          [](weir::Context& ctx) -> weir::Task<weir::Result<std::string>> {
            std::size_t size = 0;
            for (;;) {
              weir::Result<std::string_view> piece = co_await ctx.read();  // the client waits while nobody reads
              if (!piece) co_return weir::fail(std::move(piece.error()));
              if (piece->empty()) break;
              size += piece->size();
            }
            co_return std::to_string(size) + " bytes";
          })
      .body_limit(0);  // any size: it never stands in memory as a whole
  // [/read]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.request({weir::Method::put, "/upload", {}, std::string(6 << 20, 'x')}).body, "6291456 bytes");
}

TEST(Async, FilesAreSent) {
  weir::App app(quiet());
  // [file]
  app.get("/report", [] { return weir::file("/etc/hostname", "text/plain"); });
  // [/file]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/report").status, 200);
}

}  // namespace
}  // namespace guide
