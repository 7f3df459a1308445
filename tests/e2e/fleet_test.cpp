// A fleet on real API servers: one is the hub, the other the cluster that a Secret of the hub describes.
#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <map>

#include "tests/e2e/main_job.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr const char* registry = "registry.example.com";

class Fleet : public testing::Test {
 protected:
  void SetUp() override {
    if (!KubeServer::available()) {
      SKIP_OR_FAIL("no kube-apiserver");
    }
    static int tests = 0;  // each has namespaces of its own
    const std::string number = std::to_string(++tests);
    team_ = job_.make_namespace("fleet-team-" + number);
    fleet_ = job_.make_namespace("fleet-hub-" + number);
    for (const char* user : {"alice", "bob"}) {
      const auto granted = kube("a").kubectl({"create", "clusterrolebinding", std::string("fleet-") + user,
                                              "--clusterrole=cluster-admin", std::string("--user=") + user});
      ASSERT_EQ(granted.exit_code, 0) << granted.err;
    }
    job_.env["KUBECONFIG"] = kube("b").kubeconfig().string();
    job_.env.erase("DBUS_SESSION_BUS_ADDRESS");
    write_target({team_});
    log_in();
    job_.start_daemon(
        {"--clusters", "env=e2e", "--clusters-namespace", fleet_, "--logins", (job_.home() / "auth.json").string()});
  }
  void TearDown() override {
    std::ignore = kube("a").kubectl({"delete", "clusterrolebinding", "fleet-alice", "fleet-bob"});
  }

  void write_target(const std::vector<std::string>& namespaces) const {
    job_.home().write(
        ".config/regsync/targets/myregcred.yaml",
        json{{"registries", {registry}}, {"contextSelector", "env=e2e"}, {"namespaces", namespaces}}.dump());
  }

  void log_in() {
    password_ = new_password();
    job_.home().write("auth.json", login_file(registry, password_));
  }

  void put_cluster(const std::string& user) const {
    const json secret = cluster_secret(fleet_, "a", {{"env", "e2e"}}, kube("a"), user);
    const auto outcome = kube("b").kubectl({"apply", "-f", "-"}, secret.dump());
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  }

  [[nodiscard]] bool current() const { return job_.everywhere({"a/" + team_}, password_); }

  Job job_;
  std::string team_;
  std::string fleet_;
  std::string password_;
};

TEST_F(Fleet, ANewClusterIsServedAndARotatedTokenNeedsNoNewList) {
  put_cluster("alice");
  EXPECT_TRUE(wait_until([&] { return current(); }, 10s)) << job_.status();
  const auto before = requests_about_secrets(kube("a"));

  put_cluster("bob");
  ASSERT_TRUE(wait_until([&] {
    log_in();
    return wait_until([&] { return current(); }, 5s) && requests_about_secrets(kube("a")).contains("patch bob");
  })) << job_.status();
  const auto after = requests_about_secrets(kube("a"));
  EXPECT_FALSE(after.contains("list bob")) << "no new list";
  EXPECT_FALSE(after.contains("watch bob")) << "the watch goes on";
  EXPECT_EQ(after.at("list alice"), before.at("list alice"));

  const auto removed = kube("b").kubectl({"delete", "secret", "a", "-n", fleet_});
  ASSERT_EQ(removed.exit_code, 0) << removed.err;
  EXPECT_TRUE(wait_until([&] { return job_.status()["items"].empty(); })) << job_.status();
  EXPECT_TRUE(current()) << "what is left stays";
}

// A token that somebody replaces in the kubeconfig of the hub itself.
TEST_F(Fleet, OtherCredentialsForTheHubAreUsedWithoutARestart) {
  ASSERT_EQ(job_.stop_daemon(SIGTERM), 0);
  const auto ask_hub_as = [this](const char* user) { job_.home().write("hub", kube("b").kubeconfig_of(user, "hub")); };
  ask_hub_as("admin");
  job_.env["KUBECONFIG"] = (job_.home() / "hub").string();
  job_.start_daemon({"--clusters", "env=e2e", "--clusters-namespace", fleet_, "--state", "configmaps", "--owner",
                     fleet_, "--logins", (job_.home() / "auth.json").string()});
  put_cluster("alice");
  ASSERT_TRUE(wait_until([&] { return current(); })) << job_.status();

  const auto is_forbidden = [this] { return job_.status().dump().find("forbidden") != std::string::npos; };
  ask_hub_as("alice");  // who has no rights there
  const std::string more = job_.make_namespace("fleet-more");
  write_target({team_, more});
  EXPECT_TRUE(wait_until(is_forbidden)) << job_.status();
  EXPECT_FALSE(job_.everywhere({"a/" + more}, password_)) << "it could not be written down";
  ask_hub_as("admin");
  EXPECT_TRUE(wait_until([&] { return job_.everywhere({"a/" + team_, "a/" + more}, password_); })) << job_.status();
  EXPECT_FALSE(is_forbidden()) << job_.status();
}

}  // namespace
}  // namespace regsync::test
