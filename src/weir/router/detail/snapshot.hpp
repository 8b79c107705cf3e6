// The packed route tree that requests are matched against.
//
// Segments of all patterns are interned: a path's segment is looked up once, and from then on literal children are
// found by number. Everything refers by 32-bit index into a few arrays:
//
//   nodes_    inner nodes: where their literal children (slots), placeholders (edges) and routes (records) are
//   slots_    one small open-addressing table per node: text of a segment → child
//   edges_    the placeholders of a node in order of precedence → child
//   records_  the routes that end at one place, ordered by method; a child that only ends routes is such a group itself
//
// Bound on the time of a match. The walk is depth first. Plainly, it enters each node at most once, because a node is
// reached by one path only: that is bounded by the table, not by the request, and a table of 2^n routes with a literal
// and a placeholder at each level makes it exponential in the path's length. Therefore nodes are numbered by shape at
// build: two nodes have one shape when the trees below them accept the same paths with the same methods. After
// `plain_steps` steps the walk starts again and enters each pair (shape, depth) at most once: what failed there before
// fails again. build() computes an upper bound for that walk, max_steps():
//
//   sum over depths d of min(A(d), B(d))
//   A(d) = total weight of the different shapes at depth d
//   B(d) = weight that a walk can enter at depth d, choosing at each node the worst literal child and all placeholders
//
// where the weight of a node is one probe for literal text and one check for each placeholder. A table whose bound is
// above RouterOptions::max_steps is refused. (A bound that holds for every table would need exponential memory: this is
// the partial match problem.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/arena.hpp"
#include "weir/base/error.hpp"
#include "weir/router/detail/constraint.hpp"
#include "weir/router/detail/hash.hpp"
#include "weir/router/detail/large_array.hpp"
#include "weir/router/detail/table_data.hpp"
#include "weir/router/router.hpp"

namespace weir::router {

inline constexpr std::uint32_t nothing = 0xffffffff;
inline constexpr std::uint32_t leaf_bit = 0x80000000;
/// Steps that a walk may take before it starts to remember where it was.
inline constexpr std::uint32_t plain_steps = 64;
/// The highest RouterOptions::max_steps.
inline constexpr std::uint32_t step_limit = 4096;

/// A child is the index of a node, or leaf_bit and the index of the first record of its group.
using ChildRef = std::uint32_t;

struct Node {
  std::uint32_t slots = 0;
  std::uint32_t slot_count = 0;
  std::uint32_t edges = 0;
  std::uint32_t edge_count = 0;
  std::uint32_t records = nothing;
  std::uint32_t shape = 0;
};

/// A literal child. The text is in the slot if it is short (see SegmentKey); else `meta` has the long bit and an index
/// into long_texts_.
struct Slot {
  std::uint64_t key = 0;
  std::uint32_t meta = 0;
  ChildRef child = nothing;
};

/// A placeholder below a node. What most placeholders need to be matched stands here, not in the Param.
struct Edge {
  std::uint32_t param : 30 = 0;
  std::uint32_t plain : 1 = 0;  ///< {id}: accepts every segment but the empty one.
  std::uint32_t tail : 1 = 0;
  ChildRef child = nothing;
};

/// A placeholder without its name. Equal ones are stored once.
struct Param {
  ParamConstraint constraint;  ///< `regex` is empty here.
  std::string prefix;
  std::string suffix;
  std::shared_ptr<const LazyRegex> regex;
};

struct Record {
  std::uint32_t endpoint = 0;
  std::uint32_t pattern = 0;  ///< Offset in the text pool.
  std::uint32_t names = 0;    ///< Index of the first of its placeholders' names.
  std::uint16_t pattern_size = 0;
  MethodCode method = 0;
  std::uint8_t name_count : 7 = 0;
  std::uint8_t last : 1 = 0;  ///< The last record of its group.
};
static_assert(sizeof(Record) == 16 && sizeof(Slot) == 16 && sizeof(Edge) == 8);

class Path;
class Visited;

class Snapshot {
 public:
  [[nodiscard]] RouteMatch match(const RouteRequest& request, Arena& arena) const;
  [[nodiscard]] Result<std::string> url_for(std::string_view name, std::span<const UrlParam> params,
                                            std::span<const UrlParam> query) const;
  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
  [[nodiscard]] std::uint32_t max_steps() const noexcept { return max_steps_; }
  [[nodiscard]] const std::shared_ptr<const void>& attachment() const noexcept { return attachment_; }

 private:
  friend class Builder;

  struct Named {
    TextRef name;
    std::uint32_t record;
  };
  /// What one walk looks for and finds.
  struct Walk {
    MethodCode method;
    bool head;              ///< HEAD, which a GET route may answer.
    MethodSet allowed = 0;  ///< Methods of the places that the path leads to.
    const Record* found = nullptr;
    std::size_t captures = 0;
    RouteParams::Value* values;  ///< max_route_params of them.
  };
  enum class Step : std::uint8_t { found, missed, gave_up };

  struct HostRoots;
  void roots_of(std::string_view host, Arena& arena, HostRoots& out) const;
  bool find(const HostRoots& roots, Path& path, Walk& walk) const;
  template <bool remember>
  Step descend(ChildRef root, Path& path, Walk& walk, Visited* visited) const;
  Step descend_remembering(ChildRef root, Path& path, Walk& walk) const;
  void match_other_slash(const RouteRequest& request, const HostRoots& roots, Walk& walk, RouteMatch& out,
                         Arena& arena) const;
  bool take(std::uint32_t record, Walk& walk) const noexcept;
  [[nodiscard]] bool capture(const Edge& edge, const Path& path, std::size_t depth, RouteParams::Value& out) const;
  [[nodiscard]] bool capture_special(const Edge& edge, const Path& path, std::size_t depth,
                                     RouteParams::Value& out) const;
  [[nodiscard]] bool accepts(const PatternSegment& segment, std::string_view value) const;
  [[nodiscard]] ChildRef literal_child(const Node& node, Path& path, std::size_t depth) const noexcept;
  [[nodiscard]] ChildRef long_literal_child(const Node& node, Path& path, std::size_t depth) const noexcept;
  void fill(RouteMatch& match, const Walk& walk) const noexcept;
  [[nodiscard]] std::string_view allow_text(MethodSet allowed, Arena& arena) const;
  [[nodiscard]] std::string_view view(TextRef ref) const noexcept {
    return std::string_view(text_).substr(ref.offset, ref.size);
  }

  RouterOptions options_;
  std::string text_;
  LargeArray<Node> nodes_;
  LargeArray<Slot> slots_;
  std::vector<TextRef> long_texts_;
  std::vector<Edge> edges_;
  LargeArray<Record> records_;
  std::vector<Param> params_;
  std::vector<std::string_view> names_;
  std::vector<Named> named_;  // by name
  std::vector<std::string> custom_methods_;
  ChildRef any_host_ = nothing;
  TextMap<ChildRef> exact_hosts_;
  TextMap<ChildRef> wildcard_hosts_;  // by what stands behind the first label, dot included
  std::uint32_t max_depth_ = 0;
  std::uint32_t max_steps_ = 0;
  std::shared_ptr<const void> attachment_;  // shared: endpoints live as long as any snapshot that refers to them
};

}  // namespace weir::router
