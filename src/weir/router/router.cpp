#include "weir/router/router.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <vector>

#include "weir/router/detail/constraint.hpp"

namespace weir {
namespace router {

// The first, plain implementation: looks at each route in turn.
struct TableData {
  struct Entry {
    http::Method method;
    bool any;
    std::string host, pattern, name;
    std::uint32_t endpoint;
    std::vector<std::string_view> names;
  };
  RouterOptions options;
  std::vector<Entry> entries;
};

class Snapshot {
 public:
  TableData data;
  std::shared_ptr<const void> attachment;

  static bool walk(std::string_view pattern, std::string_view path, RouteParams& params, std::vector<int>& rank) {
    PatternReader reader(pattern);
    PatternSegment s;
    params.size_ = 0;
    std::size_t at = 0;
    while (reader.next(s)) {
      if (at >= path.size() || path[at] != '/') return false;
      ++at;
      const auto end = std::min(path.find('/', at), path.size());
      auto text = path.substr(at, end - at);
      if (s.literal) {
        rank.push_back(0);
        if (text != s.text) return false;
        at = end;
        continue;
      }
      const bool tail = s.constraint.kind == ParamKind::tail;
      if (tail) text = path.substr(at);
      if (text.size() < s.text.size() + s.suffix.size() || !text.starts_with(s.text) || !text.ends_with(s.suffix)) {
        return false;
      }
      text = text.substr(s.text.size(), text.size() - s.text.size() - s.suffix.size());
      if (!tail && (text.empty() || !satisfies(s.constraint, text))) return false;
      if (s.constraint.kind == ParamKind::regex &&
          !LazyRegex(std::string(s.constraint.regex), 512, 2000).matches(text)) {
        return false;
      }
      rank.push_back(1000 - static_cast<int>(s.text.size() + s.suffix.size()));
      rank.push_back(static_cast<int>(s.constraint.kind));
      params.values_[params.size_++] = {text.data(), text.size()};
      at = tail ? path.size() : end;
    }
    return at == path.size();
  }
  RouteMatch match(const RouteRequest& request, Arena& arena) const {
    RouteMatch best;
    std::vector<int> best_rank;
    bool allowed[http::method_count] = {};
    bool any = false;
    for (const auto& entry : data.entries) {
      RouteMatch match;
      std::vector<int> rank;
      if (!walk(entry.pattern, request.path, match.params, rank)) continue;
      any = true;
      allowed[static_cast<std::size_t>(entry.method)] = true;
      const bool head = request.method == http::Method::head && entry.method == http::Method::get;
      if (!entry.any && entry.method != request.method && !head) continue;
      if (best.outcome == RouteOutcome::found && best_rank <= rank) continue;
      match.outcome = RouteOutcome::found;
      match.head_from_get = head;
      match.endpoint = entry.endpoint;
      match.pattern = entry.pattern;
      match.params.names_ = entry.names.data();
      best = match;
      best_rank = rank;
    }
    if (best.outcome == RouteOutcome::found || !any) return best;
    best.outcome = request.method == http::Method::options ? RouteOutcome::options : RouteOutcome::method_not_allowed;
    std::string allow;
    allowed[1] |= allowed[0];
    allowed[static_cast<std::size_t>(http::Method::options)] = true;
    for (std::size_t i = 0; i < http::method_count; ++i) {
      if (!allowed[i]) continue;
      if (!allow.empty()) allow += ", ";
      allow += http::to_string(static_cast<http::Method>(i));
    }
    best.allow = arena.copy(allow);
    return best;
  }
};

}  // namespace router

Router::Router(std::unique_ptr<const router::Snapshot> snapshot) noexcept : snapshot_(std::move(snapshot)) {}
Router::~Router() = default;
RouteMatch Router::match(const RouteRequest& request, Arena& arena) const {
  return snapshot_->match(request, arena);
}
Result<std::string> Router::url_for(std::string_view, std::initializer_list<UrlParam>,
                                    std::initializer_list<UrlParam>) const {
  return fail(Errc::unimplemented, "not yet");
}
std::size_t Router::size() const noexcept {
  return snapshot_->data.entries.size();
}
std::uint32_t Router::worst_case_steps() const noexcept {
  return 0;
}
const std::shared_ptr<const void>& Router::attachment() const noexcept {
  return snapshot_->attachment;
}

RouteTable::RouteTable(RouterOptions options) : data_(std::make_unique<router::TableData>()) {
  data_->options = options;
}
RouteTable::~RouteTable() = default;
RouteTable::RouteTable(RouteTable&&) noexcept = default;
RouteTable& RouteTable::operator=(RouteTable&&) noexcept = default;
void RouteTable::add(const RouteSpec& route) {
  data_->entries.push_back({route.method,
                            route.any_method,
                            std::string(route.host),
                            std::string(route.pattern),
                            std::string(route.name),
                            route.endpoint,
                            {}});
}
bool RouteTable::remove(const RouteSpec& route) {
  return std::erase_if(data_->entries, [&](const auto& entry) {
           return entry.method == route.method && entry.host == route.host && entry.pattern == route.pattern;
         }) > 0;
}
std::size_t RouteTable::size() const noexcept {
  return data_->entries.size();
}
void RouteTable::reserve(std::size_t, std::size_t) {}
Result<std::shared_ptr<const Router>> RouteTable::build(std::shared_ptr<const void> attachment) const& {
  auto snapshot = std::make_unique<router::Snapshot>();
  snapshot->data = *data_;
  snapshot->attachment = std::move(attachment);
  for (auto& entry : snapshot->data.entries) {
    const auto info = inspect_pattern(entry.pattern);
    if (!info.ok()) {
      return fail(Errc::failed_precondition, entry.pattern + ": " + std::string(info.error));
    }
    for (std::size_t i = 0; i < info.count; ++i) entry.names.push_back(info.placeholders[i].name);
  }
  return std::make_shared<const Router>(std::move(snapshot));
}
Result<std::shared_ptr<const Router>> RouteTable::build(std::shared_ptr<const void> attachment) && {
  return static_cast<const RouteTable&>(*this).build(std::move(attachment));
}

}  // namespace weir
