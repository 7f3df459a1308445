// The main job, as a person does it, and what can go wrong around it.
#include "tests/e2e/main_job.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <csignal>
#include <filesystem>
#include <random>
#include <thread>

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class MainJob : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto missing = missing_part()) {
      SKIP_OR_FAIL(*missing);
    }
  }

  void TearDown() override {
    Person::keyring("unlock");
    if (HasFailure() && job_.logs().empty() && has_daemon_) {
      ADD_FAILURE() << job_.daemon().err();
    }
    for (const auto& log : job_.logs()) {
      EXPECT_FALSE(HasFailure()) << log;
    }
  }

  // A registry with a login in the keyring, and a daemon.
  void begin() {
    password_ = new_password();
    job_.set_registry_password(password_);
    const auto login = job_.docker_login(password_);
    ASSERT_EQ(login.exit_code, 0) << login.out << login.err;
    job_.use_both_clusters();
    job_.start_daemon();
    has_daemon_ = true;
  }

  void rotate() {
    password_ = new_password();
    job_.set_registry_password(password_);
    const auto login = job_.docker_login(password_);
    ASSERT_EQ(login.exit_code, 0) << login.out << login.err;
  }

  void add(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"add", "myregcred", "--registry", job_.registry()});
    const auto added = job_.regsync(arguments);
    ASSERT_EQ(added.exit_code, 0) << added.out << added.err;
  }

  Job job_;
  std::string password_;
  bool has_daemon_ = false;
};

