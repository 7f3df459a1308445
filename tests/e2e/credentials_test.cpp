// The credentials of a context on a real API server: plugins that talk to a person, and rotation without a new cluster.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/e2e/main_job.hpp"
#include "tests/support/terminal.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* registry = "registry.example.com";

class ContextCredentials : public testing::Test {
 protected:
  void SetUp() override {
    if (!KubeServer::available()) {
      SKIP_OR_FAIL("no kube-apiserver");
    }
    job_.store_login(registry, "jdoe", password_);
    for (const char* user : {"alice", "bob"}) {
      const auto granted = kube("a").kubectl({"create", "clusterrolebinding", std::string("credentials-") + user,
                                              "--clusterrole=cluster-admin", std::string("--user=") + user});
      ASSERT_EQ(granted.exit_code, 0) << granted.err;
    }
  }
  void TearDown() override {
    std::ignore = kube("a").kubectl({"delete", "clusterrolebinding", "credentials-alice", "credentials-bob"});
  }

  // Replaces the kubeconfig whole, as tools that rotate do.
  void use(const json& user) {
    json config = json::parse(kube("a").kubeconfig_of("alice", "a"));
    config["users"][0]["user"] = user;
    const auto file = job_.home().write("kubeconfig.new", config.dump());
    std::filesystem::rename(file, job_.home() / "kubeconfig");
    job_.env["KUBECONFIG"] = (job_.home() / "kubeconfig").string();
  }

  [[nodiscard]] json plugin(const std::string& script, const char* mode) const {
    const auto program = job_.home().write("bin/login", "#!/bin/sh\n" + script);
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    return {{"exec",
             {{"command", program.string()},
              {"apiVersion", "client.authentication.k8s.io/v1"},
              {"interactiveMode", mode}}}};
  }
  [[nodiscard]] static std::string print_token(const std::string& user) {
    return R"(echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":")" +
           kube("a").token(user) + "\"}}'\n";
  }

  Job job_;
  std::string password_ = new_password();
};

TEST_F(ContextCredentials, APluginAsksThePersonAtTheTerminal) {
  const std::string team = job_.make_namespace("plugin-asks");
  use(plugin(
      "echo 'enter the code ABCD-EFGH' >&2\nread -r answer\n[ \"$answer\" = done ] || exit 1\n" + print_token("alice"),
      "Always"));
  const auto added = job_.regsync({"add", "myregcred", "--registry", registry, "--context", "a", "-n", team});
  ASSERT_EQ(added.exit_code, 0) << added.err;

  const auto without = job_.regsync({"sync", "--once"});
  EXPECT_EQ(without.exit_code, 1);
  EXPECT_THAT(without.out + without.err, HasSubstr("standard input is not a terminal"));

  Terminal terminal(job_.program({"regsync", "sync", "--once"}));
  ASSERT_TRUE(terminal.comes_to_show("ABCD-EFGH"));
  terminal.type("done\n");
  EXPECT_EQ(terminal.wait(), 0) << terminal.screen();
  EXPECT_TRUE(job_.everywhere({"a/" + team}, password_));
}

TEST_F(ContextCredentials, RotatedCredentialsNeedNoNewList) {
  const std::string team = job_.make_namespace("rotated-credentials");
  use({{"token", kube("a").token("alice")}});
  job_.start_daemon();
  const auto added = job_.regsync({"add", "myregcred", "--registry", registry, "--context", "a", "-n", team, "--wait"});
  ASSERT_EQ(added.exit_code, 0) << added.out << added.err;
  const auto before = requests_about_secrets(kube("a"));

  use({{"token", kube("a").token("bob")}});
  password_ = new_password();
  // The kubeconfig is read again a moment after the change; each new login is one more write.
  ASSERT_TRUE(wait_until([&] {
    password_ = new_password();
    job_.store_login(registry, "jdoe", password_);
    return wait_until([&] { return job_.everywhere({"a/" + team}, password_); }, std::chrono::seconds(5)) &&
           requests_about_secrets(kube("a")).contains("patch bob");
  }));
  const auto after = requests_about_secrets(kube("a"));
  EXPECT_FALSE(after.contains("list bob")) << "no new list";
  EXPECT_FALSE(after.contains("watch bob")) << "the watch goes on";
  EXPECT_EQ(after.at("list alice"), before.at("list alice"));
}

}  // namespace
}  // namespace regsync::test
