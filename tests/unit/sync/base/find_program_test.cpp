#include "sync/base/find_program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "helper/base/error.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class FindProgram : public ::testing::Test {
 public:
  FindProgram() {
    fs::permissions(temp_.write("one/tool", "#!/bin/sh\n"), fs::perms::owner_all);
    temp_.write("two/plain", "text");
    const std::string path =
        (temp_ / "two").string() + ":" + (temp_ / "none").string() + ":" + (temp_ / "one").string();
    ::setenv("PATH", path.c_str(), 1);
  }

  static Error refusal(const std::string& name) {
    try {
      return {ErrorCode::internal, "found " + find_program(name)};
    } catch (const Error& error) {
      return error;
    }
  }

  test::TempDir temp_;
};

TEST_F(FindProgram, AnExecutableOnPathIsFound) {
  EXPECT_EQ(find_program("tool"), (temp_ / "one/tool").string());
  EXPECT_EQ(find_on_path("tool"), (temp_ / "one/tool").string());
  EXPECT_FALSE(is_on_path("plain")) << "it cannot be run";
}

TEST_F(FindProgram, ANameWithASlashIsAPath) {
  EXPECT_EQ(find_program((temp_ / "one/tool").string()), (temp_ / "one/tool").string());
  EXPECT_EQ(refusal("/no/such/tool").code(), ErrorCode::not_found);
}

TEST_F(FindProgram, WhatIsNotThereNamesThePathThatWasSearched) {
  const Error error = refusal("absent");
  EXPECT_EQ(error.code(), ErrorCode::not_found);
  EXPECT_THAT(error.message(), HasSubstr((temp_ / "two").string() + ":"));
}

TEST_F(FindProgram, AFileWithoutItsExecutableBitIsThereAndNamed) {
  for (const std::string& name : {std::string("plain"), (temp_ / "two/plain").string()}) {
    const Error error = refusal(name);
    EXPECT_EQ(error.code(), ErrorCode::rejected);
    EXPECT_THAT(error.message(), HasSubstr((temp_ / "two/plain").string() + " is there and cannot be run"));
    EXPECT_THAT(error.remedy(), HasSubstr("chmod +x " + (temp_ / "two/plain").string()));
  }
}

// Who fills the current folder may be anybody.
TEST_F(FindProgram, NoProgramOfTheCurrentFolderIsFound) {
  const fs::path before = fs::current_path();
  fs::current_path(temp_ / "one");
  for (const char* const path : {"", ".", ":/none", "/none:", "/none::/none", "../one"}) {
    ::setenv("PATH", path, 1);
    EXPECT_FALSE(is_on_path("tool")) << path;
    EXPECT_EQ(refusal("tool").code(), ErrorCode::not_found) << path;
  }
  fs::current_path(before);
}

TEST_F(FindProgram, AFolderIsNoProgram) {
  EXPECT_THAT(refusal((temp_ / "one").string()).message(), HasSubstr("Is a directory"));
}

}  // namespace
}  // namespace regsync
