#include "weir/web/static_files.hpp"

#include <array>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>

#include "weir/http/accept.hpp"
#include "weir/http/mime.hpp"
#include "weir/net/file.hpp"
#include "weir/net/socket.hpp"
#include "weir/runtime/blocking_pool.hpp"
#include "weir/web/conditional.hpp"

namespace weir {

namespace detail {

namespace {

struct Variant {
  std::string_view coding;
  std::string_view suffix;
};
/// In the order of preference among those that a client likes equally well.
constexpr std::array<Variant, 3> variants{{{"br", ".br"}, {"zstd", ".zst"}, {"gzip", ".gz"}}};

/// Indices of `variants` that the client accepts, its favourite first.
struct Codings {
  std::array<std::uint8_t, variants.size()> order{};
  std::size_t count = 0;
};

Codings accepted_codings(const http::HeaderView& headers) noexcept {
  Codings result;
  if (!headers.has(HeaderId::accept_encoding)) return result;
  std::array<std::string_view, variants.size()> names;
  std::array<std::uint8_t, variants.size()> indices{};
  std::size_t left = variants.size();
  for (std::size_t i = 0; i < left; ++i) {
    names[i] = variants[i].coding;
    indices[i] = static_cast<std::uint8_t>(i);
  }
  while (left != 0) {
    const auto best = http::negotiate_encoding(headers, std::span(names.data(), left));
    if (!best) break;
    result.order[result.count++] = indices[*best];
    --left;
    for (std::size_t i = *best; i < left; ++i) {
      names[i] = names[i + 1];
      indices[i] = indices[i + 1];
    }
  }
  return result;
}

/// A path below the root with a zero behind it, without an allocation.
class PathText {
 public:
  /// False when it does not fit: then there is no such file.
  bool append(std::string_view text) noexcept {
    if (size_ + text.size() >= sizeof text_) return false;
    text.copy(text_ + size_, text.size());
    size_ += text.size();
    text_[size_] = '\0';
    return true;
  }
  void truncate(std::size_t size) noexcept { text_[size_ = size] = '\0'; }
  [[nodiscard]] const char* c_str() const noexcept { return text_; }
  [[nodiscard]] std::string_view view() const noexcept { return {text_, size_}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  char text_[4096];
  std::size_t size_ = 0;
};

/// What a path stands for.
struct Found {
  enum class Kind : std::uint8_t { file, directory, nothing, forbidden, unavailable };
  Kind kind = Kind::nothing;
  bool fallback = false;
  std::string_view coding;
  std::string_view media_type;
  std::optional<net::File> file;
};

Found::Kind kind_of(int error) noexcept {
  switch (error) {
    case EACCES:
      return Found::Kind::forbidden;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO:
      return Found::Kind::unavailable;
    default:
      return Found::Kind::nothing;
  }
}

}  // namespace

/// The open directory and what is to be known of it. Immutable.
class StaticRoot {
 public:
  explicit StaticRoot(StaticFilesOptions options)
      : options_(std::move(options)),
        directory_(::open(options_.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)),
        cache_control_(options_.cache_control) {
    if (!directory_) throw std::system_error(errno, std::generic_category(), "static_files: open " + options_.root);
    if (cache_control_.empty()) {
      cache_control_ = "public, max-age=" + std::to_string(options_.max_age.count());
      if (options_.immutable) cache_control_ += ", immutable";
    }
  }

  [[nodiscard]] Found find(std::string_view path, const Codings& codings) const noexcept {
    Found found;
    if (!acceptable(path)) return found;
    PathText name;
    if (!name.append(path)) return found;
    const bool directory = path.empty() || path.ends_with('/');
    if (directory && !(options_.index.empty() ? false : name.append(options_.index))) return found;
    auto file = open(name);
    if (!file && file.error() == EISDIR) {
      // Redirected only where there is something to see.
      if (options_.index.empty() || !name.append("/") || !name.append(options_.index) || !open(name)) return found;
      found.kind = Found::Kind::directory;
      return found;
    }
    if (!file && kind_of(file.error()) == Found::Kind::nothing && falls_back(path)) {
      name.truncate(0);
      if (!name.append(options_.fallback)) return found;
      file = open(name);
      found.fallback = true;
    }
    if (!file) {
      found.kind = kind_of(file.error());
      return found;
    }
    found.kind = Found::Kind::file;
    found.media_type = http::media_type_of_file(name.view());
    found.file = std::move(*file);
    if (varies(found.media_type)) take_variant(name, codings, found);
    return found;
  }

  [[nodiscard]] Codings codings_for(const http::HeaderView& headers) const noexcept {
    return options_.precompressed ? accepted_codings(headers) : Codings{};
  }

