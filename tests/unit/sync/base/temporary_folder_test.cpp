#include "sync/base/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

#include "helper/base/error.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;

class TemporaryFolderTest : public testing::Test {
 protected:
  void SetUp() override { ::setenv("TMPDIR", dir_.path().c_str(), 1); }
  void TearDown() override { ::unsetenv("TMPDIR"); }

  test::TempDir dir_;
};

TEST_F(TemporaryFolderTest, IsOfThisUserAloneAndGoneAtTheEnd) {
  std::optional<TemporaryFolder> folder("copies");
  const fs::path path = folder->path();
  EXPECT_EQ(path.parent_path(), dir_.path());
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
  dir_.write((path / "file").lexically_relative(dir_.path()).string(), "x");
  folder.reset();
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(TemporaryFolderTest, StaysWhereItIsKept) {
  std::optional<TemporaryFolder> folder("copies");
  const fs::path path = folder->path();
  folder->keep();
  folder.reset();
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(TemporaryFolderTest, WhereItCannotBeMadeTheFolderAndTheVariableAreNamed) {
  ::setenv("TMPDIR", "/nonexistent", 1);
  try {
    const TemporaryFolder folder("copies");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "cannot make a temporary folder in /nonexistent: No such file or directory");
    EXPECT_NE(error.remedy().find("TMPDIR"), std::string::npos) << error.remedy();
  }
}

}  // namespace
}  // namespace regsync
