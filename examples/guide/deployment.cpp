// docs/guide/deployment.md
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

#include "support.hpp"

namespace guide {
namespace {

using namespace std::chrono_literals;

weir::AppOptions production_options() {
  // [options]
  weir::AppOptions options;
  options.name = "orders";
  options.listen = {"0.0.0.0:8080"};
  options.admin_listen = "127.0.0.1:9090";  // metrics, loggers, details: not for the public
  options.log.file = "-";                   // standard output
  options.drain_delay = 5s;                 // readiness fails, requests are still taken
  options.drain_timeout = 30s;              // then running requests may end
  options.limits.body_bytes = 1 << 20;
  options.limits.connections = 20000;
  options.production.body_limit.bytes = 1 << 20;
  options.operations.info.version = "1.4.2";
  // [/options]
  return options;
}

/// Where the orders are kept. It is there before the routes are checked, and opened when the place is known.
struct Orders {
  weir::Result<void> open(const std::string& file) {
    if (file.empty()) return weir::bad_request("there is no database");
    opened = file;
    return {};
  }
  std::string opened;
};

std::string from_environment(const char* name, std::string otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : std::move(otherwise);
}

TEST(Deployment, ReadsOptionsOfItsOwn) {
  weir::AppOptions options = quiet();
  options.listen = {"127.0.0.1:0"};
  options.threads = 1;
  weir::App app(options);
  // [own_option]
  std::string database = from_environment("ORDERS_DATABASE", "orders.db");  // the default
  app.command_line_option("--database", database, "Where the orders are kept");
  auto& orders = app.make_state<Orders>();              // what handlers take
  app.on_start([&] { return orders.open(database); });  // the command line has been read
  // [/own_option]
  EXPECT_EQ(database, "orders.db");
  app.on_listening([&app] { app.request_stop(); });
  char name[] = "orders";
  char option[] = "--database=other.db";
  char wrong[] = "--no-such-option";
  char* line[] = {name, option, wrong, nullptr};
  EXPECT_EQ(app.run(3, line), 2);
  EXPECT_EQ(orders.opened, "");
  EXPECT_EQ(app.run(2, line), 0);
  EXPECT_EQ(orders.opened, "other.db");
}

TEST(Deployment, ChecksSayWhetherItIsWell) {
  weir::AppOptions options = production_options();
  options.log.file = "/dev/null";
  weir::App app(options);
  bool connected = false;
  // [health]
  app.health().add("database", [&connected]() -> weir::Result<void> {
    if (!connected) return weir::unavailable("no connection");
    return {};
  });
  // [/health]
  // [hooks]
  app.on_start([&connected]() -> weir::Result<void> {
    connected = true;  // an error here ends the start
    return {};
  });
  app.on_stop([&connected] { connected = false; });
  // [/hooks]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/health/ready").status, 503);
  EXPECT_EQ(client.get("/health/live").status, 200);
  EXPECT_EQ(client.get("/healthz").status, 200);
  EXPECT_EQ(client.get("/actuator/prometheus").status, 404) << "it is on the admin listener";
}

TEST(Deployment, MetricsOfYourOwn) {
  weir::App app(quiet());
  // [metrics]
  const auto orders = app.metrics().counter({
      .name = "orders_placed",
      .help = "Orders that were accepted.",
      .labels = {"channel"},
  });
  const weir::Counter web = orders.with({"web"});  // locks: do it once, keep the handle
  app.post("/orders", [web] { web.add(); });
  // [/metrics]
  weir::TestClient client = app.test();
  client.post("/orders", "text/plain", "");
  EXPECT_NE(client.get("/actuator/prometheus").body.find("orders_placed_total{channel=\"web\"} 1"), std::string::npos);
}

TEST(Deployment, CountsWhatThePageLists) {
  weir::AppOptions options = quiet();
  options.listen = {"127.0.0.1:0"};
  options.threads = 1;
  weir::App app(options);
  app.get("/bug", []() -> std::string { throw std::runtime_error("x"); });
  app.test().get("/bug");
  ASSERT_TRUE(app.start());
  weir::Buffer text;
  app.metrics().write(text);
  std::ifstream page(std::string(GUIDE_DIR) + "/../../docs/guide/deployment.md");
  std::size_t names = 0;
  bool metrics = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) metrics = line == "## Metrics";
    if (!metrics || !line.starts_with("| `")) continue;
    const std::string name = line.substr(3, line.find_first_of("`{", 3) - 3);
    EXPECT_NE(text.view().find("# TYPE " + name), std::string_view::npos) << name;
    ++names;
  }
  EXPECT_GT(names, 15u);
  app.stop(0s);
}

TEST(Deployment, LinesCarryTheRequest) {
  weir::App app(quiet());
  // [log]
  app.get("/orders/{id}", [](weir::Context& ctx, weir::Path<std::int64_t> id) {
    ctx.log().info("order was read", {{"order", *id}});
    return "";
  });
  weir::Logger jobs = app.logger("app.jobs");
  jobs.info("nothing to do");
  // [/log]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/orders/7").status, 200);
}

TEST(Deployment, LevelsChangeWhileRunning) {
  weir::App app(quiet());
  weir::TestClient client = app.test();
  EXPECT_EQ(client.post("/actuator/loggers/app.jobs", "application/json", R"({"configuredLevel":"DEBUG"})").status,
            204);
  EXPECT_NE(client.get("/actuator/loggers/app.jobs").body.find("DEBUG"), std::string::npos);
}

}  // namespace
}  // namespace guide
