#include "weir/runtime/processors.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace weir {
namespace {

namespace fs = std::filesystem;

class CpuQuotaTest : public testing::Test {
 protected:
  CpuQuotaTest() : folder_(fs::temp_directory_path() / ("weir-cgroup-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_ / "pods/one/app");
    own("12:cpu,cpuacct:/elsewhere\n0::/pods/one/app\n");
  }
  ~CpuQuotaTest() override { fs::remove_all(folder_); }

  void own(const std::string& lines) { std::ofstream(folder_ / "own") << lines; }
  void limit(const std::string& group, const std::string& text) { std::ofstream(folder_ / group / "cpu.max") << text; }
  [[nodiscard]] std::optional<double> quota() const { return runtime::cpu_quota(folder_, folder_ / "own"); }

  const fs::path folder_;
};

TEST_F(CpuQuotaTest, IsTheLeastOfTheGroupAndOfThoseAroundIt) {
  EXPECT_EQ(quota(), std::nullopt);
  limit("pods/one/app", "max 100000\n");
  EXPECT_EQ(quota(), std::nullopt);
  limit("pods/one", "150000 100000\n");
  EXPECT_EQ(quota(), 1.5);
  limit("pods/one/app", "400000 100000\n");
  EXPECT_EQ(quota(), 1.5);
  limit("", "50000 100000\n");  // In a container the mount itself is the group.
  EXPECT_EQ(quota(), 0.5);
}

TEST_F(CpuQuotaTest, IsNoneWhereNothingMakesSense) {
  limit("pods/one/app", "0 0\n");
  limit("pods/one", "rubbish");
  EXPECT_EQ(quota(), std::nullopt);
  own("no group of the second version\n");
  EXPECT_EQ(quota(), std::nullopt);
  EXPECT_EQ(runtime::cpu_quota(folder_ / "nowhere", folder_ / "nothing"), std::nullopt);
}

TEST(Processors, AreAtLeastOne) {
  EXPECT_GE(available_processors(), 1u);
}

}  // namespace
}  // namespace weir
