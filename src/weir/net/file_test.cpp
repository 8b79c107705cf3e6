#include "weir/net/file.hpp"

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/net/detail/syscalls.hpp"

namespace weir::net {
namespace {

namespace fs = std::filesystem;

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "weir-file-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root = pattern;
    fs::create_directory(root / "inside");
    fs::create_directory(root / "inside/deep");
    std::ofstream(root / "inside/a.txt") << "hello";
    std::ofstream(root / "secret.txt") << "secret";
    fs::create_symlink(root / "secret.txt", root / "inside/out");
    fs::create_symlink("a.txt", root / "inside/alias");
    directory = Fd(::open((root / "inside").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  void TearDown() override { fs::remove_all(root); }
  fs::path root;
  Fd directory;
};

TEST_F(FileTest, KnowsSizeAndTimeOfModification) {
  const timespec times[2] = {{1, 0}, {1'700'000'000, 123'000'000}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (root / "inside/a.txt").c_str(), times, 0), 0);
  const auto file = File::open(root / "inside/a.txt");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size(), 5u);
  EXPECT_EQ(file->modified(), WallTime(std::chrono::milliseconds(1'700'000'000'123)));
  EXPECT_GE(file->fd(), 0);
  EXPECT_NE(file->inode(), 0u);
}

TEST_F(FileTest, MissingFileAndDirectoriesAreErrorsThatNameThePath) {
  const auto missing = File::open(root / "none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Errc::not_found);
  EXPECT_THAT(missing.error().message(), ::testing::HasSubstr("/none: No such file"));
  const auto folder = File::open(root / "inside");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code(), Errc::invalid_argument);
}

TEST_F(FileTest, FifoDoesNotBlock) {
  ASSERT_EQ(::mkfifo((root / "fifo").c_str(), 0600), 0);
  EXPECT_FALSE(File::open(root / "fifo"));
}

TEST_F(FileTest, OpensBelowADirectoryOnly) {
  EXPECT_TRUE(File::open_below(directory.get(), "a.txt"));
  EXPECT_TRUE(File::open_below(directory.get(), "alias"));
  EXPECT_TRUE(File::open_below(directory.get(), "deep/../a.txt"));
  for (const std::string path : {"../secret.txt", "out", "/etc/passwd", "deep/../../secret.txt", "..", ""}) {
    EXPECT_FALSE(File::open_below(directory.get(), path)) << path;
  }
  const auto escape = File::open_below(directory.get(), "out");
  EXPECT_EQ(escape.error().code(), Errc::permission_denied);
}

TEST_F(FileTest, FollowsNoLinksWhenTold) {
  EXPECT_TRUE(File::try_open_below(directory.get(), "alias", true));
  EXPECT_EQ(File::try_open_below(directory.get(), "alias", false).error(), ELOOP);
  fs::create_directory_symlink("deep", root / "inside/link");
  std::ofstream(root / "inside/deep/b.txt") << "b";
  EXPECT_TRUE(File::try_open_below(directory.get(), "link/b.txt", true));
  EXPECT_EQ(File::try_open_below(directory.get(), "link/b.txt", false).error(), ELOOP);
  EXPECT_EQ(File::try_open_below(directory.get(), "deep", true).error(), EISDIR);
}

TEST_F(FileTest, StaysBelowWithoutOpenat2) {
  for (const int missing : {ENOSYS, EPERM}) {
    static int error = 0;
    error = missing;
    detail::SyscallOverride calls;
    calls->openat2 = [](int, const char*, const open_how*) { return errno = error, -1; };
    std::ofstream(root / "inside/deep/b.txt") << "b";
    EXPECT_TRUE(File::try_open_below(directory.get(), "a.txt", false));
    EXPECT_TRUE(File::try_open_below(directory.get(), "deep/b.txt", true));
    const std::string long_name(300, 'x');
    for (const char* path : {"../secret.txt", "deep/../a.txt", "/etc/passwd", "", "deep//b.txt", "./a.txt", "deep/",
                             "out", "alias", "none", "a.txt/x", long_name.c_str()}) {
      EXPECT_FALSE(File::try_open_below(directory.get(), path, true)) << path;
    }
    EXPECT_EQ(File::try_open_below(directory.get(), "deep", true).error(), EISDIR);
    EXPECT_EQ(File::try_open_below(directory.get(), "none", true).error(), ENOENT);
  }
}

}  // namespace
}  // namespace weir::net
