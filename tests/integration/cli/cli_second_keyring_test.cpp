// The command line where one old login is in a second keyring, which is locked: nothing waits for it or asks for its
// password.
#include <gmock/gmock.h>

#include <chrono>
#include <string>

#include "tests/integration/cli/cli_world.hpp"
#include "tests/integration/helper/helper_collections.hpp"

namespace regsync::test {
namespace {

using std::chrono::steady_clock;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class CliSecondKeyring : public CliWorld {
 protected:
  CliSecondKeyring() : work_(add_collection("Work", "other password")) {
    person_.store_login("ghcr.io", "jdoe", "hunter2");
    secret_tool_store(work_, "quay.io", "two");
  }

  // Ends at once, with this exit code.
  Outcome at_once(const std::vector<std::string>& arguments, int exit_code) {
    const auto began = steady_clock::now();
    Outcome outcome = person_.regsync(arguments);
    EXPECT_LT(steady_clock::now() - began, std::chrono::seconds(6)) << arguments.front();
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.out << outcome.err;
    return outcome;
  }

  std::string work_;
};

TEST_F(CliSecondKeyring, NamesNeedNoUnlocking) {
  lock_collection(work_);
  const Outcome logins = at_once({"logins"}, 0);
  EXPECT_THAT(logins.out, AllOf(HasSubstr("quay.io"), HasSubstr("ghcr.io")));
  EXPECT_THAT(logins.out, HasSubstr("the keyring is locked (\"Work\" in gnome-keyring)"));
  EXPECT_EQ(at_once({"logins", "-o", "name"}, 0).out, "ghcr.io\nquay.io\n");
  at_once({"setup"}, 0);
}

TEST_F(CliSecondKeyring, DoctorNamesTheProviderTheDefaultAndWhatIsLocked) {
  Person::keyring("restart");
  const Outcome doctor = person_.regsync({"doctor"});
  EXPECT_THAT(doctor.out, AllOf(HasSubstr("gnome-keyring (process "), HasSubstr(", version 4"),
                                HasSubstr("\"Login\", the default collection, is unlocked and holds 1 login"),
                                HasSubstr("warning   keyring"), HasSubstr("\"Work\" is locked")));
  EXPECT_THAT(doctor.out, Not(HasSubstr("\"Login\" is locked")));
}

TEST_F(CliSecondKeyring, ACommandForALoginThatItMayHoldSaysSoAtOnce) {
  person_.home().write(".config/regsync/targets/web.yaml",
                       "secret: web\nregistries: [quay.io]\ncontexts: [dev]\nnamespaces: [team-a]\n");
  for (const bool shown : {true, false}) {
    if (shown) {
      lock_collection(work_);
    } else {
      Person::keyring("restart");
    }
    const Outcome synced = at_once({"sync", "--once"}, 1);
    EXPECT_THAT(synced.out + synced.err, HasSubstr("\"Work\" in gnome-keyring"));
    const Outcome differs = at_once({"diff"}, 1);
    EXPECT_THAT(differs.out + differs.err, HasSubstr("\"Work\" in gnome-keyring"));
  }
}

}  // namespace
}  // namespace regsync::test
