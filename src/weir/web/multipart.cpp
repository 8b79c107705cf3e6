#include "weir/web/multipart.hpp"

#include <utility>

#include "weir/http/headers.hpp"
#include "weir/http/multipart.hpp"
#include "weir/web/state.hpp"

namespace weir {

using http::MultipartParser;

struct Multipart::State {
  State(Context& context, std::string_view boundary_text, MultipartOptions given)
      : ctx(context), boundary(boundary_text), options(std::move(given)) {
    make_parser();
  }

  void make_parser() {
    http::MultipartLimits limits;
    limits.max_parts = options.max_parts;
    limits.max_header_bytes = options.max_header_bytes;
    parser.emplace(boundary, limits);
  }

  /// The parser's next event other than need_more. The first error stays.
  Task<Result<MultipartParser::Event>> next_event() {
    for (;;) {
      if (error) co_return fail(*error);
      const MultipartParser::Event event = parser->next(input);
      if (event.kind == MultipartParser::Kind::error) {
        error = parser->error();
      } else if (event.kind != MultipartParser::Kind::need_more) {
        co_return event;
      } else {
        Task<Result<std::string_view>> task = ctx.read();
        Result<std::string_view> more = co_await std::move(task);
        if (!more) {
          error = std::move(more.error());
        } else if (more->empty()) {
          error = Error(Errc::invalid_argument, "the form ends before its last boundary");
        } else {
          input = *more;
        }
      }
    }
  }

  Context& ctx;
  std::string_view boundary;  // in the request's Content-Type
  MultipartOptions options;
  std::optional<MultipartParser> parser;
  std::string_view input;  // what of the last piece of the body is not parsed yet
  std::optional<Error> error;
  std::uint64_t part_bytes = 0;
  bool in_part = false;
  bool finished = false;
};

Multipart::Multipart(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Multipart::~Multipart() = default;
Multipart::Multipart(Multipart&&) noexcept = default;
Multipart& Multipart::operator=(Multipart&&) noexcept = default;

Result<Multipart> Multipart::from_context(Context& ctx) {
  Result<std::string_view> boundary = MultipartParser::boundary_of(ctx.header(HeaderId::content_type));
  if (!boundary) return fail(std::move(boundary.error()));
  const MultipartOptions* configured = ctx.states().find<MultipartOptions>();
  return Multipart(std::make_unique<State>(ctx, *boundary, configured == nullptr ? MultipartOptions{} : *configured));
}

void Multipart::describe(OperationDoc& doc) {
  doc.request_body("multipart/form-data");
  doc.request_body_required = true;
  doc.problem(Status::bad_request, "The form is malformed or cut short.");
  doc.problem(Status::content_too_large);
  doc.problem(Status::unsupported_media_type);
}

const MultipartOptions& Multipart::options() const noexcept {
  return state_->options;
}

StopToken Multipart::stop_token() const noexcept {
  return state_->ctx.stop_token();
}

void Multipart::set_options(MultipartOptions options) {
  state_->options = std::move(options);
  state_->make_parser();
}

Task<Result<std::optional<Multipart::Part>>> Multipart::next() {
  State& state = *state_;
  while (!state.finished) {
    Task<Result<MultipartParser::Event>> task = state.next_event();
    Result<MultipartParser::Event> event = co_await std::move(task);
    if (!event) co_return fail(std::move(event.error()));
    switch (event->kind) {
      case MultipartParser::Kind::part_begin: {
        state.in_part = true;
        state.part_bytes = 0;
        const MultipartParser::Part& sent = state.parser->part();
        Part part;
        part.name = sent.name;
        part.filename = sent.filename;
        part.content_type = sent.content_type;
        part.is_file = sent.has_filename;
        part.header_lines_ = sent.header_lines;
        part.state_ = &state;
        co_return part;
      }
      case MultipartParser::Kind::finished:
        state.finished = true;
        break;
      default:  // What the handler left of the part before.
        break;
    }
  }
  co_return std::optional<Part>{};
}

Task<Result<std::string_view>> Multipart::Part::read() {
  State& state = *state_;
  if (!state.in_part) co_return std::string_view{};
  Task<Result<MultipartParser::Event>> task = state.next_event();
  Result<MultipartParser::Event> event = co_await std::move(task);
  if (!event) co_return fail(std::move(event.error()));
  if (event->kind != MultipartParser::Kind::data) {
    state.in_part = false;
    co_return std::string_view{};
  }
  state.part_bytes += event->data.size();
  if (state.options.max_part_bytes != 0 && state.part_bytes > state.options.max_part_bytes) {
    state.error = Error(Errc::too_large,
                        "a part of the form is larger than " + std::to_string(state.options.max_part_bytes) + " bytes");
    co_return fail(*state.error);
  }
  co_return event->data;
}

Task<Result<std::string>> Multipart::Part::text(std::size_t max_bytes) {
  std::string all;
  for (;;) {
    Task<Result<std::string_view>> task = read();
    Result<std::string_view> piece = co_await std::move(task);
    if (!piece) co_return fail(std::move(piece.error()));
    if (piece->empty()) co_return all;
    if (all.size() + piece->size() > max_bytes) {
      co_return fail(Errc::too_large,
                     "the field " + std::string(name) + " is larger than " + std::to_string(max_bytes) + " bytes");
    }
    all += *piece;
  }
}

std::string_view Multipart::Part::header(std::string_view field) const noexcept {
  std::string_view rest = header_lines_;
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n");
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !http::equals_ignoring_case(line.substr(0, colon), field)) continue;
    line.remove_prefix(colon + 1);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    return line;
  }
  return {};
}

std::string base_name(std::string_view filename) {
  if (const std::size_t slash = filename.find_last_of("/\\"); slash != std::string_view::npos) {
    filename.remove_prefix(slash + 1);
  }
  std::string name;
  for (const char c : filename) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) name += c;
  }
  if (name.find_first_not_of('.') == std::string::npos) name.clear();
  return name;
}

}  // namespace weir
