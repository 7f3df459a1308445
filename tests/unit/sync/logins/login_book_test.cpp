#include "sync/logins/login_book.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

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
    reading.collections = {{"/login", "Login", locked_, true, in_file_}};
    if (!secret_.empty()) {
      reading.all.push_back({{"ghcr.io", "me"}, "/login", login_changed_});
      reading.credentials.push_back({{"ghcr.io", "me"}, SecretString(secret_)});
    }
    reading.problem = problem_;
    book_.take(std::move(reading));
  }

  // docker-credential-corp, which the registries of the targets are given to with set_cred_helpers().
  static void write_helper(const test::TempDir& dir, const std::string& script) {
    const auto program = dir.write("docker-credential-corp", "#!/bin/sh\n" + script + '\n');
    std::filesystem::permissions(program, std::filesystem::perms(0755));
    ::setenv("PATH", (dir.path().string() + ":/usr/bin:/bin").c_str(), 1);
  }

  bool gone() { return book_.known().gone.contains(ghcr); }
  // As the metric has it; empty where there is none.
  std::string changed_at() {
    const std::string text = metrics_.text();
    const std::string name = "regsync_login_changed_timestamp_seconds{registry=\"ghcr.io\"} ";
    const auto at = text.find(name);
    return at == std::string::npos ? "" : text.substr(at + name.size(), text.find('\n', at) - at - name.size());
  }
  std::string secret() {
    const auto known = book_.known();
    const auto found = known.credentials.find(ghcr);
    return found == known.credentials.end() ? "" : std::string(found->second->secret.reveal());
  }

  std::string program_ = "gnome-keyring-daemon";
  std::string secret_ = "one";
  std::chrono::sys_seconds login_changed_;
  bool locked_ = false;
  bool in_file_ = false;
  std::optional<Error> problem_;
  int changes_ = 0;
  int read_again_ = 0;
  std::vector<std::string> replaced_;
  std::set<RegistryKey> wanted_;
  TargetFiles targets_;
  test::TempDir state_;
  asio::io_context io_;
  Metrics metrics_;
  LoginBook book_{io_.get_executor(),
                  &metrics_,
                  {.places = state_ / "places.json", .save_after = 20ms},
                  30ms,
                  {.on_wanted = [this](const auto& wanted) { wanted_ = wanted; },
                   .on_change = [this] { ++changes_; },
                   .read_again =
                       [this] {
                         ++read_again_;
                         deliver();
                       },
                   .on_replaced = [this](const auto& login) { replaced_.emplace_back(login->secret.reveal()); }}};
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

TEST_F(LoginBookTest, ALoginOfAnotherKeyringDoesNotReplaceOneThatIsLockedAway) {
  deliver();
  StoreReading reading;
  reading.asked = wanted_;
  reading.provider = StoreProvider{program_, 1, ":1.1"};
  reading.collections = {{"/login", "Login", true, true}, {"/work", "Work", false, false}};
  reading.all.push_back({{"ghcr.io", "other"}, "/work"});
  reading.credentials.push_back({{"ghcr.io", "other"}, SecretString("two")});
  reading.problem = Error(ErrorCode::locked, "the default keyring is locked");
  book_.take(std::move(reading));
  EXPECT_EQ(secret(), "one");
  EXPECT_TRUE(book_.known().problems.contains(ghcr));
}

