// The router as its rules are written, without an idea of speed: looks at every route. The tests compare against it.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "weir/http/method.hpp"
#include "weir/router/detail/constraint.hpp"
#include "weir/router/pattern.hpp"

namespace weir::router {

struct ReferenceRoute {
  http::Method method;
  std::string pattern;
  std::uint32_t endpoint;
};

struct ReferenceMatch {
  std::optional<std::uint32_t> endpoint;
  std::vector<std::string> values;
  bool method_exists = false;  ///< Some route accepts the path.
};

class Reference {
 public:
  explicit Reference(std::vector<ReferenceRoute> routes) : routes_(std::move(routes)) {
    for (const auto& route : routes_) segments_.push_back(read(route.pattern));
  }

  /// `path` has no escapes.
  [[nodiscard]] ReferenceMatch match(http::Method method, std::string_view path) const {
    ReferenceMatch best;
    std::vector<Rank> best_rank;
    const auto parts = split(path);
    for (std::size_t i = 0; i < routes_.size(); ++i) {
      std::vector<std::string> values;
      if (!accepts(segments_[i], parts, path, values)) continue;
      best.method_exists = true;
      if (routes_[i].method != method) continue;
      auto rank = rank_of(i);
      if (best.endpoint && best_rank <= rank) continue;
      best.endpoint = routes_[i].endpoint;
      best.values = std::move(values);
      best_rank = std::move(rank);
    }
    return best;
  }

 private:
  using Rank = std::tuple<bool, bool, std::int64_t, int, bool, std::size_t>;

  static std::vector<PatternSegment> read(std::string_view pattern) {
    std::vector<PatternSegment> out;
    PatternReader reader(pattern);
    for (PatternSegment segment; reader.next(segment);) out.push_back(segment);
    return out;
  }
  static std::vector<std::string_view> split(std::string_view path) {
    std::vector<std::string_view> out;
    for (std::size_t at = 1; at <= path.size();) {
      const auto end = std::min(path.find('/', at), path.size());
      out.push_back(path.substr(at, end - at));
      at = end + 1;
    }
    return out;
  }

  static bool accepts(const std::vector<PatternSegment>& pattern, const std::vector<std::string_view>& parts,
                      std::string_view path, std::vector<std::string>& values) {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (i >= parts.size()) return false;
      const auto& segment = pattern[i];
      const bool tail = segment.constraint.kind == ParamKind::tail;
      if (segment.literal) {
        if (segment.text != parts[i]) return false;
        continue;
      }
      auto text = tail ? path.substr(static_cast<std::size_t>(parts[i].data() - path.data())) : parts[i];
      const auto around = segment.text.size() + segment.suffix.size();
      if (text.size() < around || !text.starts_with(segment.text) || !text.ends_with(segment.suffix)) return false;
      text = text.substr(segment.text.size(), text.size() - around);
      if (!tail && (text.empty() || !satisfies(segment.constraint, text))) return false;
      if (segment.constraint.kind == ParamKind::regex &&
          !LazyRegex(std::string(segment.constraint.regex), 1000, 10000).matches(text)) {
        return false;
      }
      values.emplace_back(text);
      if (tail) return true;
    }
    return pattern.size() == parts.size();
  }

  static bool same_shape(const PatternSegment& x, const PatternSegment& y) {
    return x.literal == y.literal && x.text == y.text && x.suffix == y.suffix && x.constraint == y.constraint;
  }

  /// The precedence of a route, segment by segment: the smallest wins. Of equal placeholders, the one that was first
  /// registered at the same place.
  [[nodiscard]] std::vector<Rank> rank_of(std::size_t route) const {
    std::vector<Rank> out;
    const auto& segments = segments_[route];
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const auto& s = segments[i];
      std::size_t first = 0;
      const auto shares = [&](const auto& other) {
        return other.size() > i && std::equal(segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                              other.begin(), same_shape);
      };
      while (!shares(segments_[first])) ++first;
      if (s.literal) {
        out.emplace_back(false, false, 0, 0, false, 0);
        continue;
      }
      const auto& c = s.constraint;
      const bool bounded = c.min != ParamConstraint{}.min || c.max != ParamConstraint{}.max;
      out.emplace_back(true, c.kind == ParamKind::tail, -static_cast<std::int64_t>(s.text.size() + s.suffix.size()),
                       static_cast<int>(c.kind), !bounded, first);
    }
    return out;
  }

  std::vector<ReferenceRoute> routes_;
  std::vector<std::vector<PatternSegment>> segments_;
};

}  // namespace weir::router
