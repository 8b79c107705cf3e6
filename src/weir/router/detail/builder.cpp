#include "weir/router/detail/builder.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace weir::router {
namespace {

constexpr std::size_t listed_problems = 100;  // the rest is counted

constexpr bool is_token(char c) noexcept {  // RFC 9110 section 5.6.2
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
constexpr bool is_host_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/// The value of a hexadecimal digit that the pattern reader has checked.
constexpr int hex_value(char c) noexcept {
  return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    out += static_cast<char>(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
    i += 2;
  }
  return out;
}

}  // namespace

std::uint32_t SegmentIndex::intern(std::string_view segment, const std::string& pool) {
  if ((texts_.size() + 1) * 4 > entries_.size() * 3) grow();
  const auto hash = static_cast<std::uint32_t>(hash_text(segment));
  const auto mask = entries_.size() - 1;
  auto at = hash & mask;
  for (; entries_[at].number != nothing; at = (at + 1) & mask) {
    if (entries_[at].hash != hash) continue;
    const auto [offset, size] = texts_[entries_[at].number];
    if (size == segment.size() && same_text(segment.data(), pool.data() + offset, size)) return entries_[at].number;
  }
  entries_[at] = {hash, static_cast<std::uint32_t>(texts_.size())};
  texts_.push_back(
      {static_cast<std::uint32_t>(segment.data() - pool.data()), static_cast<std::uint32_t>(segment.size())});
  return entries_[at].number;
}

void SegmentIndex::grow() {
  std::vector<Entry> old(entries_.size() * 2);
  old.swap(entries_);
  const auto mask = entries_.size() - 1;
  for (const auto& entry : old) {
    if (entry.number == nothing) continue;
    auto at = entry.hash & mask;
    while (entries_[at].number != nothing) at = (at + 1) & mask;
    entries_[at] = entry;
  }
}

Builder::Builder(TableData data) : data_(std::move(data)), out_(std::make_unique<Snapshot>()) {
  std::fill(std::begin(simple_params_), std::end(simple_params_), nothing);
}

Result<std::unique_ptr<const Snapshot>> Builder::run(std::shared_ptr<const void> attachment,
                                                     TextMap<std::shared_ptr<const LazyRegex>>& regexes) {
  regexes_ = &regexes;
  out_->options_ = data_.options;
  out_->attachment_ = std::move(attachment);
  tree_.reserve(data_.routes.size() + data_.routes.size() / 16 + 16);
  tree_routes_.reserve(data_.routes.size());
  children_.resize(std::bit_ceil(data_.routes.size() + data_.routes.size() / 2 + 16));
  read_hosts();
  check_methods();
  for (std::uint32_t i = 0; i < data_.routes.size(); ++i) insert(i);
  check_names();
  if (problem_count_ == 0) pack();
  if (problem_count_ != 0) return std::unexpected(all_problems());
  return std::unique_ptr<const Snapshot>(std::move(out_));
}

void Builder::check_methods() {
  if (data_.too_many_methods) problem("", "limit", "more than 54 methods that are not standard ones");
  for (const auto& name : data_.custom_methods) {
    if (name.empty() || !std::all_of(name.begin(), name.end(), is_token)) {
      problem(name, "method", "\"" + name + "\" is not the name of a method");
    }
  }
}

/// What is wrong with the host, or empty.
std::string Builder::read_host(std::string_view text, Host& host) {
  auto rest = text;
  if (text.front() == '{' || text.front() == '*') {
    host.wildcard = true;
    const auto end = text.front() == '*' ? 0 : text.find('}');
    if (end == std::string_view::npos) return "'{' without '}'";
    const auto name = end == 0 ? text.substr(0, 1) : text.substr(1, end - 1);
    if (name.empty()) return "the placeholder has no name";
    rest = text.substr(end + 1);
    if (rest.size() < 2 || rest.front() != '.')
      return "behind the placeholder of the first label comes a '.' and a name";
    host.name = {static_cast<std::uint32_t>(data_.text.size()), static_cast<std::uint32_t>(name.size())};
    data_.text += name;
    rest.remove_prefix(1);
  } else if (text.front() == '[' && text.back() == ']') {
    return {};
  }
  if (!std::all_of(rest.begin(), rest.end(), is_host_char)) {
    return "a host is labels of letters, digits and '-', without a port; only the first label may be a placeholder";
  }
  if (rest.front() == '.' || rest.back() == '.' || rest.find("..") != std::string_view::npos) return "an empty label";
  return {};
}

void Builder::read_hosts() {
  hosts_.resize(data_.hosts.size());
  TextMap<std::uint32_t> roots;  // hosts that differ only in the placeholder's name share their tree
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    const std::string_view text = data_.hosts[i];
    auto& host = hosts_[i];
    if (!text.empty()) {
      const auto wrong = read_host(text, host);
      if (!wrong.empty()) problem(std::string(text), "host", "the host \"" + std::string(text) + "\": " + wrong);
    }
    const auto key = host.wildcard ? text.substr(std::min(text.find('.'), text.size())) : text;
    const auto [known, is_new] = roots.try_emplace(std::string(key), static_cast<std::uint32_t>(tree_.size()));
    if (is_new) add_node(nothing, nothing, 0);
    host.root = known->second;
  }
}

