// docker-credential-regsync as a program, on a real gnome-keyring, beside docker-credential-secretservice.
#include "tests/integration/helper/helper_program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* ours = HELPER;
constexpr const char* reference = "docker-credential-secretservice";  // Debian's golang-docker-credential-helpers

class HelperBesideTheReference : public testing::Test {
 protected:
  void SetUp() override {
    if (run({reference, "version"}).exit_code == 127) {
      SKIP_OR_FAIL("no docker-credential-secretservice (Debian: golang-docker-credential-helpers)");
    }
  }
};

TEST_F(HelperBesideTheReference, ReadsReplacesAndErasesItsLogins) {
  store(reference, "ghcr.io", "alice", "one");
  EXPECT_EQ(user_and_secret(ours, "ghcr.io"), "alice:one");
  EXPECT_EQ(list(ours), (json{{"ghcr.io", "alice"}}));
  store(ours, "ghcr.io", "alice", "two");
  EXPECT_EQ(user_and_secret(reference, "ghcr.io"), "alice:two");
  store(ours, "ghcr.io", "bob", "three");
  EXPECT_EQ(list(reference), (json{{"ghcr.io", "bob"}}));
  store(reference, "ghcr.io", "bob", "four");
  EXPECT_EQ(run({ours, "erase"}, "ghcr.io").exit_code, 0);
  EXPECT_THAT(user_and_secret(reference, "ghcr.io"), HasSubstr("credentials not found in native keychain"));
}

TEST_F(HelperBesideTheReference, ItReadsReplacesAndErasesOurLogins) {
  store(ours, "https://index.docker.io/v1/", "alice", "one\ntwo");
  EXPECT_EQ(user_and_secret(reference, "https://index.docker.io/v1/"), "alice:one\ntwo");
  EXPECT_EQ(list(reference), (json{{"https://index.docker.io/v1/", "alice"}}));
  store(reference, "https://index.docker.io/v1/", "alice", "two");
  EXPECT_EQ(list(ours).size(), 1U);
  EXPECT_EQ(user_and_secret(ours, "https://index.docker.io/v1/"), "alice:two");
  EXPECT_EQ(run({reference, "erase"}, "https://index.docker.io/v1/").exit_code, 0);
  EXPECT_EQ(list(ours), json::object());
}

TEST_F(HelperBesideTheReference, OneOfItsTwoLoginsOfARegistryStaysWhenOneIsStored) {
  store(reference, "ghcr.io", "alice", "one");
  store(reference, "ghcr.io", "bob", "two");
  ASSERT_EQ(list(ours).size(), 1U);
  store(ours, "ghcr.io", "alice", "three");
  EXPECT_EQ(user_and_secret(reference, "ghcr.io"), "alice:three");
  EXPECT_EQ(run({ours, "erase"}, "ghcr.io").exit_code, 0);
  EXPECT_EQ(list(reference), json::object());
}

// What another program keeps under our schema is no login of any registry where it names none, and hides none.
TEST_F(HelperBesideTheReference, AnItemWithoutAServerIsNoLoginAndOneWithoutAUserNameIsAsThere) {
  const auto keep = [](std::vector<std::string> attributes) {
    std::vector<std::string> argv{"secret-tool", "store", "--label=x", "xdg:schema",        "io.docker.Credentials",
                                  "docker_cli",  "1",     "label",     "Docker Credentials"};
    argv.insert(argv.end(), attributes.begin(), attributes.end());
    ASSERT_EQ(run(argv, "pw").exit_code, 0);
  };
  store(ours, "ghcr.io", "alice", "one");
  keep({"username", "u"});
  EXPECT_EQ(list(ours), (json{{"ghcr.io", "alice"}}));
  keep({"server", "nameless.example"});
  for (const char* program : {reference, ours}) {
    EXPECT_THAT(user_and_secret(program, "absent.example"), HasSubstr("credentials not found in native keychain"));
    EXPECT_EQ(user_and_secret(program, "ghcr.io"), "alice:one");
    EXPECT_EQ(user_and_secret(program, "nameless.example"), ":pw");
    EXPECT_EQ(run({program, "erase"}, "absent.example").exit_code, 0);
  }
}

