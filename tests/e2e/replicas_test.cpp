// Two replicas on real API servers: a hub with the Lease and the ConfigMaps, and two clusters. Each replica is another
// user at cluster "a", whose audit log tells who wrote what. The first one reaches all servers by an address of its
// own, so that the network between it and them can be cut.
#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <set>
#include <stdexcept>

#include "tests/e2e/main_job.hpp"
#include "tests/e2e/manifests.hpp"
#include "tests/support/own_network.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr const char* registry = "registry.example.com";
constexpr int namespaces = 120;

class Replicas : public testing::Test {
 protected:
  // What a user wrote of a test's Secrets in cluster "a".
  struct Written {
    std::multiset<std::string> namespaces;
    std::string first;  // when the request came, as the audit log writes times
    std::string last;
  };

  static void SetUpTestSuite() {
    own_network_ = enter_own_network() &&
                   iptables({"-t", "nat", "-A", "OUTPUT", "-d", "127.0.0.2", "-j", "DNAT", "--to", "127.0.0.1"});
  }

  void SetUp() override {
    if (!KubeServer::available()) {
      SKIP_OR_FAIL("no kube-apiserver");
    }
    static int tests = 0;  // each has namespaces and a Lease of its own
    name_ = "replicas-" + std::to_string(++tests);
    make_namespaces();
    json hub_config = json::parse(hub().kubeconfig_of("admin", "hub"));
    hub_config["contexts"][0]["context"]["namespace"] = name_;
    for (const auto& [job, user] : {std::pair(&one_, "alice"), std::pair(&two_, "bob")}) {
      std::ignore = kube("a").kubectl({"create", "clusterrolebinding", std::string("replicas-") + user,
                                       "--clusterrole=cluster-admin", std::string("--user=") + user});
      json config = hub_config;
      for (const auto& [context, name] : {std::pair("a", user), std::pair("b", "admin")}) {
        const json other = json::parse(kube(context).kubeconfig_of(name, context));
        for (const char* list : {"clusters", "users", "contexts"}) {
          config[list].push_back(other[list][0]);
        }
      }
      if (own_network_ && job == &one_) {
        for (auto& cluster : config["clusters"]) {
          std::string url = cluster.at("cluster").at("server");
          cluster["cluster"]["server"] = url.replace(url.find("127.0.0.1"), 9, "127.0.0.2");
          cluster["cluster"]["tls-server-name"] = "localhost";
        }
      }
      job->env["KUBECONFIG"] = job->home().write("kubeconfig", config.dump()).string();
      job->env.erase("DBUS_SESSION_BUS_ADDRESS");
      job->home().write(".config/regsync/config.yaml", "concurrency: 1\n");  // so that a rotation has a middle
      write_target(*job, namespaces);
    }
    log_in();
    start(one_);
    ASSERT_TRUE(wait_until([&] { return current(); }, 60s)) << told(one_);
    start(two_);
    ASSERT_TRUE(wait_until([&] { return stands_by(two_); }, 30s)) << told(two_);
  }

  [[nodiscard]] std::string team(int i) const { return name_ + "-" + std::to_string(i); }
  void make_namespaces() {
    json list{{"apiVersion", "v1"}, {"kind", "List"}, {"items", json::array()}};
    const auto add = [&](const std::string& name) {
      list["items"].push_back({{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}});
    };
    for (int i = 0; i < namespaces; ++i) {
      add(team(i));
    }
    for (const char* cluster : {"a", "b"}) {
      ASSERT_EQ(kube(cluster).kubectl({"create", "-f", "-"}, list.dump()).exit_code, 0);
    }
    ASSERT_EQ(hub().kubectl({"create", "namespace", name_}).exit_code, 0);
  }
  void write_target(Job& job, int count) const {
    std::string names;
    for (int i = 0; i < count; ++i) {
      names += (i == 0 ? "" : ", ") + team(i);
    }
    job.home().write(".config/regsync/targets/myregcred.yaml",
                     "registries: [" + std::string(registry) + "]\ncontexts: [a, b]\nnamespaces: [" + names + "]\n");
  }
  void start(Job& job) {
    job.start_daemon({"--lease", "fleet", "--owner", "replicas", "--logins", (job.home() / "auth.json").string()});
  }
  void log_in() {
    password_ = new_password();
    for (Job* job : {&one_, &two_}) {
      job->home().write("auth.json", login_file(registry, password_));
    }
  }