std::uint32_t Builder::add_node(std::uint32_t parent, std::uint32_t label, std::uint32_t depth) {
  tree_.push_back({.parent = parent, .label = label, .depth = depth});
  return static_cast<std::uint32_t>(tree_.size() - 1);
}

void Builder::grow_children() {
  std::vector<Child> old(children_.size() * 2);
  old.swap(children_);
  const auto mask = children_.size() - 1;
  for (const auto& entry : old) {
    if (entry.node == nothing) continue;
    auto at = mix(static_cast<std::uint64_t>(entry.node) << 32 | entry.label, hash_seed_1) & mask;
    while (children_[at].node != nothing) at = (at + 1) & mask;
    children_[at] = entry;
  }
}

std::uint32_t Builder::child_of(std::uint32_t node, std::uint32_t label) {
  if ((child_count_ + 1) * 4 > children_.size() * 3) grow_children();
  const auto mask = children_.size() - 1;
  auto at = mix(static_cast<std::uint64_t>(node) << 32 | label, hash_seed_1) & mask;
  for (; children_[at].node != nothing; at = (at + 1) & mask) {
    if (children_[at].node == node && children_[at].label == label) return children_[at].child;
  }
  const auto child = add_node(node, label, tree_[node].depth + 1);
  ++((label & param_bit) != 0 ? tree_[node].params : tree_[node].literals);
  children_[at] = {node, label, child};
  ++child_count_;
  return child;
}

std::uint32_t Builder::literal(std::uint32_t node, const PatternSegment& segment) {
  auto text = segment.text;
  if (text.find('%') != std::string_view::npos) {
    const auto offset = data_.text.size();
    data_.text += decoded(text);
    text = std::string_view(data_.text).substr(offset);
  }
  return child_of(node, segments_.intern(text, data_.text));
}

std::uint32_t Builder::placeholder(std::uint32_t node, const PatternSegment& segment, const StoredRoute& route) {
  const bool simple = segment.text.empty() && segment.suffix.empty() &&
                      segment.constraint == ParamConstraint{.kind = segment.constraint.kind};
  if (!simple) return child_of(node, param_number(segment, route) | param_bit);
  auto& number = simple_params_[static_cast<std::size_t>(segment.constraint.kind)];
  if (number == nothing) number = param_number(segment, route);
  return child_of(node, number | param_bit);
}

std::uint32_t Builder::param_number(const PatternSegment& segment, const StoredRoute& route) {
  const auto& constraint = segment.constraint;
  Param param{.constraint = constraint, .prefix = decoded(segment.text), .suffix = decoded(segment.suffix)};
  std::string key(to_string(constraint.kind));
  for (const auto& part : {std::to_string(constraint.min), std::to_string(constraint.max), param.prefix, param.suffix,
                           std::string(constraint.regex)}) {
    key.append(1, '\0').append(part);
  }
  const auto [known, is_new] = params_.try_emplace(std::move(key), static_cast<std::uint32_t>(params_.size()));
  if (!is_new) return known->second;
  param.constraint.regex = {};
  if (constraint.kind == ParamKind::regex) {
    auto& regex = (*regexes_)[std::string(constraint.regex)];
    if (regex == nullptr) {
      regex = std::make_shared<const LazyRegex>(std::string(constraint.regex), data_.options.max_regex_length,
                                                data_.options.max_regex_program);
      const auto wrong = regex->problem();
      if (!wrong.empty()) {
        problem(route, "pattern", wrong);
        regexes_->erase(std::string(constraint.regex));
        return known->second;
      }
    }
    param.regex = regex;
  }
  out_->params_.resize(params_.size());
  out_->params_[known->second] = std::move(param);
  return known->second;
}

