// docker-credential-regsync as a program, on a real gnome-keyring, beside docker-credential-secretservice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/integration/keyring.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* ours = HELPER;
constexpr const char* reference = "docker-credential-secretservice";  // Debian's golang-docker-credential-helpers

void store(const char* helper, const std::string& server, const std::string& username, const std::string& secret) {
  const json login{{"ServerURL", server}, {"Username", username}, {"Secret", secret}};
  const Outcome outcome = run({helper, "store"}, login.dump());
  ASSERT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
}

std::string user_and_secret(const char* helper, const std::string& server) {
  const Outcome outcome = run({helper, "get"}, server);
  if (outcome.exit_code != 0) {
    return outcome.out;
  }
  const json answer = json::parse(outcome.out);
  return answer["Username"].get<std::string>() + ":" + answer["Secret"].get<std::string>();
}

json list(const char* helper) { return json::parse(run({helper, "list"}).out); }

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

TEST(HelperProgram, SaysWhatIsWrongAndWhatToDo) {
  keyring({"lock"});
  EXPECT_THAT(run({ours, "get"}, "ghcr.io").out, AllOf(HasSubstr("locked"), HasSubstr("regsync doctor")));
  keyring({"stop"});
  EXPECT_THAT(run({ours, "get"}, "ghcr.io").out,
              AllOf(HasSubstr("no program provides the Secret Service"), HasSubstr("regsync doctor")));
  Environment no_bus = own_environment();
  no_bus.erase("DBUS_SESSION_BUS_ADDRESS");
  no_bus.erase("XDG_RUNTIME_DIR");
  const Outcome outcome = run_program({.argv = {ours, "list"}, .env = no_bus, .in = {}});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("no D-Bus session bus"), HasSubstr("regsync setup --headless")));
  EXPECT_EQ(outcome.err, "");
}

TEST(HelperProgram, StoresUpToOneMebibyte) {
  const std::string secret(1000 * 1000, 'x');
  store(ours, "ghcr.io", "alice", secret);
  EXPECT_EQ(user_and_secret(ours, "ghcr.io"), "alice:" + secret);
}

TEST(HelperProgram, TwoHundredAtOnceLoseNothing) {
  store(ours, "steady.example", "alice", "steady");
  for (int i = 0; i < 40; ++i) {
    store(ours, "old" + std::to_string(i) + ".example", "alice", "s");
  }
  const auto login = [](const std::string& server, int i) {
    return json{
        {"ServerURL", server}, {"Username", "user" + std::to_string(i)}, {"Secret", "secret" + std::to_string(i)}}
        .dump();
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
