// From the routes of a table to the packed tree of a snapshot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/error.hpp"
#include "weir/router/detail/snapshot.hpp"
#include "weir/router/detail/table_data.hpp"

namespace weir::router {

/// The segments of all patterns: text → number.
class SegmentIndex {
 public:
  /// The number of `segment`, a view of `pool`.
  std::uint32_t intern(std::string_view segment, const std::string& pool);
  [[nodiscard]] TextRef text(std::uint32_t number) const noexcept { return texts_[number]; }
  [[nodiscard]] std::size_t size() const noexcept { return texts_.size(); }

 private:
  struct Entry {
    std::uint32_t hash = 0;
    std::uint32_t number = nothing;
  };
  void grow();

  std::vector<Entry> entries_ = std::vector<Entry>(16);
  std::vector<TextRef> texts_;
};

/// Used once. Puts all routes into a plain tree, collecting every problem, and packs the tree when there is none.
class Builder {
 public:
  explicit Builder(TableData data);

  /// `regexes` gains the expressions that were compiled to see whether they are right.
  Result<std::unique_ptr<const Snapshot>> run(std::shared_ptr<const void> attachment,
                                              TextMap<std::shared_ptr<const LazyRegex>>& regexes);

 private:
  /// The label of a literal child is its segment's number, that of a placeholder its param's number and param_bit.
  static constexpr std::uint32_t param_bit = 0x80000000;
  struct TreeNode {
    std::uint32_t parent;
    std::uint32_t label;
    std::uint32_t literals = 0;
    std::uint32_t params = 0;
    std::uint32_t routes = nothing;  // the head of a list of TreeRoutes
    std::uint32_t depth = 0;
  };
  struct TreeRoute {
    std::uint32_t route;
    std::uint32_t names;
    std::uint32_t next;
    std::uint8_t name_count;
  };
  struct Host {
    std::uint32_t root = nothing;
    TextRef name;  // of its placeholder
    bool wildcard = false;
    bool wrong = false;
  };
  /// Children of all nodes by (node, label): open addressing.
  struct Child {
    std::uint32_t node = nothing;
    std::uint32_t label = 0;
    std::uint32_t child = 0;
  };

  void read_hosts();
  void check_methods();
  std::string read_host(std::string_view text, Host& host);
  void insert(std::uint32_t index);
  std::uint32_t literal(std::uint32_t node, const PatternSegment& segment);
  std::uint32_t placeholder(std::uint32_t node, const PatternSegment& segment, const StoredRoute& route);
  std::uint32_t param_number(const PatternSegment& segment, const StoredRoute& route);
  std::uint32_t child_of(std::uint32_t node, std::uint32_t label);
  void grow_children();
  std::uint32_t add_node(std::uint32_t parent, std::uint32_t label, std::uint32_t depth);
  void end_route(std::uint32_t node, std::uint32_t index);
  std::uint32_t names_of(const std::vector<TextRef>& names);
  void check_names();
  void problem(const StoredRoute& route, std::string_view rule, const std::string& message);
  void problem(std::string field, std::string_view rule, std::string message);
  [[nodiscard]] std::string describe(const StoredRoute& route) const;
  [[nodiscard]] Error all_problems();

  void pack();
  void pack_records();
  std::vector<SegmentKey> pack_segments();
  void pack_children();
  void bound_steps();
  void pack_names();

  TableData data_;
  TextMap<std::shared_ptr<const LazyRegex>>* regexes_ = nullptr;
  std::unique_ptr<Snapshot> out_;
  SegmentIndex segments_;
  std::vector<TreeNode> tree_;
  std::vector<TreeRoute> tree_routes_;
  std::vector<Child> children_;
  std::size_t child_count_ = 0;
  std::vector<Host> hosts_;
  TextMap<std::uint32_t> params_;
  std::uint32_t simple_params_[16];
  std::vector<TextRef> names_;
  TextMap<std::uint32_t> name_lists_;
  std::string last_names_;
  std::uint32_t last_names_at_ = 0;
  std::vector<TextRef> route_names_;  // scratch
  std::vector<ChildRef> refs_;        // by tree node
  std::vector<std::uint32_t> record_of_route_;
  std::vector<FieldError> problems_;
  std::size_t problem_count_ = 0;
};

}  // namespace weir::router
