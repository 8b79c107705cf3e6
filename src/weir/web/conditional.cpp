#include "weir/web/conditional.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "weir/http/date.hpp"
#include "weir/http/etag.hpp"
#include "weir/http/problem.hpp"
#include "weir/http/range.hpp"
#include "weir/web/response.hpp"

namespace weir {

namespace {

using http::ByteRange;
using http::RangeRequest;

constexpr http::HeaderSet conditional_fields =
    http::HeaderSet::of(HeaderId::if_match, HeaderId::if_none_match, HeaderId::if_modified_since,
                        HeaderId::if_unmodified_since, HeaderId::range);

/// About what the head of a part costs: to leave out a smaller gap between two ranges saves nothing (section 15.3.7.2).
constexpr std::uint64_t gap_worth_leaving_out = 80;

std::int64_t seconds_of(WallTime time) noexcept {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

http::Problem make_problem(Context& ctx, Status status, std::string_view detail) {
  http::Problem problem;
  problem.status = status;
  problem.detail = detail;
  problem.instance = ctx.path();
  problem.request_id = ctx.request_id();
  return problem;
}

void become_problem(Context& ctx, Response& response, Status status, std::string_view detail) {
  http::Headers headers = std::move(response.headers);
  response = http::to_response(make_problem(ctx, status, detail));
  if (headers.has(HeaderId::vary)) response.headers.set(HeaderId::vary, headers.get(HeaderId::vary));
}

/// RFC 9110 section 15.4.5: what says how to cache it stays, what describes the content goes.
void become_not_modified(Response& response) {
  response.status = Status::not_modified;
  response.body = {};
  for (const HeaderId id : {HeaderId::content_type, HeaderId::content_encoding, HeaderId::content_language,
                            HeaderId::content_disposition, HeaderId::accept_ranges}) {
    response.headers.remove(id);
  }
}

http::Validators validators_of(const Response& response, std::int64_t now) {
  http::Validators validators;
  validators.tag = http::parse_entity_tag(response.headers.get(HeaderId::etag));
  if (response.headers.has(HeaderId::last_modified)) {
    validators.last_modified = http::parse_date(response.headers.get(HeaderId::last_modified), now);
  }
  return validators;
}

/// A date is a strong validator only when the content has not changed for a while (section 8.8.2.2): a second change
/// within the same second would not show in it.
bool range_may_be_honoured(const http::HeaderView& headers, http::Validators validators, std::int64_t now) {
  if (validators.last_modified && *validators.last_modified >= now) validators.last_modified.reset();
  return http::if_range_holds(headers, validators, now);
}

http::Body part_of(http::Body body, const ByteRange& range) {
  if (http::FileBody* file = body.file()) {
    return http::FileBody(file->release(), file->offset() + range.offset, range.length);
  }
  const auto at = static_cast<std::size_t>(range.offset);
  const auto size = static_cast<std::size_t>(range.length);
  if (const auto* text = std::get_if<std::string_view>(&body.content())) {
    return http::Body::of_static(text->substr(at, size));
  }
  if (const auto* shared = std::get_if<http::SharedBody>(&body.content())) {
    return http::SharedBody{shared->owner, shared->bytes.substr(at, size)};
  }
  const auto owner = std::make_shared<http::Body>(std::move(body));
  return http::SharedBody{owner, owner->bytes()->substr(at, size)};
}

/// The ranges of a request, neighbours merged in its order.
class Coalesced {
 public:
  explicit Coalesced(std::span<const ByteRange> ranges) noexcept {
    for (const ByteRange& range : ranges) {
      if (count_ != 0) {
        ByteRange& last = ranges_[count_ - 1];
        const std::uint64_t end = last.offset + last.length;
        if (range.offset >= end && range.offset - end <= gap_worth_leaving_out) {
          last.length = range.offset + range.length - last.offset;
          continue;
        }
      }
      ranges_[count_++] = range;
    }
  }
  [[nodiscard]] std::span<const ByteRange> view() const noexcept { return {ranges_.data(), count_}; }

 private:
  std::array<ByteRange, RangeRequest::max_ranges> ranges_;
  std::size_t count_ = 0;
};

/// A multipart/byteranges body (section 14.6): heads of parts in memory, and between them ranges of the whole.
class ByteRanges {
 public:
  ByteRanges(http::Body whole, std::span<const ByteRange> ranges, std::string_view media_type)
      : whole_(std::move(whole)) {
    static thread_local std::mt19937_64 random{std::random_device{}()};
    std::snprintf(boundary_.data(), boundary_.size(), "%016llx%016llx", static_cast<unsigned long long>(random()),
                  static_cast<unsigned long long>(random()));
    const std::uint64_t size = whole_.length().value_or(0);
    for (const ByteRange& range : ranges) {
      const std::size_t begin = heads_.size();
      heads_.append(parts_.empty() ? "--" : "\r\n--");
      heads_.append(boundary());
      if (!media_type.empty()) {
        heads_.append("\r\nContent-Type: ");
        heads_.append(media_type);
      }
      heads_.append("\r\nContent-Range: ");
      http::write_content_range(range, size, heads_);
      heads_.append("\r\n\r\n");
      parts_.push_back({range, begin, heads_.size() - begin});
      length_ += heads_.size() - begin + range.length;
    }
    end_ = heads_.size();
    heads_.append("\r\n--");
    heads_.append(boundary());
    heads_.append("--\r\n");
    length_ += heads_.size() - end_;
  }

  [[nodiscard]] std::string_view boundary() const noexcept { return {boundary_.data(), boundary_.size() - 1}; }
  [[nodiscard]] std::uint64_t length() const noexcept { return length_; }

  Task<Result<void>> write(http::BodyWriter& out) {
    for (const Part& part : parts_) {
      Result<void> done = co_await out.write(heads_.view().substr(part.head, part.head_size));
      if (!done) co_return done;
      if (const http::FileBody* file = whole_.file()) {
        done = co_await out.send_file(file->fd(), file->offset() + part.range.offset, part.range.length);
      } else {
        done = co_await out.write(whole_.bytes()->substr(static_cast<std::size_t>(part.range.offset),
                                                         static_cast<std::size_t>(part.range.length)));
      }
      if (!done) co_return done;
    }
    Result<void> done = co_await out.write(heads_.view().substr(end_));
    co_return done;
  }

 private:
  struct Part {
    ByteRange range;
    std::size_t head;
    std::size_t head_size;
  };
  http::Body whole_;
  std::vector<Part> parts_;
  Buffer heads_;
  std::array<char, 33> boundary_{};
  std::size_t end_ = 0;
  std::uint64_t length_ = 0;
};

void become_partial(Response& response, std::span<const ByteRange> asked, std::uint64_t size) {
  const Coalesced merged(asked);
  const std::span<const ByteRange> ranges = merged.view();
  response.status = Status::partial_content;
  if (ranges.size() == 1) {
    Buffer field;
    http::write_content_range(ranges.front(), size, field);
    response.headers.set(HeaderId::content_range, field.view());
    response.body = part_of(std::move(response.body), ranges.front());
    return;
  }
  ByteRanges parts(std::move(response.body), ranges, response.headers.get(HeaderId::content_type));
  std::string type = "multipart/byteranges; boundary=";
  type += parts.boundary();
  response.headers.set(HeaderId::content_type, type);
  http::StreamBody body;
  body.content_length = parts.length();
  body.write = [parts = std::move(parts)](http::BodyWriter& out) mutable { return parts.write(out); };
  response.body = std::move(body);
}

void apply_range(Context& ctx, Response& response, const http::Validators& validators, std::int64_t now) {
  const http::HeaderView& headers = ctx.request().headers;
  // Range is defined for GET only (section 14.2); two of them are malformed.
  if (ctx.method() != Method::get || headers.count(HeaderId::range) != 1) return;
  if (response.body.stream() != nullptr || response.headers.has(HeaderId::content_range)) return;
  if (!range_may_be_honoured(headers, validators, now)) return;
  const std::uint64_t size = response.body.length().value_or(0);
  const RangeRequest request = RangeRequest::parse(headers.get(HeaderId::range), size);
  switch (request.kind()) {
    case RangeRequest::Kind::whole:
      return;
    case RangeRequest::Kind::unsatisfiable: {
      become_problem(ctx, response, Status::range_not_satisfiable, "no range that was asked for lies in the content");
      Buffer field;
      http::write_unsatisfied_range(size, field);
      response.headers.set(HeaderId::content_range, field.view());
      return;
    }
    case RangeRequest::Kind::partial:
      return become_partial(response, request.ranges(), size);
  }
}

/// 32 bits of where the file lies, so that another file in its place has another tag even when size and time agree.
std::uint32_t identity_of(const net::File& file) noexcept {
  const std::uint64_t mixed = (file.inode() ^ (file.device() << 32)) * 0x9e3779b97f4a7c15U;
  return static_cast<std::uint32_t>(mixed >> 32);
}

class FileTag {
 public:
  explicit FileTag(const net::File& file) noexcept {
    char* to = text_;
    *to++ = '"';
    to = hex(to, file.size());
    *to++ = '-';
    to = hex(to, static_cast<std::uint64_t>(file.modified().time_since_epoch().count()));
    *to++ = '-';
    to = hex(to, identity_of(file));
    *to++ = '"';
    size_ = static_cast<std::size_t>(to - text_);
  }
  [[nodiscard]] std::string_view view() const noexcept { return {text_, size_}; }

 private:
  static char* hex(char* to, std::uint64_t value) noexcept { return std::to_chars(to, to + 16, value, 16).ptr; }
  char text_[64];
  std::size_t size_;
};

}  // namespace

void apply_conditions(Context& ctx, Response& response) {
  const http::Request& request = ctx.request();
  if (!request.headers.has_any(conditional_fields) || response.status != Status::ok) return;
  if (request.method != Method::get && request.method != Method::head) return;
  const std::int64_t now = seconds_of(ctx.wall());
  const http::Validators validators = validators_of(response, now);
  switch (http::evaluate_preconditions(request.method, request.headers, validators, now)) {
    case http::Precondition::not_modified:
      return become_not_modified(response);
    case http::Precondition::failed:
      return become_problem(ctx, response, Status::precondition_failed,
                            "the content is not what the request's conditions ask for");
    case http::Precondition::proceed:
      return apply_range(ctx, response, validators, now);
  }
}

Response detail::whole_file(net::File file, const FilePresentation& presentation, WallTime now) {
  Response response;
  http::Headers& headers = response.headers;
  set_media_type(headers, presentation.media_type);
  if (!presentation.content_encoding.empty()) headers.add(HeaderId::content_encoding, presentation.content_encoding);
  const FileTag tag(file);
  headers.add(HeaderId::etag, tag.view());
  // A date in the future must not be sent (section 8.8.2.1).
  headers.add(HeaderId::last_modified,
              http::format_date(std::min(seconds_of(file.modified()), seconds_of(now))).view());
  headers.add(HeaderId::accept_ranges, "bytes");
  if (!presentation.cache_control.empty()) headers.add(HeaderId::cache_control, presentation.cache_control);
  if (presentation.varies_by_encoding) headers.add(HeaderId::vary, "Accept-Encoding");
  if (!presentation.download_name.empty()) set_download_name(response, presentation.download_name);
  const std::uint64_t size = file.size();
  response.body = http::FileBody(file.release(), 0, size);
  return response;
}

Response serve_file(Context& ctx, net::File file, const FilePresentation& presentation) {
  Response response = detail::whole_file(std::move(file), presentation, ctx.wall());
  apply_conditions(ctx, response);
  return response;
}

void set_download_name(Response& response, std::string_view name) {
  std::string value = "attachment; filename=\"";
  bool plain = true;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool good = byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\' && c != '%';
    plain = plain && good;
    value += good ? c : '_';
  }
  value += '"';
  if (!plain) {
    value += "; filename*=UTF-8''";
    constexpr std::string_view attribute_chars = "!#$&+-.^_`|~";  // RFC 8187 section 3.2.1
    for (const char c : name) {
      const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      if (alphanumeric || attribute_chars.find(c) != std::string_view::npos) {
        value += c;
      } else {
        constexpr std::string_view digits = "0123456789ABCDEF";
        const auto byte = static_cast<unsigned char>(c);
        value += '%';
        value += digits[byte >> 4];
        value += digits[byte & 15U];
      }
    }
  }
  response.headers.set(HeaderId::content_disposition, value);
}

}  // namespace weir
