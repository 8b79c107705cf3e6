#include "weir/router/detail/snapshot.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "weir/router/detail/path.hpp"

namespace weir::router {

/// The pairs of shape and depth that a walk has entered. On the stack, and cleared only as far as the table needs.
class Visited {
 public:
  explicit Visited(std::uint32_t max_entries) noexcept : mask_(std::bit_ceil(2 * max_entries + 2) - 1) {
    std::memset(keys_, 0xff, (mask_ + 1) * sizeof keys_[0]);
  }
  /// False when the pair was there.
  bool insert(std::uint32_t shape, std::size_t depth) noexcept {
    const auto key = static_cast<std::uint32_t>(shape * max_pattern_segments + depth);
    auto at = (key * 0x9e3779b1U >> 16) & mask_;
    for (; keys_[at] != nothing; at = (at + 1) & mask_) {
      if (keys_[at] == key) return false;
    }
    keys_[at] = key;
    return true;
  }

 private:
  std::uint32_t mask_;
  std::uint32_t keys_[std::bit_ceil(2 * step_limit + 2)];
};

/// The child for a text longer than SegmentKey::short_size.
[[gnu::noinline]] ChildRef Snapshot::long_literal_child(const Node& node, Path& path,
                                                        std::size_t depth) const noexcept {
  const Slot* const slots = slots_.data() + node.slots;
  const auto hash = path.hash(depth);
  for (auto at = slot_of(hash, node.slot_count); slots[at].child != nothing;
       at = at + 1 == node.slot_count ? 0 : at + 1) {
    const auto [key, meta, child] = slots[at];
    if (key == hash && (meta & SegmentKey::long_bit) != 0 &&
        view(long_texts_[meta & ~SegmentKey::long_bit]) == path.segment(depth)) {
      return child;
    }
  }
  return nothing;
}

/// REQUIRES: the node has slots.
[[gnu::always_inline]] inline ChildRef Snapshot::literal_child(const Node& node, Path& path,
                                                               std::size_t depth) const noexcept {
  const auto text = path.segment(depth);
  if (text.size() > SegmentKey::short_size) return long_literal_child(node, path, depth);
  const auto key = padded8(text.data(), text.size());
  const Slot* const slots = slots_.data() + node.slots;
  const Slot* slot = slots + slot_of(key, node.slot_count);
  for (;;) {
    if (slot->key == key && slot->meta == text.size()) return slot->child;
    if (slot->child == nothing) return nothing;
    if (++slot == slots + node.slot_count) slot = slots;
  }
}

/// Whether a placeholder that is more than {id} accepts the path at `depth`.
[[gnu::noinline]] bool Snapshot::capture_special(const Edge& edge, const Path& path, std::size_t depth,
                                                 RouteParams::Value& out) const {
  const auto& param = params_[edge.param];
  auto text = edge.tail ? path.rest(depth) : path.segment(depth);
  const auto around = param.prefix.size() + param.suffix.size();
  if (text.size() < around || !text.starts_with(param.prefix) || !text.ends_with(param.suffix)) return false;
  if (param.suffix.starts_with(':') && (!path.verb_may_be(param.suffix) || (!edge.tail && depth + 1 != path.count()))) {
    return false;
  }
  text = {text.data() + param.prefix.size(), text.size() - around};
  out = {text.data(), text.size()};
  if (edge.tail) return true;
  return !text.empty() && satisfies(param.constraint, text) && (param.regex == nullptr || param.regex->matches(text));
}

/// Whether a placeholder accepts the path at `depth`.
inline bool Snapshot::capture(const Edge& edge, const Path& path, std::size_t depth, RouteParams::Value& out) const {
  if (!edge.plain) return capture_special(edge, path, depth, out);
  const auto text = path.segment(depth);
  out = {text.data(), text.size()};
  return !text.empty();
}

/// Looks for the method among the routes that end at one place. False when none of them answers it.
inline bool Snapshot::take(std::uint32_t record, Walk& walk) const noexcept {
  for (const Record* r = records_.data() + record;; ++r) {
    walk.allowed |= method_bit(r->method);
    if (r->method == walk.method) {
      walk.found = r;
      return true;
    }
    if (walk.found == nullptr && (r->method == any_method || (walk.head && r->method == 0))) walk.found = r;
    if (r->last) return walk.found != nullptr;
  }
}

/// The walk described at the head of snapshot.hpp. A frame is a node whose placeholders are still to be tried.
template <bool remember>
inline Snapshot::Step Snapshot::descend(ChildRef root, Path& path, Walk& walk, Visited* visited) const {
  struct Frame {
    const Edge* edge;
    const Edge* end;
    std::uint32_t depth;
    std::uint32_t captures;
  };
  Frame frames[max_pattern_segments];
  std::size_t open = 0;
  std::size_t depth = 0;
  std::size_t captures = walk.captures;
  std::uint32_t steps = 0;
  const std::size_t count = path.count();
  for (ChildRef ref = root;;) {
    if ((ref & leaf_bit) != 0) {
      if (depth == count && take(ref & ~leaf_bit, walk)) break;
    } else if (const Node& node = nodes_.data()[ref]; depth == count) {
      if (node.records != nothing && take(node.records, walk)) break;
    } else if (!remember || visited->insert(node.shape, depth)) {
      if (!remember && ++steps > plain_steps) return Step::gave_up;
      if (node.slot_count == 0 && node.edge_count == 1) {  // {id} and nothing beside it: nothing to come back to
        const auto& edge = edges_.data()[node.edges];
        if (capture(edge, path, depth, walk.values[captures])) {
          ref = edge.child;
          ++captures;
          depth = edge.tail ? count : depth + 1;
          continue;
        }
      } else if (node.edge_count != 0) {
        const Edge* const first = edges_.data() + node.edges;
        frames[open++] = {first, first + node.edge_count, static_cast<std::uint32_t>(depth),
                          static_cast<std::uint32_t>(captures)};
      }
      if (node.slot_count != 0) {
        const auto child = literal_child(node, path, depth);
        if (child != nothing) {
          ref = child;
          ++depth;
          continue;
        }
      }
    }
    for (;;) {
      if (open == 0) return Step::missed;
      auto& frame = frames[open - 1];
      const auto& edge = *frame.edge;
      if (++frame.edge == frame.end) --open;
      if (!capture(edge, path, frame.depth, walk.values[frame.captures])) continue;
      captures = frame.captures + 1U;
      depth = edge.tail ? count : frame.depth + 1U;
      ref = edge.child;
      break;
    }
  }
  walk.captures = captures;
  return Step::found;
}

struct Snapshot::HostRoots {
  /// Roots to try in order, and the label that the wildcard stands for.
  struct Root {
    ChildRef ref;
    bool captures;
  };
  Root roots[3];
  std::size_t count = 0;
  std::string_view label;