void Builder::insert(std::uint32_t index) {
  const StoredRoute route = data_.routes[index];
  const auto& host = hosts_[route.host];
  // A literal with escapes appends its decoded text: the room is made before views of the text are taken.
  if (data_.view(route.pattern).find('%') != std::string_view::npos) {
    data_.text.reserve(data_.text.size() + route.pattern.size);
  }
  route_names_.clear();
  if (host.wildcard) route_names_.push_back(host.name);
  auto node = host.root;
  PatternReader reader(data_.view(route.pattern));
  PatternSegment segment;
  while (reader.next(segment)) {
    if (segment.literal) {
      const bool ignored = data_.options.trailing_slash == TrailingSlash::ignore && segment.last &&
                           segment.text.empty() && tree_[node].depth > 0;
      if (!ignored) node = literal(node, segment);
      continue;
    }
    const auto offset = static_cast<std::uint32_t>(segment.name.data() - data_.text.data());
    const bool twice = std::any_of(route_names_.begin(), route_names_.end(),
                                   [&](TextRef name) { return data_.view(name) == segment.name; });
    if (twice) problem(route, "pattern", "two placeholders are named \"" + std::string(segment.name) + "\"");
    route_names_.push_back({offset, static_cast<std::uint32_t>(segment.name.size())});
    node = placeholder(node, segment, route);
  }
  if (!reader.error().empty()) {
    problem(route, "pattern", std::string(reader.error()) + " (at byte " + std::to_string(reader.error_at()) + ")");
  } else if (route_names_.size() > max_route_params) {
    problem(route, "pattern", "more than " + std::to_string(max_route_params) + " placeholders");
  } else {
    end_route(node, index);
  }
}

void Builder::end_route(std::uint32_t node, std::uint32_t index) {
  const auto& route = data_.routes[index];
  for (auto at = tree_[node].routes; at != nothing; at = tree_routes_[at].next) {
    const auto& other = data_.routes[tree_routes_[at].route];
    if (other.method != route.method) continue;
    problem(route, "conflict", "conflicts with " + describe(other) + ": both accept the same paths");
    return;
  }
  tree_routes_.push_back({.route = index,
                          .names = names_of(route_names_),
                          .next = tree_[node].routes,
                          .name_count = static_cast<std::uint8_t>(route_names_.size())});
  tree_[node].routes = static_cast<std::uint32_t>(tree_routes_.size() - 1);
}

/// Where this list of names begins in names_: a million routes with {id} share one.
std::uint32_t Builder::names_of(const std::vector<TextRef>& names) {
  std::string key;
  for (const auto name : names) key.append(data_.view(name)).append(1, '/');
  if (key == last_names_) return last_names_at_;
  const auto [known, is_new] = name_lists_.try_emplace(key, static_cast<std::uint32_t>(names_.size()));
  if (is_new) names_.insert(names_.end(), names.begin(), names.end());
  last_names_ = std::move(key);
  return last_names_at_ = known->second;
}

void Builder::check_names() {
  std::vector<std::uint32_t> named;
  for (std::uint32_t i = 0; i < data_.routes.size(); ++i) {
    if (data_.routes[i].name.size != 0) named.push_back(i);
  }
  const auto name = [this](std::uint32_t i) { return data_.view(data_.routes[i].name); };
  std::sort(named.begin(), named.end(), [&](auto a, auto b) { return std::pair(name(a), a) < std::pair(name(b), b); });
  for (std::size_t i = 1; i < named.size(); ++i) {
    if (name(named[i - 1]) != name(named[i])) continue;
    problem(data_.routes[named[i]], "name",
            "has the same name, \"" + std::string(name(named[i])) + "\", as " + describe(data_.routes[named[i - 1]]));
  }
}

std::string Builder::describe(const StoredRoute& route) const {
  std::string out(method_name(data_.custom_methods, route.method));
  return out.append(" ").append(data_.hosts[route.host]).append(data_.view(route.pattern));
}

void Builder::problem(const StoredRoute& route, std::string_view rule, const std::string& message) {
  problem(std::string(data_.view(route.pattern)), rule, describe(route) + ": " + message);
}

void Builder::problem(std::string field, std::string_view rule, std::string message) {
  if (++problem_count_ > listed_problems) return;
  problems_.push_back({std::move(field), std::string(rule), std::move(message)});
}

Error Builder::all_problems() {
  std::string message =
      std::to_string(problem_count_) + (problem_count_ == 1 ? " problem in the routes:" : " problems in the routes:");
  for (const auto& one : problems_) message.append("\n  ").append(one.message);
  if (problem_count_ > problems_.size()) {
    message += "\n  and " + std::to_string(problem_count_ - problems_.size()) + " more";
  }
  return Error(Errc::failed_precondition, std::move(message)).with_fields(std::move(problems_));
}

}  // namespace weir::router
