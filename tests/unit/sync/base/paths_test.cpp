#include "sync/base/paths.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "helper/base/error.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;

// Sets (or unsets) a variable of this process for one test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) {
      old_ = old;
    }
    value != nullptr ? ::setenv(name, value, 1) : ::unsetenv(name);
  }
  ~Variable() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  Variable(Variable&&) = delete;
  Variable& operator=(Variable&&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

mode_t mode_of(const fs::path& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777U;
}

std::size_t entries_of(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(Paths, AreBelowTheXdgFolders) {
  const Variable config("XDG_CONFIG_HOME", "/c");
  const Variable state("XDG_STATE_HOME", "/s");
  const Variable runtime("XDG_RUNTIME_DIR", "/r");
  EXPECT_EQ(paths::targets(), "/c/regsync/targets");
  EXPECT_EQ(paths::settings(), "/c/regsync/config.yaml");
  EXPECT_EQ(paths::owner(), "/s/regsync/owner");
  EXPECT_EQ(paths::control_socket(), "/r/regsync/control.sock");
}

TEST(Paths, FallBackToHomeWhereXdgIsUnsetEmptyOrRelative) {
  const Variable home("HOME", "/home/me");
  for (const char* value : {static_cast<const char*>(nullptr), "", "relative/folder"}) {
    const Variable config("XDG_CONFIG_HOME", value);
    const Variable state("XDG_STATE_HOME", value);
    EXPECT_EQ(paths::config_home(), "/home/me/.config/regsync");
    EXPECT_EQ(paths::state_home(), "/home/me/.local/state/regsync");
  }
}

TEST(Paths, WithoutALoginSessionTheErrorSaysWhatToSet) {
  const Variable runtime("XDG_RUNTIME_DIR", nullptr);
  try {
    paths::runtime_dir();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_input);
    EXPECT_NE(error.remedy().find("XDG_RUNTIME_DIR=/run/user/"), std::string::npos) << error.remedy();
  }
}

TEST(WriteWhole, MakesFoldersPrivateAndLeavesNoOtherFile) {
  const test::TempDir root;
  const fs::path file = root.path() / "a/b/target.yaml";
  paths::write_whole(file, "secret: x\n");
  EXPECT_EQ(test::read_file(file), "secret: x\n");
  EXPECT_EQ(mode_of(file), 0600U);
  EXPECT_EQ(mode_of(root.path() / "a"), 0700U);
  EXPECT_EQ(entries_of(file.parent_path()), 1U);
}

TEST(WriteWhole, ReplacesTheFileSoThatAReaderOfTheOldOneKeepsIt) {
  const test::TempDir root;
  const fs::path file = root.path() / "file";
  paths::write_whole(file, "old");
  std::ifstream reader(file);
  paths::write_whole(file, "new", 0644);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(reader), {}), "old");
  EXPECT_EQ(test::read_file(file), "new");
  EXPECT_EQ(mode_of(file), 0644U);
}

TEST(WriteWhole, WritesThroughASymbolicLink) {
  const test::TempDir root;
  const fs::path real = root.path() / "dotfiles/config.json";
  const fs::path link = root.path() / "config.json";
  paths::write_whole(real, "old");
  fs::create_symlink(real, link);
  paths::write_whole(link, "new");
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(test::read_file(real), "new");
}

TEST(WriteWhole, SaysWhichFileCannotBeWrittenAndLeavesNothing) {
  const test::TempDir root;
  fs::create_directory(root.path() / "occupied");
  std::ofstream(root.path() / "occupied/by") << "something";
  try {
    paths::write_whole(root.path() / "occupied", "x");  // a folder is in the way
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.message().find((root.path() / "occupied").string()), std::string::npos) << error.message();
  }
  EXPECT_EQ(entries_of(root.path()), 1U);
}

}  // namespace
}  // namespace regsync
