// What an App can be told before it runs.
#pragma once

#include <string>
#include <vector>

#include "weir/middleware/production.hpp"
#include "weir/operations/operations.hpp"
#include "weir/router/router.hpp"
#include "weir/server/limits.hpp"
#include "weir/telemetry/log.hpp"
#include "weir/time/clock.hpp"
#include "weir/tls/options.hpp"
#include "weir/web/forwarded.hpp"

namespace weir {

/// Where structured logs go.
struct LogTarget {
  std::string file;  ///< "-": standard output; empty: standard error.
  LogLevel level = LogLevel::info;

  friend bool operator==(const LogTarget&, const LogTarget&) = default;
};

/// The API's description at /openapi.json and the page that shows it.
struct OpenApiOptions {
  bool enabled = true;
  std::string title;              ///< The application's name when empty.
  std::string version = "0.1.0";  ///< Of the API; --version says it, too.
  std::string description;
  std::string path = "/openapi.json";
  std::string docs_path = "/docs";   ///< Of the page.
  std::vector<std::string> servers;  ///< URLs where the API is: "https://api.example.com".
};

struct AppOptions {
  std::string name = "weir";
  /// "127.0.0.1:8080", "[::]:8080", ":8080", "unix:/run/app.sock". With certificates in `tls` they all speak TLS, but
  /// for those that begin with "http://". "https://" says that one must. Sockets that systemd hands over come instead;
  /// one that is named "http" there is plain.
  std::vector<std::string> listen = {"127.0.0.1:8080"};
  /// Other processes may listen on the same addresses, so that the next version starts before this one stops. All of
  /// them need it; without it an address in use is an error.
  bool share_port = false;
  /// Where the operations endpoints (health, metrics, loggers) are served; empty: on the same listeners as the routes.
  /// Plain, unless it begins with "https://".
  std::string admin_listen;
  TlsOptions tls;  ///< Without certificates there is no TLS. "h2" counts only with limits.http2.enabled.
  /// Reverse proxies that are believed about their clients: ctx.client_ip(), the scheme and the host follow. Default:
  /// none.
  TrustedProxies trusted_proxies;
  /// Load balancers whose connections begin with a PROXY header, version 1 or 2: their ranges, as in `trusted_proxies`.
  /// Connections of theirs without one are closed; those of others never have one. Not for the admin listener.
  std::vector<std::string> proxy_protocol_from;
  unsigned threads = 0;           ///< Event loops; 0: one per core.
  bool pin_threads = false;       ///< Each event loop on a core of its own.
  unsigned blocking_threads = 4;  ///< For App::blocking().
  /// How long requests may run on after a stop was asked for, until they are cut.
  Duration drain_timeout = std::chrono::seconds(30);
  /// How long readiness already fails, and answers say `Connection: close`, while connections are still accepted: so
  /// that load balancers notice and clients go elsewhere.
  Duration drain_delay = Duration::zero();
  server::Limits limits;            ///< Sizes, counts and times of every protocol.
  RouterOptions router;             ///< Trailing slashes, derived methods.
  ProductionOptions production;     ///< The chain that every request goes through.
  OperationsOptions operations;     ///< Health, metrics, loggers.
  LogTarget log;                    ///< Where lines go, and which.
  OpenApiOptions openapi;           ///< The description and its page.
  Clock* clock = &Clock::system();  ///< Another one in tests.
};

}  // namespace weir
