// A kubeconfig as people change it all day, on real API servers: kubens, kind delete cluster, two names of one cluster.
// Nothing is deleted that nobody asked to delete.
#include <gmock/gmock.h>

#include <thread>

#include "tests/e2e/main_job.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr const char* registry = "registry.example.com";

class Contexts : public testing::Test {
 protected:
  void SetUp() override {
    if (!KubeServer::available()) {
      SKIP_OR_FAIL("no kube-apiserver");
    }
    job_.use_both_clusters();
    const auto flat = job_.run({"kubectl", "config", "view", "--flatten", "--raw"});
    ASSERT_EQ(flat.exit_code, 0) << flat.err;
    job_.env["KUBECONFIG"] = job_.home().write("kubeconfig", flat.out).string();
    // Another name of a's cluster.
    // A second name of the first cluster; kube-up calls cluster and user alike.
    const auto name =
        job_.run({"kubectl", "config", "view", "-o", "jsonpath={.contexts[?(@.name==\"a\")].context.cluster}"}).out;
    config({"set-context", "c", "--cluster=" + name, "--user=" + name});
    config({"use-context", "a"});
    job_.store_login(registry, "jdoe", password_);
    job_.start_daemon();
  }

  void config(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"kubectl", "config"});
    const auto outcome = job_.run(arguments);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  }

  Outcome add(const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"add", name, "--registry", registry, "--secret-name", "myregcred"});
    return job_.regsync(arguments);
  }

  [[nodiscard]] std::string uid(const std::string& context, const std::string& name_space) const {
    const auto secret = job_.secret(context, name_space);
    return secret ? secret->at("metadata").at("uid").get<std::string>() : "";
  }

  void write_target(const std::string& name, const std::string& yaml) {
    job_.home().write(".config/regsync/targets/" + name + ".yaml", yaml);
  }

  std::string password_ = new_password();
  Job job_;
};

TEST_F(Contexts, ANamespaceSwitchMovesAndDeletesNothing) {
  const auto first = job_.make_namespace("switch-one");
  const auto second = job_.make_namespace("switch-two");
  config({"set-context", "--current", "--namespace=" + first});
  const auto added = add("simple", {"--wait"});
  ASSERT_EQ(added.exit_code, 0) << added.out << added.err;
  write_target("by-hand", "secret: by-hand\nregistries: [" + std::string(registry) + "]\ncontexts: [a]\n");
  ASSERT_TRUE(wait_until([&] { return job_.secret("a", first, "by-hand").has_value(); }));
  const auto simple = uid("a", first);
  const auto by_hand = job_.secret("a", first, "by-hand")->at("metadata").at("uid");
  for (const auto& name_space : {second, first, second}) {
    config({"set-context", "--current", "--namespace=" + name_space});
    std::this_thread::sleep_for(1500ms);
    EXPECT_EQ(uid("a", first), simple);
    EXPECT_EQ(job_.secret("a", first, "by-hand").value().at("metadata").at("uid"), by_hand);
    EXPECT_FALSE(job_.secret("a", second));
  }
  const auto status = job_.regsync({"status"});
  EXPECT_EQ(status.exit_code, 0) << status.out;
  EXPECT_THAT(status.out, HasSubstr("target by-hand stays in namespace " + first));
  const auto removed = job_.regsync({"remove", "simple"});
  EXPECT_EQ(removed.exit_code, 0) << removed.out;
  EXPECT_FALSE(job_.secret("a", first));
  EXPECT_THAT(job_.regsync({"history", "simple"}).out, HasSubstr("deleted"));
}

TEST_F(Contexts, AddAsksForANamespaceWhereTheContextsDiffer) {
  config({"set-context", "a", "--namespace=one"});
  config({"set-context", "b", "--namespace=two"});
  const auto added = add("both", {"--context", "a", "--context", "b"});
  EXPECT_EQ(added.exit_code, 2);
  EXPECT_THAT(added.err, HasSubstr("-n one"));
}

TEST_F(Contexts, TwoNamesOfOneClusterAreOneObject) {
  const auto team = job_.make_namespace("two-names");
  write_target("both", "secret: myregcred\nregistries: [" + std::string(registry) +
                           "]\ncontexts: [a, c]\nnamespaces: [" + team + "]\n");
  const auto begun = job_.regsync({"sync", "both"});
  ASSERT_EQ(begun.exit_code, 0) << begun.out << begun.err;
  const auto before = uid("a", team);
  ASSERT_FALSE(before.empty());
  const auto preview = job_.regsync({"set", "both", "contexts=c", "--dry-run"});
  EXPECT_EQ(preview.exit_code, 0) << preview.err;
  EXPECT_THAT(preview.out + preview.err, Not(HasSubstr("delete")));
  write_target("both", "secret: myregcred\nregistries: [" + std::string(registry) + "]\ncontexts: [c]\nnamespaces: [" +
                           team + "]\n");
  const auto narrowed = job_.regsync({"sync"});
  EXPECT_EQ(narrowed.exit_code, 0) << narrowed.out;
  EXPECT_EQ(uid("a", team), before);
  const auto same = job_.regsync({"diff"});
  EXPECT_EQ(same.exit_code, 0) << same.out << same.err;

  const auto refused = add("second", {"--context", "a", "-n", team});
  EXPECT_EQ(refused.exit_code, 1) << refused.out;
  EXPECT_THAT(refused.err, HasSubstr("target both"));
  // Written by hand all the same, it waits, and its removal takes nothing from the first.
  write_target("second", "secret: myregcred\nregistries: [" + std::string(registry) +
                             "]\ncontexts: [a]\nnamespaces: [" + team + "]\n");
  const auto synced = job_.regsync({"sync"});
  EXPECT_EQ(synced.exit_code, 1);
  EXPECT_THAT(synced.out, HasSubstr("target both"));
  const auto diff = job_.regsync({"diff"});
  EXPECT_EQ(diff.exit_code, 1) << diff.out;
  EXPECT_EQ(diff.out, "");
  EXPECT_THAT(diff.err, HasSubstr("target both claims the same Secret"));
  EXPECT_EQ(job_.regsync({"remove", "second"}).exit_code, 0);
  EXPECT_EQ(uid("a", team), before);
  EXPECT_EQ(job_.regsync({"remove", "both"}).exit_code, 0);
  EXPECT_EQ(uid("a", team), "");
}

TEST_F(Contexts, AContextThatIsGoneFailsNothing) {
  const auto team = job_.make_namespace("gone-context");
  ASSERT_EQ(add("all", {"--context", "[ab]", "-n", team, "--wait"}).exit_code, 0);
  config({"delete-context", "b"});
  std::this_thread::sleep_for(6s);  // beyond the grace
  const auto status = job_.regsync({"status"});
  EXPECT_EQ(status.exit_code, 0) << status.out;
  EXPECT_THAT(status.out, HasSubstr("regsync forget-context b"));
  EXPECT_EQ(job_.regsync({"sync"}).exit_code, 0);
  EXPECT_THAT(job_.regsync({"doctor"}).out, Not(HasSubstr("FAILED  sync")));
  const auto removed = job_.regsync({"remove", "all", "--keep-secrets"});
  EXPECT_EQ(removed.exit_code, 0) << removed.out;
  EXPECT_THAT(removed.out, Not(HasSubstr("Removing")));
  EXPECT_EQ(job_.regsync({"forget-context", "b"}).exit_code, 0);
  EXPECT_THAT(job_.regsync({"status"}).out, Not(HasSubstr("forget-context")));
  EXPECT_TRUE(job_.secret("b", team)) << "what is left stays";
}

}  // namespace
}  // namespace regsync::test
