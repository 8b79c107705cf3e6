// Dates, entity tags, ranges, media types, negotiation and cookies.
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "weir/http/accept.hpp"
#include "weir/http/cookie.hpp"
#include "weir/http/date.hpp"
#include "weir/http/etag.hpp"
#include "weir/http/mime.hpp"
#include "weir/http/range.hpp"

namespace weir::http {
namespace {

// Header fields from pairs, as a parser makes them.
class Fields {
 public:
  Fields(std::initializer_list<std::pair<HeaderId, std::string_view>> fields) {
    HeaderSet present;
    for (const auto& [id, value] : fields) {
      fields_.push_back({to_string(id), value, id});
      present.insert(id);
    }
    view_ = {fields_.data(), fields_.size(), present};
  }
  operator const HeaderView&() const { return view_; }  // NOLINT: a stand-in for the view

 private:
  std::vector<HeaderField> fields_;
  HeaderView view_;
};

TEST(HttpDate, FormatsAndParses) {
  EXPECT_EQ(format_date(784111777).view(), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(format_date(0).view(), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format_date(-1).view(), "Wed, 31 Dec 1969 23:59:59 GMT");
  EXPECT_EQ(format_date(951782400).view(), "Tue, 29 Feb 2000 00:00:00 GMT");
  for (const std::string_view text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(parse_date(text, 1700000000), 784111777) << text;
  }
  for (std::int64_t t = -5000000000; t < 20000000000; t += 86400 * 13 + 3607) {
    ASSERT_EQ(parse_date(format_date(t).view(), 0), t);
  }
  // A two-digit year more than 50 years ahead is in the past (RFC 9110 section 5.6.7).
  EXPECT_EQ(format_date(*parse_date("Sunday, 06-Nov-30 08:49:37 GMT", 1700000000)).view().substr(12, 4), "2030");
}

TEST(HttpDate, RefusesWhatIsNone) {
  for (const std::string_view text :
       {"", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Xun, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT ",
        "Sun Nov  6 08:49:37 19x4", "Sunday, 06-Nov-94 08:49:37 GMT+1"}) {
    EXPECT_EQ(parse_date(text, 0), std::nullopt) << text;
  }
}

TEST(EntityTag, ComparesStronglyAndWeakly) {
  EXPECT_EQ(parse_entity_tag("\"a\"")->opaque, "a");
  EXPECT_TRUE(parse_entity_tag("W/\"\"")->weak);
  for (const std::string_view bad : {"", "a", "\"a", "w/\"a\"", "\"a\"b", "\"a b\"", "\"a\"\""}) {
    EXPECT_FALSE(parse_entity_tag(bad).has_value()) << bad;
  }
  const EntityTag strong{"x", false};
  const EntityTag weak{"x", true};
  EXPECT_TRUE(strong_equal(strong, strong));
  EXPECT_FALSE(strong_equal(strong, weak));
  EXPECT_TRUE(weak_equal(strong, weak));
  EXPECT_TRUE(entity_tag_list_has("\"a\", W/\"x\"", strong, true));
  EXPECT_FALSE(entity_tag_list_has("\"a\", W/\"x\"", strong, false));
  EXPECT_TRUE(entity_tag_list_has("\"a,\",\"x\"", strong, false));
  EXPECT_FALSE(entity_tag_list_has("\"a,x\"", strong, false));
  EXPECT_TRUE(entity_tag_list_has("*", strong, false));
  EXPECT_FALSE(entity_tag_list_has("x", strong, true));
}

TEST(Preconditions, FollowTheirOrder) {
  const Validators v{.tag = EntityTag{"x"}, .last_modified = 784111777};
  constexpr std::string_view same = "Sun, 06 Nov 1994 08:49:37 GMT";
  constexpr std::string_view before = "Sun, 06 Nov 1994 08:49:36 GMT";
  const auto evaluate = [&](Method method, const Fields& fields) {
    return evaluate_preconditions(method, fields, v, 0);
  };
  using enum HeaderId;
  using P = Precondition;
  EXPECT_EQ(evaluate(Method::get, {}), P::proceed);
  EXPECT_EQ(evaluate(Method::get, {{if_none_match, "\"x\""}}), P::not_modified);
  EXPECT_EQ(evaluate(Method::get, {{if_none_match, "W/\"x\""}}), P::not_modified);
  EXPECT_EQ(evaluate(Method::put, {{if_none_match, "*"}}), P::failed);
  EXPECT_EQ(evaluate(Method::get, {{if_none_match, "\"y\""}, {if_modified_since, same}}), P::proceed);
  EXPECT_EQ(evaluate(Method::get, {{if_modified_since, same}}), P::not_modified);
  EXPECT_EQ(evaluate(Method::get, {{if_modified_since, before}}), P::proceed);
  EXPECT_EQ(evaluate(Method::post, {{if_modified_since, same}}), P::proceed);
  EXPECT_EQ(evaluate(Method::get, {{if_modified_since, "nonsense"}}), P::proceed);
  EXPECT_EQ(evaluate(Method::put, {{if_match, "\"x\""}}), P::proceed);
  EXPECT_EQ(evaluate(Method::put, {{if_match, "W/\"x\""}}), P::failed);
  EXPECT_EQ(evaluate(Method::put, {{if_match, "\"y\""}}), P::failed);
  EXPECT_EQ(evaluate(Method::put, {{if_unmodified_since, before}}), P::failed);
  EXPECT_EQ(evaluate(Method::put, {{if_unmodified_since, same}}), P::proceed);
  const Validators gone{.exists = false};
  EXPECT_EQ(evaluate_preconditions(Method::put, Fields{{if_match, "*"}}, gone, 0), P::failed);
  EXPECT_EQ(evaluate_preconditions(Method::put, Fields{{if_none_match, "*"}}, gone, 0), P::proceed);
  EXPECT_TRUE(if_range_holds(Fields{}, v, 0));
  EXPECT_TRUE(if_range_holds(Fields{{if_range, "\"x\""}}, v, 0));
  EXPECT_FALSE(if_range_holds(Fields{{if_range, "W/\"x\""}}, v, 0));
  EXPECT_TRUE(if_range_holds(Fields{{if_range, same}}, v, 0));
  EXPECT_FALSE(if_range_holds(Fields{{if_range, before}}, v, 0));
}

TEST(Range, ResolvesAgainstTheSize) {
  using Kind = RangeRequest::Kind;
  const struct {
    std::string_view value;
    std::uint64_t size;
    Kind kind;
    std::vector<ByteRange> ranges;
  } cases[] = {
      {"bytes=0-0", 10, Kind::partial, {{0, 1}}},
      {"bytes=2-", 10, Kind::partial, {{2, 8}}},
      {"bytes=-3", 10, Kind::partial, {{7, 3}}},
      {"bytes=-30", 10, Kind::partial, {{0, 10}}},
      {"Bytes=5-500", 10, Kind::partial, {{5, 5}}},
      {"bytes=5-99999999999999999999999", 10, Kind::partial, {{5, 5}}},
      {"bytes=0-1, 8-, 20-", 10, Kind::partial, {{0, 2}, {8, 2}}},
      {"bytes=10-", 10, Kind::unsatisfiable, {}},
      {"bytes=-0", 10, Kind::unsatisfiable, {}},
      {"bytes=0-", 0, Kind::unsatisfiable, {}},
      {"bytes=0-5,3-8", 10, Kind::whole, {}},
      {"bytes=0-5,-8", 10, Kind::whole, {}},
      {"bytes=3-2", 10, Kind::whole, {}},
      {"bytes=", 10, Kind::whole, {}},
      {"bytes=a-b", 10, Kind::whole, {}},
      {"bytes=-", 10, Kind::whole, {}},
      {"bytes=1", 10, Kind::whole, {}},
      {"bytes=1-2-3", 10, Kind::whole, {}},
      {"lines=0-1", 10, Kind::whole, {}},
      {"", 10, Kind::whole, {}},
      {"bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15,16-16", 99, Kind::whole, {}},
  };
  for (const auto& c : cases) {
    const RangeRequest request = RangeRequest::parse(c.value, c.size);
    EXPECT_EQ(request.kind(), c.kind) << c.value;
    EXPECT_EQ(std::vector<ByteRange>(request.ranges().begin(), request.ranges().end()), c.ranges) << c.value;
  }
  Buffer out;
  write_content_range({2, 3}, 10, out);
  out.push_back(' ');
  write_unsatisfied_range(10, out);
  EXPECT_EQ(out.view(), "bytes 2-4/10 bytes */10");
}

TEST(MediaType, ParsesAndCompares) {
  const auto media = parse_media_type("Text/HTML ; Charset=\"utf-8\" ; q=1");
  ASSERT_TRUE(media.has_value());
  EXPECT_TRUE(media->is("text/html"));
  EXPECT_EQ(media->parameter("charset"), "utf-8");
  EXPECT_EQ(media->parameter("q"), "1");
  EXPECT_EQ(media->parameter("x"), std::nullopt);
  EXPECT_TRUE(parse_media_type("application/problem+JSON")->is_json());
  EXPECT_TRUE(parse_media_type("application/json;charset=utf-8")->is_json());
  EXPECT_FALSE(parse_media_type("application/jsonp")->is_json());
  for (const std::string_view bad : {"", "text", "text/", "/html", "text/ht ml", "te xt/html", "a/b/c"}) {
    EXPECT_FALSE(parse_media_type(bad).has_value()) << bad;
  }
}

TEST(MediaType, IsKnownByExtension) {
  EXPECT_EQ(media_type_of_file("a/b.HTML"), "text/html; charset=utf-8");
  EXPECT_EQ(media_type_of_file("x.tar.gz"), "application/gzip");
  EXPECT_EQ(media_type_of_file("README"), "application/octet-stream");
  EXPECT_EQ(media_type_of_file("x.unknown-extension"), "application/octet-stream");
  EXPECT_TRUE(is_compressible("application/json; charset=utf-8"));
  EXPECT_TRUE(is_compressible("image/svg+xml"));
  EXPECT_FALSE(is_compressible("image/png"));
  EXPECT_FALSE(is_compressible("text/event-stream"));
}

TEST(Negotiation, PicksAMediaType) {
  constexpr std::array<std::string_view, 3> offers = {"application/json", "text/html", "text/plain"};
  const auto pick = [&](std::string_view accept) {
    return negotiate_media_type(Fields{{HeaderId::accept, accept}}, offers);
  };
  EXPECT_EQ(negotiate_media_type(Fields{}, offers), 0u);
  EXPECT_EQ(pick(""), 0u);
  EXPECT_EQ(pick("*/*"), 0u);
  EXPECT_EQ(pick("text/html"), 1u);
  EXPECT_EQ(pick("text/*;q=0.5, application/json;q=0.4"), 1u);
  EXPECT_EQ(pick("text/*, text/html;q=0.1"), 2u);
  EXPECT_EQ(pick("TEXT/plain; charset=\"a,b\"; q=0.9, text/html;q=0.8"), 2u);
  EXPECT_EQ(pick("image/png"), std::nullopt);
  EXPECT_EQ(pick("application/json;q=0"), std::nullopt);
  EXPECT_EQ(pick("*/*;q=0.1, application/json;q=0"), 1u);
  EXPECT_EQ(pick("text/html;q=2, text/plain;q=0.1"), 2u);  // a malformed weight
  EXPECT_EQ(pick(",,"), std::nullopt);
}

TEST(Negotiation, PicksAnEncoding) {
  constexpr std::array<std::string_view, 3> offers = {"br", "zstd", "gzip"};
  const auto pick = [&](std::string_view accept) {
    return negotiate_encoding(Fields{{HeaderId::accept_encoding, accept}}, offers);
  };
  EXPECT_EQ(negotiate_encoding(Fields{}, offers), std::nullopt);
  EXPECT_EQ(pick(""), std::nullopt);
  EXPECT_EQ(pick("gzip, deflate, br, zstd"), 0u);
  EXPECT_EQ(pick("gzip"), 2u);
  EXPECT_EQ(pick("x-gzip"), 2u);
  EXPECT_EQ(pick("gzip;q=1.0, br;q=0.5"), 2u);
  EXPECT_EQ(pick("*"), 0u);
  EXPECT_EQ(pick("*;q=0.5, br;q=0"), 1u);
  EXPECT_EQ(pick("identity, gzip;q=0.5"), std::nullopt);
  EXPECT_EQ(pick("identity;q=0.5, gzip"), 2u);
  EXPECT_EQ(pick("deflate"), std::nullopt);
}

TEST(Negotiation, PicksALanguage) {
  constexpr std::array<std::string_view, 3> offers = {"en", "de-CH", "fr"};
  const auto pick = [&](std::string_view accept) {
    return negotiate_language(Fields{{HeaderId::accept_language, accept}}, offers);
  };
  EXPECT_EQ(negotiate_language(Fields{}, offers), std::nullopt);
  EXPECT_EQ(pick("de"), 1u);
  EXPECT_EQ(pick("fr-CA, de;q=0.5"), 2u);
  EXPECT_EQ(pick("en-GB,en;q=0.9,fr;q=0.8"), 0u);
  EXPECT_EQ(pick("it"), std::nullopt);
  EXPECT_EQ(pick("it, *;q=0.1"), 0u);
}

TEST(Cookie, IteratesOverPairs) {
  const Fields fields{{HeaderId::cookie, " a=1; b=\"2\" ;; c ; =d; e=f=g"}, {HeaderId::cookie, "h="}};
  std::string seen;
  each_cookie(fields,
              [&](const Cookie& cookie) { seen += std::string(cookie.name) + ":" + std::string(cookie.value) + ","; });
  EXPECT_EQ(seen, "a:1,b:2,e:f=g,h:,");
  EXPECT_EQ(find_cookie(fields, "b"), "2");
  EXPECT_EQ(find_cookie(fields, "h"), "");
  EXPECT_EQ(find_cookie(fields, "A"), std::nullopt);
}

TEST(SetCookie, IsSafeUnlessLoosened) {
  EXPECT_EQ(format_set_cookie({.name = "s", .value = "x"}).value(), "s=x; Path=/; Secure; HttpOnly; SameSite=Lax");
  EXPECT_EQ(format_set_cookie({.name = "s",
                               .value = "",
                               .path = "/a",
                               .domain = "a.org",
                               .max_age_seconds = -5,
                               .secure = false,
                               .http_only = false,
                               .same_site = SameSite::strict})
                .value(),
            "s=; Max-Age=0; Domain=a.org; Path=/a; SameSite=Strict");
  Headers headers;
  EXPECT_TRUE(add_cookie(headers, {.name = "__Host-s", .value = "x", .same_site = SameSite::none, .partitioned = true})
                  .has_value());
  EXPECT_EQ(headers.get(HeaderId::set_cookie), "__Host-s=x; Path=/; Secure; HttpOnly; SameSite=None; Partitioned");
}

TEST(SetCookie, RefusesWhatABrowserWould) {
  const SetCookie bad[] = {
      {.name = "", .value = "x"},
      {.name = "a b", .value = "x"},
      {.name = "a", .value = "x;y"},
      {.name = "a", .value = "x y"},
      {.name = "a", .value = "x\r\n"},
      {.name = "a", .value = "x", .path = "/;Domain=evil"},
      {.name = "a", .value = "x", .path = "relative"},
      {.name = "a", .value = "x", .domain = "a\n"},
      {.name = "a", .value = "x", .secure = false, .same_site = SameSite::none},
      {.name = "a", .value = "x", .secure = false, .partitioned = true},
      {.name = "__Secure-a", .value = "x", .secure = false},
      {.name = "__Host-a", .value = "x", .path = "/a"},
      {.name = "__host-a", .value = "x", .domain = "a.org"},
  };
  for (const SetCookie& cookie : bad) EXPECT_FALSE(format_set_cookie(cookie).has_value()) << cookie.name;
}

}  // namespace
}  // namespace weir::http