TEST(HelperProgram, SaysWhatIsWrongAndWhatToDo) {
  const auto expect_said = [](const Environment& environment, const char* cause, const char* remedy,
                              const char* action = "get", const std::string& input = "ghcr.io") {
    const Outcome outcome = run_program({.argv = {ours, action}, .env = environment, .in = input});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.out, AllOf(HasSubstr(cause), HasSubstr(remedy), HasSubstr("`regsync doctor`")));
    EXPECT_EQ(std::ranges::count(outcome.out, '\n'), 1) << "one line: " << outcome.out;
    EXPECT_EQ(outcome.err, "");
  };
  keyring({"lock"});
  expect_said(own_environment(), "the keyring is locked", "unlock it");
  keyring({"stop"});
  Environment none_installed = own_environment();
  none_installed["XDG_DATA_DIRS"] = "/nonexistent";
  expect_said(none_installed, "no program provides the Secret Service", "apt install gnome-keyring");
  const std::filesystem::path share = std::filesystem::path(own_environment().at("HOME")) / "share";
  std::filesystem::create_directories(share / "dbus-1/services");
  std::ofstream(share / "dbus-1/services/org.freedesktop.secrets.service") << "[D-BUS Service]\n";
  Environment one_installed = own_environment();
  one_installed["XDG_DATA_DIRS"] = share.string();
  expect_said(one_installed, "no program provides the Secret Service", "start the one that is installed");
  Environment elsewhere = own_environment();
  elsewhere["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nonexistent/bus";
  expect_said(elsewhere, "cannot reach the D-Bus session bus", "regsync setup --headless");
  for (const char* unusable : {"", "garbage"}) {
    elsewhere["DBUS_SESSION_BUS_ADDRESS"] = unusable;
    expect_said(elsewhere, "DBUS_SESSION_BUS_ADDRESS", "regsync setup --headless");
  }
  Environment no_bus = own_environment();
  no_bus.erase("DBUS_SESSION_BUS_ADDRESS");
  no_bus.erase("XDG_RUNTIME_DIR");
  expect_said(no_bus, "no D-Bus session bus", "regsync setup --headless");
  std::filesystem::remove_all(std::filesystem::path(own_environment().at("XDG_DATA_HOME")) / "keyrings");
  keyring({"start", "--without-collection"});
  expect_said(own_environment(), "no default collection", "create a keyring", "store", login_json("ghcr.io", "a", "b"));
}

// What the keyring's clients hear of it, regsyncd among them.
class KeyringSignals {
 public:
  KeyringSignals() {
    EXPECT_TRUE(wait_until([this] { return monitor_.out().find("NameLost") != std::string::npos; })) << monitor_.err();
  }

  // How often a signal came, once all that was done so far has been heard.
  std::size_t count(const std::string& signal) {
    const std::string mark = "mark" + std::to_string(++marks_);
    run({"dbus-send", "--session", "/" + mark, "dev.regsync.Test." + mark});
    EXPECT_TRUE(wait_until([&] { return monitor_.out().find("member=" + mark) != std::string::npos; }));
    const std::string heard = monitor_.out();
    std::size_t count = 0;
    for (auto at = heard.find("member=" + signal); at != std::string::npos;
         at = heard.find("member=" + signal, at + 1)) {
      ++count;
    }
    return count;
  }

 private:
  Process monitor_{
      {.argv = {"dbus-monitor", "--session", "type=signal"}, .env = own_environment(), .in = {}, .directory = {}}};
  int marks_ = 0;
};

// Seconds since 1970, of the only item.
std::string modified() {
  std::string path = run({"dbus-send", "--session", "--print-reply=literal", "--dest=org.freedesktop.secrets",
                          "/org/freedesktop/secrets", "org.freedesktop.Secret.Service.SearchItems",
                          "dict:string:string:xdg:schema,io.docker.Credentials"})
                         .out;
  path.erase(0, path.find('/'));
  path.erase(path.find_first_of(" \n"));
  return run({"dbus-send", "--session", "--print-reply=literal", "--dest=org.freedesktop.secrets", path,
              "org.freedesktop.DBus.Properties.Get", "string:org.freedesktop.Secret.Item", "string:Modified"})
      .out;
}

