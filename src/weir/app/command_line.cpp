#include <stdexcept>

#include <CLI/CLI.hpp>

#include "weir/app/app_impl.hpp"

namespace weir {

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
      "Address to listen on (may be repeated): HOST:PORT, [V6]:PORT or unix:PATH; http:// before it: without TLS");
  CLI::Option* host_option = line.add_option("--host", host, "Address of the first listener, with --port [127.0.0.1]");
  CLI::Option* port_option = line.add_option("--port", port, "Port of the first listener; 0: any [8080]");
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
  for (const CommandLineOption& option : own) {
    if (line.get_option_no_throw(option.name) != nullptr) {
      throw std::invalid_argument("the option " + option.name + " is there already");
    }
    line.add_option(option.name, *option.value, option.help + " [" + *option.value + "]")->take_last();
  }
  try {
    line.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = line.exit(error);
    return status == 0 ? 0 : 2;
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
