// The credential helper and the daemon's reading on a real KeePassXC in its default settings: ConfirmAccessItem and
// UnlockBeforeSearch are on. The person acts through its windows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "helper/secret_service/secret_service_store.hpp"
#include "tests/integration/helper/helper_person.hpp"
#include "tests/integration/helper/helper_program.hpp"
#include "tests/integration/providers/provider_person.hpp"
#include "tests/support/unpacked.hpp"

namespace regsync::test {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const RegistryKey ghcr("ghcr.io");

bool shows_the_login(const StoreReading& reading) {
  return reading.shows_everything() && reading.all.size() == 1 && reading.problems.contains(ghcr);
}

class KeePassXc : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(unpacked("keepassxc"))) {
      SKIP_OR_FAIL("keepassxc is not unpacked (tests/tools/install unpack)");
    }
    keyring({"stop"});
  }

  void acts(std::vector<std::string> action) const { EXPECT_EQ(person_.does(std::move(action)), ""); }
  [[nodiscard]] std::string windows() const { return person_.does({"windows"}); }

  // The helper, while the person answers the window.
  [[nodiscard]] Outcome run_while_answering(const std::string& action, const std::string& input, const char* window,
                                            const std::string& text = "") const {
    return person_.run_while({HELPER, action}, input, {"answer", window, text});
  }

  const ProviderPerson person_{"keepassxc"};
};

TEST_F(KeePassXc, AsksForTheItemOfAGetAndOfAStoreThatReplaces) {
  acts({"start"});
  store(HELPER, "ghcr.io", "alice", "one");
  EXPECT_EQ(list(HELPER), (nlohmann::json{{"ghcr.io", "alice"}})) << "names need no consent";
  const Outcome got = run_while_answering("get", "ghcr.io", "Access Request");
  EXPECT_EQ(got.exit_code, 0);
  EXPECT_THAT(got.out, HasSubstr(R"("Secret":"one")"));
  EXPECT_EQ(run_while_answering("store", login_json("ghcr.io", "alice", "two"), "Access Request").exit_code, 0);
  EXPECT_THAT(run_while_answering("get", "ghcr.io", "Access Request").out, HasSubstr(R"("Secret":"two")"));
  EXPECT_EQ(run_while_answering("erase", "ghcr.io", "Access Request").exit_code, 0);
  EXPECT_EQ(list(HELPER), nlohmann::json::object()) << "what is in the recycle bin is no login";
}

// `docker compose pull` asks for several logins at once, and consent is given to each program by itself.
TEST_F(KeePassXc, EachOfTwoProgramsThatAskAtOnceGetsItsDialog) {
  acts({"start"});
  store(HELPER, "ghcr.io", "alice", "one");
  const auto begin = [] {
    return std::make_unique<Process>(Program{.argv = {HELPER, "get"}, .env = own_environment(), .in = "ghcr.io"});
  };
  const auto first = begin();
  ASSERT_TRUE(wait_until([] { return in_turn_to_prompt() == 1; }, seconds(30)));
  const auto second = begin();
  ASSERT_TRUE(wait_until([] { return in_turn_to_prompt() == 2; }, seconds(30)));
  acts({"answer", "Access Request"});
  EXPECT_EQ(first->wait(seconds(30)), 0) << first->out();
  acts({"answer", "Access Request"});
  EXPECT_EQ(second->wait(seconds(30)), 0) << second->out();
}

TEST_F(KeePassXc, ALockedDatabaseIsOpenedByWhoAsksForIt) {
  acts({"start", "--locked"});
  const Outcome listed = run_while_answering("list", "", "Unlock Database", "sandbox");
  EXPECT_EQ(listed.out, "{}\n");
  EXPECT_EQ(listed.exit_code, 0);
}