  void add(ChildRef ref, bool captures) noexcept {
    if (ref != nothing) roots[count++] = {ref, captures};
  }
};

void Snapshot::roots_of(std::string_view host, Arena& arena, HostRoots& out) const {
  if (!host.empty()) {
    // RFC 3986 section 3.2.2: names are compared without regard to case; an IPv6 address stands in brackets.
    const auto colon = host.rfind(':');
    if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos)
      host = host.substr(0, colon);
    if (host.ends_with('.')) host.remove_suffix(1);
    constexpr auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (std::any_of(host.begin(), host.end(), upper)) {
      auto* lower = static_cast<char*>(arena.bump(host.size(), 1));
      for (std::size_t i = 0; i < host.size(); ++i)
        lower[i] = static_cast<char>(upper(host[i]) ? host[i] + 32 : host[i]);
      host = {lower, host.size()};
    }
    if (const auto found = exact_hosts_.find(host); found != exact_hosts_.end()) out.add(found->second, false);
    const auto dot = host.find('.');
    if (dot != std::string_view::npos && dot > 0) {
      if (const auto found = wildcard_hosts_.find(host.substr(dot)); found != wildcard_hosts_.end()) {
        out.add(found->second, true);
        out.label = host.substr(0, dot);
      }
    }
  }
  out.add(any_host_, false);
}

/// In a frame of its own: the memory of visited places is large.
[[gnu::noinline]] Snapshot::Step Snapshot::descend_remembering(ChildRef root, Path& path, Walk& walk) const {
  Visited visited(max_steps_);
  return descend<true>(root, path, walk, &visited);
}

/// Tries the host's trees in turn; walk.allowed collects over all of them.
inline bool Snapshot::find(const HostRoots& roots, Path& path, Walk& walk) const {
  for (std::size_t i = 0; i < roots.count; ++i) {
    const auto [root, captures] = roots.roots[i];
    if (captures) walk.values[0] = {roots.label.data(), roots.label.size()};
    walk.captures = captures ? 1 : 0;
    auto step = descend<false>(root, path, walk, nullptr);
    if (step == Step::gave_up) {
      walk.captures = captures ? 1 : 0;
      step = descend_remembering(root, path, walk);
    }
    if (step == Step::found) return true;
  }
  return false;
}

