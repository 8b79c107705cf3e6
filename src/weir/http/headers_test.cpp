#include "weir/http/headers.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir::http {
namespace {

// Eight bytes are looked at in one step: every byte in every place has to be judged as it is alone.
TEST(FieldValue, RefusesControlCharactersAtEveryPlace) {
  for (int c = 0; c < 256; ++c) {
    const bool good = (c >= 0x20 && c != 0x7f) || c == '\t';
    for (std::size_t length = 1; length < 20; ++length) {
      for (std::size_t at = 0; at < length; ++at) {
        for (const char around : {'a', '\t', '\xff', '~'}) {
          std::string text(length, around);
          text[at] = static_cast<char>(c);
          ASSERT_EQ(is_field_value(text), good) << "byte " << c << " at " << at << " of " << length;
        }
      }
    }
  }
  EXPECT_TRUE(is_field_value(""));
}

TEST(HeaderId, FindsEveryNameWhateverItsCase) {
  for (std::size_t i = 0; i < header_count; ++i) {
    const auto id = static_cast<HeaderId>(i);
    std::string name(to_string(id));
    ASSERT_FALSE(name.empty()) << i;
    EXPECT_EQ(header_id(name), id) << name;
    for (char& c : name) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c >= 'A' && c <= 'Z' ? c + 32 : c);
    EXPECT_EQ(header_id(name), id) << name;
    // One other byte anywhere, and it is another name.
    for (std::size_t at = 0; at < name.size(); ++at) {
      for (const char bit : {'\x01', '\x20', '\x40'}) {
        std::string other = name;
        other[at] = static_cast<char>(other[at] ^ bit);
        const HeaderId found = header_id(other);
        EXPECT_TRUE(found == HeaderId::other || equals_ignoring_case(to_string(found), other)) << other;
      }
    }
  }
}

TEST(HeaderId, NamesStandAtTheirPlaces) {
  EXPECT_EQ(to_string(HeaderId::accept), "Accept");
  EXPECT_EQ(to_string(HeaderId::content_type), "Content-Type");
  EXPECT_EQ(to_string(HeaderId::host), "Host");
  EXPECT_EQ(to_string(HeaderId::traceparent), "traceparent");
  EXPECT_EQ(to_string(HeaderId::tracestate), "tracestate");
  EXPECT_EQ(to_string(HeaderId::x_xss_protection), "X-XSS-Protection");
  EXPECT_EQ(to_string(HeaderId::other), "");
  EXPECT_EQ(header_id(""), HeaderId::other);
  EXPECT_EQ(header_id("x"), HeaderId::other);
  EXPECT_EQ(header_id("X-Something-Else"), HeaderId::other);
}

TEST(HeaderView, FindsFieldsByIdAndByName) {
  const std::vector<HeaderField> fields = {{"host", "a", HeaderId::host},
                                           {"X-One", "1", HeaderId::other},
                                           {"Accept", "a, ,b", HeaderId::accept},
                                           {"x-one", "2", HeaderId::other},
                                           {"accept", " C", HeaderId::accept}};
  const HeaderView view(fields.data(), fields.size(), HeaderSet::of(HeaderId::host, HeaderId::accept, HeaderId::other));
  EXPECT_EQ(view.get(HeaderId::host), "a");
  EXPECT_EQ(view.get("HOST"), "a");
  EXPECT_EQ(view.get("x-ONE"), "1");
  EXPECT_EQ(view.find("x-two"), nullptr);
  EXPECT_EQ(view.find(HeaderId::other), nullptr);
  EXPECT_FALSE(view.has(HeaderId::cookie));
  EXPECT_EQ(view.count(HeaderId::accept), 2u);
  std::string ones;
  view.each("X-One", [&](std::string_view value) { ones += value; });
  EXPECT_EQ(ones, "12");
  EXPECT_TRUE(view.has_token(HeaderId::accept, "B"));
  EXPECT_TRUE(view.has_token(HeaderId::accept, "c"));
  EXPECT_FALSE(view.has_token(HeaderId::accept, ""));
}

TEST(Headers, KeepsFieldsInTheFormOfTheWire) {
  Headers headers;
  EXPECT_TRUE(headers.add(HeaderId::content_type, "text/plain"));
  EXPECT_TRUE(headers.add("x-own", ""));
  EXPECT_TRUE(headers.add("SERVER", "weir"));
  EXPECT_EQ(headers.wire_text(), "Content-Type: text/plain\r\nx-own: \r\nSERVER: weir\r\n");
  EXPECT_EQ(headers.get(HeaderId::server), "weir");
  EXPECT_EQ(headers.get("content-TYPE"), "text/plain");
  EXPECT_TRUE(headers.has("X-Own"));
  EXPECT_FALSE(headers.has(HeaderId::other));
  EXPECT_EQ(headers.size(), 3u);
}

