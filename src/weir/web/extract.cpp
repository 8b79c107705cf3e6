#include "weir/web/extract.hpp"

#include <algorithm>
#include <stdexcept>

#include "weir/http/cookie.hpp"
#include "weir/http/mime.hpp"
#include "weir/http/problem.hpp"
#include "weir/http/uri.hpp"
#include "weir/json/read.hpp"
#include "weir/json/schema.hpp"
#include "weir/json/text.hpp"
#include "weir/web/detail/form_pairs.hpp"

namespace weir::detail {

namespace {

ParameterIn where(Source source) noexcept {
  return static_cast<ParameterIn>(source);
}

std::string_view prefix(Source source) noexcept {
  switch (source) {
    case Source::path:
      return "path.";
    case Source::query:
      return "query.";
    case Source::header:
      return "header.";
    case Source::cookie:
      return "cookie.";
  }
  return "";
}

/// A member's name as it is written in its source: x_api_key is the field X-Api-Key.
std::string source_name(Source source, std::string_view member) {
  std::string name(member);
  if (source != Source::header) return name;
  bool start = true;
  for (char& c : name) {
    if (c == '_')
      c = '-';
    else if (start && c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 'a' + 'A');
    start = c == '-';
  }
  return name;
}

/// Calls `f` with every value that the request has under this name; the texts live as long as the exchange.
template <class F>
void each_value(Context& ctx, Source source, std::string_view name, F&& f) {
  switch (source) {
    case Source::path:
      if (const auto value = ctx.param(name)) f(*value);
      return;
    case Source::query:
      for (const http::QueryParameter& parameter : http::QueryView(ctx.request().query)) {
        if (http::equals_decoded(parameter.name, name)) f(http::decode_form(parameter.value, ctx.arena()));
      }
      return;
    case Source::header:
      ctx.request().headers.each(name, f);
      return;
    case Source::cookie:
      if (const auto value = ctx.cookie(name)) f(*value);
      return;
  }
}

bool has_media_type(Context& ctx, std::string_view wanted) {
  const auto given = http::parse_media_type(ctx.header(HeaderId::content_type));
  return given && (given->is(wanted) || (wanted == "application/json" && given->is_json()));
}

bool refuse(Extraction& extraction, Errc code, std::string message) {
  if (!extraction.refusal) extraction.refusal = Error(code, std::move(message));
  return false;
}

}  // namespace

bool extract_value(Extraction& extraction, Source source, std::string_view name, const json::TypeInfo& type,
                   void* out) {
  const auto fail_with = [&](std::string_view rule, std::string_view message) {
    extraction.failures.push_back(
        {std::string(prefix(source)) + std::string(name), std::string(rule), std::string(message)});
    return false;
  };
  // The names of rules are those of bind_fields().
  const auto unfit = [&](const Error& error) {
    return fail_with(error.fields().empty() ? std::string_view("type") : std::string_view(error.fields().front().rule),
                     error.message());
  };
  if (json::value_type(type).kind == json::Kind::sequence) {
    recycle::Vector<std::string_view> values;
    each_value(extraction.ctx, source, name, [&](std::string_view value) { values.push_back(value); });
    if (values.empty() && type.kind == json::Kind::optional) return true;
    Result<void> read = json::from_texts(values, type, out);
    return read || unfit(read.error());
  }
  std::size_t count = 0;
  std::optional<Error> error;
  each_value(extraction.ctx, source, name, [&](std::string_view value) {
    if (++count > 1) return;
    if (Result<void> read = json::from_text(value, type, out); !read) error = std::move(read.error());
  });
  if (error) return unfit(*error);
  if (count > 1) return fail_with("duplicate", "was given more than once");
  if (count == 0 && type.kind != json::Kind::optional) return fail_with("required", "is required");
  return true;
}

namespace {
/// A source of the request as the binder of structs sees it.
class RequestFields final : public json::FieldSource {
 public:
  RequestFields(Context& ctx, Source source) noexcept : ctx_(ctx), source_(source) {}
  void find(std::string_view name, recycle::Vector<std::string_view>& values) const override {
    const auto add = [&](std::string_view value) { values.push_back(value); };
    if (source_ == Source::header) {
      each_value(ctx_, source_, source_name(source_, name), add);
    } else {
      each_value(ctx_, source_, name, add);
    }
  }

