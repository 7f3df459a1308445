// `regsync rbac NAME | kubectl apply -f -`: a user who has only that syncs, and can do nothing else.
#include <gmock/gmock.h>

#include "tests/e2e/main_job.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* registry = "registry.example.com";

class Rbac : public testing::Test {
 protected:
  void SetUp() override {
    if (!KubeServer::available()) {
      SKIP_OR_FAIL("no kube-apiserver");
    }
  }

  // A daemon of a user whom the cluster knows by a certificate, and who may do nothing yet.
  void begin_as(const std::string& user) {
    const auto certificate = job_.home() / "user.crt";
    const auto key = job_.home() / "user.key";
    kube("a").issue(user, certificate, key);
    json config = json::parse(kube("a").kubeconfig_of("alice", "a"));
    config["users"][0]["user"] = {{"client-certificate", certificate.string()}, {"client-key", key.string()}};
    job_.env["KUBECONFIG"] = job_.home().write("kubeconfig", config.dump()).string();
    job_.store_login(registry, "jdoe", password_);
    job_.start_daemon();
  }

  void add(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"add", "myregcred", "--registry", registry, "--context", "a"});
    const auto added = job_.regsync(arguments);
    ASSERT_EQ(added.exit_code, 0) << added.out << added.err;
  }

  // What an administrator does with it.
  void grant() {
    const auto printed = job_.regsync({"rbac", "myregcred"});
    ASSERT_EQ(printed.exit_code, 0) << printed.err;
    const auto applied = kube("a").kubectl({"apply", "-f", "-"}, printed.out);
    ASSERT_EQ(applied.exit_code, 0) << applied.err << printed.out;
  }

  void syncs_in(const std::string& team) {
    const auto synced = job_.regsync({"sync"});
    ASSERT_EQ(synced.exit_code, 0) << synced.out << synced.err;
    EXPECT_TRUE(job_.everywhere({"a/" + team}, password_));
    ASSERT_EQ(kube("a").kubectl({"delete", "secret", "myregcred", "-n", team}).exit_code, 0);
    EXPECT_TRUE(wait_until([&] { return job_.everywhere({"a/" + team}, password_); })) << "drift";
    password_ = new_password();
    job_.store_login(registry, "jdoe", password_);
    EXPECT_TRUE(wait_until([&] { return job_.everywhere({"a/" + team}, password_); })) << "rotation";
    const auto verified = job_.regsync({"doctor"});
    EXPECT_THAT(verified.out, HasSubstr("has the rights that target myregcred needs")) << verified.out;
  }

  void ends_in(const std::string& team) {
    const auto removed = job_.regsync({"remove", "myregcred"});
    EXPECT_EQ(removed.exit_code, 0) << removed.out << removed.err;
    EXPECT_FALSE(job_.secret("a", team));
  }

  // kubectl as the user: what the API server says no to.
  [[nodiscard]] bool may(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "kubectl");
    const auto outcome = job_.run(std::move(arguments));
    const bool forbidden = outcome.err.find("is forbidden: User") != std::string::npos;
    EXPECT_EQ(outcome.exit_code == 0, !forbidden) << outcome.out << outcome.err;
    return outcome.exit_code == 0;
  }

  void make_secret(const std::string& name_space, const std::string& name) {
    const auto made = kube("a").kubectl({"create", "secret", "generic", name, "-n", name_space});
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }

  std::string password_ = new_password();
  Job job_;
};

