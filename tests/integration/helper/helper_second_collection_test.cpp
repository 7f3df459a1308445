// A login in a second, locked keyring of a real gnome-keyring: nobody is asked to unlock it but for that login.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/helper/helper_collections.hpp"
#include "tests/integration/helper/helper_person.hpp"
#include "tests/integration/helper/helper_program.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* password = "other password";
constexpr const char* not_found = "credentials not found in native keychain\n";

// Until its first unlock gnome-keyring knows only hashes of the attributes.
enum class Locked { since_its_start, later };

class SecondCollection : public testing::TestWithParam<Locked> {
 protected:
  void lock_before_person(std::vector<std::string> answers) {
    person_.emplace(std::move(answers));
    keyring({"restart"});
    const std::string work = add_collection("Work", password);
    store(HELPER, "ghcr.io", "alice", "one");
    secret_tool_store(work, "https://quay.io/", "two");
    if (GetParam() == Locked::later) {
      lock_collection(work);
    } else {
      keyring({"restart"});
    }
  }

  std::optional<Person> person_;
};

TEST_P(SecondCollection, StaysLockedForWhatItDoesNotHold) {
  lock_before_person({});
  EXPECT_EQ(run({HELPER, "get"}, "docker.io").out, not_found);
  EXPECT_EQ(run({HELPER, "get"}, "quay.io/team").out, not_found);
  EXPECT_EQ(run({HELPER, "erase"}, "docker.io").exit_code, 0);
  EXPECT_EQ(user_and_secret(HELPER, "https://ghcr.io"), "alice:one");
  store(HELPER, "docker.io", "alice", "three");
  EXPECT_EQ(run({HELPER, "erase"}, "docker.io").exit_code, 0);
  list(HELPER);
  person_->expect_all_answers_given();
}

TEST_P(SecondCollection, IsUnlockedForAGetOfTheLoginThatItHolds) {
  lock_before_person({password});
  EXPECT_EQ(user_and_secret(HELPER, "quay.io"), "alice:two");
  person_->expect_all_answers_given();
}

TEST_P(SecondCollection, IsUnlockedForALoginThatNamesTheDefaultPort) {
  lock_before_person({password});
  EXPECT_EQ(user_and_secret(HELPER, "quay.io:443"), "alice:two");
  person_->expect_all_answers_given();
}

TEST_P(SecondCollection, IsUnlockedForAnEraseOfTheLoginThatItHolds) {
  lock_before_person({password});
  EXPECT_EQ(run({HELPER, "erase"}, "https://quay.io").exit_code, 0);
  person_->expect_all_answers_given();
  EXPECT_EQ(list(HELPER), (json{{"ghcr.io", "alice"}}));
}

TEST_P(SecondCollection, IsToldAsLockedWhenThePersonDismissesThePrompt) {
  lock_before_person({"dismiss", "dismiss"});
  EXPECT_THAT(user_and_secret(HELPER, "quay.io"), HasSubstr("locked (\"Work\" in gnome-keyring)"));
  EXPECT_THAT(run({HELPER, "erase"}, "quay.io").out, HasSubstr("locked (\"Work\" in gnome-keyring)"));
  person_->expect_all_answers_given();
}

INSTANTIATE_TEST_SUITE_P(Keyring, SecondCollection, testing::Values(Locked::since_its_start, Locked::later),
                         [](const auto& state) {
                           return state.param == Locked::later ? "LockedLater" : "LockedSinceItsStart";
                         });

}  // namespace
}  // namespace regsync::test