 private:
  Context& ctx_;
  Source source_;
};

/// A query or a form as the binder of structs sees it.
class FormFields final : public json::FieldSource {
 public:
  explicit FormFields(const FormPairs& pairs) noexcept : pairs_(pairs) {}
  void find(std::string_view name, recycle::Vector<std::string_view>& values) const override {
    pairs_.find(name, values);
  }

 private:
  const FormPairs& pairs_;
};

bool add_failures(Extraction& extraction, std::string_view before, Error error) {
  if (error.fields().empty()) extraction.failures.push_back({std::string(before), "invalid", error.message()});
  for (const FieldError& field : error.fields()) {
    extraction.failures.push_back({std::string(before) + field.field, field.rule, field.message});
  }
  return false;
}
}  // namespace

bool extract_object(Extraction& extraction, Source source, const json::TypeInfo& type, void* out) {
  Context& ctx = extraction.ctx;
  Result<void> bound;
  if (source == Source::query) {
    FormPairs pairs(ctx.arena());
    pairs.split(ctx.request().query);
    bound = json::bind_fields(type, out, FormFields(pairs));
  } else {
    bound = json::bind_fields(type, out, RequestFields(ctx, source));
  }
  return bound || add_failures(extraction, prefix(source), std::move(bound.error()));
}

bool extract_json(Extraction& extraction, const json::TypeInfo& type, void* out) {
  Context& ctx = extraction.ctx;
  if (!has_media_type(ctx, "application/json")) {
    return refuse(extraction, Errc::unsupported_media_type, "the request body must be application/json");
  }
  json::ReadOptions options;
  options.arena = &ctx.arena();
  Result<void> read = json::read(ctx.received_body(), type, out, options);
  if (read) return true;
  if (read.error().code() != Errc::unprocessable) {
    if (!extraction.refusal) extraction.refusal = std::move(read.error());
    return false;
  }
  return add_failures(extraction, "", std::move(read.error()));
}

bool extract_form(Extraction& extraction, const json::TypeInfo& type, void* out) {
  Context& ctx = extraction.ctx;
  if (!has_media_type(ctx, "application/x-www-form-urlencoded")) {
    return refuse(extraction, Errc::unsupported_media_type,
                  "the request body must be application/x-www-form-urlencoded");
  }
  const FormOptions* given = ctx.states().find<FormOptions>();
  const std::size_t limit = (given != nullptr ? *given : FormOptions()).max_fields;
  FormPairs pairs(ctx.arena());
  if (!pairs.split(ctx.received_body(), limit)) {
    return refuse(extraction, Errc::too_large, "the form has more than " + std::to_string(limit) + " fields");
  }
  Result<void> bound = json::bind_fields(type, out, FormFields(pairs));
  return bound || add_failures(extraction, "", std::move(bound.error()));
}

Response refused(Extraction& extraction) {
  if (extraction.refusal) return error_response(extraction.ctx, std::move(*extraction.refusal));
  const std::size_t count = extraction.failures.size();
  return error_response(extraction.ctx,
                        Error(Errc::unprocessable, count == 1 ? std::string("1 field is not valid")
                                                              : std::to_string(count) + " fields are not valid")
                            .with_fields(std::move(extraction.failures)));
}

// --- descriptions ---

namespace {
constexpr const char* invalid_input = "The input breaks a rule: `errors` lists every field.";

/// A type that has no plain text would fail with every request: it is a mistake of the route.
void need_text(Source source, std::string_view name, const json::TypeInfo& type) {
  const json::TypeInfo& one = json::value_type(type);
  if (json::has_text(one.kind == json::Kind::sequence ? *one.detail.sequence->element : one)) return;
  throw std::invalid_argument(std::string(prefix(source)) + std::string(name) + " cannot be read from plain text as " +
                              std::string(one.name) + ": only numbers, bool, texts, enumerations, times and lists can");
}

/// The members of a struct, each a parameter; those of structs in it behind their name and a dot, as they are bound.
class StructParameters {
 public:
  StructParameters(std::vector<ParameterDoc>& out, Source source) : out_(out), source_(source) {}

