// Files below a directory, as a handler for a route with a tail.
//
//   app.get("/static/{path*}", weir::static_files({.root = "public"}));
//   app.get("/{path*}", weir::static_files({.root = "dist", .fallback = "index.html"}));   // a single-page application
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "weir/coro/task.hpp"
#include "weir/web/context.hpp"
#include "weir/web/params.hpp"

namespace weir {

class BlockingPool;

struct StaticFilesOptions {
  std::string root;                  ///< The directory; it is opened once, when the handler is made.
  std::string index = "index.html";  ///< What a path that ends in '/' stands for. Empty: nothing, 404.
  /// A file below the root that answers, with 200, for paths that name nothing and whose last segment has no '.': the
  /// page of an application that does its own routing. Empty: 404.
  std::string fallback;
  /// Sends "app.js.br", ".zst" or ".gz" beside "app.js" to clients that accept it, unless it is older than the file.
  /// They are looked for, for media types that compress well, with every request: at most three calls of the system.
  bool precompressed = true;
  bool dotfiles = false;            ///< Serves what begins with '.', or lies in directories that do.
  bool follow_symlinks = false;     ///< Follows symbolic links that stay below the root; others are never followed.
  std::chrono::seconds max_age{0};  ///< Cache-Control: public, max-age=N. 0: clients ask again, and get a 304.
  bool immutable = false;           ///< Cache-Control: … immutable, for files whose names change with their content.
  std::string cache_control;        ///< Instead of what max_age and immutable make.
};

namespace detail {
class StaticRoot;
}

/// Serves files to GET and HEAD: ranges, conditions, media types, precompressed variants; sent without a copy where the
/// connection allows it. Answers 404 for what is no regular file, for names that begin with '.', and for links; there
/// are no listings of directories. Nothing outside of the root is ever opened, whatever the path holds: the kernel
/// resolves it below the root's descriptor. A directory without the slash is redirected to itself with one.
///
/// Files are opened on the loop: names and attributes that are not in the kernel's caches make it wait for the disk,
/// and so does content while it is sent. See the other static_files() for slow disks.
class StaticFiles {
 public:
  explicit StaticFiles(StaticFilesOptions options);
  Response operator()(Context& ctx, Path<std::string_view> path) const;

 private:
  std::shared_ptr<const detail::StaticRoot> root_;  // shared by copies of the handler
};

/// The same, but names are looked up and files opened in a pool.
class PooledStaticFiles {
 public:
  PooledStaticFiles(StaticFilesOptions options, BlockingPool& pool);
  Task<Response> operator()(Context& ctx, Path<std::string_view> path) const;

 private:
  std::shared_ptr<const detail::StaticRoot> root_;  // shared with the calls under way
  BlockingPool* pool_;
};

/// Throws std::system_error when the root cannot be opened.
[[nodiscard]] StaticFiles static_files(StaticFilesOptions options);
/// `pool` must outlive the handler.
[[nodiscard]] PooledStaticFiles static_files(StaticFilesOptions options, BlockingPool& pool);

}  // namespace weir