  [[nodiscard]] Response answer(Context& ctx, Found found) const {
    switch (found.kind) {
      case Found::Kind::file:
        break;
      case Found::Kind::directory:
        return redirect_to_directory(ctx);
      case Found::Kind::nothing:
        return error_response(ctx, Error(Errc::not_found, "there is no such file"));
      case Found::Kind::forbidden:
        return error_response(ctx, Error(Errc::permission_denied, "the file may not be read"));
      case Found::Kind::unavailable:
        return error_response(ctx, Error(Errc::unavailable, "the file cannot be opened now"));
    }
    FilePresentation presentation;
    presentation.media_type = found.media_type;
    presentation.content_encoding = found.coding;
    // The page of an application names its other files: it must not be older than they are.
    presentation.cache_control = found.fallback ? std::string_view("no-cache") : std::string_view(cache_control_);
    presentation.varies_by_encoding = varies(found.media_type);
    return serve_file(ctx, std::move(*found.file), presentation);
  }

 private:
  /// No absolute path, no empty, "." or ".." segment (they reach a decoded tail as "..%2F"), no NUL, and no names with
  /// a dot in front unless they were asked for. The kernel would not leave the root either.
  [[nodiscard]] bool acceptable(std::string_view path) const noexcept {
    if (path.find('\0') != std::string_view::npos) return false;
    while (!path.empty()) {
      const std::size_t slash = path.find('/');
      const std::string_view segment = path.substr(0, slash);
      if (segment.empty() || segment == "." || segment == "..") return false;
      if (segment.front() == '.' && !options_.dotfiles) return false;
      path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
    return true;
  }
  [[nodiscard]] bool falls_back(std::string_view path) const noexcept {
    if (options_.fallback.empty()) return false;
    const std::size_t slash = path.rfind('/');
    return path.find('.', slash == std::string_view::npos ? 0 : slash + 1) == std::string_view::npos;
  }
  [[nodiscard]] bool varies(std::string_view media_type) const noexcept {
    return options_.precompressed && http::is_compressible(media_type);
  }
  [[nodiscard]] std::expected<net::File, int> open(const PathText& name) const noexcept {
    return net::File::try_open_below(directory_.get(), name.c_str(), options_.follow_symlinks);
  }
  void take_variant(PathText& name, const Codings& codings, Found& found) const noexcept {
    const std::size_t size = name.size();
    for (std::size_t i = 0; i < codings.count; ++i) {
      const Variant& variant = variants[codings.order[i]];
      if (!name.append(variant.suffix)) return;
      auto file = open(name);
      name.truncate(size);
      if (!file || file->modified() < found.file->modified()) continue;
      found.file = std::move(*file);
      found.coding = variant.coding;
      return;
    }
  }
  /// The path as it was sent, with a slash. It begins with one slash only: an empty segment is not acceptable(), so no
  /// "//host/" can come out of it.
  static Response redirect_to_directory(Context& ctx) {
    Response response(Status::moved_permanently);
    std::string location(ctx.path());
    location += '/';
    if (ctx.request().has_query) {
      location += '?';
      location += ctx.request().query;
    }
    response.headers.set(HeaderId::location, location);
    return response;
  }

  StaticFilesOptions options_;
  net::Fd directory_;
  std::string cache_control_;
};

}  // namespace detail

StaticFiles::StaticFiles(StaticFilesOptions options)
    : root_(std::make_shared<const detail::StaticRoot>(std::move(options))) {}

Response StaticFiles::operator()(Context& ctx, Path<std::string_view> path) const {
  return root_->answer(ctx, root_->find(*path, root_->codings_for(ctx.request().headers)));
}

PooledStaticFiles::PooledStaticFiles(StaticFilesOptions options, BlockingPool& pool)
    : root_(std::make_shared<const detail::StaticRoot>(std::move(options))), pool_(&pool) {}

Task<Response> PooledStaticFiles::operator()(Context& ctx, Path<std::string_view> path) const {
  // The call may go on after the request is over: it owns what it uses.
  auto call = pool_->run([root = root_, path = std::string(*path),
                          codings = root_->codings_for(ctx.request().headers)] { return root->find(path, codings); },
                         ctx.stop_token());
  Result<detail::Found> found = co_await call;
  if (!found) co_return detail::error_response(ctx, std::move(found.error()));
  co_return root_->answer(ctx, std::move(*found));
}

StaticFiles static_files(StaticFilesOptions options) {
  return StaticFiles(std::move(options));
}
PooledStaticFiles static_files(StaticFilesOptions options, BlockingPool& pool) {
  return {std::move(options), pool};
}

}  // namespace weir
