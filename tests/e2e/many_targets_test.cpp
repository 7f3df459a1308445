// Many targets in one namespace of a real API server: one watch by label, or one for each name, as rights allow.
#include <gmock/gmock.h>

#include "tests/e2e/main_job.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;

constexpr const char* registry = "registry.example.com";
constexpr int many = 12;

class ManyTargets : public testing::Test {
 protected:
  void SetUp() override {
    if (!KubeServer::available()) {
      SKIP_OR_FAIL("no kube-apiserver");
    }
  }

  static std::string name(int number) { return "many-" + std::to_string(number); }
  void add_targets() {
    for (int i = 0; i < many; ++i) {
      const json file{{"registries", {registry}}, {"contexts", {"a"}}, {"namespaces", {team_}}};
      job_.home().write(".config/regsync/targets/" + name(i) + ".yaml", file.dump() + "\n");
    }
  }
  void begin() {
    job_.store_login(registry, "jdoe", password_);
    job_.start_daemon();
  }
  bool has(int number) {
    const auto found = job_.secret("a", team_, name(number));
    return found && found->at("data").dump().size() > 40 && found->at("metadata").contains("annotations");
  }
  bool all_but(int one) {
    for (int i = 0; i < many; ++i) {
      if (i != one && !has(i)) {
        return false;
      }
    }
    return true;
  }
  std::string uid_of(int number) { return job_.secret("a", team_, name(number)).value().at("metadata").at("uid"); }
  std::string cause_of(int number) {
    const auto report = job_.status();
    for (const auto& row : report.at("items")) {
      if (row.value("target", "") == name(number) && row.contains("cause") && row["cause"].is_object()) {
        return row["cause"].value("code", "");
      }
    }
    return "";
  }
  void kubectl(std::vector<std::string> arguments, const std::string& in = {}) {
    arguments.insert(arguments.end(), {"-n", team_});
    const auto done = kube("a").kubectl(std::move(arguments), in);
    ASSERT_EQ(done.exit_code, 0) << done.err;
  }
  // The watches of Secrets in the namespace that the daemon opened, as their URLs say.
  std::vector<std::string> watches() {
    std::vector<std::string> urls;
    for (const auto& event : kube("a").audit()) {
      const auto url = event.value("requestURI", "");
      if (event.value("userAgent", "").starts_with("regsync/") &&
          url.find("/" + team_ + "/secrets?") != std::string::npos && url.find("limit=") != std::string::npos) {
        urls.push_back(url);
      }
    }
    return urls;
  }

  Job job_;
  std::string password_ = new_password();
  std::string team_;
};

TEST_F(ManyTargets, TakeOneWatchByLabel) {
  team_ = job_.make_namespace("many-by-label");
  kubectl({"create", "secret", "docker-registry", name(3), "--docker-username=u", "--docker-password=p"});
  add_targets();
  job_.use_both_clusters();
  begin();
  ASSERT_TRUE(wait_until([&] { return all_but(3); })) << job_.regsync({"status"}).out;
  EXPECT_TRUE(wait_until([&] { return cause_of(3) == "not_owned"; }));
  const auto urls = watches();
  EXPECT_THAT(urls, testing::Contains(testing::HasSubstr("labelSelector=app.kubernetes.io%2Fmanaged-by%3Dregsync")));
  EXPECT_THAT(urls, testing::Not(testing::Contains(testing::HasSubstr("metadata.name%3D" + name(5)))));

  kubectl({"delete", "secret", name(3)});
  EXPECT_TRUE(wait_until([&] { return has(3); })) << "what stood in the way is gone";
  kubectl({"delete", "secret", name(4)});
  EXPECT_TRUE(wait_until([&] { return has(4); })) << "drift";

  const auto uid = uid_of(5);
  kubectl({"label", "secret", name(5), "app.kubernetes.io/managed-by-"});
  EXPECT_TRUE(wait_until([&] { return cause_of(5) == "not_owned"; })) << job_.regsync({"status"}).out;
  EXPECT_EQ(uid_of(5), uid);
  kubectl({"label", "secret", name(5), "app.kubernetes.io/managed-by=regsync"});
  EXPECT_TRUE(wait_until([&] { return cause_of(5).empty(); }));
  EXPECT_EQ(uid_of(5), uid);

  EXPECT_EQ(job_.regsync({"remove", name(6)}).exit_code, 0);
  EXPECT_TRUE(wait_until([&] { return !job_.secret("a", team_, name(6)); }));
  EXPECT_TRUE(all_but(6));
}

TEST_F(ManyTargets, AreWatchedByNameWhereTheRolesAllowNoMore) {
  team_ = job_.make_namespace("many-by-name");
  add_targets();
  job_.env["KUBECONFIG"] = job_.home().write("kubeconfig", kube("a").kubeconfig_of("alice", "a")).string();
  const auto printed = job_.regsync({"rbac", "--user", "alice"});
  ASSERT_EQ(printed.exit_code, 0) << printed.err;
  ASSERT_EQ(kube("a").kubectl({"apply", "-f", "-"}, printed.out).exit_code, 0) << printed.out;
  begin();
  ASSERT_TRUE(wait_until([&] { return all_but(-1); })) << job_.regsync({"status"}).out;
  EXPECT_EQ(job_.regsync({"sync"}).exit_code, 0) << job_.regsync({"status"}).out;
  kubectl({"delete", "secret", name(4)});
  EXPECT_TRUE(wait_until([&] { return has(4); })) << "drift";

  // What rbac prints of the watch by label, as a person would paste it.
  const std::string role = "regsync:watch-alice-7064b183";
  EXPECT_THAT(printed.out, testing::HasSubstr(" create role " + role + " --verb=list,watch --resource=secrets"));
  kubectl({"create", "role", role, "--verb=list,watch", "--resource=secrets"});
  kubectl({"create", "rolebinding", role, "--role=" + role, "--user=alice"});
  EXPECT_TRUE(wait_until([&] { return job_.regsync({"sync"}).exit_code == 0; }));
  kubectl({"delete", "secret", name(5)});
  EXPECT_TRUE(wait_until([&] { return has(5); })) << "drift, seen by label";
}

}  // namespace
}  // namespace regsync::test
