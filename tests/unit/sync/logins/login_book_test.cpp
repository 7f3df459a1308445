#include "sync/logins/login_book.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include "tests/support/run_coroutine.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

const RegistryKey ghcr("ghcr.io");

// A book, and the store that it reads.
class LoginBookTest : public testing::Test {
 protected:
  LoginBookTest() {
    book_.set_login_settings(/*verify=*/false, {});
    Target target;
    target.name = "t";
    target.registries = {"ghcr.io"};
    target.contexts = {"dev"};
    targets_["t"].target = target;
    book_.want(targets_);
  }
  void TearDown() override { test::run(io_, book_.stop()); }

  void deliver() {
    StoreReading reading;
    reading.asked = wanted_;
    reading.provider = StoreProvider{program_, 1, ":1.1"};
    reading.collections = {{"/login", "Login", locked_, true}};
    if (!secret_.empty()) {
      reading.all.push_back({{"ghcr.io", "me"}, "/login"});
      reading.credentials.push_back({{"ghcr.io", "me"}, SecretString(secret_)});
    }
    reading.problem = problem_;
    book_.take(std::move(reading));
  }

  bool gone() { return book_.known().gone.contains(ghcr); }
  std::string secret() {
    const auto known = book_.known();
    const auto found = known.credentials.find(ghcr);
    return found == known.credentials.end() ? "" : std::string(found->second->secret.reveal());
  }

  std::string program_ = "gnome-keyring-daemon";
  std::string secret_ = "one";
  bool locked_ = false;
  std::optional<Error> problem_;
  int changes_ = 0;
  int read_again_ = 0;
  std::set<RegistryKey> wanted_;
  TargetFiles targets_;
  asio::io_context io_;
  LoginBook book_{io_.get_executor(),
                  nullptr,
                  {},
                  30ms,
                  {.on_wanted = [this](const auto& wanted) { wanted_ = wanted; },
                   .on_change = [this] { ++changes_; },
                   .read_again =
                       [this] {
                         ++read_again_;
                         deliver();
                       }}};
};

TEST_F(LoginBookTest, AsksForWhatTargetsWantAndKnowsWhatWasRead) {
  EXPECT_TRUE(wanted_.contains(ghcr));
  deliver();
  EXPECT_EQ(secret(), "one");
  secret_ = "two";
  deliver();
  EXPECT_EQ(secret(), "two");
  EXPECT_GE(changes_, 2);
}

TEST_F(LoginBookTest, AMissingLoginStaysKnownUntilASecondReadingSaysThatItIsGone) {
  deliver();
  secret_.clear();
  deliver();
  EXPECT_EQ(secret(), "one");
  EXPECT_FALSE(gone());
  EXPECT_TRUE(book_.known().problems.contains(ghcr));
  ASSERT_TRUE(test::run_until(io_, [this] { return gone(); }));
  EXPECT_EQ(read_again_, 1);
  EXPECT_EQ(secret(), "");
}

TEST_F(LoginBookTest, ALoginBehindALockStaysKnown) {
  deliver();
  secret_.clear();
  locked_ = true;
  deliver();
  test::run_until(io_, [this] { return gone(); }, 100ms);
  EXPECT_FALSE(gone());
  EXPECT_EQ(secret(), "one");
}

TEST_F(LoginBookTest, AnotherProviderIsNoLogout) {
  deliver();
  secret_.clear();
  program_ = "keepassxc";
  deliver();
  test::run_until(io_, [this] { return gone(); }, 100ms);
  EXPECT_FALSE(gone());
  EXPECT_EQ(secret(), "one");
}

TEST_F(LoginBookTest, AReadingThatFailedIsReportedAndChangesNothing) {
  deliver();
  problem_ = Error(ErrorCode::timeout, "the keyring does not answer");
  secret_.clear();
  deliver();
  EXPECT_EQ(book_.store_problem(), problem_);
  EXPECT_EQ(secret(), "one");
  problem_.reset();
  secret_ = "two";
  deliver();
  EXPECT_FALSE(book_.store_problem());
  EXPECT_EQ(secret(), "two");
}

TEST_F(LoginBookTest, CompleteWaitsForTheVerdictOverAMissingLogin) {
  deliver();
  secret_.clear();
  deliver();
  test::run(io_, book_.complete());
  EXPECT_TRUE(gone());
}

TEST_F(LoginBookTest, WarnsOfALoginThatEndsSoon) {
  const auto now = std::chrono::sys_days(std::chrono::year(2027) / 1 / 20);
  book_.set_login_settings(false, {{"ghcr.io", now + std::chrono::days(3)}});
  book_.want(targets_);
  deliver();
  ASSERT_EQ(book_.notices(book_.wanted_ends(), now).size(), 1U);
  EXPECT_NE(book_.notices(book_.wanted_ends(), now).front().message().find("expires in 3 d"), std::string::npos);
  EXPECT_TRUE(book_.notices(book_.wanted_ends(), now - std::chrono::days(30)).empty());
  EXPECT_TRUE(book_.problems(book_.wanted_ends(), now).empty()) << "it is good still";
  ASSERT_EQ(book_.problems(book_.wanted_ends(), now + std::chrono::days(4)).size(), 1U);
  EXPECT_NE(book_.problems(book_.wanted_ends(), now + std::chrono::days(4)).front().message().find("has expired"),
            std::string::npos);
  EXPECT_TRUE(book_.notices(book_.wanted_ends(), now + std::chrono::days(4)).empty());
}

}  // namespace
}  // namespace regsync