TEST_F(Rbac, ARoleInEachNamespaceIsEnoughAndNoMore) {
  const auto team = job_.make_namespace("least-role");
  const auto other = job_.make_namespace("least-other");
  make_secret(team, "theirs");
  make_secret(other, "myregcred");
  for (const char* account : {"builder", "theirs"}) {
    ASSERT_EQ(kube("a").kubectl({"create", "serviceaccount", account, "-n", team}).exit_code, 0);
  }
  begin_as("carol");
  add({"-n", team, "--service-account", "builder"});
  EXPECT_EQ(job_.regsync({"sync", "--timeout", "20s"}).exit_code, 1);
  EXPECT_EQ(job_.causes()["a/" + team], "forbidden");
  const auto refused = job_.regsync({"doctor"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.out, HasSubstr("target myregcred may not: get secrets in " + team));

  grant();
  syncs_in(team);
  const auto account = kube("a").get({"serviceaccount", "builder", "-n", team});
  EXPECT_THAT(account.at("imagePullSecrets").dump(), HasSubstr("myregcred"));

  EXPECT_TRUE(may({"get", "secret", "myregcred", "-n", team}));
  EXPECT_FALSE(may({"get", "secret", "theirs", "-n", team}));
  EXPECT_FALSE(may({"get", "secrets", "-n", team}));
  EXPECT_FALSE(may({"delete", "secret", "theirs", "-n", team}));
  EXPECT_FALSE(may({"create", "secret", "generic", "new", "-n", team}));
  EXPECT_FALSE(may({"get", "secret", "myregcred", "-n", other}));
  EXPECT_FALSE(may({"get", "serviceaccount", "theirs", "-n", team}));
  EXPECT_FALSE(may({"get", "namespaces"}));
  EXPECT_FALSE(may({"get", "pods", "-n", team}));
  ends_in(team);
}

TEST_F(Rbac, ARoleInEachOfManyNamespacesIsEnough) {
  std::vector<std::string> teams;
  std::vector<std::string> arguments;
  std::vector<std::string> places;
  for (int i = 0; i < 40; ++i) {
    teams.push_back(job_.make_namespace("least-of-many-" + std::to_string(i)));
    arguments.insert(arguments.end(), {"-n", teams.back()});
    places.push_back("a/" + teams.back());
  }
  begin_as("erin");
  add(arguments);
  grant();
  syncs_in(teams.back());
  EXPECT_TRUE(job_.everywhere(places, password_));
  const auto difference = job_.regsync({"diff"});
  EXPECT_EQ(difference.exit_code, 0) << difference.out << difference.err;
  EXPECT_FALSE(may({"get", "secrets", "--all-namespaces"}));
  ends_in(teams.front());
}

TEST_F(Rbac, AClusterRoleForPatternsIsEnoughAndNoMore) {
  const auto team = job_.make_namespace("leastwide-a");
  const std::string late = "leastwide-b";
  make_secret(team, "theirs");
  begin_as("dave");
  add({"-n", "leastwide-*"});
  grant();
  syncs_in(team);
  job_.make_namespace(late);
  EXPECT_TRUE(wait_until([&] { return job_.everywhere({"a/" + late}, password_); })) << "a new namespace";

  EXPECT_TRUE(may({"get", "secret", "myregcred", "-n", team}));
  EXPECT_FALSE(may({"get", "secret", "theirs", "-n", team}));
  EXPECT_FALSE(may({"get", "secrets", "--all-namespaces"}));
  EXPECT_FALSE(may({"create", "secret", "generic", "new", "-n", team}));
  EXPECT_FALSE(may({"delete", "namespace", late}));

  // Kept, they are nobody's: what the pods pull with stays, what makes them ours does not.
  const auto removed = job_.regsync({"remove", "myregcred", "--keep-secrets"});
  EXPECT_EQ(removed.exit_code, 0) << removed.out << removed.err;
  EXPECT_TRUE(job_.everywhere({"a/" + team, "a/" + late}, password_));
  const auto metadata = job_.secret("a", team).value().at("metadata");
  EXPECT_FALSE(metadata.contains("labels")) << metadata;
  EXPECT_THAT(metadata.value("annotations", json::object()).dump(), testing::Not(HasSubstr("regsync.dev")));
}

TEST_F(Rbac, GrantsOfTwoUsersAndTwoTargetsStandBesideEachOther) {
  const auto team = job_.make_namespace("rbac-two");
  begin_as("erin");
  add({"-n", team});
  ASSERT_EQ(job_.regsync({"add", "second", "--registry", registry, "--context", "a", "-n", team}).exit_code, 0);
  const auto grant_to = [&](const std::string& target, const std::string& user) {
    const auto printed = job_.regsync({"rbac", target, "--user", user});
    ASSERT_EQ(printed.exit_code, 0) << printed.err;
    ASSERT_EQ(kube("a").kubectl({"apply", "-f", "-"}, printed.out).exit_code, 0) << printed.out;
  };
  grant_to("myregcred", "erin");
  grant_to("second", "erin");
  grant_to("myregcred", "frank");
  const auto can = [&](const std::string& user, const std::string& secret) {
    return kube("a").kubectl({"auth", "can-i", "patch", "secrets/" + secret, "-n", team, "--as", user}).exit_code == 0;
  };
  EXPECT_TRUE(can("erin", "myregcred")) << "the second user's grant took nothing away";
  EXPECT_TRUE(can("erin", "second"));
  EXPECT_TRUE(can("frank", "myregcred"));
  EXPECT_FALSE(can("frank", "second"));
  EXPECT_FALSE(can("erin", "theirs"));
  EXPECT_EQ(job_.regsync({"sync"}).exit_code, 0) << job_.regsync({"status"}).out;
}

TEST_F(Rbac, WorksAsAPluginOfKubectl) {
  const auto program = job_.run({"sh", "-c", "command -v regsync"}).out;
  std::filesystem::create_directories(job_.home() / "bin");
  std::filesystem::create_symlink(program.substr(0, program.find('\n')), job_.home() / "bin/kubectl-regsync");
  job_.env["PATH"] += ":" + (job_.home() / "bin").string();
  const auto version = job_.run({"kubectl", "regsync", "version"});
  EXPECT_EQ(version.exit_code, 0) << version.err;
  EXPECT_THAT(version.out, HasSubstr("regsync "));
  const auto wrong = job_.run({"kubectl", "regsync", "stauts"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean"));
}

}  // namespace
}  // namespace regsync::test
