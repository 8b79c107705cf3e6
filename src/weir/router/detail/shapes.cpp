#include "weir/router/detail/shapes.hpp"

#include <algorithm>
#include <utility>

namespace weir::router {
namespace {

std::uint32_t saturated(std::uint64_t value) noexcept {
  return static_cast<std::uint32_t>(std::min(value, std::uint64_t{1} << 30));
}
std::uint64_t weight_of(const Node& node) noexcept {
  return std::uint64_t{1} + node.edge_count;
}

}  // namespace

/// A child that only ends routes has the shape of its methods.
ShapeNumbers::Digest ShapeNumbers::digest_of_child(ChildRef ref) const {
  if ((ref & leaf_bit) == 0) return digests_[ref];
  Digest digest;
  for (const auto* record = &tree_.records[ref & ~leaf_bit];; ++record) {
    digest.add(record->method, 1);
    if (record->last) return digest;
  }
}

ShapeNumbers::Digest ShapeNumbers::digest_of(const Node& node) const {
  Digest literals{0, 0};  // a sum: their order says nothing
  for (const auto& slot : tree_.slots.subspan(node.slots, node.slot_count)) {
    if (slot.child == nothing) continue;
    auto child = digest_of_child(slot.child);
    child.add(slot.key, slot.meta);
    literals.a += child.a;
    literals.b += child.b;
  }
  Digest digest;
  digest.add(literals.a, literals.b);
  for (const auto& edge : tree_.edges.subspan(node.edges, node.edge_count)) {
    const auto child = digest_of_child(edge.child);
    digest.add(edge.param, 3);
    digest.add(child.a, child.b);
  }
  if (node.records != nothing) {
    const auto own = digest_of_child(node.records | leaf_bit);
    digest.add(own.a, own.b);
  }
  return digest;
}

/// Going backwards meets children before their parents.
void ShapeNumbers::assign() {
  digests_.resize(tree_.nodes.size());
  std::unordered_map<Digest, std::uint32_t, DigestHash> numbers;
  for (std::size_t i = tree_.nodes.size(); i-- > 0;) {
    auto& node = tree_.nodes[i];
    digests_[i] = digest_of(node);
    const auto [known, is_new] = numbers.try_emplace(digests_[i], static_cast<std::uint32_t>(numbers.size()));
    node.shape = known->second;
    if (is_new) weigh(node);
  }
}

std::span<const std::uint32_t> ShapeNumbers::levels_of(ChildRef ref) const {
  if ((ref & leaf_bit) != 0) return {};
  const auto [first, count] = levels_[tree_.nodes[ref].shape];
  return std::span(weights_).subspan(first, count);
}

/// The levels of a new shape from those of its children: the worst literal child of each level, all placeholders.
void ShapeNumbers::weigh(const Node& node) {
  std::vector<std::uint64_t> worst;
  for (const auto& slot : tree_.slots.subspan(node.slots, node.slot_count)) {
    if (slot.child == nothing) continue;
    const auto levels = levels_of(slot.child);
    if (worst.size() < levels.size()) worst.resize(levels.size());
    for (std::size_t d = 0; d < levels.size(); ++d) worst[d] = std::max<std::uint64_t>(worst[d], levels[d]);
  }
  for (const auto& edge : tree_.edges.subspan(node.edges, node.edge_count)) {
    const auto levels = levels_of(edge.child);
    if (worst.size() < levels.size()) worst.resize(levels.size());
    for (std::size_t d = 0; d < levels.size(); ++d) worst[d] += levels[d];
  }
  levels_.push_back({weights_.size(), 1 + worst.size()});
  weights_.push_back(saturated(weight_of(node)));
  for (const auto weight : worst) weights_.push_back(saturated(weight));
}

std::uint32_t ShapeNumbers::max_steps(std::vector<Place> places, std::span<const ChildRef> roots) const {
  // A(d): each pair of depth and shape once.
  const auto key = [this](const Place& place) { return std::pair(place.depth, tree_.nodes[place.node].shape); };
  std::sort(places.begin(), places.end(), [&](const auto& x, const auto& y) { return key(x) < key(y); });
  std::vector<std::uint64_t> all(max_pattern_segments + 1);
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (i == 0 || key(places[i - 1]) != key(places[i])) all[places[i].depth] += weight_of(tree_.nodes[places[i].node]);
  }
  std::uint32_t most = 0;
  for (const auto root : roots) {
    const auto levels = levels_of(root);
    std::uint64_t steps = 0;
    for (std::size_t d = 0; d < levels.size(); ++d) steps += std::min<std::uint64_t>(all[d], levels[d]);
    most = std::max(most, saturated(steps));
  }
  return most;
}

}  // namespace weir::router
