// StoreReading of other credential helpers, with programs on PATH that behave as such helpers do, well and badly.
#include "sync/logins/credential_helpers.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

class HelperLoginsTest : public testing::Test {
 protected:
  HelperLoginsTest() {
    const std::string path = dir_.path().string() + ":" + std::getenv("PATH");
    setenv("PATH", path.c_str(), 1);
  }

  void TearDown() override { test::run(io_, logins_.stop()); }

  void install(const std::string& helper, const std::string& script) {
    const auto file = dir_.write("docker-credential-" + helper, "#!/bin/sh\n" + script);
    chmod(file.c_str(), S_IRWXU);
  }

  void follow(const std::string& helper, std::chrono::seconds every = 1h) {
    logins_.set_sources({{registry_, {helper, "minted.example", every}}});
  }

  bool wait_for(const std::function<bool(const CredentialHelpers::Reading&)>& holds) {
    return test::run_until(io_, [&] {
      const auto readings = logins_.readings();
      const auto reading = readings.find(registry_);
      return reading != readings.end() && holds(reading->second);
    });
  }

  test::TempDir dir_;
  asio::io_context io_{1};
  RegistryKey registry_{"minted.example"};
  int changes_ = 0;
  CredentialHelpers logins_{io_.get_executor(), [this] { ++changes_; }};
};

TEST_F(HelperLoginsTest, AsksTheHelperForTheServerAndTakesItsAnswer) {
  install("mint", R"(read server; [ "$1 $server" = "get minted.example" ] || exit 1
echo '{"ServerURL":"minted.example","Username":"AWS","Secret":"t0ken"}')");
  follow("mint");
  ASSERT_TRUE(wait_for([](const auto& reading) { return reading.answered; }));
  const auto reading = logins_.readings().at(registry_);
  EXPECT_FALSE(reading.problem);
  EXPECT_EQ(reading.credential->login.username, "AWS");
  EXPECT_EQ(reading.credential->secret.reveal(), "t0ken");
  EXPECT_TRUE(logins_.all_answered());
}

TEST_F(HelperLoginsTest, RenewsInTime) {
  install("mint", "echo x >>" + (dir_ / "count").string() + R"(
n=$(wc -l <)" + (dir_ / "count").string() +
                      R"()
echo "{\"Username\":\"u\",\"Secret\":\"token$n\"}")");
  follow("mint", 1s);
  ASSERT_TRUE(wait_for(
      [](const auto& reading) { return reading.credential && reading.credential->secret.reveal() == "token2"; }));
  EXPECT_GE(changes_, 2);
}

TEST_F(HelperLoginsTest, AFailedRenewalKeepsTheLastGoodLoginAndSaysWhy) {
  install("mint", R"(echo '{"Username":"u","Secret":"t0ken"}')");
  follow("mint", 1s);
  ASSERT_TRUE(wait_for([](const auto& reading) { return reading.credential != nullptr; }));
  install("mint", "echo 'session expired, run `cloud login`'; exit 1");
  ASSERT_TRUE(wait_for([](const auto& reading) { return reading.problem.has_value(); }));
  const auto reading = logins_.readings().at(registry_);
  EXPECT_EQ(reading.credential->secret.reveal(), "t0ken");
  EXPECT_EQ(reading.problem->code(), ErrorCode::credential_plugin);
  EXPECT_NE(reading.problem->message().find("session expired"), std::string::npos);
}

TEST_F(HelperLoginsTest, OfALoginOnStandardErrorNoPartIsRepeated) {
  for (const std::string size : {"5000", "100000"}) {
    install("spills" + size, R"(printf '{"Username":"u","Secret":"%s"}' )"
                             R"($(head -c )" +
                                 size + R"( /dev/zero | tr '\0' x) >&2; exit 1)");
    follow("spills" + size);
    ASSERT_TRUE(wait_for([](const auto& reading) { return reading.problem.has_value(); })) << size;
    EXPECT_EQ(logins_.readings().at(registry_).problem->message().find("xxxx"), std::string::npos) << size;
  }
}