TEST_F(KeePassXc, TheDaemonsReadingOfALockedDatabaseShowsNoDialog) {
  acts({"start", "--locked"});
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
  acts({"start"});
  store(HELPER, "ghcr.io", "alice", "one");
  DaemonReadings readings({ghcr});
  ASSERT_TRUE(readings.last_is(shows_the_login));
  const Error& problem = readings.last().problems.at(ghcr);
  EXPECT_EQ(problem.code(), ErrorCode::locked);
  EXPECT_THAT(describe(problem), AllOf(HasSubstr("KeePassXC"), HasSubstr("untick")));
  const std::size_t before = readings.count();
  std::this_thread::sleep_for(seconds(5));
  EXPECT_EQ(readings.count(), before) << "it polls";
  EXPECT_THAT(windows(), Not(HasSubstr("Access Request")));

  acts({"press", "Passwords", "ctrl+l"});
  EXPECT_TRUE(readings.last_is([](const StoreReading& reading) {
    return reading.problem && reading.problem->code() == ErrorCode::locked && !reading.shows_everything();
  })) << "a locked database is no logout";
  std::this_thread::sleep_for(seconds(3));
  EXPECT_THAT(windows(), Not(HasSubstr("Unlock Database")));
}

TEST_F(KeePassXc, AClosedTabIsNoLogoutAndIsToldAsWhatItIs) {
  acts({"start"});
  store(HELPER, "ghcr.io", "alice", "one");
  DaemonReadings readings({ghcr});
  ASSERT_TRUE(readings.last_is(shows_the_login));

  acts({"press", "Passwords", "ctrl+w"});
  ASSERT_TRUE(readings.last_is([](const StoreReading& reading) { return reading.problem.has_value(); }));
  const StoreReading& closed = readings.last();
  EXPECT_EQ(closed.problem->code(), ErrorCode::store_unavailable);
  EXPECT_THAT(describe(*closed.problem), AllOf(HasSubstr("KeePassXC has no default collection"), HasSubstr("window")));
  EXPECT_FALSE(closed.shows_everything());
  EXPECT_EQ(list(HELPER), nlohmann::json::object());
  EXPECT_THAT(user_and_secret(HELPER, "ghcr.io"), HasSubstr("credentials not found in native keychain"));
  const Outcome refused =
      person_.run_while({HELPER, "store"}, login_json("ghcr.io", "alice", "two"), {"press", "Create a new", "Escape"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.out, HasSubstr("KeePassXC has no default collection"));

  acts({"start", "--locked"});
  acts({"answer", "passwords", "sandbox"});
  EXPECT_TRUE(readings.last_is(shows_the_login)) << "opened again, it is read again";
}

TEST_F(KeePassXc, ALoginInALockedDatabaseBesideAnOpenOneIsNotAbsent) {
  acts({"start"});
  store(HELPER, "ghcr.io", "alice", "one");
  acts({"start", "--locked", "second"});
  acts({"answer", "second", "sandbox"});
  DaemonReadings readings({ghcr});
  ASSERT_TRUE(readings.last_is(shows_the_login)) << "the default collection is that of the second tab";

  acts({"press", "Second", "ctrl+Prior"});
  acts({"press", "Passwords", "ctrl+l"});
  ASSERT_TRUE(readings.last_is([](const StoreReading& reading) { return reading.all.empty(); }));
  const StoreReading& locked = readings.last();
  EXPECT_FALSE(locked.problem) << describe(*locked.problem);
  EXPECT_FALSE(locked.shows_everything());
  ASSERT_TRUE(locked.problems.contains(ghcr));
  EXPECT_EQ(locked.problems.at(ghcr).code(), ErrorCode::locked);
  EXPECT_THAT(describe(locked.problems.at(ghcr)), AllOf(HasSubstr("\"passwords\" in KeePassXC"), HasSubstr("window")));
  EXPECT_EQ(list(HELPER), nlohmann::json::object());
  EXPECT_THAT(user_and_secret(HELPER, "ghcr.io"), HasSubstr("credentials not found in native keychain"));
  store(HELPER, "quay.io", "alice", "two");
  EXPECT_EQ(list(HELPER), (nlohmann::json{{"quay.io", "alice"}})) << "the open database goes on";
  EXPECT_THAT(windows(), Not(HasSubstr("Unlock Database"))) << "a pull of a public image opens no second database";

  acts({"press", "Second", "ctrl+Prior"});
  acts({"answer", "passwords", "sandbox"});
  EXPECT_TRUE(readings.last_is(
      [](const StoreReading& reading) { return reading.shows_everything() && reading.all.size() == 2; }));
}

}  // namespace
}  // namespace regsync::test