TEST(Headers, RefuseWhatCouldInject) {
  Headers headers;
  const std::string_view bad_values[] = {"a\r\nX: y", "a\nb", "a\rb", std::string_view("a\0b", 3), "a\x7f", "\x1b[0m"};
  for (const std::string_view value : bad_values) {
    EXPECT_FALSE(headers.add(HeaderId::location, value)) << value;
    EXPECT_FALSE(headers.set("X-Own", value)) << value;
  }
  for (const std::string_view name : {"", "a b", "a:", "a\r\n", "\xc3\xa4", "a("}) {
    EXPECT_FALSE(headers.add(name, "v")) << name;
  }
  EXPECT_FALSE(headers.add(std::string(256, 'x'), "v"));
  EXPECT_FALSE(headers.add("x", std::string(Headers::max_bytes, 'x')));
  EXPECT_TRUE(headers.empty());
  EXPECT_TRUE(headers.add("x", "tab\tand \xc3\xa4 are fine"));
}

TEST(Headers, SetReplacesEveryFieldOfTheName) {
  Headers headers;
  headers.add(HeaderId::vary, "a");
  headers.add("x-own", "1");
  headers.add(HeaderId::vary, "b");
  headers.add("X-OWN", "2");
  headers.add("x-other", "3");
  EXPECT_TRUE(headers.set(HeaderId::vary, "c"));
  EXPECT_TRUE(headers.set("X-Own", "4"));
  EXPECT_EQ(headers.wire_text(), "x-other: 3\r\nVary: c\r\nX-Own: 4\r\n");
  EXPECT_FALSE(headers.set(HeaderId::vary, "\n"));
  EXPECT_EQ(headers.get(HeaderId::vary), "c");
  EXPECT_EQ(headers.remove("x-OTHER"), 1u);
  EXPECT_EQ(headers.remove(HeaderId::vary), 1u);
  EXPECT_EQ(headers.remove(HeaderId::vary), 0u);
  EXPECT_FALSE(headers.has(HeaderId::vary));
  EXPECT_EQ(headers.wire_text(), "X-Own: 4\r\n");
}

TEST(Headers, TakesViewsOfItself) {
  Headers headers;
  headers.add("x-a", std::string(100, 'a'));
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(headers.add("x-b", headers.get("x-a")));
    EXPECT_TRUE(headers.set("x-a", headers.get("x-b")));
  }
  headers.append(headers);
  EXPECT_EQ(headers.size(), 42u);
  EXPECT_EQ(headers.get("x-a"), std::string(100, 'a'));
  EXPECT_EQ(headers[41].value, std::string(100, 'a'));
  EXPECT_EQ(headers.remove(headers[0].name), 40u);
  EXPECT_EQ(headers.size(), 2u);
}

TEST(Headers, AppendsPreparedLists) {
  Headers prepared;
  prepared.set_static(HeaderId::x_frame_options, "DENY");
  prepared.add("x-own", "1");
  Headers headers = prepared.clone();
  headers.append(prepared);
  EXPECT_EQ(headers.size(), 4u);
  EXPECT_EQ(headers[3].value, "1");
  EXPECT_TRUE(headers.has(HeaderId::x_frame_options));
  EXPECT_EQ(headers.wire_text().size(), prepared.wire_text().size() * 2);
}

TEST(Headers, MergesTokens) {
  Headers headers;
  EXPECT_TRUE(headers.merge(HeaderId::vary, "Accept-Encoding"));
  EXPECT_TRUE(headers.merge(HeaderId::vary, "Origin"));
  EXPECT_TRUE(headers.merge(HeaderId::vary, "origin"));
  EXPECT_EQ(headers.get(HeaderId::vary), "Accept-Encoding, Origin");
}

TEST(Headers, MovesLeaveNothingBehind) {
  Headers a;
  a.add("x", "1");
  Headers b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT: moved-from lists are empty by contract
  EXPECT_EQ(b.get("x"), "1");
  a = std::move(b);
  EXPECT_EQ(a.get("x"), "1");
}

}  // namespace
}  // namespace weir::http
