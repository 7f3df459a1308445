// The credential helper and the daemon's reading on a real KWallet (kwalletd5), from a fresh machine on. The person
// acts through its windows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "helper/secret_service/secret_service_store.hpp"
#include "tests/integration/helper/helper_program.hpp"
#include "tests/integration/providers/provider_person.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/unpacked.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

const RegistryKey ghcr("ghcr.io");

class KWallet : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* package : {"libkf5wallet-bin", "libkf5service5", "libqca-qt5-2-plugins"}) {
      if (!std::filesystem::exists(unpacked(package))) {
        SKIP_OR_FAIL(std::string(package) + " is not unpacked (tests/tools/install unpack)");
      }
    }
    keyring({"stop"});
  }

  void acts(std::vector<std::string> action) const { EXPECT_EQ(person_.does(std::move(action)), ""); }
  [[nodiscard]] std::string windows() const { return person_.does({"windows"}); }
  [[nodiscard]] Outcome run_while(std::vector<std::string> argv, const std::string& input,
                                  std::vector<std::string> action) const {
    return person_.run_while(std::move(argv), input, std::move(action));
  }

  void make_wallet_with_login() const {
    const Outcome stored = run_while({HELPER, "store"}, login_json("ghcr.io", "alice", "one"), {"create"});
    ASSERT_EQ(stored.exit_code, 0) << stored.out << stored.err;
  }

 private:
  const ProviderPerson person_{"kwallet"};
};

TEST_F(KWallet, AFreshMachineIsEmptyAndSetUp) {
  acts({"start"});
  EXPECT_EQ(list(HELPER), json::object());
  EXPECT_EQ(run({HELPER, "get"}, "ghcr.io").out, "credentials not found in native keychain\n");
  EXPECT_EQ(run({HELPER, "erase"}, "ghcr.io").exit_code, 0);
  SecretServiceStore daemon(Prompt::never);
  const StoreReading reading = daemon.load({ghcr});
  ASSERT_TRUE(reading.problem);
  EXPECT_THAT(describe(*reading.problem),
              AllOf(HasSubstr("KWallet has no default collection"), HasSubstr("KDE Wallet")));
  EXPECT_EQ(windows(), "0\n") << "nothing asks before something is stored";

  Environment environment = own_environment();
  environment["PATH"] = std::filesystem::path(HELPER).parent_path().string() + ":" + environment.at("PATH");
  const std::filesystem::path config = std::filesystem::path(environment.at("HOME")) / ".docker/config.json";
  const Outcome setup = run_program({.argv = {REGSYNC, "setup"}, .env = environment, .in = {}});
  EXPECT_EQ(setup.exit_code, 0) << setup.out << setup.err;
  EXPECT_EQ(json::parse(read_file(config))["credsStore"], "regsync");
}

TEST_F(KWallet, ImportMakesTheFirstWalletWithItsWizard) {
  acts({"start"});
  const std::filesystem::path docker = std::filesystem::path(own_environment().at("HOME")) / ".docker";
  std::filesystem::create_directories(docker);
  std::ofstream(docker / "config.json") << R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6b25l"}}})";
  const Outcome imported = run_while({REGSYNC, "setup", "--import"}, "", {"create"});
  EXPECT_EQ(imported.exit_code, 0) << imported.out << imported.err;
  EXPECT_EQ(user_and_secret(HELPER, "ghcr.io"), "alice:one");
}

TEST_F(KWallet, AWizardThatIsDismissedIsNoLogin) {
  acts({"start"});
  const Outcome refused = run_while({HELPER, "store"}, login_json("ghcr.io", "alice", "one"), {"dismiss"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.out, AllOf(HasSubstr("KWallet has no default collection"), HasSubstr("KDE Wallet")));
  EXPECT_EQ(list(HELPER), json::object());
}

TEST_F(KWallet, KeepsALoginThroughItsLockAndRestart) {
  acts({"start"});
  make_wallet_with_login();
  EXPECT_EQ(user_and_secret(HELPER, "ghcr.io"), "alice:one");
  EXPECT_EQ(run({HELPER, "store"}, login_json("ghcr.io", "bob", "zwei ü\n")).exit_code, 0);
  EXPECT_EQ(user_and_secret(HELPER, "https://ghcr.io"), "bob:zwei ü\n");
  EXPECT_EQ(list(HELPER), (json{{"ghcr.io", "bob"}}));
  // In a Diffie-Hellman session, of which KWallet makes one now and then that cannot be read.
  EXPECT_TRUE(wait_until([&] { return run({"secret-tool", "lookup", "server", "ghcr.io"}).out == "zwei ü\n"; }));

  acts({"lock"});
  SecretServiceStore daemon(Prompt::never);
  const StoreReading reading = daemon.load({ghcr});
  ASSERT_TRUE(reading.problem);
  EXPECT_EQ(reading.problem->code(), ErrorCode::locked);
  EXPECT_THAT(describe(*reading.problem), AllOf(HasSubstr("KWallet"), HasSubstr("KWalletManager")));
  EXPECT_TRUE(reading.problems.empty()) << describe(reading.problems.begin()->second);
  EXPECT_TRUE(reading.credentials.empty());
  EXPECT_EQ(windows(), "0\n") << "the daemon asks nobody";
  const Outcome got = run_while({HELPER, "get"}, "ghcr.io", {"unlock"});
  EXPECT_THAT(got.out, HasSubstr(R"("Username":"bob")"));

  acts({"lock"});
  const Outcome dismissed = run_while({HELPER, "get"}, "ghcr.io", {"dismiss"});
  EXPECT_EQ(dismissed.exit_code, 1);
  EXPECT_THAT(dismissed.out, HasSubstr("locked (\"kdewallet\" in KWallet)"));
  EXPECT_EQ(run_while({HELPER, "erase"}, "ghcr.io", {"unlock"}).exit_code, 0);
  EXPECT_EQ(list(HELPER), json::object());
}

TEST_F(KWallet, WorksWithoutEncryptedSessions) {
  acts({"start", "--without-encryption"});
  make_wallet_with_login();
  EXPECT_EQ(user_and_secret(HELPER, "ghcr.io"), "alice:one");
  EXPECT_NE(run({"secret-tool", "lookup", "server", "ghcr.io"}).out, "one") << "it does have them";
  EXPECT_EQ(run({HELPER, "erase"}, "ghcr.io").exit_code, 0);
}

// KWallet emits no signal when the alias is set.
TEST_F(KWallet, ADefaultThatIsSetBackIsFoundAgainByTheDaemon) {
  acts({"start"});
  make_wallet_with_login();
  DaemonReadings readings({RegistryKey("ghcr.io"), RegistryKey("quay.io")});
  const auto has_default = [](const StoreReading& reading) {
    return std::ranges::any_of(reading.collections, &StoreCollection::is_default);
  };
  EXPECT_TRUE(readings.last_is([&](const StoreReading& reading) { return reading.credentials.size() == 1; }));
  acts({"restart-without-default"});
  EXPECT_TRUE(readings.last_is([&](const StoreReading& reading) { return !has_default(reading); }));
  acts({"set-default"});
  EXPECT_TRUE(readings.last_is(has_default));
}

}  // namespace
}  // namespace regsync::test
