#include "daemon/declared_targets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class DeclaredTargetsTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& secret = "cred") {
    dir_.write("targets/" + name + ".yaml", "secret: " + secret + "\nregistries: [ghcr.io]\ncontexts: [dev]\n");
  }
  void read() {
    told_.clear();
    targets_.read();
  }

  test::TempDir dir_;
  TargetFiles told_;
  DeclaredTargets targets_{dir_ / "targets", [this](TargetFiles files) { told_ = std::move(files); }};
};

TEST_F(DeclaredTargetsTest, TheFolderIsMadeAndMayBeEmpty) {
  EXPECT_TRUE(std::filesystem::is_directory(targets_.folder()));
  read();
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_FALSE(targets_.problem());
}

TEST_F(DeclaredTargetsTest, FilesThatAreElsewhereAreFollowedToo) {
  write("web");
  dir_.write("elsewhere/api.yaml", "");
  std::filesystem::create_symlink(dir_ / "elsewhere/api.yaml", targets_.folder() / "api.yaml");
  std::filesystem::create_symlink(dir_ / "elsewhere", targets_.folder() / "no-target");
  EXPECT_THAT(targets_.followed(), ElementsAre(targets_.folder(), targets_.folder() / "api.yaml"));
}

TEST_F(DeclaredTargetsTest, AFileThatIsTornKeepsItsLastGoodVersion) {
  write("web");
  read();
  EXPECT_EQ(told_.at("web").target->secret, "cred");
  dir_.write("targets/web.yaml", "secret: [");
  read();
  ASSERT_TRUE(told_.at("web").target && told_.at("web").problem);
  EXPECT_EQ(told_.at("web").target->secret, "cred");
  write("web", "other");
  read();
  EXPECT_EQ(told_.at("web").target->secret, "other");
  EXPECT_FALSE(told_.at("web").problem);
}

TEST_F(DeclaredTargetsTest, ATargetThatIsRemovedIsForgottenWithItsLastGoodVersion) {
  write("web");
  read();
  EXPECT_TRUE(targets_.contains("web"));
  targets_.remove("web");
  EXPECT_FALSE(targets_.contains("web"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "targets/web.yaml"));
  dir_.write("targets/web.yaml", "secret: [");
  read();
  EXPECT_FALSE(told_.at("web").target);
}

TEST_F(DeclaredTargetsTest, AFolderThatCannotBeReadIsAProblemAndNoTargetIsGone) {
  write("web");
  read();
  std::filesystem::rename(dir_ / "targets", dir_ / "aside");
  dir_.write("targets", "a file");
  read();
  ASSERT_TRUE(targets_.problem());
  EXPECT_THAT(told_, IsEmpty()) << "nobody is told of targets";
  EXPECT_TRUE(targets_.contains("web"));
  std::filesystem::remove(dir_ / "targets");
  std::filesystem::rename(dir_ / "aside", dir_ / "targets");
  read();
  EXPECT_FALSE(targets_.problem());
  EXPECT_THAT(told_, SizeIs(1));
}

TEST_F(DeclaredTargetsTest, ATargetThatWasWrittenElsewhereIsToldWithTheFolder) {
  dir_.write("targets/web.yaml", "secret: [");
  read();
  EXPECT_NO_THROW(targets_.require_declared("web")) << "its problem is told in status";
  try {
    targets_.require_declared("api");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_THAT(error.message(), HasSubstr(targets_.folder().string()));
  }
}

TEST_F(DeclaredTargetsTest, ANameThatIsNoTargetsIsAnsweredWithTheNearest) {
  EXPECT_THAT(targets_.not_found("web").remedy(), HasSubstr("regsync add web"));
  write("web");
  read();
  EXPECT_EQ(targets_.not_found("wbe").remedy(), "did you mean \"web\"?");
}

}  // namespace
}  // namespace regsync