TEST_F(HelperLoginsTest, AMissingGarblingOrSilentHelperIsAProblemOfItsRegistryAlone) {
  install("garbles", R"(echo '{"Username":"u"')");
  install("nothing", "exit 0");
  install("shouts", R"(printf 'a\033[31mb\nmore'; exit 3)");
  for (const std::string helper : {"missing", "garbles", "nothing", "shouts"}) {
    follow(helper);
    ASSERT_TRUE(wait_for([](const auto& reading) { return reading.answered; })) << helper;
    const auto reading = logins_.readings().at(registry_);
    ASSERT_TRUE(reading.problem) << helper;
    EXPECT_EQ(reading.problem->code(), ErrorCode::credential_plugin);
    EXPECT_FALSE(reading.problem->remedy().empty());
    EXPECT_EQ(reading.problem->message().find('\033'), std::string::npos);
    EXPECT_FALSE(reading.credential);
  }
}

TEST_F(HelperLoginsTest, APathIsNoHelperAndIsNotRun) {
  install("mint", R"(echo '{"Username":"u","Secret":"t0ken"}')");
  follow("x/../mint");
  ASSERT_TRUE(wait_for([](const auto& reading) { return reading.problem.has_value(); }));
  EXPECT_NE(logins_.readings().at(registry_).problem->message().find("is a path"), std::string::npos);
}

TEST_F(HelperLoginsTest, APersonsWishIsTriedAtOnce) {
  install("mint", "exit 1");
  follow("mint");
  ASSERT_TRUE(wait_for([](const auto& reading) { return reading.problem.has_value(); }));
  install("mint", R"(echo '{"Username":"u","Secret":"t0ken"}')");
  logins_.retry_failed();
  EXPECT_FALSE(logins_.all_answered());
  EXPECT_TRUE(wait_for([](const auto& reading) { return reading.answered && !reading.problem; }));
}

// Each says how many ran when it began.
TEST_F(HelperLoginsTest, OfManyRegistriesOnlyAFewHelpersRunAtOnce) {
  const std::string running = (dir_ / "running").string();
  std::filesystem::create_directory(running);
  install("mint", "touch '" + running + "'/$$\nn=$(ls '" + running + R"(' | wc -l)
sleep 0.05
rm ')" + running + R"('/$$
echo "{\"Username\":\"u\",\"Secret\":\"$n\"}")");
  constexpr int registries = 20;
  std::map<RegistryKey, CredentialHelper> sources;
  for (int i = 0; i < registries; ++i) {
    const std::string server = "r" + std::to_string(i) + ".example";
    sources[RegistryKey(server)] = {"mint", server, 1h};
  }
  logins_.set_sources(sources);
  ASSERT_TRUE(test::run_until(io_, [&] { return logins_.all_answered(); }));
  int most = 0;
  for (const auto& [registry, reading] : logins_.readings()) {
    ASSERT_FALSE(reading.problem) << describe(*reading.problem);
    most = std::max(most, std::stoi(std::string(reading.credential->secret.reveal())));
  }
  EXPECT_LE(most, registries / 2) << "four, and those that a busy machine keeps for more than a second";
}

TEST_F(HelperLoginsTest, StopEndsAHelperThatHangs) {
  install("hangs", "sleep 600");
  follow("hangs");
  test::run_until(io_, [] { return false; }, 200ms);
  const auto start = std::chrono::steady_clock::now();
  test::run(io_, logins_.stop());
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

TEST(DefaultRefresh, IsHalfOfTheKnownLifetime) {
  EXPECT_EQ(default_refresh(RegistryKey("123456789012.dkr.ecr.eu-west-1.amazonaws.com")), 6h);
  EXPECT_EQ(default_refresh(RegistryKey("acme.azurecr.io")), 90min);
  EXPECT_EQ(default_refresh(RegistryKey("europe-docker.pkg.dev")), 30min);
  EXPECT_EQ(default_refresh(RegistryKey("gcr.io")), 30min);
}

}  // namespace
}  // namespace regsync