  // What a replica says of itself, at the time of a failure.
  [[nodiscard]] static std::string told(Job& job) {
    const auto status = job.regsync({"status"});
    return status.out + status.err + job.daemon().err();
  }
  [[nodiscard]] static bool stands_by(const Job& job) {
    return job.regsync({"status", "-o", "json"}).out.find("this replica stands by") != std::string::npos;
  }
  // How many of the namespaces of a cluster hold the present login.
  [[nodiscard]] int current_in(const char* cluster) const {
    const auto list = json::parse(kube(cluster)
                                      .kubectl({"get", "secrets", "-A", "-o", "json", "--field-selector",
                                                "metadata.name=myregcred,type=kubernetes.io/dockerconfigjson"})
                                      .out);
    int count = 0;
    for (const auto& item : list.at("items")) {
      const auto name_space = item.at("metadata").at("namespace").get<std::string>();
      const bool is_current = pull_secret_content(item).find("\"" + password_ + "\"") != std::string::npos;
      count += name_space.starts_with(name_ + "-") && is_current ? 1 : 0;
    }
    return count;
  }
  [[nodiscard]] bool current(int count = namespaces) const {
    return current_in("a") == count && current_in("b") == count;
  }

  // Since the first `from` events of the audit log.
  [[nodiscard]] Written written_by(const std::string& user, std::size_t from) const {
    Written written;
    for (const json& event : kube("a").audit(from)) {
      const auto name_space = event.value("/objectRef/namespace"_json_pointer, "");
      if (event.value("/objectRef/resource"_json_pointer, "") == "secrets" && event.at("verb") == "patch" &&
          event.at("user").at("username") == user && event.value("/responseStatus/code"_json_pointer, 0) / 100 == 2 &&
          name_space.starts_with(name_ + "-")) {
        const std::string time = event.at("requestReceivedTimestamp");
        written.first = written.namespaces.empty() ? time : std::min(written.first, time);
        written.last = std::max(written.last, time);
        written.namespaces.insert(name_space);
      }
    }
    return written;
  }
  // Begins a rotation and stops the first replica (SIGSTOP) in its middle: what cluster "a"'s log held before. On a
  // busy machine all may be written before it is stopped: then there is another rotation.
  std::size_t stop_in_a_rotation() {
    constexpr int tries = 10;
    constexpr std::size_t on_their_way = 10;
    for (int i = 0; i < tries; ++i) {
      const auto before = kube("a").audit().size();
      log_in();
      EXPECT_TRUE(wait_until([&] { return !written_by("alice", before).namespaces.empty(); }));
      one_.daemon().signal(SIGSTOP);
      if (written_by("alice", before).namespaces.size() + on_their_way < static_cast<std::size_t>(namespaces)) {
        return before;
      }
      one_.daemon().signal(SIGCONT);
      EXPECT_TRUE(wait_until([&] { return current(); }, 60s)) << told(one_);
    }
    throw std::runtime_error("no rotation could be stopped in its middle");
  }
  // Each Secret once, and by one replica only after the other's last write.
  void expect_nothing_written_twice(std::size_t from) const {
    const auto alice = written_by("alice", from);
    const auto bob = written_by("bob", from);
    EXPECT_EQ(alice.namespaces.size() + bob.namespaces.size(), static_cast<std::size_t>(namespaces));
    for (const auto& name_space : bob.namespaces) {
      EXPECT_FALSE(alice.namespaces.contains(name_space)) << name_space;
    }
    EXPECT_TRUE(alice.namespaces.empty() || bob.namespaces.empty() || alice.last < bob.first || bob.last < alice.first)
        << "alice " << alice.first << " to " << alice.last << ", bob " << bob.first << " to " << bob.last;
  }
  // Of the first replica, in both directions. Its packets are dropped where they arrive: of its own queue the kernel
  // would know.
  static bool cut_off(bool cut) {
    return iptables({cut ? "-A" : "-D", "INPUT", "-m", "conntrack", "--ctorigdst", "127.0.0.2", "-j", "DROP"});
  }

  static bool own_network_;
  Job one_;
  Job two_;
  std::string name_;
  std::string password_;
};

bool Replicas::own_network_ = false;

// The lease lasts 15 s; the rest is for a busy machine. tests/bench/fleet measures what follows the lease's end.
constexpr auto longest_gap = 30s;

