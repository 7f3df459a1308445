#include "sync/kube/config/exec_credential.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <csignal>  // kill
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* v1 = "client.authentication.k8s.io/v1";

std::string credential(json status, const char* version = v1) {
  return json{{"kind", "ExecCredential"}, {"apiVersion", version}, {"status", std::move(status)}}.dump();
}

Error refusal(const std::string& text) {
  try {
    parse_exec_credential(text, v1);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::credential_plugin);
    EXPECT_THAT(error.message(), Not(HasSubstr("hunter2"))) << "what a plugin prints may be a token";
    return error;
  }
  throw std::logic_error("taken: " + text);
}

TEST(ExecCredential, ATokenWithItsExpiry) {
  const ExecCredential parsed =
      parse_exec_credential(credential({{"token", "hunter2"}, {"expirationTimestamp", "2030-01-02T03:04:05Z"}}), v1);
  EXPECT_EQ(parsed.token.reveal(), "hunter2");
  EXPECT_EQ(std::chrono::system_clock::to_time_t(*parsed.expires), 1893553445);
}

TEST(ExecCredential, ExpiryWithFractionAndOffset) {
  const auto expires = [](const char* text) {
    return std::chrono::system_clock::to_time_t(
        *parse_exec_credential(credential({{"token", "t"}, {"expirationTimestamp", text}}), v1).expires);
  };
  EXPECT_EQ(expires("2030-01-02T03:04:05.678Z"), 1893553445);
  EXPECT_EQ(expires("2030-01-02T05:04:05+02:00"), 1893553445);
  EXPECT_EQ(expires("2030-01-01T21:34:05-05:30"), 1893553445);
}

TEST(ExecCredential, WhatIsRefused) {
  EXPECT_THAT(refusal("hunter2").message(), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal("").message(), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal(R"({"kind":"Secret","token":"hunter2"})").message(), HasSubstr("not of kind ExecCredential"));
  EXPECT_THAT(refusal(credential({{"token", "hunter2"}}, "client.authentication.k8s.io/v1beta1")).message(),
              HasSubstr("plugin returned version client.authentication.k8s.io/v1beta1"));
  EXPECT_THAT(refusal(credential(nullptr)).message(), HasSubstr("didn't return a status"));
  EXPECT_THAT(refusal(credential(json::object())).message(), HasSubstr("didn't return a token or cert/key pair"));
  EXPECT_THAT(refusal(credential({{"clientCertificateData", "hunter2"}})).message(),
              HasSubstr("only certificate or key"));
  EXPECT_THAT(refusal(credential({{"clientKeyData", "hunter2"}})).message(), HasSubstr("only certificate or key"));
  EXPECT_THAT(refusal(credential({{"clientCertificateData", "x"}, {"clientKeyData", "hunter2"}})).message(),
              HasSubstr("not a pair"));
  EXPECT_THAT(refusal(credential({{"token", "hunter2\nX-Other: y"}})).message(), HasSubstr("control characters"));
  EXPECT_THAT(refusal(credential({{"token", 5}})).message(), HasSubstr("must be a string"));
  EXPECT_THAT(refusal(credential({{"token", "hunter2"}, {"expirationTimestamp", "tomorrow"}})).message(),
              HasSubstr("RFC 3339"));
}

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
    return ExecPlugin::shared(loop_.get_executor(), context_);
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

TEST_F(ExecPluginTest, AnExpiredCredentialIsAskedForAgain) {
  const auto exec = plugin(prints("t", R"(,"expirationTimestamp":"2020-01-01T00:00:00Z")"));
  test::run(loop_, exec->current());
  test::run(loop_, exec->current());
  EXPECT_EQ(runs(), 2U);
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
  const auto exec = plugin("sleep 0.3; " + prints("t"));
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
  EXPECT_TRUE(test::run_until(loop_, [&] { return second; }));
  EXPECT_FALSE(first);
}

TEST_F(ExecPluginTest, ContextsWithTheSamePluginAndClusterShareIt) {
  const auto one = plugin(prints("t"));
  ResolvedContext other = context_.clone();
  other.name = "another";
  EXPECT_EQ(ExecPlugin::shared(loop_.get_executor(), other), one);
  other.server = "https://other.example";
  EXPECT_NE(ExecPlugin::shared(loop_.get_executor(), other), one);
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

TEST_F(ExecPluginTest, OneThatHangsIsKilledWithAllThatItStarted) {
  plugin("sleep 60 & echo $! > " + (temp_ / "grandchild").string() + "; wait");
  ExecPlugin hanging(loop_.get_executor(), context_, std::chrono::milliseconds(500));
  const Error error = test::error_of(loop_, hanging.current());
  EXPECT_EQ(error.code(), ErrorCode::credential_plugin);
  EXPECT_THAT(error.message(), HasSubstr("did not end within"));
  const pid_t grandchild = std::stoi(test::read_file(temp_ / "grandchild"));
  EXPECT_TRUE(test::wait_until([&] { return ::kill(grandchild, 0) != 0; }));
}

TEST_F(ExecPluginTest, GarbageAndAFloodAreErrors) {
  EXPECT_THAT(test::error_of(loop_, plugin("echo garbage")->current()).message(), HasSubstr("not a JSON object"));
  EXPECT_THAT(test::error_of(loop_, plugin("exec yes flood")->current()).message(), HasSubstr("printed more than"));
}

TEST_F(ExecPluginTest, AMissingProgramShowsItsInstallHintEscaped) {
  plugin("true");
  context_.exec->command = "regsync-no-such-plugin";
  context_.exec->install_hint = "get it at\n\x1b[31mexample.com";
  const Error error = test::error_of(loop_, ExecPlugin::shared(loop_.get_executor(), context_)->current());
  EXPECT_THAT(error.message(), HasSubstr("regsync-no-such-plugin not found"));
  EXPECT_THAT(error.remedy(), HasSubstr("get it at"));
  EXPECT_EQ(error.remedy().find('\x1b'), std::string::npos);
}

TEST_F(ExecPluginTest, OneThatNeedsATerminalCannotRun) {
  EXPECT_THAT(test::error_of(loop_, plugin(prints("t"), "Always")->current()).message(),
              HasSubstr("standard input is not a terminal"));
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

TEST(ExecInfo, TellsTheClusterWhereAskedTo) {
  ResolvedContext context;
  context.server = "https://k.example";
  context.tls_server_name = "inner";
  context.ca_data = "PEM";
  context.exec = ExecConfig{};
  context.exec->api_version = v1;
  context.exec->provide_cluster_info = true;
  context.exec->cluster_info_config = R"({"audience":"a"})";
  const json cluster = json::parse(exec_info(context)).at("spec").at("cluster");
  EXPECT_EQ(cluster.at("server"), "https://k.example");
  EXPECT_EQ(cluster.at("tls-server-name"), "inner");
  EXPECT_EQ(cluster.at("certificate-authority-data"), "UEVN");
  EXPECT_EQ(cluster.at("config").at("audience"), "a");
}

}  // namespace
}  // namespace regsync::kube
