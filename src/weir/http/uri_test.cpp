#include "weir/http/uri.hpp"

#include <string>

#include <gtest/gtest.h>

#include "weir/http/form.hpp"

namespace weir::http {
namespace {

TEST(PercentDecoding, CopiesOnlyWhereThereIsSomethingToDecode) {
  Arena arena;
  const std::string_view plain = "plain+text";
  EXPECT_EQ(decode_percent(plain, arena)->data(), plain.data());
  EXPECT_EQ(decode_percent("a%20b%2Fc%c3%A4", arena).value(), "a b/c\xc3\xa4");
  EXPECT_EQ(decode_percent("", arena).value(), "");
  for (const std::string_view bad : {"%", "a%2", "%zz", "%%20", "%00", "%0g"}) {
    EXPECT_FALSE(decode_percent(bad, arena).has_value()) << bad;
  }
}

TEST(PercentEncoding, KeepsWhatItIsToldTo) {
  Buffer out;
  encode_percent("a-b/c d%\xff?", Keep::nothing, out);
  EXPECT_EQ(out.view(), "a-b%2Fc%20d%25%FF%3F");
  out.clear();
  encode_percent("a/b?", Keep::slashes, out);
  EXPECT_EQ(out.view(), "a/b%3F");
  out.clear();
  encode_percent("http://a/b?c=%20 d", Keep::uri, out);
  EXPECT_EQ(out.view(), "http://a/b?c=%20%20d");
}

TEST(Query, IteratesOverParameters) {
  std::string seen;
  for (const auto [name, value, has_value] : QueryView("&a=1&&b&=c&d=e=f&")) {
    seen += std::string(name) + (has_value ? "=" : "!") + std::string(value) + ";";
  }
  EXPECT_EQ(seen, "a=1;b!;=c;d=e=f;");
  for ([[maybe_unused]] const auto parameter : QueryView("")) FAIL();
  for ([[maybe_unused]] const auto parameter : QueryView("&&")) FAIL();
}

TEST(Query, FindsDecodedNames) {
  Arena arena;
  const QueryView query("first+name=A%26B&x=1&x=2&bad=%zz");
  EXPECT_EQ(query.get("first name", arena), "A&B");
  EXPECT_EQ(query.get("x", arena), "1");
  EXPECT_EQ(query.get("bad", arena), "%zz");
  EXPECT_EQ(query.get("y", arena), std::nullopt);
  EXPECT_TRUE(query.has("x"));
  EXPECT_FALSE(query.has("first"));
}

TEST(Form, WritesWhatItReads) {
  Buffer out;
  write_form_field("a b", "c&d=", out);
  write_form_field("e", "", out);
  EXPECT_EQ(out.view(), "a%20b=c%26d%3D&e=");
  Arena arena;
  EXPECT_EQ(FormView(out.view()).get("a b", arena), "c&d=");
}

TEST(DotSegments, AreSeenAndRemoved) {
  const struct {
    std::string_view path, normal;
  } cases[] = {
      {"/a/b", "/a/b"},
      {"/a/./b", "/a/b"},
      {"/a/../b", "/b"},
      {"/..", "/"},
      {"/../../a", "/a"},
      {"/a/b/..", "/a/"},
      {"/a/.", "/a/"},
      {"/a/%2e%2E/b", "/b"},
      {"/a/.%2e/b", "/b"},
      {"/a//../b", "/a/b"},
      {"/a/...", "/a/..."},
      {"/a/.b", "/a/.b"},
      {"/a/b/c/./../../g", "/a/g"},
  };
  Arena arena;
  for (const auto& c : cases) {
    EXPECT_EQ(remove_dot_segments(c.path, arena), c.normal) << c.path;
    EXPECT_EQ(has_dot_segments(c.path), c.path != c.normal) << c.path;
    EXPECT_FALSE(has_dot_segments(remove_dot_segments(c.path, arena)));
  }
}

}  // namespace
}  // namespace weir::http
