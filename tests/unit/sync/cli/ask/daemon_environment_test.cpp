#include "sync/cli/ask/daemon_environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace regsync::cli {
namespace {

using ::testing::HasSubstr;

class DaemonEnvironment : public ::testing::Test {
 public:
  DaemonEnvironment() {
    set("XDG_CONFIG_HOME", (temp_ / "config").string());
    set("KUBECONFIG", kubeconfig_.string());
    for (const char* const name : {"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE",
                                   "SSL_CERT_DIR", "DOCKER_CONFIG", "AWS_PROFILE"}) {
      set(name, "");
    }
    set("PATH", (temp_ / "bin").string() + ":/usr/bin:/bin");
    std::filesystem::permissions(temp_.write("bin/cluster-login", "#!/bin/sh\n"), std::filesystem::perms::owner_all);
    daemon_.environment = {{"KUBECONFIG", kubeconfig_.string()}, {"PATH", std::getenv("PATH")}};
  }

  static void set(const std::string& name, const std::string& value) { ::setenv(name.c_str(), value.c_str(), 1); }

  [[nodiscard]] std::vector<Error> differences() const {
    return environment_differences(daemon_, kube::Kubeconfig::load(), {"x"});
  }

  test::TempDir temp_;
  std::filesystem::path kubeconfig_ = temp_.write("kubeconfig", R"(
clusters: [{name: c, cluster: {server: "https://k.example:1"}}]
users: [{name: u, user: {exec: {command: cluster-login, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
)");
  StatusReport daemon_;
};

TEST_F(DaemonEnvironment, TheSameIsNotMentioned) { EXPECT_TRUE(differences().empty()); }

TEST_F(DaemonEnvironment, AnotherKubeconfigIsNamedWithTheCommandThatMendsIt) {
  daemon_.environment.erase("KUBECONFIG");
  const auto found = differences();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found.front().message(),
              HasSubstr("regsyncd reads ~/.kube/config, this shell KUBECONFIG=" + kubeconfig_.string()));
  EXPECT_THAT(found.front().remedy(), HasSubstr("regsync setup --environment KUBECONFIG"));
}

TEST_F(DaemonEnvironment, ARelativeKubeconfigIsComparedByWhereItIs) {
  const auto here = std::filesystem::current_path();
  set("KUBECONFIG", kubeconfig_.lexically_relative(here).string());
  EXPECT_TRUE(differences().empty());
  daemon_.environment["KUBECONFIG"] = "/elsewhere/kubeconfig";
  EXPECT_EQ(differences().size(), 1U);
}

TEST_F(DaemonEnvironment, AProxyThatOnlyTheShellHasIsNamedWithoutItsPassword) {
  set("https_proxy", "http://user:hunter2@proxy.corp");
  const auto found = differences();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().message(),
            "this shell reaches the API server of context x through the proxy http://proxy.corp:80, regsyncd directly");
  EXPECT_THAT(found.front().remedy(), HasSubstr("regsync setup --environment https_proxy"));
  set("no_proxy", "k.example");
  EXPECT_TRUE(differences().empty()) << "which makes no difference";
  daemon_.environment["HTTPS_PROXY"] = "http://other.corp:80";
  ASSERT_EQ(differences().size(), 1U);
  EXPECT_THAT(differences().front().message(), HasSubstr("directly, regsyncd through the proxy http://other.corp:80"));
  EXPECT_THAT(differences().front().remedy(), HasSubstr("--environment HTTPS_PROXY,https_proxy,no_proxy"));
}

TEST_F(DaemonEnvironment, OtherRootsMatterWhereAContextNamesNone) {
  set("SSL_CERT_FILE", (temp_ / "ca.crt").string());
  const auto found = differences();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found.front().message(), HasSubstr("context x names no certificate-authority"));
  EXPECT_THAT(found.front().message(), HasSubstr("SSL_CERT_FILE=" + (temp_ / "ca.crt").string()));
  EXPECT_THAT(found.front().remedy(), HasSubstr("regsync setup --environment SSL_CERT_FILE"));
  daemon_.environment["SSL_CERT_FILE"] = (temp_ / "ca.crt").string();
  EXPECT_TRUE(differences().empty());
}

TEST_F(DaemonEnvironment, AnotherDockerConfigIsNamedWhereItIsAnotherFolder) {
  set("HOME", temp_.path().string());
  set("DOCKER_CONFIG", (temp_ / ".docker").string());
  EXPECT_TRUE(differences().empty()) << "which is the usual one";
  set("DOCKER_CONFIG", (temp_ / "docker").string());
  const auto found = differences();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().message(), "regsyncd reads Docker's config.json in " + (temp_ / ".docker").string() +
                                         ", this shell in " + (temp_ / "docker").string());
  EXPECT_THAT(found.front().remedy(), HasSubstr("regsync setup --environment DOCKER_CONFIG"));
  daemon_.environment["DOCKER_CONFIG"] = (temp_ / "docker").string();
  EXPECT_TRUE(differences().empty());
}

TEST_F(DaemonEnvironment, AKubeconfigInTheSettingsIsTheSameForBoth) {
  daemon_.environment.erase("KUBECONFIG");
  temp_.write("config/regsync/config.yaml", "kubeconfig: " + kubeconfig_.string() + "\n");
  EXPECT_TRUE(differences().empty());
}

TEST_F(DaemonEnvironment, APluginThatOnlyTheShellFindsIsNamedWithThePath) {
  daemon_.environment["PATH"] = "/usr/bin:/bin";
  const auto found = differences();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found.front().message(), HasSubstr("cluster-login"));
  EXPECT_THAT(found.front().message(), HasSubstr("(/usr/bin:/bin)"));
  EXPECT_THAT(found.front().remedy(), HasSubstr("regsync setup --environment PATH"));
}

TEST_F(DaemonEnvironment, AVariableThatThePluginReadsIsNamedWhereOnlyTheShellHasIt) {
  set("AWS_PROFILE", "dev");
  EXPECT_TRUE(differences().empty()) << "this plugin does not read it";
  const std::string with_aws = R"(
clusters: [{name: c, cluster: {server: "https://k.example:1"}}]
users: [{name: u, user: {exec: {command: aws, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
)";
  temp_.write("kubeconfig", with_aws);
  const auto found = differences();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().message(),
            "the plugin of context x reads AWS_PROFILE: this shell has AWS_PROFILE=dev, regsyncd none");
  EXPECT_THAT(found.front().remedy(), HasSubstr("regsync setup --environment AWS_PROFILE"));
  daemon_.environment["AWS_PROFILE"] = "dev";
  EXPECT_TRUE(differences().empty());
  daemon_.environment.erase("AWS_PROFILE");
  const auto command = with_aws.find("command: aws");
  temp_.write("kubeconfig", std::string(with_aws).insert(command, "env: [{name: AWS_PROFILE, value: dev}], "));
  EXPECT_TRUE(differences().empty()) << "the kubeconfig gives it to both";
}

TEST_F(DaemonEnvironment, AnotherPathThatFindsThePluginTooIsNoDifference) {
  daemon_.environment["PATH"] = "/bin:" + (temp_ / "bin").string();
  EXPECT_TRUE(differences().empty());
}

}  // namespace
}  // namespace regsync::cli