  void add(const json::TypeInfo& type, const std::string& before, bool required) {
    if (std::ranges::find(inside_, &type) != inside_.end()) return;  // A recursive type has no last parameter.
    inside_.push_back(&type);
    for (const json::Field& field : type.detail.object->fields) {
      if (field.read_only) continue;
      const std::string name = before + std::string(field.name);
      const json::TypeInfo& inner = json::value_type(*field.type);
      if (inner.kind == json::Kind::object) {
        add(inner, name + ".", required && field.type->kind != json::Kind::optional);
        continue;
      }
      need_text(source_, name, *field.type);
      out_.push_back({.in = where(source_),
                      .name = source_name(source_, name),
                      .required = source_ == Source::path || (required && field.required),
                      .type = field.type,
                      .rules = field.rules,
                      .description = {},
                      .default_json = json::default_of(type, field)});
    }
    inside_.pop_back();
  }

 private:
  std::vector<ParameterDoc>& out_;
  Source source_;
  std::vector<const json::TypeInfo*> inside_;
};

void describe_parts(BodyDoc& form, const json::TypeInfo& type) {
  std::vector<ParameterDoc> fields;
  StructParameters(fields, Source::query).add(type, "", true);
  for (ParameterDoc& field : fields) form.parts.push_back({std::move(field)});
}
}  // namespace

void describe_value(OperationDoc& doc, Source source, std::string_view name, const json::TypeInfo& type) {
  need_text(source, name, type);
  const bool list = type.kind == json::Kind::sequence && type.detail.sequence->fixed_size == 0;
  doc.parameters.push_back({.in = where(source),
                            .name = std::string(name),
                            .required = source == Source::path || !(list || type.kind == json::Kind::optional),
                            .type = &type,
                            .rules = nullptr,
                            .description = {},
                            .default_json = {}});
  doc.problem(Status::unprocessable_content, invalid_input);
}

void describe_object(OperationDoc& doc, Source source, const json::TypeInfo& type) {
  json::prepare(type);  // A wrong pattern in the rules shows now.
  StructParameters(doc.parameters, source).add(type, "", true);
  doc.problem(Status::unprocessable_content, invalid_input);
}

void describe_form_fields(OperationDoc& doc, const json::TypeInfo& type) {
  json::prepare(type);
  describe_parts(doc.request_body("multipart/form-data"), type);
  doc.problem(Status::unprocessable_content, invalid_input);
}

void describe_body(OperationDoc& doc, std::string_view media_type, const json::TypeInfo& type) {
  json::prepare(type);  // A wrong pattern in the rules shows now.
  BodyDoc& body = doc.request_body(media_type);
  // A form has no objects in it: the members of nested structs are fields behind their name and a dot.
  const auto nested = [](const json::Field& field) { return json::value_type(*field.type).kind == json::Kind::object; };
  const bool is_form = media_type == "application/x-www-form-urlencoded" && type.kind == json::Kind::object;
  if (is_form && std::ranges::any_of(type.detail.object->fields, nested)) {
    describe_parts(body, type);
  } else {
    body.type = &type;
  }
  doc.request_body_required = true;
  doc.problem(Status::bad_request, "The body is not well-formed.");
  doc.problem(Status::content_too_large);
  doc.problem(Status::unsupported_media_type);
  doc.problem(Status::unprocessable_content, invalid_input);
}

// --- binding ---

void bind_placeholders(const RoutePlaceholders& placeholders, const bool* positional, const std::string_view* named,
                       std::size_t count, ParameterBinding* bindings, std::vector<std::string>& problems) {
  const std::vector<std::string>& names = placeholders.names;
  const auto wanted = static_cast<std::size_t>(std::count(positional, positional + count, true));
  // A handler of a group's route may take those of its own pattern only, those of the whole pattern, or that of the
  // host and all others.
  std::size_t next = placeholders.host;
  if (wanted == placeholders.own) next = names.size() - placeholders.own;
  if (wanted > names.size() - placeholders.host) next = 0;
  if (wanted > names.size()) {
    problems.push_back("the handler takes " + std::to_string(wanted) + " Path parameters, the pattern has " +
                       std::to_string(names.size()) + " placeholders");
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (positional[i]) bindings[i].name = names[next++];
    if (!named[i].empty() && std::ranges::find(names, named[i]) == names.end()) {
      problems.push_back("the pattern has no placeholder {" + std::string(named[i]) + "}");
    }
  }
}

void missing_state(std::vector<std::string>& problems, std::string_view type) {
  problems.push_back("the handler takes State<" + std::string(type) + ">, and app.state() was never given one");
}

}  // namespace weir::detail
