#include "sync/logins/login_health.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

const RegistryKey ghcr("ghcr.io");

std::shared_ptr<const Credential> login_with(std::string_view secret) {
  return std::make_shared<const Credential>(Credential{{"ghcr.io", "me"}, SecretString(secret)});
}

PullAnswer answer_of(PullVerdict verdict, std::string detail) {
  PullAnswer answer;
  answer.verdict = verdict;
  answer.detail = std::move(detail);
  return answer;
}

class LoginHealthTest : public testing::Test {
 protected:
  asio::awaitable<PullAnswer> try_login(std::string host, RegistryLogin login) {
    tries_.push_back(host + " " + login.username + " " + std::string(login.password.reveal()));
    if (silent_) {
      asio::steady_timer timer(io_, 1min);
      co_await timer.async_wait(asio::use_awaitable);
    }
    if (broken_) {
      throw std::runtime_error("x");
    }
    co_return answer_;
  }

  KnownLogins ask(const std::shared_ptr<const Credential>& login, const std::set<RegistryKey>& tried = {ghcr}) {
    KnownLogins known;
    known.asked = {ghcr};
    if (login) {
      known.credentials[ghcr] = login;
    }
    return health_.in_force(std::move(known), tried);
  }

  // Once the try, if any, has ended.
  KnownLogins settle(const std::shared_ptr<const Credential>& login, const std::set<RegistryKey>& tried = {ghcr}) {
    ask(login, tried);
    EXPECT_TRUE(test::run_until(io_, [&] { return health_.settled(); }));
    return ask(login, tried);
  }

  asio::io_context io_;
  PullAnswer answer_ = answer_of(PullVerdict::can_pull, "");
  bool silent_ = false;
  bool broken_ = false;
  std::vector<std::string> tries_;
  int changes_ = 0;
  std::vector<std::string> replaced_;
  LoginHealth health_{
      io_.get_executor(),
      [this](std::string host, RegistryLogin login) { return try_login(std::move(host), std::move(login)); },
      [this] { ++changes_; },
      [this](const std::shared_ptr<const Credential>& login) { replaced_.emplace_back(login->secret.reveal()); },
      {},
      50ms};
};

// As over restarts: the state folder outlives the process.
class DenialsOverRestarts : public testing::Test {
 protected:
  DenialsOverRestarts() { start(); }

  void start() {
    health_ = std::make_unique<LoginHealth>(
        io_.get_executor(),
        [this](const std::string&, RegistryLogin) -> asio::awaitable<PullAnswer> {
          ++tries_;
          co_return answer_;
        },
        [] {}, [](const auto&) {}, folder_ / "denied-logins.json");
  }

  // Once the try, if any, has ended.
  KnownLogins settle(std::string_view secret, std::chrono::sys_seconds changed) {
    const auto ask = [&] {
      KnownLogins known;
      known.asked = {ghcr};
      known.credentials[ghcr] = login_with(secret);
      return health_->in_force(std::move(known), {ghcr}, {{ghcr, {"/login", changed}}});
    };
    ask();
    EXPECT_TRUE(test::run_until(io_, [&] { return health_->settled(); }));
    return ask();
  }