TEST_F(MainJob, OneLoginIsCurrentEverywhereAndSeenNowhereElse) {
  begin();
  const std::string canary = password_;
  const auto team_a = job_.make_namespace("job-a");
  const auto team_b = job_.make_namespace("job-b");
  add({"--context", "a", "--context", "b", "-n", team_a, "-n", team_b, "--wait"});

  const std::vector<std::string> all{"a/" + team_a, "a/" + team_b, "b/" + team_a, "b/" + team_b};
  ASSERT_TRUE(job_.everywhere(all, canary)) << "--wait returned before the Secrets were there";

  // The bytes are those of kubectl, and they can pull.
  const auto by_hand = kube("a").kubectl({"create", "secret", "docker-registry", "x", "--dry-run=client", "-o", "json",
                                          "--docker-server", job_.registry(), "--docker-username", "jdoe",
                                          "--docker-password", "not-it"});
  const std::string expected = pull_secret_content(json::parse(by_hand.out));
  const auto expected_entry = json::parse(expected).at("auths").at(job_.registry());
  EXPECT_EQ(expected_entry.size(), json::parse(job_.content("a", team_a)).at("auths").at(job_.registry()).size());
  const TempDir images;
  const auto authfile = images.write("auth.json", job_.content("b", team_b)).string();
  const auto image = "docker://" + job_.registry() + "/team/app:1";
  const auto pushed = job_.run({"skopeo", "copy", "--quiet", "--dest-tls-verify=false", "--authfile", authfile,
                                "oci:" + make_image(images).string(), image});
  ASSERT_EQ(pushed.exit_code, 0) << pushed.err;
  const auto seen = job_.run({"skopeo", "inspect", "--tls-verify=false", "--authfile", authfile, image});
  EXPECT_EQ(seen.exit_code, 0) << seen.err;

  // Drift is put right.
  const auto uid = job_.secret("a", team_a)->at("metadata").at("uid");
  const auto edited = kube("a").kubectl(
      {"patch", "secret", "myregcred", "-n", team_a, "--type=merge", "-p", R"({"data":{".dockerconfigjson":"e30="}})"});
  ASSERT_EQ(edited.exit_code, 0) << edited.err;
  EXPECT_TRUE(wait_until([&] { return job_.everywhere({"a/" + team_a}, canary); }));
  EXPECT_EQ(job_.secret("a", team_a)->at("metadata").at("uid"), uid) << "updated in place, not made anew";
  ASSERT_EQ(kube("b").kubectl({"delete", "secret", "myregcred", "-n", team_b}).exit_code, 0);
  EXPECT_TRUE(wait_until([&] { return job_.everywhere({"b/" + team_b}, canary); }));

  // A rotated password follows.
  rotate();
  EXPECT_TRUE(wait_until([&] { return job_.everywhere(all, password_); }));

  // An edited target file is followed.
  const auto file = job_.home() / ".config/regsync/targets/myregcred.yaml";
  std::string yaml = read_file(file);
  const auto at = yaml.find(team_b);
  ASSERT_NE(at, std::string::npos) << yaml;
  yaml.replace(at, team_b.size(), "job-gone");
  job_.home().write(".config/regsync/targets/myregcred.yaml", yaml);
  EXPECT_TRUE(wait_until([&] { return !job_.secret("a", team_b) && !job_.secret("b", team_b); }));
  EXPECT_TRUE(job_.everywhere({"a/" + team_a, "b/" + team_a}, password_));

  // A broken one is named with its line, and changes nothing.
  job_.home().write(".config/regsync/targets/myregcred.yaml", yaml + "\nnamespace: [typo]\n");
  EXPECT_TRUE(wait_until([&] {
    return job_.regsync({"status"}).out.find("myregcred.yaml:") != std::string::npos ||
           job_.regsync({"status"}).err.find("myregcred.yaml:") != std::string::npos;
  })) << job_.regsync({"status"}).out;
  EXPECT_TRUE(job_.everywhere({"a/" + team_a, "b/" + team_a}, password_));
  job_.home().write(".config/regsync/targets/myregcred.yaml", yaml);

  // Nobody else has seen the password, old or new.
  EXPECT_EQ(job_.canaries().places_in_processes(), std::vector<std::string>());
  EXPECT_EQ(job_.canaries().files_below(own_environment().at("HOME")), std::vector<std::string>());
  for (const auto& command :
       {std::vector<std::string>{"status", "-o", "json"}, {"status"}, {"list", "-o", "yaml"}, {"logins"}}) {
    EXPECT_FALSE(job_.regsync(command).out.empty());  // Person::run searches it for the login
  }

  // And it ends as it is told.
  const auto removed = job_.regsync({"remove", "myregcred"});
  EXPECT_EQ(removed.exit_code, 0) << removed.out << removed.err;
  EXPECT_FALSE(job_.secret("a", team_a));
  EXPECT_FALSE(job_.secret("b", team_a));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(job_.stop_daemon(SIGTERM), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  EXPECT_FALSE(std::filesystem::exists(job_.home() / "run/regsync/control.sock"));
}

TEST_F(MainJob, ASecondDaemonRefusesAndSaysWhoRuns) {
  begin();
  Process second(job_.program({"regsyncd"}));
  const auto exit_code = second.wait(10s);
  ASSERT_TRUE(exit_code);
  EXPECT_NE(*exit_code, 0);
  EXPECT_NE(second.err().find(std::to_string(job_.daemon().pid())), std::string::npos) << second.err();
  EXPECT_EQ(job_.regsync({"status"}).exit_code, 0) << "the first one goes on";
}

TEST_F(MainJob, KilledAtAnyMomentItConvergesWhenStartedAgain) {
  begin();
  const auto team = job_.make_namespace("job-kill");
  add({"--context", "a", "--context", "b", "-n", team, "--wait"});
  std::mt19937 random(std::random_device{}());
  for (int i = 0; i < 6; ++i) {
    rotate();
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 120));
    job_.stop_daemon(SIGKILL);
    job_.start_daemon();
  }
  EXPECT_TRUE(wait_until([&] { return job_.everywhere({"a/" + team, "b/" + team}, password_); }));

  // Killed in the middle of a removal, it still removes.
  Process removal(job_.program({"regsync", "remove", "myregcred"}));
  std::this_thread::sleep_for(std::chrono::milliseconds(10 + random() % 40));
  job_.stop_daemon(SIGKILL);
  removal.wait(10s);
  job_.start_daemon();
  const auto again = job_.regsync({"remove", "myregcred"});  // done already, or not yet begun
  EXPECT_TRUE(wait_until([&] { return !job_.secret("a", team) && !job_.secret("b", team); })) << again.err;
}

