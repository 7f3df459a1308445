// A plugin is a script that counts its runs. Hours pass on clocks of the test's own.
#include "sync/kube/config/exec_plugin.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <chrono>
#include <csignal>  // kill
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "sync/base/rfc3339.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* v1 = "client.authentication.k8s.io/v1";

// A script that counts its runs and does what a test says.
class ExecPluginTest : public ::testing::Test {
 protected:
  std::shared_ptr<ExecPlugin> plugin(const std::string& script, std::string mode = "Never") {
    const auto path =
        temp_.write("plugin", "#!/bin/sh\necho run >> " + (temp_ / "runs").string() + "\n" + script + "\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    context_.exec = ExecConfig{};
    context_.exec->command = path;
    context_.exec->api_version = v1;
    context_.exec->interactive_mode = std::move(mode);
    context_.exec->env = {{"EXTRA", "from the kubeconfig"}};
    context_.server = "https://k.example";
    return ExecPlugin::shared(context_);
  }
  [[nodiscard]] std::size_t runs() const {
    const auto path = temp_ / "runs";
    return std::filesystem::exists(path) ? test::read_file(path).size() / 4 : 0;
  }
  static std::string prints(const std::string& token, const std::string& more = "") {
    return R"(echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":")" +
           token + "\"" + more + "}}'";
  }

  test::TempDir temp_;
  asio::io_context loop_;
  ResolvedContext context_;
};

TEST_F(ExecPluginTest, ACredentialWithoutExpiryIsKept) {
  const auto exec = plugin(prints("t"));
  EXPECT_EQ(test::run(loop_, exec->current())->token.reveal(), "t");
  EXPECT_EQ(test::run(loop_, exec->current())->token.reveal(), "t");
  EXPECT_EQ(runs(), 1U);
}

TEST_F(ExecPluginTest, ManyWhoAskAtOnceCauseOneRun) {
  const auto exec = plugin("sleep 0.2; " + prints("t"));
  int answers = 0;
  std::vector<std::unique_ptr<test::Background>> asking;
  for (int i = 0; i < 20; ++i) {
    const auto ask = [](std::shared_ptr<ExecPlugin> of, int& count) -> asio::awaitable<void> {
      const auto minted = co_await of->current();
      count += minted->token.reveal() == "t" ? 1 : 0;
    };
    asking.push_back(std::make_unique<test::Background>(loop_, ask(exec, answers)));
  }
  EXPECT_TRUE(test::run_until(loop_, [&] { return answers == 20; }));
  EXPECT_EQ(runs(), 1U);
}

TEST_F(ExecPluginTest, OneWhoGivesUpDoesNotTakeTheOthersWithHim) {
  const auto exec = plugin("until [ -e " + (temp_ / "go").string() + " ]; do sleep 0.01; done; " + prints("t"));
  const auto ask = [](std::shared_ptr<ExecPlugin> of, bool& done) -> asio::awaitable<void> {
    const auto minted = co_await of->current();
    done = minted != nullptr;
  };
  bool first = false;
  bool second = false;
  auto one = std::make_unique<test::Background>(loop_, ask(exec, first));
  const test::Background two(loop_, ask(exec, second));
  test::run_until(loop_, [&] { return runs() == 1; });
  one->stop();
  temp_.write("go", "");
  EXPECT_TRUE(test::run_until(loop_, [&] { return second; }));
  EXPECT_FALSE(first);
}

TEST_F(ExecPluginTest, ContextsWithTheSameCommandArgumentsEnvironmentAndClusterInfoShareIt) {
  const auto one = plugin(prints("t"));
  ResolvedContext other = context_.clone();
  other.name = "another";
  EXPECT_EQ(ExecPlugin::shared(other), one);
  other.server = "https://other.example";
  EXPECT_EQ(ExecPlugin::shared(other), one) << "the plugin is not told the cluster";
  other.exec->provide_cluster_info = true;
  EXPECT_NE(ExecPlugin::shared(other), one);
  other = context_.clone();
  other.exec->env = {{"AWS_PROFILE", "other"}};
  EXPECT_NE(ExecPlugin::shared(other), one);
}

TEST_F(ExecPluginTest, ARejectedCredentialIsRenewedOnceThenLeftAlone) {
  const auto exec = plugin(prints("t$$"));
  const auto first = test::run(loop_, exec->current());
  const auto second = test::run(loop_, exec->renew(first));
  EXPECT_NE(second, first);
  EXPECT_EQ(test::run(loop_, exec->renew(second)), second) << "the pause lasts";
  EXPECT_EQ(runs(), 2U);
  EXPECT_EQ(test::run(loop_, exec->renew(first)), second) << "somebody else renewed it";
}

TEST_F(ExecPluginTest, AFailureIsSharedForAWhile) {
  const auto exec = plugin("echo 'log in first' >&2; exit 3");
  const Error error = test::error_of(loop_, exec->current());
  EXPECT_EQ(error.code(), ErrorCode::credential_plugin);
  EXPECT_THAT(error.message(), HasSubstr("exit code 3"));
  EXPECT_THAT(error.message(), HasSubstr("log in first"));
  test::error_of(loop_, exec->current());
  EXPECT_EQ(runs(), 1U);
}

TEST_F(ExecPluginTest, WhatItWritesToStandardErrorIsNotRepeatedWhereItMayHoldACredential) {
  for (const char* said : {R"({"status":{"token":"c4nary-token"}})", "token=c4nary-token",
                           R"({"status":{"token":"letters-c4nary-token"}})"}) {
    const auto exec = plugin("echo '" + std::string(said) + "' >&2; exit 3");
    const Error error = test::error_of(loop_, exec->current());
    EXPECT_THAT(error.message(), HasSubstr("exit code 3: what it says is not shown"));
    EXPECT_THAT(error.message(), Not(HasSubstr("c4nary-token")));
  }
}

// The name that tells a value for a credential may be far before what there is room for.
TEST_F(ExecPluginTest, OfALongCredentialOnStandardErrorNoPartIsRepeated) {
  for (const char* size : {"5000", "100000"}) {
    const auto exec = plugin(R"(printf '{"status":{"token":"%s-c4nary-%s"}}' )"
                             R"($(head -c )" +
                             std::string(size) + R"( /dev/zero | tr '\0' x) yyyyyyyy >&2; exit 3)");
    const Error error = test::error_of(loop_, exec->current());
    EXPECT_THAT(error.message(), HasSubstr("exit code 3: what it says is ")) << size;
    EXPECT_THAT(error.message(), Not(HasSubstr("xxxx"))) << size;
    EXPECT_THAT(error.message(), Not(HasSubstr("c4nary"))) << size;
  }
}

TEST_F(ExecPluginTest, OneThatHangsIsKilledWithAllThatItStarted) {
  plugin("sleep 60 & echo $! > " + (temp_ / "grandchild").string() + "; wait");
  context_.exec->manners.patience = std::chrono::seconds(2);  // time enough for a shell to start
  ExecPlugin hanging(context_);
  const Error error = test::error_of(loop_, hanging.current());
  EXPECT_EQ(error.code(), ErrorCode::credential_plugin);
  EXPECT_THAT(error.message(), HasSubstr("did not end within"));
  const pid_t grandchild = std::stoi(test::read_file(temp_ / "grandchild"));
  EXPECT_TRUE(test::wait_until([&] { return ::kill(grandchild, 0) != 0; }));
}

TEST_F(ExecPluginTest, OneThatHangsIsToldWithWhatItWroteToStandardError) {
  plugin("echo 'enter the code ABCD-EFGH' >&2; exec sleep 60");
  context_.exec->manners.patience = std::chrono::seconds(2);  // time enough for a shell to start
  ExecPlugin hanging(context_);
  EXPECT_THAT(test::error_of(loop_, hanging.current()).message(),
              HasSubstr("did not end within 2 s: enter the code ABCD-EFGH"));
}

TEST_F(ExecPluginTest, OneThatFailsWithoutAPersonMayLackVariablesOfAShell) {
  ::setenv("XDG_RUNTIME_DIR", temp_.path().c_str(), 1);
  EXPECT_THAT(test::error_of(loop_, plugin("exit 1  # alone")->current()).remedy(),
              Not(HasSubstr("setup --environment")));
  temp_.write("systemd/private", "");  // a user manager
  EXPECT_THAT(test::error_of(loop_, plugin("exit 1")->current()).remedy(), HasSubstr("setup --environment"));
  context_.exec->manners.terminal_errors = true;
  EXPECT_THAT(test::error_of(loop_, ExecPlugin::shared(context_)->current()).remedy(),
              Not(HasSubstr("setup --environment")));
}

TEST_F(ExecPluginTest, GarbageAndAFloodAreErrors) {
  EXPECT_THAT(test::error_of(loop_, plugin("echo garbage")->current()).message(), HasSubstr("not a JSON object"));
  EXPECT_THAT(test::error_of(loop_, plugin("exec yes flood")->current()).message(), HasSubstr("printed more than"));
}

TEST_F(ExecPluginTest, AMissingProgramShowsItsInstallHintEscaped) {
  plugin("true");
  context_.exec->command = "regsync-no-such-plugin";
  context_.exec->install_hint = "get it at\n\x1b[31mexample.com";
  const Error error = test::error_of(loop_, ExecPlugin::shared(context_)->current());
  EXPECT_THAT(error.message(), HasSubstr("regsync-no-such-plugin not found"));
  EXPECT_THAT(error.remedy(), HasSubstr("get it at"));
  EXPECT_EQ(error.remedy().find('\x1b'), std::string::npos);
}

TEST_F(ExecPluginTest, OneThatNeedsATerminalCannotRun) {
  const Error error = test::error_of(loop_, plugin(prints("t"), "Always")->current());
  EXPECT_THAT(error.message(), HasSubstr("standard input is not a terminal"));
  EXPECT_THAT(error.remedy(), testing::ContainsRegex("stop regsyncd: .*regsync sync --once"))
      << "which does not run beside regsyncd";
  EXPECT_EQ(runs(), 0U);
}

TEST_F(ExecPluginTest, ItSeesItsEnvironmentAndNoInput) {
  context_.ca_data = "-----CA-----";
  const auto exec =
      plugin("cat > " + (temp_ / "stdin").string() + "; printf %s \"$KUBERNETES_EXEC_INFO\" > " +
             (temp_ / "info").string() + "; printf %s \"$EXTRA\" > " + (temp_ / "extra").string() + "; " + prints("t"));
  test::run(loop_, exec->current());
  EXPECT_EQ(test::read_file(temp_ / "stdin"), "");
  EXPECT_EQ(test::read_file(temp_ / "extra"), "from the kubeconfig");
  const json info = json::parse(test::read_file(temp_ / "info"));
  EXPECT_EQ(info.at("kind"), "ExecCredential");
  EXPECT_EQ(info.at("apiVersion"), v1);
  EXPECT_EQ(info.at("spec").at("interactive"), false);
  EXPECT_FALSE(info.at("spec").contains("cluster")) << "only with provideClusterInfo";
}

TEST_F(ExecPluginTest, EachRunIsToldTheCertificateAuthorityAsItIsThen) {
  context_.ca_file = temp_.write("ca.crt", "one").string();
  plugin("printf %s \"$KUBERNETES_EXEC_INFO\" > " + (temp_ / "info").string() + "; " + prints("t$$"));
  context_.exec->provide_cluster_info = true;
  const auto exec = ExecPlugin::shared(context_);
  const auto told = [&] {
    return json::parse(test::read_file(temp_ / "info")).at("spec").at("cluster").at("certificate-authority-data");
  };
  const auto first = test::run(loop_, exec->current());
  EXPECT_EQ(told(), "b25l");
  temp_.write("ca.crt", "two");
  EXPECT_EQ(ExecPlugin::shared(context_), exec);
  test::run(loop_, exec->renew(first));
  EXPECT_EQ(told(), "dHdv");
}

TEST_F(ExecPluginTest, OneThatMayNotBeExecutedIsNotCalledMissing) {
  const auto exec = plugin(prints("t"));
  std::filesystem::permissions(temp_ / "plugin", std::filesystem::perms::owner_read);
  const Error error = test::error_of(loop_, exec->current());
  EXPECT_THAT(error.message(), HasSubstr("is there and cannot be run"));
  EXPECT_THAT(error.message(), Not(HasSubstr("not found")));
  EXPECT_THAT(error.remedy(), HasSubstr("chmod +x"));
}

TEST_F(ExecPluginTest, OneThatIsNotOnPathNamesThePath) {
  plugin("true");
  context_.exec->command = "regsync-no-such-plugin";
  const Error error = test::error_of(loop_, ExecPlugin::shared(context_)->current());
  EXPECT_THAT(error.message(), HasSubstr(std::string("is not on PATH (") + std::getenv("PATH")));
}

TEST_F(ExecPluginTest, NoMoreThanFourRunAtOnce) {
  // Each leaves a mark while it runs, and counts the marks.
  const std::string marks = (temp_ / "marks").string();
  std::filesystem::create_directory(marks);
  const std::string script = "touch " + marks + "/$1; ls " + marks + " | wc -l >> " + (temp_ / "most").string() +
                             "; sleep 0.1; rm " + marks + "/$1; " + prints("t");
  plugin(script);
  std::vector<std::unique_ptr<test::Background>> asking;
  std::vector<std::shared_ptr<ExecPlugin>> plugins;
  int answers = 0;
  const auto ask = [](std::shared_ptr<ExecPlugin> of, int& count) -> asio::awaitable<void> {
    const auto minted = co_await of->current();
    count += minted ? 1 : 0;
  };
  for (int i = 0; i < 12; ++i) {
    context_.exec->args = {std::to_string(i)};
    plugins.push_back(ExecPlugin::shared(context_));
    asking.push_back(std::make_unique<test::Background>(loop_, ask(plugins.back(), answers)));
  }
  EXPECT_TRUE(test::run_until(loop_, [&] { return answers == 12; }));
  std::istringstream counts(test::read_file(temp_ / "most"));
  for (int count = 0; counts >> count;) {
    EXPECT_LE(count, 4);
  }
}

TEST_F(ExecPluginTest, FourThatHangDoNotKeepTheOthersWaiting) {
  plugin("[ $1 = well ] || sleep 60; " + prints("t"));
  context_.exec->manners.patience = 6s;
  std::vector<std::unique_ptr<test::Background>> asking;
  std::vector<std::shared_ptr<ExecPlugin>> plugins;
  bool answered = false;
  const auto hang = [](std::shared_ptr<ExecPlugin> of) -> asio::awaitable<void> { co_await of->current(); };
  for (const char* one : {"1", "2", "3", "4"}) {
    context_.exec->args = {one};
    plugins.push_back(ExecPlugin::shared(context_));
    asking.push_back(std::make_unique<test::Background>(loop_, hang(plugins.back())));
  }
  EXPECT_TRUE(test::run_until(loop_, [&] { return runs() == 4; }));
  const auto ask = [](std::shared_ptr<ExecPlugin> of, bool& done) -> asio::awaitable<void> {
    co_await of->current();
    done = true;
  };
  context_.exec->args = {"well"};
  plugins.push_back(ExecPlugin::shared(context_));
  asking.push_back(std::make_unique<test::Background>(loop_, ask(plugins.back(), answered)));
  EXPECT_TRUE(test::run_until(loop_, [&] { return answered; }, 4s)) << "before their patience ends";
}

TEST_F(ExecPluginTest, ThoseThatHungWaitAmongThemselves) {
  const auto order = temp_ / "order";
  plugin("echo $1 >> " + order.string() + "; [ $1 = well ] || sleep 60; " + prints("t"));
  context_.exec->manners.patience = 1200ms;
  std::vector<std::unique_ptr<test::Background>> asking;
  std::vector<std::shared_ptr<ExecPlugin>> plugins;
  const auto ask = [](std::shared_ptr<ExecPlugin> of) -> asio::awaitable<void> { co_await of->current(); };
  constexpr long many = 20;
  for (long i = 0; i < many; ++i) {
    context_.exec->args = {std::to_string(i)};
    plugins.push_back(ExecPlugin::shared(context_));
    asking.push_back(std::make_unique<test::Background>(loop_, ask(plugins.back())));
  }
  const auto all_ended = [&] { return std::ranges::all_of(asking, [](const auto& one) { return one->done(); }); };
  ASSERT_TRUE(test::run_until(loop_, all_ended));
  asking.clear();
  for (const auto& hanging : plugins) {
    hanging->end_pause();
    asking.push_back(std::make_unique<test::Background>(loop_, ask(hanging)));
  }
  context_.exec->args = {"well"};
  context_.exec->manners.patience = 60s;
  test::Background healthy(loop_, ask(ExecPlugin::shared(context_)));
  EXPECT_TRUE(test::run_until(loop_, [&] { return healthy.done(); }));
  const std::string begun = test::read_file(order);
  const auto before = std::count(begun.begin(), begun.begin() + static_cast<long>(begun.find("well")), '\n');
  EXPECT_LT(before, 2 * many) << "it did not wait for all of them";
}

// A context asks for its credential every 20 s, as a watch that tries to connect does.
class ExecPluginOverHours : public ExecPluginTest {
 protected:
  void start(const std::string& script) {
    plugin(script);
    plugin_ = std::make_unique<ExecPlugin>(context_, world());
  }
  ExecPlugin::World world() {
    return {.now = [this] { return BoottimeClock::time_point(passed_); },
            .wall = [this] { return began_ + passed_; },
            .has_network = [this] { return has_network_; },
            .addresses = [this] { return addresses_; }};
  }
  // Runs within `time`. `accepted`: what the API server thinks of the credential.
  std::size_t runs_in(std::chrono::nanoseconds time, bool accepted = true) {
    const std::size_t before = runs();
    for (const auto end = passed_ + time; passed_ < end; passed_ += 20s) {
      try {
        const auto credential = test::run(loop_, plugin_->current(!accepted));
        if (!accepted) {
          test::run(loop_, plugin_->renew(credential));
        }
      } catch (const Error& error) {  // its text is another test's matter
        EXPECT_NE(error.code(), ErrorCode::internal);
      }
    }
    return runs() - before;
  }
  [[nodiscard]] std::string expiring_in(std::chrono::seconds time) const {
    const auto at = std::chrono::time_point_cast<std::chrono::system_clock::duration>(began_ + passed_ + time);
    return R"(,"expirationTimestamp":")" + to_rfc3339(at) + '"';
  }

