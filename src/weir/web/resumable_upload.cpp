#include "weir/web/resumable_upload.hpp"

#include <charconv>
#include <optional>
#include <string_view>

#include <unistd.h>

#include "weir/http/chars.hpp"
#include "weir/http/problem.hpp"
#include "weir/runtime/blocking_pool.hpp"
#include "weir/web/detail/upload_store.hpp"
#include "weir/web/multipart.hpp"
#include "weir/web/temporary_file.hpp"
#include "weir/web/typed_handler.hpp"

namespace weir {

using detail::UploadState;

namespace {

constexpr std::string_view partial_upload = "application/partial-upload";
constexpr std::string_view interop_version = "8";
constexpr std::size_t block_bytes = std::size_t{256} << 10;
/// Bytes after which a client is told again how much of what it sends is safe.
constexpr std::uint64_t progress_bytes = std::uint64_t{8} << 20;

/// A structured field that is a non-negative integer (RFC 9651 section 3.3.1). Others are ignored, as the draft wants.
std::optional<std::uint64_t> integer_field(const Context& ctx, std::string_view name) {
  const std::string_view text = ctx.header(name);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text.size() > 15 || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> boolean_field(const Context& ctx, std::string_view name) {
  const std::string_view text = ctx.header(name);
  if (text == "?1") return true;
  if (text == "?0") return false;
  return std::nullopt;
}

/// Whether the client may be sent 104: only who says that it means this very draft (its section "Draft Version
/// Identification"). HTTP/1.0 knows no interim responses.
bool takes_interim(const Context& ctx) {
  return ctx.header("Upload-Draft-Interop-Version") == interop_version &&
         ctx.request().version != http::Version::http_1_0;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// The name in a Content-Disposition (RFC 6266): `filename*` in UTF-8 goes before `filename`.
std::string file_name_of(std::string_view disposition) {
  std::string name;
  if (const std::size_t at = disposition.find("filename*=UTF-8''"); at != std::string_view::npos) {
    std::string_view rest = disposition.substr(at + 17);
    rest = rest.substr(0, rest.find_first_of("; "));
    for (std::size_t i = 0; i < rest.size(); ++i) {
      const bool escape =
          rest[i] == '%' && i + 2 < rest.size() && hex_digit(rest[i + 1]) >= 0 && hex_digit(rest[i + 2]) >= 0;
      name += escape ? static_cast<char>(hex_digit(rest[i + 1]) * 16 + hex_digit(rest[i + 2])) : rest[i];
      if (escape) i += 2;
    }
  } else if (const std::size_t plain = disposition.find("filename=\""); plain != std::string_view::npos) {
    const std::string_view rest = disposition.substr(plain + 10);
    name = rest.substr(0, rest.find('"'));
  }
  return base_name(name);
}

/// Problem types of section 7 of the draft.
http::Problem typed_problem(Status status, std::string_view type, std::string detail) {
  http::Problem problem;
  problem.status = status;
  problem.type = "https://iana.org/assignments/http-problem-types#" + std::string(type);
  problem.detail = std::move(detail);
  return problem;
}

Response problem_response(Context& ctx, http::Problem problem) {
  problem.instance = ctx.path();
  problem.request_id = ctx.request_id();
  return http::to_response(problem);
}

void tell(Response& response, bool complete) {
  response.headers.set("Upload-Complete", complete ? "?1" : "?0");
}
void tell(Response& response, std::uint64_t offset) {
  response.headers.set("Upload-Offset", std::to_string(offset));
}

}  // namespace

const std::string& FinishedUpload::id() const noexcept {
  return upload_->id;
}
std::uint64_t FinishedUpload::size() const noexcept {
  return upload_->size;
}
const std::string& FinishedUpload::media_type() const noexcept {
  return upload_->record.media_type;
}
const std::string& FinishedUpload::file_name() const noexcept {
  return upload_->record.file_name;
}
const std::string& FinishedUpload::path() const noexcept {
  return upload_->path;
}
Result<void> FinishedUpload::save_as(const std::string& path) const {
  // A link takes no name that is there already, as rename() would.
  if (::link(upload_->path.c_str(), path.c_str()) == 0) return {};
  return fail(detail::error_of_saving(system_error(errno, "save as " + path)));
}

/// A request that brings content.
struct ResumableUploads::Receiving {
  UploadState state;
  bool announced = true;  ///< It has Upload-Complete: the client knows about resuming.
  bool last = true;       ///< It brings the rest.
  bool creates = false;
  bool interim = false;           ///< It may be answered with 104.
  bool told = false;              ///< One has said where to go on.
  std::uint64_t received_to = 0;  ///< The offset behind what was written.
  std::string location = {};
};

ResumableUploads::ResumableUploads(BlockingPool& pool, Finish finish) : pool_(pool), finish_(std::move(finish)) {}
ResumableUploads::ResumableUploads(ResumableUploadOptions options, BlockingPool& pool, Finish finish)
    : ResumableUploads(pool, std::move(finish)) {
  open(options);
}
void ResumableUploads::open(const ResumableUploadOptions& options) {
  store_ = std::make_shared<detail::UploadStore>(options);
}
ResumableUploads::~ResumableUploads() = default;

/// The value of Upload-Limit; `age` is what is left to the upload.
std::string ResumableUploads::limits(std::chrono::seconds age) const {
  return "max-size=" + std::to_string(store_->options().max_size) + ", max-age=" + std::to_string(age.count());
}
std::string ResumableUploads::limits() const {
  return limits(store_->options().max_age);
}

Response ResumableUploads::describe() const {
  Response response(Status::no_content);
  response.headers.set("Allow", "POST, PUT, OPTIONS");
  response.headers.set("Upload-Limit", limits());
  response.headers.set("Upload-Draft-Interop-Version", interop_version);
  return response;
}

void ResumableUploads::clean_up(WallTime now) {
  store_->clean_up(now);
}

Response ResumableUploads::refusal(Context& ctx, Error error) const {
  const bool large = error.code() == Errc::too_large;
  const auto response_to = [&ctx](Error why) {
    if (why.code() == Errc::internal) return detail::error_response(ctx, std::move(why));  // which logs it
    const bool length = why.code() == Errc::out_of_range || why.code() == Errc::invalid_argument;
    const bool full = why.code() == Errc::resource_exhausted;
    http::Problem problem = length ? typed_problem(Status::bad_request, "inconsistent-upload-length", why.message())
                                   : http::to_problem(std::move(why));
    if (full) problem.status = Status::insufficient_storage;
    return problem_response(ctx, std::move(problem));
  };
  Response response = response_to(std::move(error));
  if (large) response.headers.set("Upload-Limit", limits());
  // It is about the upload, not about what was uploaded.
  if (boolean_field(ctx, "Upload-Complete")) tell(response, false);
  return response;
}

Task<Result<Response>> ResumableUploads::create(Context& ctx) {
  const std::optional<bool> complete = boolean_field(ctx, "Upload-Complete");
  Receiving receiving;
  receiving.announced = complete.has_value();
  receiving.last = complete.value_or(true);
  receiving.creates = true;
  std::optional<std::uint64_t> length = integer_field(ctx, "Upload-Length");
  if (const auto content = ctx.exchange().content_length(); content && receiving.last) {
    if (length && *length != *content) {
      co_return refusal(ctx, Error(Errc::invalid_argument, "Upload-Length and Content-Length differ"));
    }
    length = content;
  }
  detail::UploadRecord record{length, std::string(ctx.header(HeaderId::content_type)),
                              file_name_of(ctx.header(HeaderId::content_disposition)), false};
  auto call = pool_.run([store = store_, record = std::move(record), now = ctx.wall()] {
    store->clean_up_if_due(now);
    return store->create(record, now);
  });
  Result<UploadState> created = co_await call;
  if (!created) co_return refusal(ctx, std::move(created.error()));
  receiving.state = std::move(*created);
  receiving.location = std::string(ctx.path()) + (ctx.path().ends_with('/') ? "" : "/") + receiving.state.upload->id;
  receiving.interim = receiving.announced && takes_interim(ctx);
  if (receiving.interim && ctx.exchange().has_body() && ctx.exchange().content_length() != 0U) {
    http::Headers headers;
    headers.set(HeaderId::location, receiving.location);
    headers.set("Upload-Draft-Interop-Version", interop_version);
    headers.set("Upload-Limit", limits());
    ctx.inform(Status::upload_resumption_supported, headers);
    receiving.told = true;
  }
  Task<Result<Response>> answering = receive_and_answer(ctx, std::move(receiving));
  Result<Response> answer = co_await std::move(answering);
  co_return answer;
}

Task<Result<Response>> ResumableUploads::append(Context& ctx, std::string id) {
  std::string_view type = ctx.header(HeaderId::content_type);
  type = type.substr(0, type.find(';'));
  if (!http::equals_ignoring_case(type, partial_upload)) {
    Response response =
        problem_response(ctx, http::to_problem(Error(Errc::unsupported_media_type, "send application/partial-upload")));
    response.headers.set(HeaderId::accept_patch, partial_upload);
    co_return response;
  }
  const std::optional<std::uint64_t> offset = integer_field(ctx, "Upload-Offset");
  const std::optional<bool> complete = boolean_field(ctx, "Upload-Complete");
  if (!offset || !complete) co_return bad_request("Upload-Offset and Upload-Complete are missing or malformed");
  std::optional<std::uint64_t> length = integer_field(ctx, "Upload-Length");
  if (const auto content = ctx.exchange().content_length(); *complete && !ctx.exchange().has_body()) {
    length = length.value_or(*offset);
  } else if (content && *complete) {
    length = length.value_or(*offset + *content);
  }
  auto call = pool_.run([store = store_, id = std::move(id)] { return store->take(id); });
  Result<UploadState> state = co_await call;
  if (!state) co_return std::unexpected(std::move(state.error()));
  if (state->complete) {
    // Not "?1": that would make it the answer to what was uploaded, which is not kept.
    http::Problem problem;
    problem.status = Status::bad_request;
    problem.detail = "the upload is complete already";
    Response response = problem_response(ctx, std::move(problem));
    tell(response, false);
    co_return response;
  }
  if (state->offset != *offset) {
    http::Problem problem =
        typed_problem(Status::conflict, "mismatching-upload-offset", "the upload goes on elsewhere");
    problem.members = {{"expected-offset", state->offset}, {"provided-offset", *offset}};
    Response response = problem_response(ctx, std::move(problem));
    tell(response, state->offset);
    tell(response, false);
    co_return response;
  }
  Receiving receiving{.state = *state, .last = *complete, .interim = takes_interim(ctx)};
  if (length) {
    auto set =
        pool_.run([store = store_, taken = *state, length = *length] { return store->set_length(taken, length); });
    Result<void> done = co_await set;
    if (!done) co_return refusal(ctx, std::move(done.error()));
  }
  Task<Result<Response>> answering = receive_and_answer(ctx, std::move(receiving));
  Result<Response> answer = co_await std::move(answering);
  co_return answer;
}

/// Writes what comes. When the client goes away, what came before is written, too.
Task<Result<void>> ResumableUploads::receive(Context& ctx, Receiving& receiving) {
  std::string gathered;
  std::optional<Error> broken;
  std::uint64_t offset = receiving.state.offset;
  std::uint64_t told = offset;
  for (bool more = true; more;) {
    Result<std::string_view> piece = co_await ctx.read();
    if (!piece) broken = std::move(piece.error());
    more = piece && !piece->empty();
    if (more) gathered += *piece;
    if (gathered.empty() || (more && gathered.size() < block_bytes)) continue;
    offset += gathered.size();
    const bool tells = receiving.interim && more && offset - told >= progress_bytes;
    auto call = pool_.run([store = store_, state = receiving.state, block = std::exchange(gathered, {}),
                           now = ctx.wall(), tells]() -> Result<void> {
      Result<void> appended = store->append(state, block, now);
      return appended && tells ? store->settle(state) : appended;
    });
    Result<void> written = co_await call;
    if (!written) co_return written;
    if (!tells) continue;
    told = offset;
    http::Headers headers;
    headers.set("Upload-Draft-Interop-Version", interop_version);
    headers.set("Upload-Offset", std::to_string(offset));
    ctx.inform(Status::upload_resumption_supported, headers);
  }
  auto call = pool_.run([store = store_, state = receiving.state] { return store->settle(state); });
  Result<void> settled = co_await call;
  receiving.received_to = offset;
  if (broken) co_return fail(std::move(*broken));
  co_return settled;
}

Task<Result<Response>> ResumableUploads::receive_and_answer(Context& ctx, Receiving receiving) {
  Task<Result<void>> receive_all = receive(ctx, receiving);
  Result<void> received = co_await std::move(receive_all);
  if (!received) {
    // What nobody can go on with is not kept: too much of it, or nobody was told where it is.
    const Errc code = received.error().code();
    const bool unknown = receiving.creates && receiving.last && !receiving.told;
    if (unknown || code == Errc::out_of_range || code == Errc::too_large) {
      auto call = pool_.run([store = store_, upload = receiving.state.upload] { store->remove(upload); });
      const Result<void> removed = co_await call;
      static_cast<void>(removed);
    }
    if (code == Errc::out_of_range || code == Errc::too_large || code == Errc::resource_exhausted) {
      co_return refusal(ctx, std::move(received.error()));
    }
    co_return std::unexpected(std::move(received.error()));
  }
  if (receiving.last) {
    Task<Result<Response>> completing = complete(ctx, receiving);
    Result<Response> answer = co_await std::move(completing);
    co_return answer;
  }
  Response response(receiving.creates ? Status::created : Status::no_content);
  if (receiving.creates) {
    response.headers.set(HeaderId::location, receiving.location);
    response.headers.set("Upload-Limit", limits());
  }
  tell(response, receiving.received_to);
  tell(response, false);
  co_return response;
}

Task<Result<Response>> ResumableUploads::complete(Context& ctx, const Receiving& receiving) {
  /// Lets others try when this ends without an answer.
  struct Claim {
    detail::UploadStore& store;
    detail::StoredUpload& upload;
    bool held = false;
    Claim(detail::UploadStore& owner, detail::StoredUpload& claimed) noexcept : store(owner), upload(claimed) {}
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    ~Claim() {
      if (held) store.release(upload);
    }
  };
  const detail::UploadHandle upload = receiving.state.upload;
  Claim claim(*store_, *upload);
  // In the pool: another request for the upload may hold its lock while it waits for the disk.
  auto beginning = pool_.run([store = store_, state = receiving.state] { return store->begin_finish(state); });
  Result<void> begun = co_await beginning;
  if (!begun) {
    if (begun.error().code() == Errc::invalid_argument) co_return refusal(ctx, std::move(begun.error()));
    co_return std::unexpected(std::move(begun.error()));
  }
  claim.held = true;
  FinishedUpload finished(upload);
  Task<Result<Response>> finishing = finish_(ctx, std::move(finished));
  Result<Response> answer = co_await std::move(finishing);
  Response response = answer ? std::move(*answer) : detail::error_response(ctx, std::move(answer.error()));
  auto call = pool_.run([store = store_, upload] { return store->finish(*upload); });
  const Result<void> recorded = co_await call;
  claim.held = false;
  if (!recorded) co_return fail(Errc::unavailable, "the end of the upload cannot be recorded now");
  if (receiving.announced) tell(response, true);
  co_return response;
}

Task<Result<Response>> ResumableUploads::look(Context& ctx, std::string id) {
  auto call = pool_.run([store = store_, id = std::move(id)]() -> Result<UploadState> {
    Result<UploadState> state = store->take(id);
    if (!state) return state;
    if (Result<void> settled = store->settle(*state); !settled) return fail(std::move(settled.error()));
    return state;
  });
  Result<UploadState> state = co_await call;
  if (!state) co_return std::unexpected(std::move(state.error()));
  Response response(Status::no_content);
  tell(response, state->offset);
  tell(response, state->complete);
  if (state->length) response.headers.set("Upload-Length", std::to_string(*state->length));
  response.headers.set("Upload-Limit", limits(store_->left(*state->upload, ctx.wall())));
  response.headers.set(HeaderId::cache_control, "no-store");
  co_return response;
}

Task<Result<Response>> ResumableUploads::cancel(Context& ctx, std::string id) {
  static_cast<void>(ctx);
  auto call = pool_.run([store = store_, id = std::move(id)]() -> Result<void> {
    Result<UploadState> state = store->take(id);
    if (!state) return fail(std::move(state.error()));
    store->remove(state->upload);
    return {};
  });
  Result<void> removed = co_await call;
  if (!removed) co_return std::unexpected(std::move(removed.error()));
  co_return Response(Status::no_content);
}

}  // namespace weir