inline void Snapshot::fill(RouteMatch& match, const Walk& walk) const noexcept {
  const auto& record = *walk.found;
  match.outcome = RouteOutcome::found;
  match.head_from_get = walk.head && record.method == static_cast<MethodCode>(http::Method::get);
  match.endpoint = record.endpoint;
  match.pattern = {text_.data() + record.pattern, record.pattern_size};
  match.params.names_ = names_.data() + record.names;
  match.params.size_ = walk.captures;
}

RouteMatch Snapshot::match(const RouteRequest& request, Arena& arena) const {
  RouteMatch out;
  Path path;
  switch (path.assign(request.path, max_depth_ + 1, arena)) {
    case Path::Form::good:
      break;
    case Path::Form::not_absolute:
      return out;
    case Path::Form::malformed:
      out.outcome = RouteOutcome::bad_path;
      return out;
  }
  Walk walk{.method = method_code(custom_methods_, request.method, request.method_text),
            .head = options_.automatic_head && request.method == http::Method::head,
            .values = out.params.values_};
  HostRoots roots;
  if (exact_hosts_.empty() && wildcard_hosts_.empty())
    roots.add(any_host_, false);
  else
    roots_of(request.host, arena, roots);
  if (find(roots, path, walk)) {
    fill(out, walk);
    return out;
  }
  if (walk.allowed == 0 && options_.trailing_slash != TrailingSlash::strict) {
    match_other_slash(request, roots, walk, out, arena);
    if (out.outcome != RouteOutcome::not_found) return out;
  }
  if (walk.allowed != 0) {
    const bool options = options_.automatic_options && request.method == http::Method::options;
    out.outcome = options ? RouteOutcome::options : RouteOutcome::method_not_allowed;
    out.allow = allow_text(walk.allowed, arena);
  }
  return out;
}

/// The same path with the trailing slash added, or taken away.
void Snapshot::match_other_slash(const RouteRequest& request, const HostRoots& roots, Walk& walk, RouteMatch& out,
                                 Arena& arena) const {
  auto other = request.path;
  if (other.size() < 2) return;
  if (other.ends_with('/')) {
    other.remove_suffix(1);
  } else {
    auto* longer = static_cast<char*>(arena.bump(other.size() + 1, 1));
    std::memcpy(longer, other.data(), other.size());
    longer[other.size()] = '/';
    other = {longer, other.size() + 1};
  }
  Path path;
  if (path.assign(other, max_depth_ + 1, arena) != Path::Form::good) return;
  const auto found = find(roots, path, walk);
  if (options_.trailing_slash == TrailingSlash::ignore) {
    if (found) fill(out, walk);
    return;
  }
  walk.allowed = 0;  // the redirect is for routes that would answer, not for a 405
  // "//host" and, to browsers, "/\\host" name another host: a redirect to such a location would leave the site.
  if (!found || other[1] == '/' || other[1] == '\\') return;
  out.outcome = RouteOutcome::redirect;
  out.location = other;
  out.redirect_status = request.method == http::Method::get || request.method == http::Method::head ? 301 : 308;
}

std::string_view Snapshot::allow_text(MethodSet allowed, Arena& arena) const {
  const auto bit = [](http::Method method) { return method_bit(static_cast<MethodCode>(method)); };
  if (options_.automatic_head && (allowed & bit(http::Method::get)) != 0) allowed |= bit(http::Method::head);
  if (options_.automatic_options) allowed |= bit(http::Method::options);
  std::size_t size = 0;
  for (auto rest = allowed; rest != 0; rest &= rest - 1) {
    size += method_name(custom_methods_, static_cast<MethodCode>(std::countr_zero(rest))).size() + 2;
  }
  auto* const out = static_cast<char*>(arena.bump(size, 1));
  auto* at = out;
  for (auto rest = allowed; rest != 0; rest &= rest - 1) {
    const auto name = method_name(custom_methods_, static_cast<MethodCode>(std::countr_zero(rest)));
    if (at != out) at = std::copy_n(", ", 2, at);
    at = std::copy(name.begin(), name.end(), at);
  }
  return {out, static_cast<std::size_t>(at - out)};
}

}  // namespace weir::router
