// docker-credential-regsync before a locked keyring, with a person who answers the prompt of a real gnome-keyring.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/helper/helper_person.hpp"
#include "tests/integration/helper/helper_program.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* ours = HELPER;
constexpr const char* right = "sandbox";  // tests/servers/keyring

struct Action {
  const char* name;
  std::string input;
};

// What would change or show a login of ghcr.io.
const std::vector<Action>& actions() {
  static const std::vector<Action> all{
      {"get", "ghcr.io"}, {"list", ""}, {"store", login_json("ghcr.io", "eve", "other")}, {"erase", "ghcr.io"}};
  return all;
}

Outcome run_action(const Action& action) { return run({ours, action.name}, action.input); }

// Until its first unlock gnome-keyring knows only hashes of the attributes.
enum class Locked { since_its_start, later };

class LockedKeyring : public testing::TestWithParam<Locked> {
 protected:
  void SetUp() override { store(ours, "ghcr.io", "alice", "one"); }

  static void lock() {
    if (GetParam() == Locked::since_its_start) {
      keyring({"restart", "--without-collection"});
    } else {
      keyring({"restart"});
      keyring({"lock"});
    }
  }

  void lock_before_person(std::vector<std::string> answers) {
    person_.emplace(std::move(answers));
    lock();
  }

  static void expect_login_unchanged() {
    keyring({"unlock"});
    EXPECT_EQ(user_and_secret(ours, "ghcr.io"), "alice:one");
    EXPECT_EQ(list(ours), (json{{"ghcr.io", "alice"}}));
  }

  std::optional<Person> person_;
};

TEST_P(LockedKeyring, OpensForEachActionWhenThePersonGivesThePassword) {
  lock_before_person({right});
  EXPECT_EQ(user_and_secret(ours, "ghcr.io"), "alice:one");
  person_->expect_all_answers_given();

  lock_before_person({right});
  EXPECT_EQ(list(ours), (json{{"ghcr.io", "alice"}}));
  person_->expect_all_answers_given();

  lock_before_person({right});
  store(ours, "ghcr.io", "bob", "two");
  person_->expect_all_answers_given();
  EXPECT_EQ(list(ours), (json{{"ghcr.io", "bob"}}));

  lock_before_person({right});
  EXPECT_EQ(run({ours, "erase"}, "ghcr.io").exit_code, 0);
  person_->expect_all_answers_given();
  EXPECT_EQ(list(ours), json::object());
}

TEST_P(LockedKeyring, StaysAsItIsWhenThePersonDismissesThePrompt) {
  for (const Action& action : actions()) {
    SCOPED_TRACE(action.name);
    lock_before_person({"dismiss"});
    const Outcome outcome = run_action(action);
    person_->expect_all_answers_given();
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.out, AllOf(HasSubstr("locked"), Not(HasSubstr("credentials not found"))));
    EXPECT_EQ(outcome.err, "");
  }
  expect_login_unchanged();
}

TEST_P(LockedKeyring, AsksAgainAfterAWrongPassword) {
  lock_before_person({"wrong", right});
  EXPECT_EQ(user_and_secret(ours, "ghcr.io"), "alice:one");
  person_->expect_all_answers_given();

  lock_before_person({"wrong", "dismiss"});
  EXPECT_EQ(run({ours, "erase"}, "ghcr.io").exit_code, 1);
  person_->expect_all_answers_given();
  expect_login_unchanged();
}

TEST_P(LockedKeyring, SaysSoAtOnceWhereNobodyCanAnswer) {
  lock();
  for (const Action& action : actions()) {
    SCOPED_TRACE(action.name);
    const auto before = std::chrono::steady_clock::now();
    const Outcome outcome = run_action(action);
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(10)) << "it waited for an answer";
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.out, AllOf(HasSubstr("locked"), HasSubstr("unlock it"), HasSubstr("regsync setup --headless"),
                                   HasSubstr("regsync doctor"), Not(HasSubstr("credentials not found"))));
  }
  expect_login_unchanged();
}

// A pull of many images asks for each of them.
TEST_P(LockedKeyring, OneAnswerServesAllWhoAskAtOnce) {
  for (const auto& [answer, exit_code] : {std::pair(right, 0), std::pair("dismiss", 1)}) {
    SCOPED_TRACE(answer);
    lock_before_person({answer});
    person_->think();  // until all have asked
    constexpr int many = 10;
    std::vector<std::unique_ptr<Process>> all;
    for (int i = 0; i < many; ++i) {
      all.push_back(std::make_unique<Process>(
          Program{.argv = {ours, "get"}, .env = own_environment(), .in = "ghcr.io", .directory = {}}));
    }
    ASSERT_TRUE(wait_until([] { return in_turn_to_prompt() == many; }));
    person_->answer();
    for (const auto& process : all) {
      EXPECT_EQ(process->wait(std::chrono::seconds(30)), exit_code) << process->out();
      EXPECT_EQ(process->err(), "");
    }
    person_->expect_all_answers_given();
  }
  expect_login_unchanged();
}

INSTANTIATE_TEST_SUITE_P(Keyring, LockedKeyring, testing::Values(Locked::since_its_start, Locked::later),
                         [](const auto& state) {
                           return state.param == Locked::later ? "LockedLater" : "LockedSinceItsStart";
                         });

void start_without_keyring() {
  keyring({"stop"});
  std::filesystem::remove_all(std::filesystem::path(own_environment().at("XDG_DATA_HOME")) / "keyrings");
  keyring({"start", "--without-collection"});
}

TEST(FirstKeyring, IsMadeByStoreWithThePasswordThatThePersonChooses) {
  Person person({"chosen"});
  start_without_keyring();
  EXPECT_EQ(run({ours, "get"}, "ghcr.io").out, "credentials not found in native keychain\n");
  EXPECT_EQ(run({ours, "erase"}, "ghcr.io").exit_code, 0);
  EXPECT_EQ(list(ours), json::object());
  store(ours, "ghcr.io", "alice", "one");
  person.expect_all_answers_given();
  EXPECT_EQ(user_and_secret(ours, "ghcr.io"), "alice:one");
}

TEST(FirstKeyring, IsNotMadeWhenThePersonDismissesThePrompt) {
  Person person({"dismiss"});
  start_without_keyring();
  const Outcome outcome = run({ours, "store"}, login_json("ghcr.io", "alice", "one"));
  person.expect_all_answers_given();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("no default collection"));
}

}  // namespace
}  // namespace regsync::test