TEST_F(MainJob, ALockedKeyringDeletesNothingAndALogoutAfterItDoes) {
  begin();
  const auto team = job_.make_namespace("job-lock");
  add({"--context", "a", "-n", team, "--on-logout", "remove", "--wait"});
  Person::keyring("lock");
  job_.stop_daemon(SIGTERM);
  job_.start_daemon();
  EXPECT_TRUE(wait_until([&] { return job_.status().dump().find("locked") != std::string::npos; })) << job_.status();
  EXPECT_NE(job_.regsync({"sync", "--timeout", "2s"}).exit_code, 0) << "not everything is as asked, and it must say so";
  EXPECT_TRUE(job_.everywhere({"a/" + team}, password_));

  Person::keyring("unlock");
  EXPECT_TRUE(wait_until([&] { return job_.causes().empty(); }, 20s)) << job_.status();
  EXPECT_TRUE(job_.everywhere({"a/" + team}, password_));
  ASSERT_EQ(job_.docker_logout().exit_code, 0);
  EXPECT_TRUE(wait_until([&] { return !job_.secret("a", team); }));
}

TEST_F(MainJob, WithoutAKeyringItSaysSoAndLeavesTheSecretsAlone) {
  begin();
  const auto team = job_.make_namespace("job-nokeyring");
  add({"--context", "a", "-n", team, "--on-logout", "remove", "--wait"});
  job_.stop_daemon(SIGTERM);
  const auto bus = job_.env["DBUS_SESSION_BUS_ADDRESS"];
  job_.env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=" + (job_.home() / "no-bus").string();
  job_.start_daemon();
  EXPECT_TRUE(wait_until([&] { return job_.status().contains("store"); })) << job_.status();
  const auto synced = job_.regsync({"sync", "--timeout", "2s"});
  EXPECT_EQ(synced.exit_code, 1) << synced.out << synced.err;
  EXPECT_TRUE(job_.everywhere({"a/" + team}, password_));
  job_.stop_daemon(SIGTERM);
  job_.env["DBUS_SESSION_BUS_ADDRESS"] = bus;
  job_.start_daemon();
  EXPECT_TRUE(wait_until([&] { return job_.causes().empty(); })) << job_.status();
}

TEST_F(MainJob, WithoutAClusterItSaysSoAndCatchesUpLater) {
  const auto team = job_.make_namespace("job-nocluster");
  const auto config = kube("a").kubeconfig();
  auto text = read_file(config);
  const auto url = kube("a").url();
  const auto good = text;
  text.replace(text.find(url), url.size(), "https://127.0.0.1:1");
  job_.env["KUBECONFIG"] = job_.home().write("kubeconfig", text).string();
  begin();
  const auto added =
      job_.regsync({"add", "myregcred", "--registry", job_.registry(), "--context", "a", "-n", team, "--wait=3s"});
  EXPECT_EQ(added.exit_code, 1) << added.out << added.err;
  EXPECT_NE((added.out + added.err).find("https://127.0.0.1:1: connection refused"), std::string::npos)
      << added.out << added.err;
  job_.home().write("kubeconfig", good);
  EXPECT_TRUE(wait_until([&] { return job_.everywhere({"a/" + team}, password_); }));

  // A kubeconfig that is truncated, as writers do for a moment, changes nothing.
  job_.home().write("kubeconfig", "");
  std::this_thread::sleep_for(300ms);
  rotate();
  EXPECT_TRUE(wait_until([&] { return job_.everywhere({"a/" + team}, password_); }));
}