TEST(HelperProgram, StoringTheSameLoginAgainWritesNothing) {
  store(ours, "https://ghcr.io", "alice", "one");
  const std::string stored_at = modified();
  ASSERT_THAT(stored_at, HasSubstr("uint64"));
  KeyringSignals signals;
  const auto writes = [&signals] { return signals.count("ItemCreated") + signals.count("ItemChanged"); };
  const auto second = std::time(nullptr);
  ASSERT_TRUE(wait_until([second] { return std::time(nullptr) > second; }));  // what `Modified` counts in
  store(ours, "https://ghcr.io", "alice", "one");
  EXPECT_EQ(writes(), 0U);
  EXPECT_EQ(modified(), stored_at);

  store(ours, "https://ghcr.io", "alice", "two");
  EXPECT_GE(writes(), 1U);
  EXPECT_NE(modified(), stored_at);
}

TEST(HelperProgram, StoresUpToOneMebibyte) {
  const std::string secret(1000 * 1000, 'x');
  store(ours, "ghcr.io", "alice", secret);
  EXPECT_EQ(user_and_secret(ours, "ghcr.io"), "alice:" + secret);
}

// A pipe whose other end never closes: only who stops reading comes to an end.
TEST(HelperProgram, RefusesMoreThanOneMebibyteAtOnceAndReadsNothingForList) {
  const Outcome endless = run({"sh", "-c", "yes | \"$0\" store", ours});
  EXPECT_EQ(endless.exit_code, 1);
  EXPECT_EQ(endless.out, "the input is larger than 1 MiB\n");
  EXPECT_EQ(run({"sh", "-c", "cd \"$HOME\" && mkfifo pipe && exec 3<>pipe && exec \"$0\" list <pipe", ours}).out,
            "{}\n");
}

TEST(HelperProgram, TwoHundredAtOnceLoseNothing) {
  store(ours, "steady.example", "alice", "steady");
  for (int i = 0; i < 40; ++i) {
    store(ours, "old" + std::to_string(i) + ".example", "alice", "s");
  }
  const auto login = [](const std::string& server, int i) {
    return login_json(server, "user" + std::to_string(i), "secret" + std::to_string(i));
  };
  std::vector<std::unique_ptr<Process>> all;
  std::vector<Process*> readers;
  const auto start = [&all](const char* action, std::string input) {
    all.push_back(std::make_unique<Process>(
        Program{.argv = {ours, action}, .env = own_environment(), .in = std::move(input), .directory = {}}));
  };
  for (int i = 0; i < 40; ++i) {
    start("store", login("new" + std::to_string(i) + ".example", i));
    start("store", login("contested.example", i));
    start("store", login("https://contested.example/", 100 + i));
    start("erase", "old" + std::to_string(i) + ".example");
    start("get", "steady.example");
    readers.push_back(all.back().get());
  }
  for (const auto& process : all) {
    EXPECT_EQ(process->wait(std::chrono::seconds(60)), 0) << process->out() << process->err();
  }
  for (Process* reader : readers) {
    EXPECT_EQ(reader->out(), R"({"ServerURL":"steady.example","Username":"alice","Secret":"steady"})"
                             "\n");
  }
  const json kept = list(ours);
  EXPECT_EQ(kept.size(), 42U) << kept;
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(kept.value("new" + std::to_string(i) + ".example", ""), "user" + std::to_string(i));
  }
  const std::string winner = user_and_secret(ours, "contested.example");
  EXPECT_EQ("user" + winner.substr(winner.find(":secret") + 7), winner.substr(0, winner.find(':')));
}

TEST(HelperProgram, NeedsOneAction) {
  EXPECT_EQ(run({ours}).exit_code, 1);
  EXPECT_EQ(run({ours, "get", "ghcr.io"}).exit_code, 1);
}

}  // namespace
}  // namespace regsync::test
