// `regsync setup --import` as a program, from a real config.json into a real gnome-keyring.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/integration/helper/helper_program.hpp"
#include "tests/support/person.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::steady_clock;

constexpr const char* helper = HELPER;

class SetupProgram : public testing::Test {
 protected:
  static constexpr int logins_per_round = 5;

  void SetUp() override { fs::create_directories(config_.parent_path()); }

  static Environment with_helper_on_path() {
    Environment env = own_environment();
    env["PATH"] = fs::path(helper).parent_path().string() + ":" + env.at("PATH");
    return env;
  }

  static std::string server(int round, int i) {
    return "registry" + std::to_string(i) + ".round" + std::to_string(round) + ".example";
  }

  // Docker's config with plain logins that no round before had: "alice" with the password "secret".
  void write_config(int round) const {
    json auths;
    for (int i = 0; i < logins_per_round; ++i) {
      auths[server(round, i)] = {{"auth", "YWxpY2U6c2VjcmV0"}};
    }
    fs::remove(config_.string() + ".before-regsync");
    std::ofstream(config_) << json{{"auths", auths}}.dump();
  }

  // Of how many logins of the round the config or the keyring has the password.
  int count_logins(int round) const {
    const json auths = json::parse(read_file(config_)).value("auths", json::object());
    int count = 0;
    for (int i = 0; i < logins_per_round; ++i) {
      const bool plain = auths.value(server(round, i), json::object()).value("auth", "") == "YWxpY2U6c2VjcmV0";
      count += plain || user_and_secret(helper, server(round, i)) == "alice:secret" ? 1 : 0;
    }
    return count;
  }

  const fs::path config_ = fs::path(own_environment().at("HOME")) / ".docker/config.json";
  const Program import_{
      .argv = {REGSYNC, "setup", "--import"}, .env = with_helper_on_path(), .in = {}, .directory = {}};
};

TEST_F(SetupProgram, KilledAtAnyMomentLosesNoLogin) {
  write_config(0);
  const auto began = steady_clock::now();
  const Outcome whole = run_program(import_);
  const auto whole_time = steady_clock::now() - began;
  ASSERT_EQ(whole.exit_code, 0) << whole.out << whole.err;
  ASSERT_EQ(count_logins(0), logins_per_round);

  constexpr int rounds = 12;
  int killed = 0;
  for (int round = 1; round <= rounds; ++round) {
    SCOPED_TRACE(round);
    write_config(round);
    Process setup(import_);
    const auto moment = std::chrono::duration_cast<std::chrono::milliseconds>(whole_time * round / rounds);
    if (!setup.wait(moment)) {
      setup.signal(SIGKILL);
      ++killed;
    }
    setup.wait(std::chrono::seconds(30));
    EXPECT_EQ(count_logins(round), logins_per_round);

    EXPECT_EQ(run_program(import_).exit_code, 0) << "the next one ends what this one began";
    EXPECT_EQ(json::parse(read_file(config_)).value("credsStore", ""), "regsync");
    EXPECT_EQ(count_logins(round), logins_per_round);
  }
  EXPECT_GE(killed, rounds / 4) << "too few were killed on their way";
}

// gnome-keyring shows the names of a locked keyring, and nobody is here whom it could ask.
TEST(SetupUndo, WithALockedKeyringDockerCanLogInAgainAndTheLoginsComeBackLater) {
  Person person;
  const auto config = person.home() / ".docker/config.json";
  const json before{{"auths", {{"undo.example", {{"auth", "YWxpY2U6c2VjcmV0"}}}}}};
  person.home().write(".docker/config.json", before.dump());
  ASSERT_EQ(person.regsync({"setup", "--import", "--containers"}).exit_code, 0);

  Person::keyring("lock");
  const Outcome undone = person.regsync({"setup", "--undo"});
  Person::keyring("unlock");
  EXPECT_EQ(undone.exit_code, 1);
  EXPECT_THAT(undone.err, testing::AllOf(testing::HasSubstr("not restored: undo.example: the keyring is locked"),
                                         testing::HasSubstr("once that can be read: regsync setup --undo\n")));
  EXPECT_EQ(json::parse(read_file(config)), (json{{"auths", {{"undo.example", json::object()}}}}));
  EXPECT_FALSE(fs::exists(person.home() / ".config/containers/registries.conf.d/50-regsync.conf"));

  const Outcome again = person.regsync({"setup", "--undo"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(json::parse(read_file(config)), before);
}

}  // namespace
}  // namespace regsync::test