TEST_F(LoginBookTest, WhoExpectsAReadingIsNotAnsweredByOneOfChanges) {
  deliver();
  book_.expect_reading();
  StoreReading changes;
  changes.asked = wanted_;
  changes.provider = StoreProvider{program_, 1, ":1.1"};
  changes.collections = {{"/login", "Login", false, true}};
  changes.all.push_back({{"ghcr.io", "me"}, "/login"});
  changes.credentials.push_back({{"ghcr.io", "me"}, SecretString("one")});
  changes.only_changes = true;
  book_.take(std::move(changes));
  test::run(io_, book_.complete(20ms));
  EXPECT_EQ(book_.store_problem()->code(), ErrorCode::timeout);
  deliver();
  test::run(io_, book_.complete(20ms));
  EXPECT_FALSE(book_.store_problem());
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

// The process may end at any time without being asked.
TEST_F(LoginBookTest, WhenLoginsWereChangedIsWrittenDownAlsoWhileTheyGoOnChanging) {
  deliver();
  const auto before = test::read_file(state_ / "places.json");
  EXPECT_TRUE(test::run_until(io_, [&] {
    login_changed_ += 1s;
    deliver();
    return test::read_file(state_ / "places.json") != before;
  }));
}

TEST_F(LoginBookTest, MetricsAreOfTheRegistriesThatTargetsWant) {
  deliver();
  EXPECT_NE(metrics_.text().find("registry=\"ghcr.io\""), std::string::npos);
  targets_["t"].target->registries = {"quay.io"};
  book_.want(targets_);
  secret_.clear();
  deliver();
  EXPECT_EQ(metrics_.text().find("registry=\"ghcr.io\""), std::string::npos);
}

TEST_F(LoginBookTest, AReadingOfWhatNobodyWantsAnyMoreCountsNothing) {
  book_.want({});
  StoreReading late;
  late.asked = {ghcr};
  late.provider = StoreProvider{program_, 1, ":1.1"};
  late.collections = {{"/login", "Login", false, true}};
  late.all.push_back({{"ghcr.io", "me"}, "/login"});
  late.credentials.push_back({{"ghcr.io", "me"}, SecretString("one")});
  book_.take(std::move(late));
  EXPECT_EQ(metrics_.text().find("registry=\"ghcr.io\""), std::string::npos);
}

// A rollback writes to the keyring, which does not count where a file has the login.
TEST_F(LoginBookTest, OnlyWhatTheKeyringsNextLoginReplacesIsKeptForARollback) {
  const auto deliver_now = [this](const char* secret_now) {
    secret_ = secret_now;
    deliver();
    EXPECT_EQ(secret(), secret_now);
  };
  deliver_now("one");
  deliver_now("two");
  EXPECT_EQ(replaced_, std::vector<std::string>{"one"});
  in_file_ = true;
  deliver_now("three");
  deliver_now("four");
  EXPECT_EQ(replaced_, std::vector<std::string>{"one"});
}

TEST_F(LoginBookTest, AHelperIsAskedAsOftenAsTheMostEagerTargetSays) {
  const test::TempDir dir;
  const auto asked = dir / "asked";
  write_helper(dir, "echo asked >>'" + asked.string() + R"('; echo '{"Username":"me","Secret":"one"}')");
  targets_["eager"].target = targets_["t"].target;
  targets_["eager"].target->refresh = {{"https://ghcr.io", 0s}};
  targets_["t"].target->refresh = {{"ghcr.io", 1h}};
  book_.set_cred_helpers({{"ghcr.io", "corp"}});
  book_.want(targets_);
  EXPECT_TRUE(
      test::run_until(io_, [&] { return std::filesystem::exists(asked) && test::read_file(asked).size() > 6; }));
}

TEST_F(LoginBookTest, ALoginOfAHelperIsListedAndItsChangeCounts) {
  const test::TempDir dir;
  const auto login = dir.write("login", R"({"Username":"me","Secret":"one"})");
  write_helper(dir, "cat '" + login.string() + "'");
  targets_["t"].target->refresh = {{"ghcr.io", 0s}};  // as often as can be
  book_.set_cred_helpers({{"ghcr.io", "corp"}});
  book_.want(targets_);
  ASSERT_EQ(book_.statuses().size(), 1U);
  EXPECT_EQ(book_.statuses()[0].registry, "ghcr.io");
  EXPECT_EQ(book_.statuses()[0].helper, "docker-credential-corp");
  EXPECT_TRUE(book_.statuses()[0].in_doubt) << "it has not answered yet";
  EXPECT_EQ(changed_at(), "");
  ASSERT_TRUE(test::run_until(io_, [&] { return !book_.statuses()[0].in_doubt; }));
  EXPECT_FALSE(book_.statuses()[0].problem);
  const auto first = book_.known().credentials.at(ghcr);
  const std::string changed = changed_at();
  EXPECT_NE(changed, "");
  const int changes = changes_;
  ASSERT_TRUE(test::run_until(io_, [&] { return changes_ >= changes + 2; }));
  EXPECT_EQ(changed_at(), changed) << "the same answer is no change";
  EXPECT_EQ(book_.known().credentials.at(ghcr), first);
  std::filesystem::rename(dir.write("next", R"({"Username":"<token>","Secret":"two"})"), login);
  ASSERT_TRUE(test::run_until(io_, [&] { return book_.statuses()[0].problem.has_value(); }));
  EXPECT_EQ(book_.statuses()[0].problem->code(), ErrorCode::unusable_login) << "kubelet makes nothing of such a token";
  EXPECT_NE(changed_at(), changed);
}

TEST_F(LoginBookTest, ALoginThatCannotBeReadAnyMoreIsListedWithItsProblem) {
  deliver();
  ASSERT_EQ(book_.statuses().size(), 1U);
  EXPECT_EQ(book_.statuses()[0].registry, "ghcr.io");
  EXPECT_FALSE(book_.statuses()[0].problem);
  EXPECT_FALSE(book_.statuses()[0].in_doubt);
  secret_.clear();
  locked_ = true;
  deliver();
  ASSERT_EQ(book_.statuses().size(), 1U) << "it is used still";
  EXPECT_TRUE(book_.statuses()[0].problem);
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