  test::TempDir folder_;
  asio::io_context io_;
  PullAnswer answer_ = answer_of(PullVerdict::denied, "HTTP 401");
  int tries_ = 0;
  std::unique_ptr<LoginHealth> health_;
  const std::chrono::sys_seconds noon_{std::chrono::seconds(1'790'000'000)};
};

TEST_F(DenialsOverRestarts, ADeniedLoginIsNeitherSpreadNorTriedAgain) {
  settle("bad", noon_);
  for (int restart = 0; restart < 3; ++restart) {
    start();
    const auto known = settle("bad", noon_);
    EXPECT_TRUE(known.credentials.empty());
    EXPECT_EQ(known.problems.at(ghcr).code(), ErrorCode::login_denied);
    EXPECT_NE(known.problems.at(ghcr).message().find("HTTP 401"), std::string::npos);
    EXPECT_TRUE(health_->in_doubt().contains(ghcr)) << "what it replaced is kept for regsync rollback";
  }
  EXPECT_EQ(tries_, 1);
}

TEST_F(DenialsOverRestarts, AnotherLoginIsTried) {
  settle("bad", noon_);
  start();
  answer_ = answer_of(PullVerdict::can_pull, "");
  EXPECT_TRUE(settle("good", noon_ + 5s).credentials.contains(ghcr));
  start();
  EXPECT_TRUE(settle("good", noon_ + 5s).credentials.contains(ghcr));
}

TEST_F(DenialsOverRestarts, WhatTheKeyringDoesNotDateIsTriedAgain) {
  settle("bad", {});
  start();
  settle("bad", {});
  EXPECT_EQ(tries_, 2);
}

TEST_F(DenialsOverRestarts, NothingOfTheSecretIsInTheFile) {
  settle("bad", noon_);
  const std::string text = test::read_file(folder_ / "denied-logins.json");
  EXPECT_NE(text.find("HTTP 401"), std::string::npos);
  start();
  settle("another", noon_);
  EXPECT_EQ(test::read_file(folder_ / "denied-logins.json"), text) << "the same for every secret: not even a digest";
}

TEST_F(DenialsOverRestarts, APersonWhoAsksGetsAnotherTryAfterTenMinutes) {
  const auto now = std::chrono::system_clock::now();
  const auto tries_after = [&](std::chrono::minutes age) {
    DeniedLogins(folder_ / "denied-logins.json")
        .add(ghcr, {{"/login", noon_}, std::chrono::floor<std::chrono::seconds>(now - age), "HTTP 401"});
    start();
    tries_ = 0;
    settle("bad", noon_);
    EXPECT_EQ(tries_, 0) << "nobody asked";
    for (int i = 0; i < 3; ++i) {
      health_->try_denied_again(now);
      settle("bad", noon_);
    }
    return tries_;
  };
  EXPECT_EQ(tries_after(9min), 0);
  EXPECT_EQ(tries_after(11min), 1) << "and not again before ten more minutes";
  answer_ = answer_of(PullVerdict::can_pull, "");
  EXPECT_EQ(tries_after(11min), 1);
  const auto known = settle("bad", noon_);
  EXPECT_TRUE(known.credentials.contains(ghcr)) << "the registry let it in again";
  EXPECT_TRUE(known.problems.empty());
}

TEST_F(DenialsOverRestarts, ADenialOfAClockThatWasAYearAheadIsTriedAgainAfterTenMinutes) {
  const auto now = std::chrono::system_clock::now();
  DeniedLogins(folder_ / "denied-logins.json")
      .add(ghcr, {{"/login", noon_}, std::chrono::floor<std::chrono::seconds>(now + 365 * 24h), "HTTP 401"});
  start();
  settle("bad", noon_);
  health_->try_denied_again(now);
  settle("bad", noon_);
  EXPECT_EQ(tries_, 0);
  health_->try_denied_again(now + 11min);
  for (int i = 0; i < 3; ++i) {
    settle("bad", noon_);
  }
  EXPECT_EQ(tries_, 1);
}

TEST_F(DenialsOverRestarts, AClockThatIsSetBackAfterAPersonAskedCausesNoTryAfterTry) {
  settle("bad", noon_);
  EXPECT_EQ(tries_, 1);
  health_->try_denied_again(std::chrono::system_clock::now() + 24h);
  for (int i = 0; i < 3; ++i) {
    settle("bad", noon_);
  }
  EXPECT_EQ(tries_, 2) << "the person asked once";
  start();
  health_->try_denied_again(std::chrono::system_clock::now() + 24h);
  settle("bad", noon_);
  EXPECT_EQ(tries_, 2) << "it was tried a moment ago";
}

TEST_F(DenialsOverRestarts, AnotherTryThatGetsNoAnswerLeavesTheDenialAsItIs) {
  const auto now = std::chrono::system_clock::now();
  DeniedLogins(folder_ / "denied-logins.json")
      .add(ghcr, {{"/login", noon_}, std::chrono::floor<std::chrono::seconds>(now - 11min), "HTTP 401"});
  start();
  answer_ = answer_of(PullVerdict::unreachable, "no route");
  health_->try_denied_again(now);
  const auto known = settle("bad", noon_);
  EXPECT_EQ(tries_, 1);
  EXPECT_FALSE(known.credentials.contains(ghcr)) << "no answer is no word that it is good";
  EXPECT_EQ(known.problems.at(ghcr).code(), ErrorCode::login_denied);
  settle("bad", noon_);
  EXPECT_EQ(tries_, 1) << "not again before ten more minutes";
}

TEST_F(DenialsOverRestarts, AFileThatCannotBeWrittenIsSaidAndStopsNothing) {
  std::filesystem::create_directories(folder_ / "denied-logins.json");
  start();
  const auto known = settle("bad", noon_);
  EXPECT_EQ(known.problems.at(ghcr).code(), ErrorCode::login_denied);
  EXPECT_TRUE(health_->problem());
}

// That which is in force, when another one comes: before it is known whether that one is any good, and only once.
TEST_F(LoginHealthTest, WhatIsReplacedIsTold) {
  settle(login_with("a"));
  EXPECT_TRUE(replaced_.empty());
  EXPECT_TRUE(health_.in_doubt().empty());
  answer_ = answer_of(PullVerdict::denied, "no");
  settle(login_with("b"));
  settle(login_with("b"));
  EXPECT_EQ(replaced_, std::vector<std::string>{"a"});
  EXPECT_TRUE(health_.in_doubt().contains(ghcr));
  answer_ = answer_of(PullVerdict::can_pull, "");
  settle(login_with("c"));
  settle(login_with("d"));
  EXPECT_EQ(replaced_, (std::vector<std::string>{"a", "a", "c"})) << "the denied one never was in force";
  EXPECT_TRUE(health_.in_doubt().empty());
}

TEST_F(LoginHealthTest, AGoodLoginIsUsedOnceItWasTriedAtItsRegistry) {
  const auto pending = ask(login_with("a"));
  EXPECT_TRUE(pending.credentials.empty());
  EXPECT_FALSE(pending.asked.contains(ghcr));  // not absent: not known yet
  const auto known = settle(login_with("a"));
  ASSERT_TRUE(known.credentials.contains(ghcr));
  EXPECT_TRUE(known.problems.empty());
  EXPECT_TRUE(health_.notices().empty());
  EXPECT_EQ(tries_, std::vector<std::string>{"ghcr.io me a"});
  EXPECT_EQ(changes_, 1);
}

TEST_F(LoginHealthTest, ADeniedLoginDoesNotReplaceAGoodOneAndIsTriedOnce) {
  settle(login_with("good"));
  answer_ = answer_of(PullVerdict::denied, "HTTP 401");
  for (int i = 0; i < 3; ++i) {
    const auto known = settle(login_with("bad"));
    EXPECT_EQ(known.credentials.at(ghcr)->secret.reveal(), "good");
    EXPECT_EQ(known.problems.at(ghcr).code(), ErrorCode::login_denied);
  }
  EXPECT_EQ(tries_.size(), 2U);
  answer_ = answer_of(PullVerdict::can_pull, "");
  const auto known = settle(login_with("better"));
  EXPECT_EQ(known.credentials.at(ghcr)->secret.reveal(), "better");
  EXPECT_TRUE(known.problems.empty());
}

TEST_F(LoginHealthTest, ADeniedFirstLoginIsNotUsedAndNotAbsent) {
  answer_ = answer_of(PullVerdict::denied, "HTTP 401");
  const auto known = settle(login_with("bad"));
  EXPECT_TRUE(known.credentials.empty());
  EXPECT_EQ(known.problems.at(ghcr).code(), ErrorCode::login_denied);
}

TEST_F(LoginHealthTest, BackToTheGoodLoginEndsTheDenialWithoutATry) {
  settle(login_with("good"));
  answer_ = answer_of(PullVerdict::denied, "HTTP 401");
  settle(login_with("bad"));
  const auto known = settle(login_with("good"));
  EXPECT_TRUE(known.problems.empty());
  EXPECT_EQ(tries_.size(), 2U);
}

TEST_F(LoginHealthTest, WhatCannotBeTriedIsUsedAndSaid) {
  answer_ = answer_of(PullVerdict::unreachable, "no such host");
  EXPECT_TRUE(settle(login_with("a")).credentials.contains(ghcr));
  ASSERT_EQ(health_.notices().size(), 1U);
  EXPECT_NE(health_.notices().front().message().find("could not check it: no such host"), std::string::npos);
}

// The page of the fleet shows the texts to whoever the network lets in; Quay repeats the name.
TEST_F(LoginHealthTest, NoTextNamesTheUserAndTheLogDoes) {
  for (const auto verdict : {PullVerdict::denied, PullVerdict::unreachable}) {
    answer_ = answer_of(verdict, "me: no robot me+ci of some team \"me\"");
    testing::internal::CaptureStderr();
    const auto known = settle(login_with(verdict == PullVerdict::denied ? "a" : "b"));
    EXPECT_NE(testing::internal::GetCapturedStderr().find("login of me"), std::string::npos);
    const Error shown = verdict == PullVerdict::denied ? known.problems.at(ghcr) : health_.notices().at(0);
    EXPECT_NE(shown.message().find(": …: no robot …+ci of some team \"…\""), std::string::npos) << shown.message();
    EXPECT_EQ(shown.message().find("login of me"), std::string::npos) << shown.message();
  }
}

TEST_F(LoginHealthTest, ASilentRegistryDelaysALoginForABoundedTime) {
  silent_ = true;
  EXPECT_TRUE(settle(login_with("a")).credentials.contains(ghcr));
  EXPECT_EQ(health_.notices().size(), 1U);
}

TEST_F(LoginHealthTest, ADefectOfTheTryIsNoDenial) {
  broken_ = true;
  EXPECT_TRUE(settle(login_with("a")).credentials.contains(ghcr));
}

TEST_F(LoginHealthTest, WhoWantsNoTryGetsNone) {
  EXPECT_TRUE(ask(login_with("a"), {}).credentials.contains(ghcr));
  EXPECT_TRUE(tries_.empty());
}

TEST_F(LoginHealthTest, ADeniedLoginIsUsedOnceNobodyWantsItTried) {
  answer_ = answer_of(PullVerdict::denied, "HTTP 401");
  const auto bad = login_with("bad");
  EXPECT_FALSE(settle(bad).credentials.contains(ghcr));
  EXPECT_EQ(settle(bad, {}).credentials.at(ghcr), bad) << "verifyLogins: false";
}

TEST_F(LoginHealthTest, AnotherTryOfADeniedLoginReplacesTheGoodOneOnlyWhenItSucceeds) {
  const auto good = login_with("good");
  const auto bad = login_with("bad");
  settle(good);
  answer_ = answer_of(PullVerdict::denied, "HTTP 401");
  settle(bad);
  answer_ = answer_of(PullVerdict::unreachable, "no route");
  health_.try_denied_again(std::chrono::system_clock::now() + 11min);
  const auto known = settle(bad);
  EXPECT_EQ(tries_.size(), 3U);
  EXPECT_EQ(known.credentials.at(ghcr), good);
  EXPECT_TRUE(known.problems.contains(ghcr));
  EXPECT_EQ(replaced_.size(), 1U) << "told once";
}

TEST_F(LoginHealthTest, ALoginThatChangesDuringTheTryIsTriedItself) {
  ask(login_with("a"));
  const auto known = settle(login_with("b"));
  EXPECT_EQ(known.credentials.at(ghcr)->secret.reveal(), "b");
  EXPECT_EQ(tries_.size(), 2U);
}

}  // namespace
}  // namespace regsync
