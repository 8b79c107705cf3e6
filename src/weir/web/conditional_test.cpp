#include "weir/web/conditional.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/web/chain_test_support.hpp"
#include "weir/web/file_test_support.hpp"
#include "weir/web/response.hpp"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Fields = std::vector<std::pair<std::string, std::string>>;

/// 10,000 bytes, as in the examples of RFC 9110 section 14.1.2, in which every range can be told from the others.
std::string ten_thousand() {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += std::to_string(10000 + i);
  return text;
}

constexpr const char* tag = "\"v1\"";
constexpr const char* modified = "Tue, 14 Nov 2023 22:13:20 GMT";

/// The same content as a file and in memory, in its several forms.
class Conditional : public ::testing::TestWithParam<const char*> {
 protected:
  Conditional() {
    directory_.write("data.txt", content_);
    const auto with_validators = [](Response response) {
      response.headers.set(HeaderId::etag, tag);
      response.headers.set(HeaderId::last_modified, modified);
      return response;
    };
    service_.get("/file", [this, with_validators]() -> Result<Response> {
      Result<Response> response = file(directory_ / "data.txt");
      if (!response) return response;
      return with_validators(std::move(*response));
    });
    const auto add = [&](const char* path, auto make) {
      service_.get(path, [with_validators, make](Context& ctx) {
        Response response = with_validators(make());
        apply_conditions(ctx, response);
        return response;
      });
    };
    add("/text", [this] { return bytes(content_, "text/plain; charset=utf-8"); });
    add("/static", [this] { return static_bytes(content_, "text/plain; charset=utf-8"); });
    add("/buffer", [this] { return text(content_); });
  }

  TestResponse get(const Fields& fields, std::string_view method = "GET") {
    std::string request = std::string(method) + " " + GetParam() + " HTTP/1.1\r\nHost: t\r\n";
    for (const auto& [name, value] : fields) request += name + ": " + value + "\r\n";
    return service_.request(request + "\r\n");
  }
  [[nodiscard]] std::string slice(std::size_t from, std::size_t to) const {
    return content_.substr(from, to - from + 1);
  }

  const std::string content_ = ten_thousand();
  TestDirectory directory_;
  TestService service_;
};

