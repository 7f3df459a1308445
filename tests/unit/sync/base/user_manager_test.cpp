#include "sync/base/user_manager.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(UserManager, AMissingProgramIsProvidedWhereRegsyncdFindsIt) {
  const test::TempDir runtime;
  ::setenv("XDG_RUNTIME_DIR", runtime.path().c_str(), 1);
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  EXPECT_THAT(how_to_provide_program(), HasSubstr("start regsyncd from that shell"));
  runtime.write("systemd/private", "");
  EXPECT_THAT(how_to_provide_program(), HasSubstr("regsync setup --environment PATH"));
  ::setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
  EXPECT_EQ(how_to_provide_program(), "put it into the image of this pod, on its PATH");
  ::unsetenv("KUBERNETES_SERVICE_HOST");
}

TEST(UserManager, RemediesNameSystemctlOnlyWhereAUserManagerRuns) {
  const test::TempDir runtime;
  ::setenv("XDG_RUNTIME_DIR", runtime.path().c_str(), 1);
  EXPECT_FALSE(has_user_manager());
  EXPECT_EQ(how_to_start_regsyncd(), "start regsyncd: regsyncd &");
  EXPECT_EQ(how_to_stop_regsyncd(), "stop regsyncd: kill $(pidof regsyncd)");
  EXPECT_THAT(how_to_restart_regsyncd() + how_to_stop_regsyncd() + how_to_read_the_log(), Not(HasSubstr("ctl")));
  runtime.write("systemd/private", "");
  EXPECT_TRUE(has_user_manager());
  EXPECT_THAT(how_to_start_regsyncd(), HasSubstr("systemctl --user enable --now regsyncd.socket"));
  EXPECT_THAT(how_to_restart_regsyncd(), HasSubstr("systemctl --user restart regsyncd"));
  EXPECT_THAT(how_to_stop_regsyncd(), HasSubstr("systemctl --user stop regsyncd.socket regsyncd"));
  EXPECT_THAT(how_to_read_the_log(), HasSubstr("journalctl --user -u regsyncd"));
}

}  // namespace
}  // namespace regsync
