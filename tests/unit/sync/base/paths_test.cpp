#include "sync/base/paths.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

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

}  // namespace
}  // namespace regsync