TEST_F(Replicas, OneThatIsKilledInTheMiddleOfARotationIsFollowedByTheOther) {
  const auto before = stop_in_a_rotation();
  one_.stop_daemon(SIGKILL);
  const auto killed = std::chrono::steady_clock::now();
  EXPECT_TRUE(wait_until([&] { return !written_by("bob", before).namespaces.empty(); }, 40s)) << told(two_);
  EXPECT_LE(std::chrono::steady_clock::now() - killed, longest_gap);
  EXPECT_TRUE(wait_until([&] { return current(); }, 30s)) << told(two_);
  expect_nothing_written_twice(before);
}

TEST_F(Replicas, OneThatWasStoppedInTheMiddleOfARotationWritesNothingWhenItGoesOn) {
  const auto before = stop_in_a_rotation();
  EXPECT_TRUE(wait_until([&] { return current(); }, 60s)) << told(two_);
  const auto by_one = written_by("alice", before).namespaces.size();
  one_.daemon().signal(SIGCONT);
  EXPECT_TRUE(wait_until([&] { return stands_by(one_); })) << told(one_);
  EXPECT_FALSE(wait_until([&] { return written_by("alice", before).namespaces.size() != by_one; }, 3s));
  expect_nothing_written_twice(before);
}

TEST_F(Replicas, OneThatIsCutOffInTheMiddleOfARotationIsFollowedByTheOtherAndWritesNothingWhenItIsBack) {
  if (!own_network_) {
    SKIP_OR_FAIL("no network of its own, or no iptables in it");
  }
  const auto before = stop_in_a_rotation();
  ASSERT_TRUE(cut_off(true));
  one_.daemon().signal(SIGCONT);
  const auto cut = std::chrono::steady_clock::now();
  EXPECT_TRUE(wait_until([&] { return !written_by("bob", before).namespaces.empty(); }, 40s)) << told(two_);
  EXPECT_LE(std::chrono::steady_clock::now() - cut, longest_gap);
  EXPECT_TRUE(wait_until([&] { return current(); }, 60s)) << told(two_);
  EXPECT_TRUE(stands_by(one_)) << told(one_);
  ASSERT_TRUE(cut_off(false));
  const auto by_one = written_by("alice", before).namespaces.size();
  EXPECT_LT(by_one, static_cast<std::size_t>(namespaces)) << "it was cut off too late";
  // What its kernel still holds is sent again within this time.
  EXPECT_FALSE(wait_until([&] { return written_by("alice", before).namespaces.size() != by_one; }, 10s));
  expect_nothing_written_twice(before);
  // And it takes over in its turn.
  EXPECT_EQ(two_.stop_daemon(SIGTERM), 0);
  const auto ended = kube("a").audit().size();
  log_in();
  EXPECT_TRUE(wait_until([&] { return current(); }, 60s)) << told(one_);
  EXPECT_EQ(written_by("alice", ended).namespaces.size(), static_cast<std::size_t>(namespaces));
}

// What the first one could not delete any more, the second one deletes; and nothing else.
TEST_F(Replicas, OneThatEndsHandsOverAtOnceWhatIsToBeDeletedToo) {
  constexpr int fewer = 20;
  const auto before = kube("a").audit().size();
  one_.daemon().signal(SIGSTOP);
  for (Job* job : {&one_, &two_}) {
    write_target(*job, fewer);
  }
  EXPECT_TRUE(wait_until([&] { return current(fewer); }, 60s)) << told(two_);
  EXPECT_TRUE(written_by("alice", before).namespaces.empty());
  one_.daemon().signal(SIGCONT);
  ASSERT_TRUE(wait_until([&] { return stands_by(one_); }));
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(two_.stop_daemon(SIGTERM), 0);
  log_in();
  EXPECT_TRUE(wait_until([&] { return current(fewer); }, 30s)) << told(one_);
  EXPECT_LE(std::chrono::steady_clock::now() - begun, 10s) << "it was given back, so nobody waits for its end";
}

TEST_F(Replicas, AHubWhoseEtcdIsAwayForAWhileCostsTimeOnly) {
  hub().kill_etcd();
  std::this_thread::sleep_for(12s);  // longer than a holder goes on without a renewal
  const auto before = kube("a").audit().size();
  log_in();
  EXPECT_FALSE(wait_until([&] { return current_in("a") > 0; }, 2s)) << "nobody may be sure to lead";
  hub().start_again();
  EXPECT_TRUE(wait_until([&] { return current(); }, 60s)) << told(one_) << told(two_);
  expect_nothing_written_twice(before);
}

}  // namespace
}  // namespace regsync::test
