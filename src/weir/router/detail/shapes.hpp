// Numbers the shapes of a packed tree's nodes and computes the bound on a walk: see the head of snapshot.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "weir/router/detail/hash.hpp"
#include "weir/router/detail/snapshot.hpp"

namespace weir::router {

/// The arrays of a snapshot that is being packed. Children stand behind their parents in `nodes`.
struct PackedTree {
  std::span<Node> nodes;
  std::span<const Slot> slots;
  std::span<const Edge> edges;
  std::span<const Record> records;
};

/// Used once.
class ShapeNumbers {
 public:
  explicit ShapeNumbers(const PackedTree& tree) : tree_(tree) {}

  /// Sets Node::shape of all nodes.
  void assign();

  /// A node and how deep it stands.
  struct Place {
    std::uint32_t depth;
    std::uint32_t node;
  };
  /// The bound for the worst of `roots`, saturated. `places` are all nodes, in any order. REQUIRES: assign().
  [[nodiscard]] std::uint32_t max_steps(std::vector<Place> places, std::span<const ChildRef> roots) const;

 private:
  /// What stands for a shape while it has no number: 128 bits, so that two shapes of a table do not meet by accident.
  struct Digest {
    std::uint64_t a = hash_seed_1;
    std::uint64_t b = hash_seed_2;

    void add(std::uint64_t x, std::uint64_t y) noexcept {
      a = mix(a ^ x, hash_seed_2 ^ y);
      b = mix(b ^ y, hash_seed_1 + x) + a;
    }
    bool operator==(const Digest&) const = default;
  };
  struct DigestHash {
    std::size_t operator()(const Digest& digest) const noexcept { return digest.a; }
  };
  /// B(0), B(1), … of a shape: a part of weights_.
  struct Levels {
    std::size_t first;
    std::size_t count;
  };

  [[nodiscard]] Digest digest_of_child(ChildRef ref) const;
  [[nodiscard]] Digest digest_of(const Node& node) const;
  void weigh(const Node& node);
  [[nodiscard]] std::span<const std::uint32_t> levels_of(ChildRef ref) const;

  PackedTree tree_;
  std::vector<Digest> digests_;  // by node
  std::vector<Levels> levels_;   // by shape
  std::vector<std::uint32_t> weights_;
};

}  // namespace weir::router
