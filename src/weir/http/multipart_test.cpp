#include "weir/http/multipart.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir::http {
namespace {

using Kind = MultipartParser::Kind;

// The events of a body as text, with adjacent data joined, when it is pushed in pieces of `piece` bytes.
std::string run(std::string_view body, std::size_t piece, const MultipartLimits& limits = {}) {
  MultipartParser parser("XX", limits);
  std::string result;
  std::string_view rest = body;
  while (!rest.empty()) {
    const std::string copy(rest.substr(0, piece));
    rest.remove_prefix(copy.size());
    std::string_view bytes = copy;
    for (;;) {
      const auto event = parser.next(bytes);
      if (event.kind == Kind::need_more) break;
      if (event.kind == Kind::data) result += event.data;
      if (event.kind == Kind::part_end) result += "]";
      if (event.kind == Kind::part_begin) {
        const auto& part = parser.part();
        result += "[" + std::string(part.name) + "|" + (part.has_filename ? std::string(part.filename) : "-") + "|" +
                  std::string(part.content_type) + ":";
      }
      if (event.kind == Kind::error) return result + "ERROR " + parser.error().message();
      if (event.kind == Kind::finished) return result + "END";
    }
    EXPECT_TRUE(bytes.empty());
  }
  return result + "MORE";
}

const std::string form =
    "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue\r\n"
    "--XX \t\r\ncontent-disposition: FORM-DATA; filename=\"f\\\"%22.txt\"; name=b\r\nContent-Type: text/plain\r\n\r\n"
    "line\r\n--X\r\n-\r\r\n--XY\r\n"
    "\r\n--XX\r\nContent-Disposition: form-data; name=\"empty\"; filename=\"\"\r\n\r\n\r\n--XX--\r\nepilogue";
const std::string form_events = "[a|-|:value][b|f\"\".txt|text/plain:line\r\n--X\r\n-\r\r\n--XY\r\n][empty||:]END";

TEST(Multipart, SaysTheSameForEveryCut) {
  for (std::size_t piece = 1; piece <= form.size(); ++piece) EXPECT_EQ(run(form, piece), form_events) << piece;
}

TEST(Multipart, ForgivesAPreambleAndAPartWithoutEmptyLine) {
  EXPECT_EQ(run("preamble\r\n--X\r\n--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n--XX--", 3), "[a|-|:]END");
  EXPECT_EQ(run("--XX--", 1), "END");
}

TEST(Multipart, WaitsForTheEnd) {
  EXPECT_EQ(run("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nabc\r\n--XX", 5), "[a|-|:abc]MORE");
  EXPECT_EQ(run("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nabc\r\n--X", 5), "[a|-|:abcMORE");
}

TEST(Multipart, RefusesWhatIsMalformed) {
  const std::string_view bad[] = {
      "--XXX\r\n",
      "--XX-X",
      "--XX\rX",
      "--XX\r\n\r\nno header\r\n--XX--",
      "--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n",
      "--XX\r\nContent-Disposition: form-data\r\n\r\n",
      "--XX\r\nContent-Disposition: form-data; filename=x\r\n\r\n",
      "--XX\r\nContent-Disposition : form-data; name=x\r\n\r\n",
      "--XX\r\nContent-Disposition: form-data; name=x\nX: y\r\n\r\n",
      "--XX\r\nContent-Disposition: form-data; name=x\r\nContent-Disposition: form-data; name=x\r\n\r\n",
  };
  for (const std::string_view body : bad) {
    EXPECT_NE(run(body, 100).find("ERROR"), std::string::npos) << body;
    EXPECT_EQ(run(body, 1), run(body, 100)) << body;
  }
}

TEST(Multipart, LimitsPartsHeadersAndPreamble) {
  const std::string part = "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
  EXPECT_EQ(run(part + part + "--XX--", 7, {.max_parts = 2}), "[a|-|:][a|-|:]END");
  EXPECT_NE(run(part + part + "--XX--", 7, {.max_parts = 1}).find("ERROR there are more parts"), std::string::npos);
  EXPECT_NE(run(part, 7, {.max_header_bytes = 40}).find("ERROR the header of a part"), std::string::npos);
  EXPECT_NE(run(std::string(2000, '\r'), 7).find("ERROR too much before"), std::string::npos);
}

TEST(Multipart, FindsTheBoundary) {
  EXPECT_EQ(MultipartParser::boundary_of("multipart/form-data; boundary=abc").value(), "abc");
  EXPECT_EQ(MultipartParser::boundary_of("Multipart/Form-Data; charset=x; BOUNDARY=\"a b:c\"").value(), "a b:c");
  EXPECT_EQ(MultipartParser::boundary_of("text/plain").error().code(), Errc::unsupported_media_type);
  for (const std::string& bad :
       {std::string("multipart/form-data"), std::string("multipart/form-data; boundary="),
        std::string("multipart/form-data; boundary=\"a \""), std::string("multipart/form-data; boundary=\"a;b\""),
        "multipart/form-data; boundary=" + std::string(71, 'x')}) {
    EXPECT_EQ(MultipartParser::boundary_of(bad).error().code(), Errc::invalid_argument) << bad;
  }
}

}  // namespace
}  // namespace weir::http
