// docker-credential-regsync where the keyring or the session bus does not answer, is somebody else's, or has no
// password.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "helper/base/event_fd.hpp"
#include "helper/secret_service/libsecret_calls.hpp"
#include "helper/secret_service/secret_service_store.hpp"
#include "tests/integration/helper/helper_collections.hpp"
#include "tests/integration/helper/helper_person.hpp"
#include "tests/integration/helper/helper_program.hpp"

namespace regsync::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::HasSubstr;

struct Action {
  const char* name;
  std::string input;
};

void PrintTo(const Action& action, std::ostream* out) { *out << action.name; }

class WithoutAnswer : public testing::TestWithParam<Action> {
 protected:
  // The action ends within one budget, with a text like this.
  template <typename Matcher>
  static void expect_ends(const Environment& environment, const Matcher& text) {
    const auto began = steady_clock::now();
    const Outcome outcome =
        run_program({.argv = {HELPER, GetParam().name}, .env = environment, .in = GetParam().input});
    EXPECT_LT(steady_clock::now() - began, seconds(20)) << "it waited twice, ten seconds each";
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.out, text);
    EXPECT_EQ(std::ranges::count(outcome.out, '\n'), 1) << outcome.out;
  }
};

TEST_P(WithoutAnswer, AFrozenProviderIsNamedWithItsProcessAndWhatToRestart) {
  store(HELPER, "ghcr.io", "alice", "one");
  keyring({"freeze"});
  expect_ends(own_environment(), AllOf(HasSubstr("gnome-keyring (process "), HasSubstr("does not answer"),
                                       HasSubstr("systemctl --user restart gnome-keyring-daemon")));
}

TEST_P(WithoutAnswer, ASilentBusIsNamedByItsVariable) {
  const std::string path = (fs::path(own_environment().at("XDG_RUNTIME_DIR")) / "silent").string();
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(path, std::begin(address.sun_path));
  ASSERT_EQ(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(listener, 64), 0);  // accepts, by the kernel, and nobody reads
  Environment environment = own_environment();
  environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=" + path;
  expect_ends(environment, AllOf(HasSubstr("cannot reach the D-Bus session bus that DBUS_SESSION_BUS_ADDRESS names"),
                                 HasSubstr("it does not answer")));
  close(listener);
}

TEST(FrozenProvider, IsToldToAllWritersWithinOneBudget) {
  store(HELPER, "ghcr.io", "alice", "one");
  keyring({"freeze"});
  const auto began = steady_clock::now();
  std::vector<std::unique_ptr<Process>> writers;
  for (const char* action : {"store", "erase", "store", "erase"}) {
    writers.push_back(std::make_unique<Process>(
        Program{.argv = {HELPER, action},
                .env = own_environment(),
                .in = std::string(action) == "store" ? login_json("ghcr.io", "eve", "other") : "ghcr.io",
                .directory = {}}));
  }
  for (const auto& writer : writers) {
    EXPECT_EQ(writer->wait(seconds(30)), 1);
    EXPECT_THAT(writer->out(), HasSubstr("gnome-keyring (process "));
    EXPECT_THAT(writer->out(), HasSubstr("does not answer"));
  }
  EXPECT_LT(steady_clock::now() - began, seconds(20)) << "one waits for the other's time as well";
}

// Of a call that libsecret makes, when the provider stops after the others were answered.
TEST(FrozenProvider, IsLateToLibsecretOnceAndNotTheOneWhoCancelled) {
  store(HELPER, "ghcr.io", "alice", "one");
  keyring({"freeze"});
  constexpr auto limit = std::chrono::milliseconds(700);
  const auto error_of_a_call = [&](int cancel_fd) {
    const auto answer = LibsecretCalls(Prompt::never, cancel_fd, limit).secret(secret_service_path);
    return answer.error ? answer.error->name : "";
  };
  const auto began = steady_clock::now();
  EXPECT_EQ(error_of_a_call(-1), bus_late_name);
  EXPECT_LT(steady_clock::now() - began, 2 * limit) << "it waited twice";
  const EventFd cancelled;
  cancelled.set();
  EXPECT_EQ(error_of_a_call(cancelled.fd()), bus_cancelled_name);
}

INSTANTIATE_TEST_SUITE_P(Actions, WithoutAnswer,
                         testing::Values(Action{"get", "ghcr.io"}, Action{"list", ""},
                                         Action{"store", login_json("ghcr.io", "eve", "other")},
                                         Action{"erase", "ghcr.io"}),
                         [](const auto& action) { return std::string(action.param.name); });

// sudo -E keeps the variable.
TEST(AnotherUsersBus, IsToldAsThat) {
  fs::path socket = "/";  // root's
  if (geteuid() == 0) {
    socket = fs::path(own_environment().at("XDG_RUNTIME_DIR")) / "other";
    std::ofstream(socket) << "";
    ASSERT_EQ(chown(socket.c_str(), 12345, 12345), 0);
  }
  Environment environment = own_environment();
  environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=" + socket.string();
  const Outcome outcome = run_program({.argv = {HELPER, "list"}, .env = environment, .in = {}});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("that of another user (uid "), HasSubstr("without sudo")));
}

// As on a machine that logs its person in by itself: the keyring opens, and nobody is asked.
TEST(BlankPassword, OpensWhereNobodyMayBeAsked) {
  Person person({});
  keyring({"restart"});
  const std::string blank = add_collection("Blank", "");
  ASSERT_EQ(
      run({"dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets",
           "org.freedesktop.Secret.Service.SetAlias", "string:default", "objpath:" + blank})
          .exit_code,
      0);
  store(HELPER, "ghcr.io", "alice", "one");
  keyring({"restart", "--without-collection"});
  SecretServiceStore daemon(Prompt::never);
  ASSERT_EQ(daemon.default_lock(), true);
  const StoreReading reading = daemon.load({RegistryKey("ghcr.io")});
  ASSERT_EQ(reading.credentials.size(), 1U);
  EXPECT_EQ(reading.credentials.front().secret.reveal(), "one");
  EXPECT_FALSE(reading.problem) << describe(*reading.problem);

  keyring({"restart", "--without-collection"});
  EXPECT_EQ(user_and_secret(HELPER, "ghcr.io"), "alice:one");
  person.expect_all_answers_given();
}

}  // namespace
}  // namespace regsync::test
