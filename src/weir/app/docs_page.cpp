#include "weir/app/docs_page.hpp"

#include "weir/http/etag.hpp"
#include "weir/json/json.hpp"
#include "weir/web/response.hpp"
#include "weir/web/typed_handler.hpp"

#include "embedded/swagger_ui.hpp"

namespace weir {

namespace {

constexpr std::string_view security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

void escape_html(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
}

std::string page(const OpenApiOptions& options, bool viewer) {
  std::string title;
  escape_html(title, options.title.empty() ? "API" : options.title);
  std::string html = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>" + title +
                     "</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  std::string base;
  escape_html(base, options.docs_path);
  if (viewer) {
    html += "<link rel=\"stylesheet\" href=\"" + base + "/swagger-ui.css\">\n<link rel=\"icon\" href=\"" + base +
            "/favicon-32x32.png\">\n</head>\n<body>\n<div id=\"swagger-ui\"></div>\n<script src=\"" + base +
            "/swagger-ui-bundle.js\"></script>\n<script src=\"" + base + "/start.js\"></script>\n</body>\n</html>\n";
  } else {
    std::string link;
    escape_html(link, options.path);
    html += "</head>\n<body>\n<h1>" + title + "</h1>\n<p>The description of this API: <a href=\"" + link + "\">" +
            link + "</a> (OpenAPI 3.1). This build has no viewer for it.</p>\n</body>\n</html>\n";
  }
  return html;
}

/// What starts the viewer. A file of its own, because the policy forbids inline scripts.
std::string start_script(const OpenApiOptions& options) {
  return "window.ui = SwaggerUIBundle({url: " + json::to_string(options.path) +
         ", dom_id: \"#swagger-ui\", deepLinking: true, displayRequestDuration: true, "
         "presets: [SwaggerUIBundle.presets.apis]});\n";
}

Response serve(Context& ctx, const EmbeddedFile& file) {
  const bool gzip = !file.gzip.empty() && ctx.header(HeaderId::accept_encoding).find("gzip") != std::string_view::npos;
  const std::string_view etag = gzip ? file.gzip_etag : file.etag;
  Response response = ctx.header(HeaderId::if_none_match) == etag
                          ? Response(Status::not_modified)
                          : static_bytes(gzip ? file.gzip : file.bytes, file.content_type);
  response.headers.set("ETag", etag);
  response.headers.set("Cache-Control", "public, max-age=3600");
  response.headers.set("Vary", "Accept-Encoding");
  if (gzip) response.headers.set("Content-Encoding", "gzip");
  return response;
}

template <class F>
void add(RouteBuilder& routes, std::string path, F handler) {
  routes.add_own(http::Method::get, std::move(path), make_handler(std::move(handler))).hidden();
}

}  // namespace

void add_docs_page(RouteBuilder& routes, const OpenApiOptions& options) {
  const std::span<const EmbeddedFile> files = embedded::swagger_ui();
  add(routes, options.docs_path, [html = page(options, !files.empty())] {
    Response response = weir::html(html);
    response.headers.set("Content-Security-Policy", security_policy);
    response.headers.set("Cache-Control", "no-cache");
    return response;
  });
  if (files.empty()) return;
  add(routes, options.docs_path + "/start.js",
      [script = start_script(options)] { return bytes(script, "text/javascript; charset=utf-8"); });
  for (const EmbeddedFile& file : files) {
    add(routes, options.docs_path + "/" + std::string(file.name), [&file](Context& ctx) { return serve(ctx, file); });
  }
}

}  // namespace weir