TEST_F(MainJob, AnExecPluginThatMisbehavesCostsOnlyItsOwnContext) {
  const auto team = job_.make_namespace("job-plugins");
  const auto pid_file = job_.home() / "grandchild";
  const std::map<std::string, std::string> plugins{
      {"garbage", "echo 'not a credential'"},
      {"gigabyte", "exec head -c 1G /dev/zero"},
      {"hangs", "sleep 600 & echo $! > " + pid_file.string() + "; wait"},
  };
  auto config = json::parse(kube("a").kubeconfig_of("admin", "good"));
  for (const auto& [name, script] : plugins) {
    const auto plugin = job_.home().write(name, "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(plugin, std::filesystem::perms::owner_all);
    config["users"].push_back({{"name", name},
                               {"user",
                                {{"exec",
                                  {{"apiVersion", "client.authentication.k8s.io/v1"},
                                   {"command", plugin.string()},
                                   {"interactiveMode", "Never"}}}}}});
    config["contexts"].push_back({{"name", name}, {"context", {{"cluster", "good"}, {"user", name}}}});
  }
  job_.env["KUBECONFIG"] = job_.home().write("kubeconfig", config.dump()).string();
  begin();
  job_.home().write(".config/regsync/targets/myregcred.yaml", "secret: myregcred\nregistries: [" + job_.registry() +
                                                                  "]\ncontexts: ['*']\nnamespaces: [" + team + "]\n");
  EXPECT_TRUE(wait_until([&] { return job_.everywhere({"a/" + team}, password_); })) << job_.status().dump(2);
  EXPECT_TRUE(wait_until([&] {
    const auto causes = job_.causes();
    const auto says = [&](const std::string& context) {
      const auto found = causes.find(context + "/" + team);
      return found != causes.end() && found->second == "credential_plugin";
    };
    return says("garbage") && says("gigabyte");
  })) << job_.status().dump(2);
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(pid_file) && !read_file(pid_file).empty(); }));
  rotate();
  EXPECT_TRUE(wait_until([&] { return job_.everywhere({"a/" + team}, password_); })) << "while the plugin hangs";
  const pid_t grandchild = std::stoi(read_file(pid_file));
  EXPECT_TRUE(process_runs(grandchild));
  EXPECT_EQ(job_.stop_daemon(SIGTERM), 0);
  EXPECT_TRUE(wait_until([&] { return !process_runs(grandchild); })) << "nothing outlives the daemon";
}

