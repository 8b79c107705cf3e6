#include "weir/http/message.hpp"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/http/problem.hpp"

namespace weir::http {
namespace {

static_assert(sizeof(Response) <= 256);

TEST(Method, ParsesItsNames) {
  for (const Method m : {Method::get, Method::head, Method::post, Method::put, Method::patch, Method::del,
                         Method::options, Method::connect, Method::trace}) {
    EXPECT_EQ(parse_method(to_string(m)), m);
  }
  EXPECT_EQ(parse_method("get"), Method::other);
  EXPECT_EQ(parse_method("OTHER"), Method::other);
}

TEST(Status, HasReasonsAndOutcomes) {
  EXPECT_EQ(reason(Status::not_found), "Not Found");
  EXPECT_EQ(reason(static_cast<Status>(299)), "");
  EXPECT_EQ(outcome(Status::created), "SUCCESS");
  EXPECT_EQ(outcome(static_cast<Status>(700)), "UNKNOWN");
  EXPECT_TRUE(never_has_content(Status::not_modified));
}

TEST(Body, KnowsItsLength) {
  EXPECT_EQ(Body().length(), 0u);
  EXPECT_TRUE(Body().none());
  EXPECT_EQ(Body::of_static("abc").bytes(), "abc");
  EXPECT_EQ(Body(std::string("abcd")).bytes(), "abcd");
  EXPECT_EQ(Body::copy_of("ab").length(), 2u);
  EXPECT_EQ(Body(StreamBody{}).length(), std::nullopt);
  EXPECT_EQ(Body(StreamBody{{}, 7}).length(), 7u);
  EXPECT_EQ(Body(StreamBody{}).bytes(), std::nullopt);
}

TEST(Body, ClosesItsFile) {
  const int fd = ::open("/dev/null", O_RDONLY);
  ASSERT_GE(fd, 0);
  {
    Body body(FileBody(fd, 1, 2));
    Body moved = std::move(body);
    EXPECT_EQ(moved.length(), 2u);
    EXPECT_EQ(::fcntl(fd, F_GETFD), 0);
  }
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST(Problem, MapsErrorCodes) {
  EXPECT_EQ(status_of(Errc::unprocessable), Status::unprocessable_content);
  EXPECT_EQ(status_of(Errc::invalid_argument), Status::bad_request);
  EXPECT_EQ(status_of(Errc::too_large), Status::content_too_large);
  EXPECT_EQ(status_of(Errc::cancelled), Status::client_closed_request);
  EXPECT_EQ(errc_of(Status::service_unavailable), Errc::unavailable);
  EXPECT_EQ(errc_of(static_cast<Status>(418)), Errc::invalid_argument);
  EXPECT_EQ(errc_of(Status::ok), Errc::unknown);
}

TEST(Problem, IsWrittenAsJson) {
  Problem problem = to_problem(Error(Errc::unprocessable, "2 fields are wrong")
                                   .with_fields({{"name", "required", "must be there"}, {"a\"b", "", ""}}));
  problem.instance = "/users";
  problem.request_id = "r-1";
  problem.members.emplace_back("hint", "line\nbreak \x01 \\ \xc3\xa4 \xff \xe2\x82 \xed\xa0\x80");
  Buffer out;
  write_problem(problem, out);
  EXPECT_EQ(out.view(),
            R"({"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"2 fields are wrong",)"
            R"("instance":"/users","code":"unprocessable","request_id":"r-1",)"
            R"("errors":[{"field":"name","rule":"required","message":"must be there"},{"field":"a\"b"}],)"
            R"("hint":"line\nbreak \u0001 \\ )"
            "\xc3\xa4 \xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}");
}

TEST(Problem, HasMembersOfSeveralTypes) {
  Problem problem;
  problem.status = Status::conflict;
  problem.members = {{"text", "x"}, {"left", -3}, {"offset", std::uint64_t{18446744073709551615u}}, {"again", true}};
  Buffer out;
  write_problem(problem, out);
  EXPECT_TRUE(out.view().ends_with(R"(,"text":"x","left":-3,"offset":18446744073709551615,"again":true})"))
      << out.view();
}

TEST(Problem, HasTheCodeOfItsStatusWithoutOneOfItsOwn) {
  Problem problem;
  problem.status = Status::content_too_large;
  Buffer out;
  write_problem(problem, out);
  EXPECT_EQ(out.view(), R"({"type":"about:blank","title":"Content Too Large","status":413,"code":"too_large"})");
}

TEST(Problem, KeepsInternalsInside) {
  EXPECT_EQ(to_problem(Error(Errc::internal, "password=secret")).detail, "");
  EXPECT_EQ(to_problem(Error(Errc::unavailable, "the database is down")).detail, "the database is down");
  const Response response = to_response(to_problem(Error(Errc::not_found, "no such user")));
  EXPECT_EQ(response.status, Status::not_found);
  EXPECT_EQ(response.headers.get(HeaderId::content_type), "application/problem+json");
}

}  // namespace
}  // namespace weir::http
