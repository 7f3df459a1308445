#include "sync/base/paths.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

void set(const char* name, const char* value) { value != nullptr ? ::setenv(name, value, 1) : ::unsetenv(name); }

TEST(Paths, AreBelowTheXdgFolders) {
  set("XDG_CONFIG_HOME", "/c");
  set("XDG_STATE_HOME", "/s");
  set("XDG_RUNTIME_DIR", "/r");
  EXPECT_EQ(paths::targets(), "/c/regsync/targets");
  EXPECT_EQ(paths::settings(), "/c/regsync/config.yaml");
  EXPECT_EQ(paths::owner(), "/s/regsync/owner");
  EXPECT_EQ(paths::control_socket(), "/r/regsync/control.sock");
}

TEST(Paths, FallBackToHomeWhereXdgIsUnsetEmptyOrRelative) {
  set("HOME", "/home/me");
  for (const char* value : {static_cast<const char*>(nullptr), "", "relative/folder"}) {
    set("XDG_CONFIG_HOME", value);
    set("XDG_STATE_HOME", value);
    EXPECT_EQ(paths::config_home(), "/home/me/.config/regsync");
    EXPECT_EQ(paths::state_home(), "/home/me/.local/state/regsync");
  }
}

TEST(Paths, WithoutALoginSessionTheErrorSaysWhatToSet) {
  set("XDG_RUNTIME_DIR", nullptr);
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