TEST_F(MainJob, SigtermEndsItAtOnceWhileACommandWaitsForADeadCluster) {
  const auto config = kube("a").kubeconfig();
  auto text = read_file(config);
  const auto url = kube("a").url();
  asio::io_context io;
  asio::ip::tcp::acceptor silent(io, {asio::ip::address_v4::loopback(), 0});  // takes connections, never answers
  text.replace(text.find(url), url.size(), "https://127.0.0.1:" + std::to_string(silent.local_endpoint().port()));
  job_.env["KUBECONFIG"] = job_.home().write("kubeconfig", text).string();
  begin();
  job_.home().write(".config/regsync/targets/t.yaml",
                    "secret: t\nregistries: [" + job_.registry() + "]\ncontexts: [a]\n");
  Process sync(job_.program({"regsync", "sync"}));
  const asio::ip::tcp::socket waiting = silent.accept();
  std::this_thread::sleep_for(300ms);
  ASSERT_TRUE(sync.running());
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(job_.stop_daemon(SIGTERM), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
  EXPECT_TRUE(sync.wait(5s)) << "the command saw the end of the daemon";
}

// Rights: what a user may, as an administrator grants it.
class LimitedUser : public MainJob {
 protected:
  void grant(const std::string& user, const std::string& kind, const std::string& name_space,
             const std::string& rules) {
    const auto name = "regsync-" + user;
    const std::string place = name_space.empty() ? "" : ", namespace: " + name_space;
    const auto yaml = "apiVersion: rbac.authorization.k8s.io/v1\nkind: " + kind + "\nmetadata: {name: " + name + place +
                      "}\nrules:\n" + rules + "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: " + kind +
                      "Binding\nmetadata: {name: " + name + place +
                      "}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: " + kind + ", name: " + name +
                      "}\nsubjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: " + user + "}]\n";
    const auto outcome = kube("a").kubectl({"apply", "-f", "-"}, yaml);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  }

  void begin_as(const std::string& user) {
    job_.env["KUBECONFIG"] = job_.home().write("kubeconfig", kube("a").kubeconfig_of(user, "a")).string();
    begin();
  }

  void works_in(const std::string& team, const std::vector<std::string>& how) {
    add(how);
    EXPECT_TRUE(wait_until([&] { return job_.everywhere({"a/" + team}, password_); })) << job_.status().dump(2);
    ASSERT_EQ(kube("a").kubectl({"delete", "secret", "myregcred", "-n", team}).exit_code, 0);
    EXPECT_TRUE(wait_until([&] { return job_.everywhere({"a/" + team}, password_); })) << "drift";
    rotate();
    EXPECT_TRUE(wait_until([&] { return job_.everywhere({"a/" + team}, password_); })) << "rotation";
    const auto removed = job_.regsync({"remove", "myregcred"});
    EXPECT_EQ(removed.exit_code, 0) << removed.out << removed.err;
    EXPECT_FALSE(job_.secret("a", team));
  }
};

TEST_F(LimitedUser, ARoleInOneNamespaceIsEnough) {
  const auto team = job_.make_namespace("rbac-role");
  const auto other = job_.make_namespace("rbac-other");
  grant("alice", "Role", team,
        "- {apiGroups: [''], resources: [secrets], verbs: [get, list, watch, create, patch, delete]}\n");
  begin_as("alice");
  add({"--context", "a", "-n", team, "-n", other});
  EXPECT_TRUE(wait_until([&] { return job_.everywhere({"a/" + team}, password_); })) << job_.status().dump(2);
  EXPECT_TRUE(wait_until([&] { return job_.causes()["a/" + other] == "forbidden"; })) << job_.status().dump(2);
  const auto removed = job_.regsync({"remove", "myregcred"});
  EXPECT_FALSE(job_.secret("a", team));
  EXPECT_EQ(removed.exit_code, 1) << "nobody may look into the other one";
  EXPECT_NE(removed.out.find(other), std::string::npos) << removed.out;
  EXPECT_NE(removed.out.find("Forbidden"), std::string::npos) << removed.out;
}

TEST_F(LimitedUser, ARoleByTheSecretsNameIsEnough) {
  const auto team = job_.make_namespace("rbac-named");
  grant("bob", "Role", team,
        "- {apiGroups: [''], resources: [secrets], resourceNames: [myregcred], verbs: [get, list, watch, patch, "
        "delete]}\n"
        "- {apiGroups: [''], resources: [secrets], verbs: [create]}\n");
  begin_as("bob");
  works_in(team, {"--context", "a", "-n", team, "--wait"});
}

TEST_F(LimitedUser, AClusterRoleByTheSecretsNameReachesEveryNamespace) {
  const auto team = job_.make_namespace("rbac-wide");
  grant("alice", "ClusterRole", "",
        "- {apiGroups: [''], resources: [secrets], resourceNames: [myregcred], verbs: [get, list, watch, patch, "
        "delete]}\n"
        "- {apiGroups: [''], resources: [secrets], verbs: [create]}\n"
        "- {apiGroups: [''], resources: [namespaces], verbs: [get, list, watch]}\n");
  begin_as("alice");
  works_in(team, {"--context", "a", "-n", "rbac-wid*", "--wait"});
}

}  // namespace
}  // namespace regsync::test
