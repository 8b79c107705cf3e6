#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>
#include <zlib.h>

#include "embedded/nothing.hpp"
#include "embedded/samples.hpp"
#include "embedded/viewer.hpp"

namespace weir {
namespace {

std::string read(const std::string& name) {
  std::ifstream file(std::string(FILES_DIR) + "/" + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string gunzip(std::string_view packed) {
  std::string plain(4 << 20, '\0');
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
  std::string input(packed);
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  plain.resize(stream.total_out);
  inflateEnd(&stream);
  return plain;
}

TEST(Embed, HoldsTheBytesOfEachFile) {
  const auto files = embedded::samples();
  ASSERT_EQ(files.size(), 4U);
  for (const EmbeddedFile& file : files) {
    EXPECT_EQ(file.bytes, read(std::string(file.name))) << file.name;
    EXPECT_EQ(file.bytes.data()[file.bytes.size()], '\0') << file.name;
    EXPECT_EQ(file.etag.size(), 34U) << file.etag;
    EXPECT_NE(file.etag, file.gzip_etag);
  }
  EXPECT_NE(files[0].etag, files[1].etag);
}

TEST(Embed, KnowsNamesAndContentTypes) {
  const auto files = embedded::samples();
  ASSERT_NE(find(files, "deep/style.css"), nullptr);
  EXPECT_EQ(find(files, "deep/style.css")->content_type, "text/css; charset=utf-8");
  EXPECT_EQ(find(files, "page.html")->content_type, "text/html; charset=utf-8");
  EXPECT_EQ(find(files, "odd.bin")->content_type, "application/octet-stream");
  EXPECT_EQ(find(files, "style.css"), nullptr);
}

TEST(Embed, CompressesWhereItGains) {
  const auto files = embedded::samples();
  const EmbeddedFile* page = find(files, "page.html");
  ASSERT_NE(page, nullptr);
  ASSERT_FALSE(page->gzip.empty());
  EXPECT_LT(page->gzip.size(), page->bytes.size() / 2);
  EXPECT_EQ(gunzip(page->gzip), page->bytes);
  EXPECT_TRUE(find(files, "odd.bin")->gzip.empty());
  EXPECT_TRUE(find(files, "empty.txt")->gzip.empty());
}

TEST(Embed, IsEmptyWithoutFiles) {
  EXPECT_TRUE(embedded::nothing().empty());
}

TEST(Embed, HoldsTheViewerOfTheDocsPage) {
  const auto files = embedded::viewer();
  if (files.empty()) GTEST_SKIP() << "swagger-ui-dist has not been fetched";
  const EmbeddedFile* bundle = find(files, "swagger-ui-bundle.js");
  ASSERT_NE(bundle, nullptr);
  EXPECT_NE(bundle->bytes.find("SwaggerUIBundle"), std::string_view::npos);
  EXPECT_EQ(gunzip(bundle->gzip), bundle->bytes);
}

}  // namespace
}  // namespace weir