TEST_P(Conditional, AnswersOneRange) {
  struct Case {
    const char* range;
    std::size_t from, to;
  };
  const Case cases[] = {
      {"bytes=0-499", 0, 499},
      {"bytes=500-999", 500, 999},
      {"bytes=-500", 9500, 9999},
      {"bytes=9500-", 9500, 9999},
      {"bytes=0-0", 0, 0},
      {"bytes=-1", 9999, 9999},
      {"bytes=9999-20000", 9999, 9999},
      {"bytes=0-", 0, 9999},
      {"bytes=-20000", 0, 9999},
      {"Bytes=5-6", 5, 6},
      {"bytes= 7-8", 7, 8},
      {"bytes=0-0, 20000-", 0, 0},
      {"bytes=0-9,10-19", 0, 19},
      {"bytes=0-9, 50-99", 0, 99},
  };
  for (const Case& c : cases) {
    const TestResponse answer = get({{"Range", c.range}});
    EXPECT_EQ(answer.status, 206) << c.range;
    EXPECT_EQ(answer.body, slice(c.from, c.to)) << c.range;
    EXPECT_EQ(answer.header("Content-Range"),
              "bytes " + std::to_string(c.from) + "-" + std::to_string(c.to) + "/10000");
    EXPECT_EQ(answer.header("Content-Length"), std::to_string(c.to - c.from + 1));
    EXPECT_EQ(answer.header("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_EQ(answer.header("ETag"), tag);
  }
}

TEST_P(Conditional, AnswersSeveralRangesAsMultipart) {
  const TestResponse answer = get({{"Range", "bytes=0-9, 9000-9004 ,-1,500-599"}});
  ASSERT_EQ(answer.status, 206);
  const std::string type(answer.header("Content-Type"));
  ASSERT_THAT(type, StartsWith("multipart/byteranges; boundary="));
  const std::string boundary = type.substr(type.find('=') + 1);
  std::string expected;
  for (const auto& [from, to] : {std::pair(0, 9), {9000, 9004}, {9999, 9999}, {500, 599}}) {
    expected += (expected.empty() ? "--" : "\r\n--") + boundary +
                "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes " + std::to_string(from) + "-" +
                std::to_string(to) + "/10000\r\n\r\n" +
                slice(static_cast<std::size_t>(from), static_cast<std::size_t>(to));
  }
  expected += "\r\n--" + boundary + "--\r\n";
  EXPECT_EQ(answer.body, expected);
  EXPECT_EQ(answer.header("Content-Length"), std::to_string(expected.size()));
  EXPECT_FALSE(answer.has("Content-Range"));
  EXPECT_EQ(answer.header("ETag"), tag);
}

TEST_P(Conditional, AnswersTheWholeToRangesThatItDoesNotHonour) {
  std::string many = "bytes=0-0";
  for (int i = 1; i < 17; ++i) many += "," + std::to_string(i * 200) + "-" + std::to_string(i * 200);
  const std::string cases[] = {"bytes=",    "bytes=a-b",      "bytes=5-4",         "bytes=-",     "lines=1-2",
                               "bytes 0-1", "bytes=0-9,5-14", "bytes=0-,0-,0-,0-", "bytes=1-2-3", many};
  for (const std::string& range : cases) {
    const TestResponse answer = get({{"Range", range}});
    EXPECT_EQ(answer.status, 200) << range;
    EXPECT_EQ(answer.body, content_) << range;
  }
  EXPECT_EQ(get({{"Range", "bytes=0-1"}, {"Range", "bytes=3-4"}}).status, 200);
}

TEST_P(Conditional, Answers416WhenNoRangeLiesInTheContent) {
  for (const char* range : {"bytes=10000-", "bytes=10000-10001", "bytes=-0", "bytes=20000-,30000-"}) {
    const TestResponse answer = get({{"Range", range}});
    EXPECT_EQ(answer.status, 416) << range;
    EXPECT_EQ(answer.header("Content-Range"), "bytes */10000");
    EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
  }
}

TEST_P(Conditional, EvaluatesPreconditions) {
  const std::string before = "Tue, 14 Nov 2023 22:13:19 GMT";
  const std::string after = "Tue, 14 Nov 2023 22:13:21 GMT";
  struct Case {
    Fields fields;
    int status;
  };
  const Case cases[] = {
      {{{"If-None-Match", tag}}, 304},
      {{{"If-None-Match", "W/\"v1\""}}, 304},
      {{{"If-None-Match", "\"v0\", \"v1\""}}, 304},
      {{{"If-None-Match", "*"}}, 304},
      {{{"If-None-Match", "\"v0\""}}, 200},
      {{{"If-Modified-Since", modified}}, 304},
      {{{"If-Modified-Since", after}}, 304},
      {{{"If-Modified-Since", before}}, 200},
      {{{"If-Modified-Since", "nonsense"}}, 200},
      {{{"If-None-Match", "\"v0\""}, {"If-Modified-Since", modified}}, 200},
      {{{"If-Match", tag}}, 200},
      {{{"If-Match", "*"}}, 200},
      {{{"If-Match", "W/\"v1\""}}, 412},
      {{{"If-Match", "\"v0\""}}, 412},
      {{{"If-Unmodified-Since", modified}}, 200},
      {{{"If-Unmodified-Since", before}}, 412},
      {{{"If-Match", tag}, {"If-Unmodified-Since", before}}, 200},
      {{{"If-Match", tag}, {"If-None-Match", tag}}, 304},
      {{{"If-Match", "\"v0\""}, {"Range", "bytes=0-1"}}, 412},
      {{{"If-None-Match", tag}, {"Range", "bytes=0-1"}}, 304},
      {{{"If-Match", tag}, {"Range", "bytes=0-1"}}, 206},
      // If-Range: only strong validators that agree.
      {{{"If-Range", tag}, {"Range", "bytes=0-1"}}, 206},
      {{{"If-Range", "\"v0\""}, {"Range", "bytes=0-1"}}, 200},
      {{{"If-Range", "W/\"v1\""}, {"Range", "bytes=0-1"}}, 200},
      {{{"If-Range", modified}, {"Range", "bytes=0-1"}}, 206},
      {{{"If-Range", before}, {"Range", "bytes=0-1"}}, 200},
      {{{"If-Range", after}, {"Range", "bytes=0-1"}}, 200},
      {{{"If-Range", "\"v0\""}, {"Range", "bytes=20000-"}}, 200},
      {{{"If-Range", tag}}, 200},
  };
  for (const Case& c : cases) {
    const TestResponse answer = get(c.fields);
    std::string what;
    for (const auto& [name, value] : c.fields) what.append(name).append(": ").append(value).append("; ");
    EXPECT_EQ(answer.status, c.status) << what;
    if (c.status == 304) {
      EXPECT_EQ(answer.body, "") << what;
      EXPECT_EQ(answer.header("ETag"), tag) << what;
      EXPECT_FALSE(answer.has("Content-Type")) << what;
      EXPECT_FALSE(answer.has("Content-Length")) << what;
    }
    if (c.status == 200) {
      EXPECT_EQ(answer.body, content_) << what;
    }
  }
}

TEST_P(Conditional, AnswersHeadWithoutRanges) {
  std::string request = std::string("HEAD ") + GetParam() + " HTTP/1.1\r\nHost: t\r\nRange: bytes=0-1\r\n\r\n";
  TestResponse answer = service_.request(request);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Length"), "10000");
  request = std::string("HEAD ") + GetParam() + " HTTP/1.1\r\nHost: t\r\nIf-None-Match: \"v1\"\r\n\r\n";
  EXPECT_EQ(service_.request(request).status, 304);
}

INSTANTIATE_TEST_SUITE_P(Bodies, Conditional, ::testing::Values("/file", "/text", "/static", "/buffer"),
                         [](const auto& with) { return std::string(with.param + 1); });

TEST(ApplyConditions, LeavesOtherAnswersAlone) {
  TestService service;
  const auto conditional = [](Response response) {
    return [status = response.status](Context& ctx) {
      Response answer = text("0123456789", status);
      answer.headers.set(HeaderId::etag, tag);
      apply_conditions(ctx, answer);
      return answer;
    };
  };
  service.get("/created", conditional(Response(Status::created)));
  service.post("/post", conditional(Response(Status::ok)));
  const std::string fields =
      " HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\nIf-None-Match: *\r\nRange: bytes=0-1\r\n\r\n";
  EXPECT_EQ(service.request("GET /created" + fields).status, 201);
  EXPECT_EQ(service.request("POST /post" + fields).status, 200);
  EXPECT_EQ(service.request("POST /post" + fields).body, "0123456789");
}

TEST(ApplyConditions, TakesNoDateOfThisSecondForAStrongValidator) {
  TestService service;
  service.get("/", [](Context& ctx) {
    Response answer = text("0123456789");
    answer.headers.set(HeaderId::last_modified, "Thu, 01 Jan 2026 00:00:00 GMT");  // now, by the test's clock
    apply_conditions(ctx, answer);
    return answer;
  });
  const std::string request =
      "GET / HTTP/1.1\r\nHost: t\r\nRange: bytes=0-1\r\nIf-Range: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n";
  EXPECT_EQ(service.request(request).status, 200);
  service.advance(std::chrono::seconds(1));
  EXPECT_EQ(service.request(request).status, 206);
}

TEST(ServeFile, PresentsTheFile) {
  TestDirectory directory;
  directory.write("a.bin", "content");
  TestService service;
  service.get("/", [&](Context& ctx) -> Result<Response> {
    Result<net::File> opened = net::File::open(directory / "a.bin");
    if (!opened) return fail(std::move(opened.error()));
    return serve_file(
        ctx, std::move(*opened),
        {.media_type = "text/css", .cache_control = "private", .download_name = "Gr\xc3\xbc\xc3\x9f\"e.css"});
  });
  const TestResponse answer = service.request("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(answer.body, "content");
  EXPECT_EQ(answer.header("Content-Type"), "text/css");
  EXPECT_EQ(answer.header("Cache-Control"), "private");
  EXPECT_EQ(answer.header("Last-Modified"), modified);
  EXPECT_EQ(answer.header("Accept-Ranges"), "bytes");
  EXPECT_EQ(answer.header("Content-Disposition"),
            "attachment; filename=\"Gr_____e.css\"; filename*=UTF-8''Gr%C3%BC%C3%9F%22e.css");
  const std::string etag(answer.header("ETag"));
  EXPECT_EQ(service.request("GET / HTTP/1.1\r\nHost: t\r\nIf-None-Match: " + etag + "\r\n\r\n").status, 304);
  directory.write("a.bin", "CONTENT", 1'700'000'001);
  EXPECT_EQ(service.request("GET / HTTP/1.1\r\nHost: t\r\nIf-None-Match: " + etag + "\r\n\r\n").status, 200);
}

TEST(ServeFile, DoesNotDateAFileInTheFuture) {
  TestDirectory directory;
  directory.write("a.bin", "content", 4'000'000'000);
  TestService service;
  service.get("/", [&] { return file(directory / "a.bin"); });
  EXPECT_EQ(service.request("GET / HTTP/1.1\r\nHost: t\r\n\r\n").header("Last-Modified"),
            "Thu, 01 Jan 2026 00:00:00 GMT");
}

TEST(ServeFile, CutsTheConnectionWhenTheFileBecomesShorter) {
  TestDirectory directory;
  directory.write("a.bin", std::string(100, 'x'));
  TestService service;
  service.get("/", [&](Context&) -> Result<Response> {
    Result<Response> response = file(directory / "a.bin");
    directory.write("a.bin", "short");
    return response;
  });
  TestConnection client(service);
  client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(client.receive().status, 0) << "no response that looks whole";
}

}  // namespace
}  // namespace weir
