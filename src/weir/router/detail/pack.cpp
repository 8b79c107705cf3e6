// Packs the builder's tree into a snapshot.
#include <algorithm>
#include <tuple>
#include <utility>

#include "weir/router/detail/builder.hpp"
#include "weir/router/detail/shapes.hpp"

namespace weir::router {
void Builder::pack() {
  pack_records();
  pack_children();
  pack_names();
  children_ = {};
  bound_steps();
}

/// Groups the routes that end at one node, ordered by method, and gives each tree node its ChildRef.
void Builder::pack_records() {
  auto& records = out_->records_;
  records.reserve(tree_routes_.size());
  refs_.resize(tree_.size(), nothing);
  record_of_route_.resize(data_.routes.size());
  std::vector<const TreeRoute*> group;
  for (std::size_t i = 0; i < tree_.size(); ++i) {
    auto& node = tree_[i];
    group.clear();
    for (auto at = node.routes; at != nothing; at = tree_routes_[at].next) group.push_back(&tree_routes_[at]);
    std::sort(group.begin(), group.end(),
              [this](auto* x, auto* y) { return data_.routes[x->route].method < data_.routes[y->route].method; });
    const auto first = static_cast<std::uint32_t>(records.size());
    for (const auto* one : group) {
      const auto& route = data_.routes[one->route];
      record_of_route_[one->route] = static_cast<std::uint32_t>(records.size());
      records.push_back({.endpoint = route.endpoint,
                         .pattern = route.pattern.offset,
                         .names = one->names,
                         .pattern_size = static_cast<std::uint16_t>(route.pattern.size),
                         .method = route.method,
                         .name_count = static_cast<std::uint8_t>(one->name_count & 0x7f)});
    }
    if (!group.empty()) {
      records.back().last = 1;
      refs_[i] = first | leaf_bit;
      out_->max_depth_ = std::max(out_->max_depth_, node.depth);
    }
    node.routes = group.empty() ? nothing : first;
  }
  tree_routes_ = {};
}

/// The keys of all segments by number; long texts get a place in the snapshot.
std::vector<SegmentKey> Builder::pack_segments() {
  std::vector<SegmentKey> keys;
  keys.reserve(segments_.size());
  for (std::uint32_t i = 0; i < segments_.size(); ++i) {
    const auto text = segments_.text(i);
    auto key = SegmentKey::of(data_.view(text));
    if (key.meta == SegmentKey::long_bit) {
      key.meta |= static_cast<std::uint32_t>(out_->long_texts_.size());
      out_->long_texts_.push_back(text);
    }
    keys.push_back(key);
  }
  segments_ = {};
  out_->long_texts_.shrink_to_fit();
  return keys;
}

void Builder::pack_children() {
  auto& nodes = out_->nodes_;
  std::size_t inner = 0;
  for (const auto& node : tree_) inner += node.literals + node.params != 0 ? 1 : 0;
  nodes.reserve(inner);
  std::uint32_t slots = 0;
  std::uint32_t edges = 0;
  for (std::size_t i = 0; i < tree_.size(); ++i) {
    const auto& node = tree_[i];
    if (node.literals + node.params == 0) continue;
    refs_[i] = static_cast<ChildRef>(nodes.size());
    // A third stays free, at least one slot: it ends the search for what is not there.
    const auto room = node.literals == 0 ? 0 : node.literals + node.literals / 2 + 1;
    nodes.push_back({.slots = slots, .slot_count = room, .edges = edges, .records = node.routes});
    slots += room;
    edges += node.params;
  }
  out_->slots_.resize(slots);
  const auto keys = pack_segments();
  out_->edges_.resize(edges);
  for (std::size_t i = 0; i < tree_.size(); ++i) {
    const auto& child = tree_[i];
    if (child.parent == nothing) continue;
    auto& node = nodes[refs_[child.parent]];
    if ((child.label & param_bit) != 0) {
      const auto number = child.label & ~param_bit;
      const auto& param = out_->params_[number];
      out_->edges_[node.edges + node.edge_count++] = {
          .param = number & 0x3fffffff,
          .plain = param.prefix.empty() && param.suffix.empty() && param.constraint == ParamConstraint{},
          .tail = param.constraint.kind == ParamKind::tail,
          .child = refs_[i]};
      continue;
    }
    auto* const table = out_->slots_.data() + node.slots;
    const auto [key, meta] = keys[child.label];
    auto at = slot_of(key, node.slot_count);
    while (table[at].child != nothing) at = at + 1 == node.slot_count ? 0 : at + 1;
    table[at] = {key, meta, refs_[i]};
  }
  // The precedence of placeholders; equal ones stay in order of registration.
  const auto rank = [this](const Edge& edge) {
    const auto& param = out_->params_[edge.param];
    const bool bounded = param.constraint.min != ParamConstraint{}.min || param.constraint.max != ParamConstraint{}.max;
    return std::tuple(edge.tail != 0, -static_cast<std::int64_t>(param.prefix.size() + param.suffix.size()),
                      param.constraint.kind, !bounded);
  };
  std::vector<std::pair<Edge, std::uint32_t>> order;
  for (const auto& node : nodes) {
    if (node.edge_count < 2) continue;
    order.clear();
    auto* const first = out_->edges_.data() + node.edges;
    for (std::uint32_t i = 0; i < node.edge_count; ++i) order.emplace_back(first[i], i);
    std::sort(order.begin(), order.end(), [&](const auto& x, const auto& y) {
      return std::pair(rank(x.first), x.second) < std::pair(rank(y.first), y.second);
    });
    for (std::uint32_t i = 0; i < node.edge_count; ++i) first[i] = order[i].first;
  }
}

void Builder::pack_names() {
  out_->custom_methods_ = std::move(data_.custom_methods);
  out_->text_ = std::move(data_.text);
  out_->text_.shrink_to_fit();
  out_->names_.reserve(names_.size());
  for (const auto name : names_) out_->names_.push_back(out_->view(name));
  for (std::size_t i = 0; i < data_.routes.size(); ++i) {
    if (data_.routes[i].name.size != 0) out_->named_.push_back({data_.routes[i].name, record_of_route_[i]});
  }
  std::sort(out_->named_.begin(), out_->named_.end(),
            [this](const auto& x, const auto& y) { return out_->view(x.name) < out_->view(y.name); });
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    const auto root = refs_[hosts_[i].root];
    const std::string_view text = data_.hosts[i];
    if (root == nothing) continue;
    if (text.empty())
      out_->any_host_ = root;
    else if (hosts_[i].wildcard)
      out_->wildcard_hosts_.try_emplace(std::string(text.substr(text.find('.'))), root);
    else
      out_->exact_hosts_.try_emplace(std::string(text), root);
  }
}

/// Tree nodes are numbered from the root, so children stand behind their parents.
void Builder::bound_steps() {
  ShapeNumbers shapes({out_->nodes_, out_->slots_, out_->edges_, out_->records_});
  shapes.assign();
  std::vector<ShapeNumbers::Place> places;
  places.reserve(out_->nodes_.size());
  std::vector<ChildRef> roots;
  for (std::size_t i = 0; i < tree_.size(); ++i) {
    if ((refs_[i] & leaf_bit) != 0) continue;
    places.push_back({.depth = tree_[i].depth, .node = refs_[i]});
    if (tree_[i].parent == nothing) roots.push_back(refs_[i]);
  }
  out_->max_steps_ = shapes.max_steps(std::move(places), roots);
  const auto limit = std::min(data_.options.max_steps, step_limit);
  if (out_->max_steps_ <= limit) return;
  problem("", "limit",
          "a path can need " + std::to_string(out_->max_steps_) + " steps in these routes, the limit is " +
              std::to_string(limit) + ": too many placeholders stand beside each other or beside literal text");
}

}  // namespace weir::router
