#include <algorithm>
#include <cstdio>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "weir/app/app_impl.hpp"

namespace weir {

namespace {

constexpr unsigned last_port = 65535;
constexpr unsigned week_in_seconds = 7 * 24 * 60 * 60;

/// How many letters must be changed, added or left out to make one text of the other (Levenshtein's distance).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);  // of the first letters of `a` to all beginnings of `b`
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// What is wrong with a line in which something is no option, nor an argument that an option takes.
std::string not_expected(const CLI::App& line) {
  const std::vector<std::string> all = line.remaining();
  const auto first = std::ranges::find_if(all, [](const std::string& argument) { return argument != "--"; });
  std::string_view given = first == all.end() ? std::string_view("--") : *first;
  given = given.substr(0, given.find('='));
  if (!given.starts_with("--")) return std::string(given) + " is no option, and nothing that an option takes";
  constexpr std::size_t far = 3;
  std::size_t best = far;
  std::string nearest;
  for (const CLI::Option* option : line.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      const std::size_t found = distance(given.substr(2), name);
      if (found < best) nearest = "; did you mean --" + name + "?";
      best = std::min(best, found);
    }
  }
  return std::string(given) + " is no option" + nearest;
}

}  // namespace

std::optional<int> read_command_line(int argc, char** argv, AppOptions& options,
                                     std::span<const CommandLineOption> own) {
  CLI::App line(options.name);
  std::vector<std::string> listen;
  std::string host;
  std::uint16_t port = 0;
  std::string level;
  unsigned drain_seconds = 0;
  unsigned delay_seconds = 0;
  line.set_version_flag("--version", options.name + " " + options.openapi.version);
  line.add_option(
      "--listen", listen,
      "Address to listen on (may be repeated): IP:PORT, [V6]:PORT or unix:PATH; http:// before it: without TLS");
  CLI::Option* host_option = line.add_option("--host", host, "Address of the first listener, with --port [127.0.0.1]");
  CLI::Option* port_option = line.add_option("--port", port, "Port of the first listener; 0: any [8080]");
  port_option->check(CLI::Range(0u, last_port));
  line.add_option("--admin", options.admin_listen, "Address for health, metrics and loggers instead of the main one");
  line.add_flag("--share-port", options.share_port, "Let other processes with this flag listen on the same addresses");
  TlsCertificate certificate;
  std::string client_auth;
  CLI::Option* certificate_option =
      line.add_option("--tls-cert", certificate.certificate_file, "PEM file with the certificate chain: speak TLS");
  line.add_option("--tls-key", certificate.key_file, "PEM file with its private key [in the file of --tls-cert]")
      ->needs(certificate_option);
  CLI::Option* client_ca_option = line.add_option("--tls-client-ca", options.tls.client_ca_file,
                                                  "PEM file with the authorities of client certificates");
  line.add_option("--tls-client-auth", client_auth, "off, optional or required [required with --tls-client-ca]")
      ->check(CLI::IsMember({"off", "optional", "required"}))
      ->needs(client_ca_option);
  bool self_signed_certificate = false;
  line.add_flag("--tls-self-signed", self_signed_certificate, "Speak TLS with a certificate made now: for development")
      ->excludes(certificate_option);
  line.add_flag("--http2,!--no-http2", options.limits.http2.enabled, "Speak HTTP/2 too, on the same listeners [yes]");
  line.add_flag("--http1,!--no-http1", options.limits.http1_enabled, "Speak HTTP/1.1 [yes]");
  line.add_option("--trusted-proxy", options.trusted_proxies.ranges,
                  "Reverse proxies that are believed about their clients: 10.0.0.0/8 (may be repeated) [none]");
  line.add_option("--proxy-protocol-from", options.proxy_protocol_from,
                  "Load balancers that send PROXY headers: 10.0.0.0/8 (may be repeated) [none]");
  line.add_option("--threads", options.threads, "Event loops; 0: one per core")->check(CLI::Range(0u, 1024u));
  line.add_option("--log-file", options.log.file, "File for structured logs; '-': standard output [standard error]");
  line.add_option("--log-level", level, "trace, debug, info, warn, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}));
  CLI::Option* drain_option =
      line.add_option("--drain-timeout", drain_seconds, "Seconds that running requests get after SIGTERM [30]");
  CLI::Option* delay_option = line.add_option(
      "--drain-delay", delay_seconds, "Seconds after SIGTERM that readiness fails while requests are still taken [0]");
  drain_option->check(CLI::Range(0u, week_in_seconds));
  delay_option->check(CLI::Range(0u, week_in_seconds));
  for (const CommandLineOption& option : own) {
    if (line.get_option_no_throw(option.name) != nullptr) {
      throw std::invalid_argument("the option " + option.name + " is there already");
    }
    line.add_option(option.name, *option.value, option.help + " [" + *option.value + "]");
  }
  // The last one counts, so that arguments can be added to those of an image or a script.
  for (CLI::Option* option : line.get_options()) {
    if (option->get_expected_max() <= 1) option->take_last();
  }
  try {
    line.parse(argc, argv);
  } catch (const CLI::ExtrasError&) {
    std::fprintf(stderr, "%s\nRun with --help for more information.\n", not_expected(line).c_str());
    return 2;
  } catch (const CLI::ParseError& error) {  // --help is one of them
    return line.exit(error) == 0 ? 0 : 2;
  }
  if (!listen.empty()) options.listen = listen;
  if (*host_option || *port_option) {
    const std::string given_host = *host_option ? host : std::string("127.0.0.1");
    const std::string given_port = std::to_string(*port_option ? port : std::uint16_t{8080});
    const bool v6 = given_host.find(':') != std::string::npos && !given_host.starts_with('[');
    const std::string address = (v6 ? "[" + given_host + "]" : given_host) + ":" + given_port;
    if (listen.empty() && !options.listen.empty()) {
      options.listen.front() = address;
    } else {
      options.listen.push_back(address);
    }
  }
  if (*certificate_option) options.tls.certificates = {certificate};
  if (self_signed_certificate) options.tls.certificates = {self_signed()};
  if (*client_ca_option) options.tls.client_auth = ClientAuth::required;
  if (client_auth == "optional") options.tls.client_auth = ClientAuth::optional;
  if (client_auth == "off") options.tls.client_auth = ClientAuth::off;
  if (!level.empty()) options.log.level = *parse_log_level(level);
  if (*delay_option) options.drain_delay = std::chrono::seconds(delay_seconds);
  if (*drain_option) options.drain_timeout = std::chrono::seconds(drain_seconds);
  return std::nullopt;
}

}  // namespace weir
