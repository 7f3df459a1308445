// Several docker-credential-regsync at once before a locked gnome-keyring, of which one is stopped or killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "helper/secret_service/secret_service_store.hpp"
#include "helper/secret_service/session_lock.hpp"
#include "tests/integration/helper/helper_collections.hpp"
#include "tests/integration/helper/helper_person.hpp"
#include "tests/integration/helper/helper_program.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

using std::chrono::seconds;

constexpr const char* right = "sandbox";  // tests/servers/keyring

std::unique_ptr<Process> begin(const char* action, std::string input) {
  return std::make_unique<Process>(
      Program{.argv = {HELPER, action}, .env = own_environment(), .in = std::move(input), .directory = {}});
}

// The keyring is locked, and the person does not answer.
void lock_before(Person& person) {
  keyring({"restart"});
  keyring({"lock"});
  person.think();
}

// A helper that waits for the person, before a keyring with one login.
std::unique_ptr<Process> ask_at_a_locked_keyring(Person& person, const char* action, std::string input) {
  store(HELPER, "ghcr.io", "alice", "one");
  lock_before(person);
  auto asking = begin(action, std::move(input));
  EXPECT_TRUE(wait_until([] { return in_turn_to_prompt() == 1; }, seconds(30)));
  return asking;
}

class FiveAtOnce : public testing::Test {
 protected:
  void SetUp() override { store(HELPER, "ghcr.io", "alice", "one"); }

  // All five have asked, and the person has not answered.
  void ask(std::vector<std::string> answers) {
    person_ = std::make_unique<Person>(std::move(answers));
    lock_before(*person_);
    for (int i = 0; i < 5; ++i) {
      all_.push_back(begin("get", "ghcr.io"));
      ASSERT_TRUE(wait_until([&] { return in_turn_to_prompt() == i + 1; }, seconds(30)));  // the first one prompts
    }
    std::this_thread::sleep_for(seconds(1));  // until the prompt is shown, which only the keyring knows
  }

  void expect_all_end_with(int exit_code, std::size_t from = 0) {
    for (std::size_t i = from; i < all_.size(); ++i) {
      EXPECT_EQ(all_[i]->wait(seconds(40)), exit_code) << i << ": " << all_[i]->out();
    }
  }

  std::unique_ptr<Person> person_;
  std::vector<std::unique_ptr<Process>> all_;
};

TEST_F(FiveAtOnce, OneRightPasswordServesAll) {
  ask({right});
  person_->answer();
  expect_all_end_with(0);
}

TEST_F(FiveAtOnce, AWrongPasswordIsAskedAgainAndServesAll) {
  ask({"wrong", right});
  person_->answer();
  expect_all_end_with(0);
}

TEST_F(FiveAtOnce, OneDismissalIsThatOfAll) {
  ask({"dismiss"});
  person_->answer();
  expect_all_end_with(1);
}

TEST_F(FiveAtOnce, OneThatIsStoppedAtThePromptHoldsNobodyUp) {
  ask({"dismiss", right});
  all_.front()->signal(SIGSTOP);
  person_->answer();
  expect_all_end_with(0, 1);
  EXPECT_EQ(user_and_secret(HELPER, "ghcr.io"), "alice:one");
}

TEST_F(FiveAtOnce, OneThatIsKilledAtThePromptHoldsNobodyUp) {
  ask({right});
  all_.front()->signal(SIGKILL);
  person_->answer();
  for (std::size_t i = 1; i < all_.size(); ++i) {
    EXPECT_TRUE(all_[i]->wait(seconds(40))) << "it hangs";
  }
}

