// Logins that only seem gone, with a real gnome-keyring: its items of a collection that was never unlocked since its
// start are not even listed, which is the state after every reboot.
#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "tests/e2e/main_job.hpp"
#include "tests/integration/helper/helper_collections.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr const char* registry = "second.example.com";

class SecondCollection : public testing::Test {
 protected:
  void SetUp() override {
    if (!KubeServer::available()) {
      SKIP_OR_FAIL("no kube-apiserver");
    }
    job_.use_both_clusters();
    secret_tool_store(work_, registry, password_);
    job_.canaries().add("alice", password_);
    job_.start_daemon();
  }
  void TearDown() override {
    run({"dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets", work_,
         "org.freedesktop.Secret.Collection.Delete"});
  }

  std::string password_ = new_password();
  std::string work_ = add_collection("Work", "other password");
  Job job_;
};

TEST_F(SecondCollection, ThatWasNeverUnlockedSinceARebootTakesNoSecretAway) {
  const auto team = job_.make_namespace("keyrings-team");
  const auto added = job_.regsync(
      {"add", "myregcred", "--registry", registry, "--context", "a", "-n", team, "--on-logout", "remove", "--wait"});
  ASSERT_EQ(added.exit_code, 0) << added.out << added.err;
  const auto before = job_.secret("a", team).value();
  for (const bool daemon_too : {false, true}) {
    if (daemon_too) {
      EXPECT_EQ(job_.stop_daemon(SIGTERM), 0);
    }
    Person::keyring("restart");  // unlocks the default collection only, as pam_gnome_keyring does
    if (daemon_too) {
      job_.start_daemon();
    }
    std::this_thread::sleep_for(8s);  // two readings, and more than the time between them
    const auto synced = job_.regsync({"sync"});
    EXPECT_EQ(synced.exit_code, 1) << synced.out;
    EXPECT_THAT(synced.out + synced.err, HasSubstr("the keyring is locked (\"Work\" in gnome-keyring)"));
    EXPECT_EQ(job_.secret("a", team), before);
  }
}

}  // namespace
}  // namespace regsync::test