  bool has_network_ = true;
  std::set<std::string> addresses_ = {"eth0 192.0.2.1"};
  std::chrono::nanoseconds passed_ = 1h;
  std::chrono::system_clock::time_point began_{std::chrono::seconds(1'900'000'000)};
  std::unique_ptr<ExecPlugin> plugin_;
};

TEST_F(ExecPluginOverHours, OneThatKeepsFailingRunsLessAndLess) {
  start("exit 1");
  EXPECT_LE(runs_in(26min), 11U);
  EXPECT_LE(runs_in(2h), 3U);
  const std::size_t at_night = runs_in(8h);
  EXPECT_LE(at_night, 5U);
  EXPECT_GE(at_night, 3U) << "it is not forgotten";
}

TEST_F(ExecPluginOverHours, OneWhoseTokenIsRefusedRunsLessAndLess) {
  start(prints("t"));
  EXPECT_LE(runs_in(26min, false), 12U);
  EXPECT_LE(runs_in(8h, false), 8U);
}

TEST_F(ExecPluginOverHours, OneWhoseRefusedTokensExpireDoesNotRunMoreOften) {
  start(prints("t", expiring_in(10min)));
  EXPECT_LE(runs_in(8h, false), 18U);
}

// Two contexts share a plugin; the server of one takes what it prints, and that of the other does not.
TEST_F(ExecPluginOverHours, WhatOneServerRefusesIsRenewedForTheOtherWhenItExpires) {
  start(prints("t$$", expiring_in(45min)));
  runs_in(44min, false);
  const std::size_t before = runs();
  passed_ += 2min;
  test::run(loop_, plugin_->current(true));
  EXPECT_EQ(runs(), before) << "for the one that was refused, the pause lasts";
  test::run(loop_, plugin_->current(false));
  EXPECT_EQ(runs(), before + 1) << "for the other it expired";
  EXPECT_EQ(runs_in(2min, false), 0U) << "the pause goes on";
}

TEST_F(ExecPluginOverHours, OneWhoseTokensHaveExpiredAlreadyRunsLessAndLess) {
  start(prints("t", R"(,"expirationTimestamp":"2020-01-01T00:00:00Z")"));
  EXPECT_LE(runs_in(8h), 18U);
}

TEST_F(ExecPluginOverHours, ATokenIsRenewedWhenItExpiresAndNotBefore) {
  start(prints("t", expiring_in(10min)));
  EXPECT_EQ(runs_in(10min), 1U);
  plugin_->end_pause();
  EXPECT_GE(runs_in(1min), 1U);
}

TEST_F(ExecPluginOverHours, ARefusalAfterHoursOfUseRunsItAtOnce) {
  start(prints("t$$"));
  EXPECT_EQ(runs_in(5h), 1U);
  const auto before = test::run(loop_, plugin_->current());
  EXPECT_NE(test::run(loop_, plugin_->renew(before)), before);
  EXPECT_EQ(runs(), 2U);
}

TEST_F(ExecPluginOverHours, OneThatFailedWithoutANetworkWorksAMinuteAfterItIsBack) {
  has_network_ = false;
  start("[ -e " + (temp_ / "network").string() + " ] || exit 1; " + prints("t"));
  EXPECT_GE(runs_in(8h), 400U);
  temp_.write("network", "");
  has_network_ = true;
  EXPECT_EQ(runs_in(1min), 1U);
  EXPECT_EQ(test::run(loop_, plugin_->current())->token.reveal(), "t");
}

// A VPN without which the identity provider cannot be reached.
TEST_F(ExecPluginOverHours, AnotherAddressOfThisMachineEndsThePause) {
  start("[ -e " + (temp_ / "vpn").string() + " ] || exit 1; " + prints("t"));
  runs_in(5h);
  EXPECT_EQ(runs_in(10min), 0U);
  addresses_.insert("tun0 10.8.0.2");
  EXPECT_EQ(runs_in(20s), 1U);
  temp_.write("vpn", "");
  EXPECT_EQ(runs_in(1min), 1U) << "short pauses again: its name server may take a moment";
  EXPECT_EQ(test::run(loop_, plugin_->current())->token.reveal(), "t");
}

TEST_F(ExecPluginOverHours, AnAddressThatIsGoneIsNoReasonToRun) {
  start("exit 1");
  addresses_.insert("wlan0 192.0.2.7");
  runs_in(5h);
  addresses_.erase("wlan0 192.0.2.7");
  EXPECT_EQ(runs_in(10min), 0U);
}

TEST_F(ExecPluginOverHours, OneWhoseNetworkComesAndGoesRunsOnceOrTwiceEachTime) {
  start("exit 1");
  runs_in(5h);
  std::size_t runs = 0;
  for (int i = 0; i < 50; ++i) {
    addresses_.insert("wlan0 192.0.2.7");
    runs += runs_in(1min);
    addresses_.erase("wlan0 192.0.2.7");
    runs += runs_in(1min);
  }
  EXPECT_GE(runs, 50U) << "each may be what it lacked";
  EXPECT_LE(runs, 70U);
}

// Who has logged in as somebody else asks: the old credential may be good still, and lack the rights.
TEST_F(ExecPluginOverHours, APersonWhoAsksGetsAnotherCredentialOnce) {
  start(prints("t$$"));
  const auto before = test::run(loop_, plugin_->current());
  plugin_->end_pause();
  EXPECT_EQ(test::run(loop_, plugin_->current()), before) << "it is just new";
  passed_ += 1min;
  plugin_->end_pause();
  plugin_->end_pause();
  const auto after = test::run(loop_, plugin_->current());
  EXPECT_NE(after, before);
  EXPECT_EQ(test::run(loop_, plugin_->current()), after);
  EXPECT_EQ(runs(), 2U);
}

// `regsync sync --once`: it has asked for a login, and lives no longer than that.
TEST_F(ExecPluginOverHours, APersonAtTheTerminalIsNotAskedTwice) {
  start(prints("t$$"));
  context_.exec->manners.terminal_errors = true;
  plugin_ = std::make_unique<ExecPlugin>(context_, world());
  const auto before = test::run(loop_, plugin_->current());
  passed_ += 1min;
  plugin_->end_pause();
  EXPECT_EQ(test::run(loop_, plugin_->current()), before);
}

TEST_F(ExecPluginOverHours, APersonWhoAsksInVainIsToldSoAndTheCredentialGoesOnToServe) {
  start("[ -e " + (temp_ / "broken").string() + " ] && exit 1; " + prints("t$$"));
  const auto before = test::run(loop_, plugin_->current());
  temp_.write("broken", "");
  passed_ += 1min;
  plugin_->end_pause();
  EXPECT_EQ(test::error_of(loop_, plugin_->current()).code(), ErrorCode::credential_plugin);
  EXPECT_EQ(test::run(loop_, plugin_->current()), before);
}

TEST_F(ExecPluginOverHours, APersonWhoAsksEndsThePauseOnce) {
  start("exit 1");
  runs_in(5h);
  EXPECT_EQ(runs_in(10min), 0U);
  plugin_->end_pause();
  EXPECT_EQ(runs_in(10min), 1U);
}

TEST_F(ExecPluginOverHours, AChangedPluginEndsThePause) {
  start("exit 1");
  runs_in(5h);
  EXPECT_EQ(runs_in(10min), 0U);
  plugin(prints("t"));  // the same path, other content
  EXPECT_EQ(runs_in(20s), 1U);
  EXPECT_EQ(test::run(loop_, plugin_->current())->token.reveal(), "t");
}

TEST_F(ExecPluginOverHours, ACertificateAuthorityThatItIsToldEndsThePauseWhenItChanges) {
  context_.ca_file = temp_.write("ca.crt", "old").string();
  plugin("exit 1");
  context_.exec->provide_cluster_info = true;
  plugin_ = std::make_unique<ExecPlugin>(context_, world());
  runs_in(5h);
  EXPECT_EQ(runs_in(10min), 0U);
  temp_.write("ca.crt", "newer");
  EXPECT_EQ(runs_in(20s), 1U);
}

TEST_F(ExecPluginOverHours, AFileThatItsArgumentsOrEnvironmentNameEndsThePauseWhenItChanges) {
  plugin("exit 1");
  const std::string config = temp_.write("config", "old").string();
  const std::string credentials = temp_.write("credentials", "old").string();
  std::filesystem::create_directory(temp_ / "cache");
  context_.exec->args = {"--config=" + config, "--cache=" + (temp_ / "cache").string()};
  context_.exec->env = {{"AWS_SHARED_CREDENTIALS_FILE", credentials}};
  plugin_ = std::make_unique<ExecPlugin>(context_, world());
  for (const char* file : {"config", "credentials"}) {
    runs_in(5h);
    EXPECT_EQ(runs_in(10min), 0U);
    temp_.write(file, "newer");
    EXPECT_EQ(runs_in(20s), 1U) << file;
  }
  runs_in(5h);
  temp_.write("cache/lock", "");
  EXPECT_EQ(runs_in(10min), 0U) << "a folder changes with each run of many a plugin";
}

TEST_F(ExecPluginOverHours, APluginThatIsInstalledEndsThePause) {
  start("exit 1");
  const std::string command = (temp_ / "later").string();
  context_.exec->command = command;
  plugin_ = std::make_unique<ExecPlugin>(context_, world());
  runs_in(5h);
  EXPECT_EQ(runs(), 0U);
  std::filesystem::permissions(temp_.write("later", "#!/bin/sh\n" + prints("t") + "\n"),
                               std::filesystem::perms::owner_all);
  EXPECT_EQ(test::run(loop_, plugin_->current())->token.reveal(), "t");
}

}  // namespace
}  // namespace regsync::kube
