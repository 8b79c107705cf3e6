#include "weir/telemetry/access_log.hpp"

#include <algorithm>
#include <new>

#include "weir/telemetry/detail/log_core.hpp"

namespace weir {

AccessLog::AccessLog(Log& log, const AccessLogOptions& options)
    : core_(log.core_.get()), logger_(log.logger("access")), options_(options) {
  // A whole record must fit into the ring's largest.
  const std::size_t largest = (core_->options().max_record_bytes - 1024) / 4;
  options_.max_path_bytes = std::min(options_.max_path_bytes, largest);
  options_.max_user_agent_bytes = std::min(options_.max_user_agent_bytes, largest);
}

void AccessLog::write(const AccessEntry& entry) const noexcept {
  using telemetry::AccessFixed;
  using telemetry::cut;
  using telemetry::put;
  using telemetry::RecordHeader;
  const LogLevel level = level_of(entry.status);
  if (!logger_.enabled(level)) return;

  bool truncated = false;
  const auto limit = [&truncated](std::string_view text, std::size_t size) {
    if (text.size() <= size) [[likely]]
      return text;
    truncated = true;
    return cut(text, size);
  };
  const std::string_view method = limit(entry.method, 32);
  const std::string_view path = limit(entry.path, options_.max_path_bytes);
  const std::string_view query = options_.query ? limit(entry.query, options_.max_path_bytes) : std::string_view{};
  const std::string_view route = limit(entry.route, options_.max_path_bytes);
  const std::string_view host = options_.host ? limit(entry.host, 255) : std::string_view{};
  const std::string_view peer = limit(entry.peer, 64);
  const std::string_view user_agent =
      options_.user_agent ? limit(entry.user_agent, options_.max_user_agent_bytes) : std::string_view{};
  const std::string_view protocol = limit(entry.protocol, 16);
  const std::string_view request_id = limit(entry.request_id, 128);
  const std::string_view error = limit(entry.error, 64);

  const std::size_t texts = method.size() + path.size() + query.size() + route.size() + host.size() + peer.size() +
                            user_agent.size() + protocol.size() + request_id.size() + error.size();
  const std::size_t size = (sizeof(RecordHeader) + sizeof(AccessFixed) + texts + 7) & ~std::size_t{7};
  char* at = core_->reserve(size);
  if (at == nullptr) return;

  const bool has_trace = entry.trace != nullptr && entry.trace->valid();
  const std::int64_t when = entry.when.time_since_epoch().count();
  put(at, RecordHeader{.size = static_cast<std::uint32_t>(size),
                       .kind = telemetry::RecordKind::access,
                       .level = static_cast<std::uint8_t>(level),
                       .flags = static_cast<std::uint8_t>((has_trace ? RecordHeader::has_trace : 0) |
                                                          (truncated ? RecordHeader::truncated : 0)),
                       .wall_ns = when != 0 ? when : core_->wall_ns()});
  // Made in place: a copy of what has just been put together from bytes would wait until they are in the cache.
  static_assert(alignof(AccessFixed) == 8 && sizeof(RecordHeader) % 8 == 0);
  ::new (static_cast<void*>(at)) AccessFixed{.logger = logger_.state_,
                                             .duration_ns = entry.duration.count(),
                                             .bytes_in = entry.bytes_in,
                                             .bytes_out = entry.bytes_out,
                                             .trace_id = has_trace ? entry.trace->trace_id : TraceId{},
                                             .span_id = has_trace ? entry.trace->span_id : SpanId{},
                                             .status = static_cast<std::uint16_t>(entry.status),
                                             .path = static_cast<std::uint16_t>(path.size()),
                                             .query = static_cast<std::uint16_t>(query.size()),
                                             .route = static_cast<std::uint16_t>(route.size()),
                                             .user_agent = static_cast<std::uint16_t>(user_agent.size()),
                                             .method = static_cast<std::uint8_t>(method.size()),
                                             .host = static_cast<std::uint8_t>(host.size()),
                                             .peer = static_cast<std::uint8_t>(peer.size()),
                                             .protocol = static_cast<std::uint8_t>(protocol.size()),
                                             .request_id = static_cast<std::uint8_t>(request_id.size()),
                                             .error = static_cast<std::uint8_t>(error.size())};
  at += sizeof(AccessFixed);
  put(at, method);
  put(at, path);
  put(at, query);
  put(at, route);
  put(at, host);
  put(at, peer);
  put(at, user_agent);
  put(at, protocol);
  put(at, request_id);
  put(at, error);
  core_->commit();
}

}  // namespace weir
