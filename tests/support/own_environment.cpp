// Linked into each executable of unit tests: tests run in their own HOME, and each starts with the same environment,
// regardless of the developer's and of earlier tests.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::test {
namespace {

class OwnEnvironment : public testing::EmptyTestEventListener {
 public:
  void OnTestProgramStart(const testing::UnitTest& /*all*/) override {
    home_.emplace();
    using std::filesystem::perms;  // a test that switches to another user can reach its files, as in /tmp
    std::filesystem::permissions(home_->path(), perms::owner_all | perms::group_exec | perms::others_exec);
    environment_ = sandbox(*home_);
    environment_["TMPDIR"] = home_->path() / "tmp";
    std::filesystem::create_directory(environment_["TMPDIR"]);
    put_back();
  }
  void OnTestEnd(const testing::TestInfo& /*test*/) override { put_back(); }
  void OnTestProgramEnd(const testing::UnitTest& /*all*/) override { home_.reset(); }

 private:
  void put_back() const {
    ::clearenv();
    for (const auto& [name, value] : environment_) {
      ::setenv(name.c_str(), value.c_str(), 1);
    }
  }

  std::optional<TempDir> home_;
  Environment environment_;
};

[[maybe_unused]] const bool listens = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new OwnEnvironment);  // takes ownership
  return true;
}();

}  // namespace
}  // namespace regsync::test
