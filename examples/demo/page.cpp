// The page at "/": files that the build put into the program.
#include <weir/base/embedded_file.hpp>

#include "embedded/demo_page.hpp"
#include "service.hpp"

namespace demo {

namespace {

constexpr std::string_view security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

weir::Response serve(const weir::Context& ctx, const weir::EmbeddedFile& file) {
  const bool gzip =
      !file.gzip.empty() && ctx.header(weir::HeaderId::accept_encoding).find("gzip") != std::string_view::npos;
  const std::string_view etag = gzip ? file.gzip_etag : file.etag;
  weir::Response response = ctx.header(weir::HeaderId::if_none_match) == etag
                                ? weir::Response(weir::Status::not_modified)
                                : weir::static_bytes(gzip ? file.gzip : file.bytes, file.content_type);
  response.headers.set(weir::HeaderId::etag, etag);
  response.headers.set(weir::HeaderId::cache_control, "no-cache");
  response.headers.set(weir::HeaderId::vary, "Accept-Encoding");
  response.headers.set("Content-Security-Policy", security_policy);
  if (gzip) response.headers.set(weir::HeaderId::content_encoding, "gzip");
  return response;
}

}  // namespace

void add_page(weir::App& app) {
  for (const weir::EmbeddedFile& file : weir::embedded::demo_page()) {
    const std::string path = file.name == "index.html" ? "/" : "/" + std::string(file.name);
    app.get(weir::runtime_route(path), [&file](weir::Context& ctx) { return serve(ctx, file); }).hidden();
  }
}

}  // namespace demo