TEST(TwoPrompts, TheDismissalForOneCollectionIsNotThatOfAnother) {
  Person person({"dismiss", "other password"});
  keyring({"restart"});
  const std::string work = add_collection("Work", "password");
  const std::string home = add_collection("Home", "other password");
  secret_tool_store(work, "quay.io", "two");
  secret_tool_store(home, "gcr.io", "three");
  lock_collection(work);
  lock_collection(home);
  person.think();
  const auto first = begin("get", "quay.io");
  ASSERT_TRUE(wait_until([] { return in_turn_to_prompt() == 1; }, seconds(30)));
  const auto second = begin("get", "gcr.io");
  ASSERT_TRUE(wait_until([] { return in_turn_to_prompt() == 2; }, seconds(30)));
  person.answer();
  EXPECT_EQ(first->wait(seconds(40)), 1) << first->out();
  EXPECT_EQ(second->wait(seconds(40)), 0) << second->out();
  person.expect_all_answers_given();
}

TEST(TwoPrompts, TheDismissalForOneCollectionIsNotThatOfSeveral) {
  Person person({"dismiss", right, right});
  keyring({"restart"});
  const std::string work = add_collection("Work", right);
  secret_tool_store(work, "quay.io", "two");
  store(HELPER, "ghcr.io", "alice", "one");
  lock_collection(work);
  keyring({"lock"});
  person.think();
  const auto first = begin("get", "quay.io");
  ASSERT_TRUE(wait_until([] { return in_turn_to_prompt() == 1; }, seconds(30)));
  auto second = std::async(std::launch::async, [] {
    return SecretServiceStore(Prompt::allowed).load({RegistryKey("ghcr.io"), RegistryKey("quay.io")});
  });
  EXPECT_TRUE(wait_until([] { return in_turn_to_prompt() == 2; }, seconds(30)));
  person.answer();
  EXPECT_EQ(first->wait(seconds(40)), 1) << first->out();
  EXPECT_EQ(second.get().credentials.size(), 2U);
  person.expect_all_answers_given();
}

// The daemon looks whether a keyring opens without a password.
TEST(TwoPrompts, WhoWaitedForOneThatAskedNobodyAsks) {
  store(HELPER, "ghcr.io", "alice", "one");
  Person person({right});
  keyring({"restart"});
  keyring({"lock"});
  SecretServiceClient daemon(-1);
  auto turn = std::make_unique<SessionLock>(daemon, prompter_lock);
  const auto asking = begin("get", "ghcr.io");
  ASSERT_TRUE(wait_until([] { return in_turn_to_prompt() == 2; }, seconds(30)));
  turn.reset();
  EXPECT_EQ(asking->wait(seconds(40)), 0) << asking->out();
  person.expect_all_answers_given();
}

// The daemon reads while docker prompts.
TEST(OpenPrompt, HoldsNobodyUpWhoMayNotAsk) {
  Person person({"dismiss"});
  const auto prompting = ask_at_a_locked_keyring(person, "get", "ghcr.io");
  ASSERT_EQ(in_turn_to_prompt(), 1);
  const auto began = std::chrono::steady_clock::now();
  SecretServiceStore daemon(Prompt::never);
  EXPECT_TRUE(daemon.load({RegistryKey("ghcr.io")}).problem) << "it is locked";
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(30)) << "and not after a minute";
  person.answer();
  EXPECT_EQ(prompting->wait(seconds(40)), 1);
}

TEST(StoppedStore, HoldsNoLaterStoreAndEraseUp) {
  Person person({"dismiss"});
  const auto stopped = ask_at_a_locked_keyring(person, "store", login_json("ghcr.io", "alice", "two"));
  ASSERT_EQ(in_turn_to_prompt(), 1);
  stopped->signal(SIGSTOP);
  keyring({"unlock"});
  store(HELPER, "ghcr.io", "alice", "three");
  EXPECT_EQ(user_and_secret(HELPER, "ghcr.io"), "alice:three");
  EXPECT_EQ(run({HELPER, "erase"}, "ghcr.io").exit_code, 0);
  EXPECT_EQ(list(HELPER), nlohmann::json::object());
}

}  // namespace
}  // namespace regsync::test
