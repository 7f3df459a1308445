#include "sync/engine/owner_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "helper/base/error.hpp"
#include "sync/base/paths.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

class OwnerFile : public testing::Test {
 protected:
  [[nodiscard]] testing::AssertionResult is_refused() const {
    try {
      const auto owner = load_owner(file_);
      return testing::AssertionFailure() << "gave " << owner.id;
    } catch (const Error& error) {
      return error.remedy().empty() ? testing::AssertionFailure() << "no remedy: " << error.message()
                                    : testing::AssertionSuccess();
    }
  }

  test::TempDir dir_;
  std::filesystem::path file_ = dir_ / "owner";
};

TEST_F(OwnerFile, IsMadeOnceAndKept) {
  const auto owner = load_owner(file_);
  EXPECT_EQ(owner.id.size(), 16U);
  EXPECT_EQ(load_owner(file_).id, owner.id);
  EXPECT_EQ(owner.annotation, owner.id + " " + std::string(owner.holder()));
}

TEST_F(OwnerFile, WhatIsThereAndHoldsNoIdIsRefusedAndLeftAlone) {
  for (const std::string content : {"", "\n", "garbage", "0011", "00112233445566AA", "00112233445566aa x"}) {
    dir_.write("owner", content);
    EXPECT_TRUE(is_refused()) << content;
    EXPECT_EQ(test::read_file(file_), content);
  }
  std::filesystem::remove(file_);
  std::filesystem::create_directories(file_);
  EXPECT_TRUE(is_refused());
  std::filesystem::remove(file_);
  std::filesystem::create_symlink(file_, file_);
  EXPECT_TRUE(is_refused()) << "a link to itself";
}

TEST_F(OwnerFile, OneThatMayNotBeReadIsToBeMadeReadableAndNotDeleted) {
  dir_.write("owner", "00112233445566aa\n");
  std::filesystem::permissions(file_, std::filesystem::perms::none);
  const uid_t me = geteuid();
  const bool is_root = me == 0;  // whom no permissions stop
  ASSERT_EQ(is_root ? seteuid(65534) : 0, 0);
  std::string message;
  std::string remedy;
  try {
    load_owner(file_);
  } catch (const Error& error) {
    message = error.message();
    remedy = error.remedy();
  }
  ASSERT_EQ(is_root ? seteuid(me) : 0, 0);
  EXPECT_NE(message.find("all Secrets would count as somebody else's"), std::string::npos) << message;
  EXPECT_EQ(remedy.find("do not delete it"), 0U) << remedy;
  EXPECT_NE(remedy.find("chown -R \"$(id -un)\" " + dir_.path().string()), std::string::npos) << remedy;
}

TEST_F(OwnerFile, ALinkToNothingIsRefusedAndNoIdIsMade) {
  ::setenv("XDG_STATE_HOME", dir_.path().c_str(), 1);
  std::filesystem::create_directories(paths::owner().parent_path());
  std::filesystem::create_symlink("not-mounted", paths::owner());
  EXPECT_THROW(known_owner(Settings()), Error);
  EXPECT_THROW(load_owner(paths::owner()), Error);
  EXPECT_TRUE(std::filesystem::is_symlink(paths::owner()));
  ::unsetenv("XDG_STATE_HOME");
}

TEST_F(OwnerFile, ANameThatThePersonGivesNeedsNoFile) {
  EXPECT_EQ(load_owner(file_, "team-a").id, "team-a");
  EXPECT_FALSE(std::filesystem::exists(file_));
  EXPECT_THROW(load_owner(file_, "team a"), Error);
  EXPECT_THROW(load_owner(file_, std::string(64, 'x')), Error);
}

TEST_F(OwnerFile, ANameThatIsNoneIsToldInOneLine) {
  try {
    load_owner(file_, "x\nWATCHDOG=trigger");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.message().find('\n'), std::string::npos);
  }
}

TEST_F(OwnerFile, TheOptionWinsOverTheVariableAndThatOverTheSetting) {
  setenv("REGSYNC_OWNER", "variable", 1);
  EXPECT_EQ(named_owner("option", "setting"), "option");
  EXPECT_EQ(named_owner("", "setting"), "variable");
  unsetenv("REGSYNC_OWNER");
  EXPECT_EQ(named_owner("", "setting"), "setting");
  EXPECT_EQ(named_owner("", ""), "");
}

// What is still to be removed in the usual name is not forgotten by a run in another one.
TEST_F(OwnerFile, EachOwnerHasFootprintsOfItsOwn) {
  ::setenv("XDG_STATE_HOME", dir_.path().c_str(), 1);
  const auto usual = footprints_folder(load_owner(file_, "first"));
  EXPECT_EQ(usual, paths::footprints());
  EXPECT_NE(footprints_folder(load_owner(file_, "ci")), usual);
  EXPECT_NE(footprints_folder(load_owner(file_, "ci")), footprints_folder(load_owner(file_, "other")));
  EXPECT_EQ(footprints_folder(load_owner(file_, "first")), usual);
  ::unsetenv("XDG_STATE_HOME");
}

TEST_F(OwnerFile, WhoOnlyReadsFootprintsDoesNotSettleWhoseTheUsualFolderIs) {
  ::setenv("XDG_STATE_HOME", dir_.path().c_str(), 1);
  EXPECT_EQ(known_footprints_folder(load_owner(file_, "ci")), paths::footprints());
  const auto of_first = footprints_folder(load_owner(file_, "first"));
  EXPECT_EQ(of_first, paths::footprints());
  EXPECT_EQ(known_footprints_folder(load_owner(file_, "first")), of_first);
  EXPECT_EQ(known_footprints_folder(load_owner(file_, "ci")), footprints_folder(load_owner(file_, "ci")));
  ::unsetenv("XDG_STATE_HOME");
}

}  // namespace
}  // namespace regsync
