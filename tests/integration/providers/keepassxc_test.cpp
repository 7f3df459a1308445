// The credential helper and the daemon's reading on a real KeePassXC in its default settings: ConfirmAccessItem and
// UnlockBeforeSearch are on. The person acts through its windows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "helper/secret_service/secret_service_store.hpp"
#include "helper/secret_service/store_watch.hpp"
#include "tests/integration/helper/helper_program.hpp"
#include "tests/support/unpacked.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const RegistryKey ghcr("ghcr.io");

Outcome person(std::vector<std::string> action) {
  action.insert(action.begin(), SERVERS "/keepassxc");
  return run_program({.argv = std::move(action), .env = own_environment(), .in = {}}, seconds(90));
}

std::string windows() { return person({"windows"}).out; }

class KeePassXc : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(unpacked("keepassxc"))) {
      SKIP_OR_FAIL("keepassxc is not unpacked (tests/tools/install unpack)");
    }
    keyring({"stop"});
  }

  static void start(const std::string& option = "") {
    const Outcome started =
        person(option.empty() ? std::vector<std::string>{"start"} : std::vector<std::string>{"start", option});
    ASSERT_EQ(started.exit_code, 0) << started.out << started.err;
  }

  // The helper, while the person answers the window.
  static Outcome run_while_answering(const std::string& action, const std::string& input, const char* window,
                                     const std::string& text = "") {
    Process helper({.argv = {HELPER, action}, .env = own_environment(), .in = input});
    EXPECT_EQ(person({"answer", window, text}).exit_code, 0) << helper.out();
    const auto exit_code = helper.wait(seconds(30));
    EXPECT_TRUE(exit_code) << "it hangs";
    return {exit_code.value_or(-1), helper.out(), helper.err()};
  }
};

TEST_F(KeePassXc, AsksForTheItemOfAGetAndOfAStoreThatReplaces) {
  start();
  store(HELPER, "ghcr.io", "alice", "one");
  EXPECT_EQ(list(HELPER), (nlohmann::json{{"ghcr.io", "alice"}})) << "names need no consent";
  const Outcome got = run_while_answering("get", "ghcr.io", "Access Request");
  EXPECT_EQ(got.exit_code, 0);
  EXPECT_THAT(got.out, HasSubstr(R"("Secret":"one")"));
  EXPECT_EQ(run_while_answering("store", login_json("ghcr.io", "alice", "two"), "Access Request").exit_code, 0);
  EXPECT_THAT(run_while_answering("get", "ghcr.io", "Access Request").out, HasSubstr(R"("Secret":"two")"));
}

TEST_F(KeePassXc, ALockedDatabaseIsOpenedByWhoAsksForIt) {
  start("--locked");
  const Outcome listed = run_while_answering("list", "", "Unlock Database", "sandbox");
  EXPECT_EQ(listed.out, "{}\n");
  EXPECT_EQ(listed.exit_code, 0);
}

TEST_F(KeePassXc, TheDaemonsReadingOfALockedDatabaseShowsNoDialog) {
  start("--locked");
  SecretServiceStore daemon(Prompt::never);
  const StoreReading reading = daemon.load({ghcr});
  ASSERT_TRUE(reading.problem);
  EXPECT_EQ(reading.problem->code(), ErrorCode::locked);
  EXPECT_THAT(describe(*reading.problem), AllOf(HasSubstr("KeePassXC"), HasSubstr("window")));
  ASSERT_TRUE(reading.provider);
  EXPECT_EQ(reading.provider->program, "keepassxc");
  EXPECT_FALSE(reading.shows_everything());
  EXPECT_THROW(daemon.list(), Error);
  std::this_thread::sleep_for(seconds(1));
  EXPECT_THAT(windows(), Not(HasSubstr("Unlock Database")));
}

TEST_F(KeePassXc, TheDaemonIsToldWhatToClickAndLooksAgainOnlyBySignal) {
  start();
  store(HELPER, "ghcr.io", "alice", "one");
  std::mutex mutex;
  std::vector<StoreReading> readings;
  StoreWatch watch([&](StoreReading reading) {
    const std::scoped_lock lock(mutex);
    readings.push_back(std::move(reading));
  });
  watch.want({ghcr});
  const auto last_is = [&](const auto& like) {
    return wait_until(
        [&] {
          const std::scoped_lock lock(mutex);
          return !readings.empty() && like(readings.back());
        },
        seconds(20));
  };
  EXPECT_TRUE(last_is([](const StoreReading& reading) { return reading.problems.contains(ghcr); }));
  const auto count = [&] {
    const std::scoped_lock lock(mutex);
    return readings.size();
  };
  {
    const std::scoped_lock lock(mutex);
    const Error& problem = readings.back().problems.at(ghcr);
    EXPECT_EQ(problem.code(), ErrorCode::locked);
    EXPECT_THAT(describe(problem), AllOf(HasSubstr("KeePassXC"), HasSubstr("untick")));
    EXPECT_TRUE(readings.back().shows_everything());
  }
  const std::size_t before = count();
  std::this_thread::sleep_for(seconds(5));
  EXPECT_EQ(count(), before) << "it polls";
  EXPECT_THAT(windows(), Not(HasSubstr("Access Request")));

  EXPECT_EQ(person({"press", "Passwords", "ctrl+l"}).exit_code, 0);
  EXPECT_TRUE(last_is([](const StoreReading& reading) {
    return reading.problem && reading.problem->code() == ErrorCode::locked && !reading.shows_everything();
  })) << "a locked database is no logout";
  std::this_thread::sleep_for(seconds(3));
  EXPECT_THAT(windows(), Not(HasSubstr("Unlock Database")));
}

}  // namespace
}  // namespace regsync::test
