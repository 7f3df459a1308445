// The clusters of a fleet, as Secrets of a hub describe them: each is one fake API server, the hub is another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "sync/base/base64.hpp"
#include "tests/support/fake_api_server.hpp"
#include "tests/support/person.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

constexpr const char* label = "sigs.k8s.io/multicluster-runtime-kubeconfig";

class FleetTest : public testing::Test {
 protected:
  FleetTest() {
    hub_.make_namespace("fleet");
    for (auto& cluster : clusters_) {
      cluster.make_namespace("team-a");
    }
    person_.env["KUBECONFIG"] = person_.home().write("hub", hub_.kubeconfig({"hub"})).string();
    person_.env.erase("DBUS_SESSION_BUS_ADDRESS");
    log_in("one");
  }

  void log_in(const std::string& secret) const {
    person_.home().write("auth.json", json{{"auths", {{"ghcr.io", {{"auth", base64_encode("me:" + secret)}}}}}}.dump());
  }

  void write_target(const std::string& which, const std::string& name = "pull") const {
    person_.home().write(".config/regsync/targets/" + name + ".yaml",
                         "registries: [ghcr.io]\nnamespaces: [team-a]\n" + which + "\n");
  }

  void put_cluster(const std::string& name, const std::map<std::string, std::string>& data,
                   std::map<std::string, std::string> labels = {}) {
    labels[label] = "true";
    json secret = {{"apiVersion", "v1"},
                   {"kind", "Secret"},
                   {"metadata", {{"name", name}, {"namespace", "fleet"}, {"labels", labels}}},
                   {"type", "Opaque"},
                   {"data", json::object()}};
    for (const auto& [key, value] : data) {
      secret["data"][key] = base64_encode(value);
    }
    hub_.put({"secrets", "fleet", name}, secret);
  }

  void start(Person& person, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{
        "--clusters", std::string(label) + "=true",           "--clusters-namespace", "fleet",
        "--logins",   (person_.home() / "auth.json").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    person.start_daemon(arguments);
  }
  void start(const std::vector<std::string>& more = {}) { start(person_, more); }

  // "me:SECRET" where the cluster has the Secret.
  [[nodiscard]] std::string auth_in(std::size_t cluster) const {
    const auto object = clusters_.at(cluster).find({"secrets", "team-a", "pull"});
    if (!object) {
      return "no Secret";
    }
    const auto text = base64_decode(object->at("data").value(".dockerconfigjson", std::string()));
    const json document = json::parse(text.value_or(""), nullptr, false);
    return base64_decode(document.at("auths").at("ghcr.io").at("auth").get<std::string>()).value_or("");
  }

  [[nodiscard]] json status() const {
    return json::parse(person_.regsync({"status", "-o", "json"}).out, nullptr, false);
  }
  // Over HTTP; at its end is the status of the answer.
  [[nodiscard]] std::string get(const std::string& path) const {
    return person_.run({"curl", "-s", "--max-time", "5", "-w", "%{http_code}", person_.http_url() + path}).out;
  }

  FakeApiServer hub_;
  std::array<FakeApiServer, 3> clusters_;
  Person person_;
};

TEST_F(FleetTest, ClustersOfAllFormatsGetTheirSecrets) {
  write_target("contexts: [\"fleet/*\"]");
  start();
  put_cluster("runtime", {{"kubeconfig", clusters_[0].kubeconfig()}});
  EXPECT_TRUE(wait_until([&] { return auth_in(0) == "me:one"; })) << status();
  put_cluster("api", {{"value", clusters_[1].kubeconfig()}});
  EXPECT_TRUE(wait_until([&] { return auth_in(1) == "me:one"; })) << status();
  put_cluster("argo", {{"name", "argo"}, {"server", clusters_[2].url()}, {"config", "{}"}});
  EXPECT_TRUE(wait_until([&] { return auth_in(2) == "me:one"; })) << status();
  log_in("two");
  for (const std::size_t cluster : {0U, 1U, 2U}) {
    EXPECT_TRUE(wait_until([&] { return auth_in(cluster) == "me:two"; })) << status();
  }
  EXPECT_EQ(person_.regsync({"status"}).exit_code, 0) << status();
  EXPECT_EQ(hub_.writes(), 0U) << "the hub is only read";
}

TEST_F(FleetTest, ARemovedClusterIsAVanishedContextAndNothingIsDeleted) {
  write_target("contexts: [\"*\"]");
  put_cluster("a", {{"kubeconfig", clusters_[0].kubeconfig()}});
  start();
  ASSERT_TRUE(wait_until([&] { return auth_in(0) == "me:one"; })) << status();
  hub_.erase({"secrets", "fleet", "a"});  // the only one
  EXPECT_TRUE(wait_until([&] { return status()["items"].empty(); })) << status();
  EXPECT_EQ(auth_in(0), "me:one");
  EXPECT_THAT(person_.regsync({"status"}).out, HasSubstr("forget-context fleet/a"));
  put_cluster("a", {{"kubeconfig", clusters_[0].kubeconfig()}});
  log_in("two");
  EXPECT_TRUE(wait_until([&] { return auth_in(0) == "me:two"; })) << status();
}

TEST_F(FleetTest, ClustersThatAreGoneAreForgottenByAPattern) {
  write_target("contexts: [\"*\"]");
  put_cluster("a", {{"kubeconfig", clusters_[0].kubeconfig()}});
  put_cluster("b", {{"kubeconfig", clusters_[1].kubeconfig()}});
  hub_.make_namespace("default");
  start({"--state", "configmaps", "--owner", "fleet"});
  ASSERT_TRUE(wait_until([&] { return auth_in(0) == "me:one" && auth_in(1) == "me:one"; })) << status();
  hub_.erase({"secrets", "fleet", "a"});
  ASSERT_TRUE(wait_until([&] {
    return person_.regsync({"status"}).out.find("forget-context fleet/a") != std::string::npos;
  })) << status();
  EXPECT_EQ(person_.regsync({"forget-context", "fleet/*", "--dry-run"}).out,
            "context \"fleet/a\" would be forgotten; Secrets that are left there stay\n");
  const auto forgotten = person_.regsync({"forget-context", "fleet/*"});
  EXPECT_EQ(forgotten.out, "context \"fleet/a\" forgotten; Secrets that are left there stay\n") << forgotten.err;
  EXPECT_THAT(person_.regsync({"status"}).out, testing::Not(HasSubstr("forget-context")));
  EXPECT_TRUE(wait_until([&] {
    return hub_.find({"configmaps", "default", "regsync-fleet-pull"}).value_or(json()).dump().find("fleet/a") ==
           std::string::npos;
  }));
  EXPECT_EQ(auth_in(0), "me:one");
}

TEST_F(FleetTest, AReplicaPausesNoContextBecauseWhoTakesOverWouldNotKnowOfIt) {
  write_target("contexts: [hub]");
  hub_.make_namespace("default");
  hub_.make_namespace("team-a");
  person_.start_daemon(
      {"--state", "configmaps", "--owner", "fleet", "--logins", (person_.home() / "auth.json").string()});
  const FakeCluster::Key secret{"secrets", "team-a", "pull"};
  ASSERT_TRUE(wait_until([&] { return hub_.find(secret).has_value(); })) << status();
  const auto paused = person_.regsync({"pause", "--context", "hub"});
  EXPECT_NE(paused.exit_code, 0) << paused.out;
  EXPECT_THAT(paused.err, HasSubstr("context hub cannot be paused"));
  EXPECT_THAT(paused.err, HasSubstr("paused: true"));
  EXPECT_EQ(person_.regsync({"resume", "--context", "hub"}).exit_code, 0) << "one of an older version ends";
}

TEST_F(FleetTest, NoAdviceTakesAClusterForAContextOfAKubeconfig) {
  write_target(R"(contexts: ["fleet/*", "other/*"])");
  clusters_[0].erase({"namespaces", "", "team-a"});
  put_cluster("a", {{"kubeconfig", clusters_[0].kubeconfig()}});
  start();
  ASSERT_TRUE(wait_until([&] { return status().dump().find("namespace_missing") != std::string::npos; })) << status();
  const std::string table = person_.regsync({"status"}).out;
  EXPECT_THAT(table, HasSubstr("kubectl create namespace team-a, with a kubeconfig of cluster fleet/a"));
  EXPECT_THAT(table, HasSubstr("see the Secrets of "));
  EXPECT_THAT(status().dump(), testing::Not(HasSubstr("--context fleet/a")));
  const auto forget = person_.regsync({"forget-context", "fleet/a"});
  EXPECT_NE(forget.exit_code, 0);
  EXPECT_THAT(forget.err, HasSubstr("its Secret in the hub"));
}

TEST_F(FleetTest, LabelsOfTheSecretsSelectContexts) {
  write_target("contextSelector: env in (prod,stage)");
  put_cluster("a", {{"kubeconfig", clusters_[0].kubeconfig()}}, {{"env", "prod"}});
  put_cluster("b", {{"kubeconfig", clusters_[1].kubeconfig()}}, {{"env", "test"}});
  start();
  ASSERT_TRUE(wait_until([&] { return auth_in(0) == "me:one"; })) << status();
  EXPECT_EQ(auth_in(1), "no Secret");
  put_cluster("b", {{"kubeconfig", clusters_[1].kubeconfig()}}, {{"env", "stage"}});
  EXPECT_TRUE(wait_until([&] { return auth_in(1) == "me:one"; })) << status();
  // What the labels no longer say counts when they have stayed so for the grace.
  put_cluster("b", {{"kubeconfig", clusters_[1].kubeconfig()}}, {{"env", "test"}});
  std::this_thread::sleep_for(2s);
  EXPECT_EQ(auth_in(1), "me:one");
  EXPECT_TRUE(wait_until([&] { return auth_in(1) == "no Secret"; })) << status();
  EXPECT_EQ(auth_in(0), "me:one");
}

TEST_F(FleetTest, ASecretThatMakesNoSenseIsTheProblemOfItsContext) {
  write_target("contexts: [\"fleet/*\"]");
  put_cluster("a", {{"kubeconfig", clusters_[0].kubeconfig()}});
  put_cluster("b", {{"kubeconfig", clusters_[1].kubeconfig()}});
  put_cluster("odd", {{"kubeconfig", "[]"}});
  start();
  ASSERT_TRUE(wait_until([&] { return auth_in(0) == "me:one" && auth_in(1) == "me:one"; })) << status();
  EXPECT_TRUE(wait_until([&] { return status().dump().find("Secret fleet/odd: ") != std::string::npos; })) << status();
  put_cluster("b", {{"kubeconfig", "contexts: 3"}});
  EXPECT_TRUE(wait_until([&] { return status().dump().find("Secret fleet/b: ") != std::string::npos; })) << status();
  log_in("two");
  for (const std::size_t cluster : {0U, 1U}) {
    EXPECT_TRUE(wait_until([&] { return auth_in(cluster) == "me:two"; })) << "the last good one stays in force";
  }
}

TEST_F(FleetTest, AHubThatIsAwayStopsNothing) {
  write_target("contexts: [\"fleet/*\"]");
  put_cluster("a", {{"kubeconfig", clusters_[0].kubeconfig()}});
  start();
  ASSERT_TRUE(wait_until([&] { return auth_in(0) == "me:one"; })) << status();
  hub_.stop();
  EXPECT_TRUE(wait_until([&] { return status().dump().find("the Secrets of " + hub_.url()) != std::string::npos; }))
      << status();
  log_in("two");
  EXPECT_TRUE(wait_until([&] { return auth_in(0) == "me:two"; })) << status();
  hub_.start();
  put_cluster("b", {{"kubeconfig", clusters_[1].kubeconfig()}});
  EXPECT_TRUE(wait_until([&] { return auth_in(1) == "me:two"; })) << status();
  EXPECT_TRUE(wait_until([&] { return status().dump().find("the Secrets of ") == std::string::npos; })) << status();
}

TEST_F(FleetTest, IsReadyWhenTheHubHasToldOfTheClustersAndStaysSoWhenItGoesAway) {
  write_target("contexts: [\"fleet/*\"]");
  put_cluster("a", {{"kubeconfig", clusters_[0].kubeconfig()}});
  hub_.make_namespace("default");
  hub_.stop();
  start({"--lease", "regsync", "--owner", "fleet", "--listen", "127.0.0.1:0"});
  const auto readyz = [&] { return get("/readyz"); };
  EXPECT_FALSE(wait_until([&] { return readyz().ends_with("200"); }, 1s)) << "of no cluster is anything known";
  EXPECT_THAT(readyz(), HasSubstr("waits for: the Secrets of the clusters\n"));
  EXPECT_THAT(readyz(), HasSubstr("waits for: the lease regsync\n"));
  EXPECT_THAT(readyz(), HasSubstr("waits for: the footprints"));
  hub_.start();
  EXPECT_TRUE(wait_until([&] { return readyz().ends_with("200"); })) << readyz();
  EXPECT_THAT(readyz(), HasSubstr("role: leads"));
  hub_.stop();
  EXPECT_FALSE(wait_until([&] { return !readyz().ends_with("200"); }, 1s)) << "it goes on with what it knows";
  hub_.start();
}

TEST_F(FleetTest, StaysReadyWhenAClusterComesThatDoesNotAnswer) {
  write_target("contexts: [\"fleet/*\"]");
  put_cluster("a", {{"kubeconfig", clusters_[0].kubeconfig()}});
  start({"--listen", "127.0.0.1:0"});
  const auto readyz = [&] { return get("/readyz"); };
  ASSERT_TRUE(wait_until([&] { return readyz().ends_with("200"); })) << readyz();
  asio::io_context io;
  const asio::ip::tcp::acceptor silent(io, {asio::ip::address_v4::loopback(), 0});
  json config = json::parse(clusters_[1].kubeconfig());
  config["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:" + std::to_string(silent.local_endpoint().port());
  put_cluster("b", {{"kubeconfig", config.dump()}});
  EXPECT_TRUE(wait_until([&] { return readyz().find("1 not listed yet") != std::string::npos; })) << readyz();
  EXPECT_TRUE(readyz().ends_with("200")) << readyz();
}

TEST_F(FleetTest, WithoutTheRightToListItSaysSoAndTriesAgain) {
  write_target("contexts: [\"fleet/*\"]");
  put_cluster("a", {{"kubeconfig", clusters_[0].kubeconfig()}});
  hub_.deny("list", "secrets");
  start();
  EXPECT_TRUE(wait_until([&] { return status().dump().find("forbidden") != std::string::npos; })) << status();
  hub_.allow_all();
  EXPECT_TRUE(wait_until([&] { return auth_in(0) == "me:one"; })) << status();
}

TEST_F(FleetTest, AKubeconfigThatTurnsToAnotherHubIsAProblemAndNothingIsLost) {
  write_target("contexts: [\"fleet/*\"]");
  put_cluster("a", {{"kubeconfig", clusters_[0].kubeconfig()}});
  start();
  ASSERT_TRUE(wait_until([&] { return auth_in(0) == "me:one"; })) << status();
  person_.home().write("hub", clusters_[2].kubeconfig({"other"}));
  EXPECT_TRUE(wait_until([&] { return status().dump().find("another hub than the one in use") != std::string::npos; }))
      << status();
  log_in("two");
  EXPECT_TRUE(wait_until([&] { return auth_in(0) == "me:two"; })) << status();
  person_.home().write("hub", hub_.kubeconfig({"hub"}));
  EXPECT_TRUE(wait_until([&] { return status().dump().find("another hub") == std::string::npos; })) << status();
}

TEST_F(FleetTest, AHubThatIsReachedInAnotherWayIsNoOtherHubAndNeedsARestart) {
  write_target("contexts: [\"fleet/*\"]");
  put_cluster("a", {{"kubeconfig", clusters_[0].kubeconfig()}});
  start();
  ASSERT_TRUE(wait_until([&] { return auth_in(0) == "me:one"; })) << status();
  json config = json::parse(hub_.kubeconfig({"hub"}));
  config["clusters"][0]["cluster"]["tls-server-name"] = "hub.test";
  person_.home().write("hub", config.dump());
  EXPECT_TRUE(wait_until([&] { return status().dump().find("another certificate authority") != std::string::npos; }))
      << status();
  EXPECT_THAT(status().dump(), testing::Not(HasSubstr("another hub")));
}

TEST_F(FleetTest, SecretsOfAllNamespacesHaveNoPluginRun) {
  write_target("contexts: [\"fleet/*\"]");
  const auto ran = person_.home() / "ran";
  json config = json::parse(clusters_[0].kubeconfig());
  config["users"][0]["user"]["exec"] = {{"command", "sh"},
                                        {"args", {"-c", "touch " + ran.string() + "; exit 1"}},
                                        {"apiVersion", "client.authentication.k8s.io/v1beta1"}};
  config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1";
  put_cluster("a", {{"kubeconfig", config.dump()}});
  person_.start_daemon(
      {"--clusters", std::string(label) + "=true", "--logins", (person_.home() / "auth.json").string()});
  EXPECT_TRUE(wait_until([&] { return status().dump().find("its exec plugin is not run") != std::string::npos; }))
      << status();
  EXPECT_FALSE(std::filesystem::exists(ran));
  EXPECT_EQ(person_.stop_daemon(SIGTERM), 0);
  start();  // of one namespace
  EXPECT_TRUE(wait_until([&] { return std::filesystem::exists(ran); })) << status();
}

TEST_F(FleetTest, AFileThatTheHubsKubeconfigNamesMayComeLater) {
  json config = json::parse(hub_.kubeconfig({"hub"}));
  for (const char* field : {"client-certificate", "client-key"}) {
    config["users"][0]["user"][field] = (person_.home() / "client.pem").string();
  }
  person_.home().write("hub", config.dump());
  write_target("contexts: [\"*\"]");
  put_cluster("a", {{"kubeconfig", clusters_[0].kubeconfig()}});
  start();
  EXPECT_THAT(status().dump(), HasSubstr("unable to read client-certificate"));
  person_.home().write("client.pem", "");
  EXPECT_TRUE(wait_until([&] { return auth_in(0) == "me:one"; })) << status();
}

TEST_F(FleetTest, ASelectorThatIsNoneIsAMistakeOfTheCommand) {
  const auto outcome = person_.run({"regsyncd", "--clusters", "a in (b"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("a in (b"));
  EXPECT_EQ(person_.run({"regsyncd", "--owner", "bad owner!"}).exit_code, 2);
}

// A manifest fills them from variables, and what is not set there must not count as an option that was not given.
TEST_F(FleetTest, ValuesThatAreEmptyOrCanNeverBeRightAreMistakesOfTheCommand) {
  const std::string long_name(252, 'a');
  const std::vector<std::vector<std::string>> commands{{"--lease", ""},
                                                       {"--logins=", "--lease=regsync"},
                                                       {"--clusters", " "},
                                                       {"--clusters", ""},
                                                       {"--logins", ""},
                                                       {"--owner", ""},
                                                       {"--kubeconfig", ""},
                                                       {"--listen", ""},
                                                       {"--clusters-namespace", "", "--clusters", "a=b"},
                                                       {"--clusters-namespace", "a.b", "--clusters", "a=b"},
                                                       {"--lease", "Regsync", "--owner", "fleet"},
                                                       {"--lease", long_name, "--slots", "2", "--owner", "fleet"}};
  for (const auto& command : commands) {
    std::vector<std::string> arguments{"regsyncd"};
    arguments.insert(arguments.end(), command.begin(), command.end());
    const auto outcome = person_.run(std::move(arguments));
    EXPECT_EQ(outcome.exit_code, 2) << command.front() << " " << command.at(1);
    EXPECT_THAT(outcome.err, HasSubstr(command.front().substr(0, command.front().find('='))));
  }
  for (const char* address : {"9481", "a:1,b:2", ":80s", "127.0.0.1:99999", "notanaddress"}) {
    const auto outcome = person_.run({"regsyncd", "--listen", address});
    EXPECT_EQ(outcome.exit_code, 2) << address;
    EXPECT_THAT(outcome.err, HasSubstr("HOST:PORT"));
  }
}

// The hub is the fake one too: Leases and ConfigMaps of its context's namespace.
TEST_F(FleetTest, ReplicasShareALeaseAndTheStandbySaysSo) {
  hub_.make_namespace("default");
  write_target("contexts: [\"fleet/*\"]");
  put_cluster("a", {{"kubeconfig", clusters_[0].kubeconfig()}});
  const std::vector<std::string> as_replica{"--lease", "regsync", "--owner", "fleet"};
  start(as_replica);
  ASSERT_TRUE(wait_until([&] { return auth_in(0) == "me:one"; })) << status();
  EXPECT_TRUE(hub_.find({"configmaps", "default", "regsync-fleet-pull"})) << "where it has Secrets is in the hub";

  Person other;
  other.env["KUBECONFIG"] = person_.env["KUBECONFIG"];
  other.env.erase("DBUS_SESSION_BUS_ADDRESS");
  other.home().write(".config/regsync/targets/pull.yaml",
                     "registries: [ghcr.io]\nnamespaces: [team-a]\ncontexts: [\"fleet/*\"]\n");
  start(other, as_replica);
  EXPECT_TRUE(wait_until([&] {
    return other.regsync({"status"}).out.find("this replica stands by, and writes nothing") != std::string::npos;
  })) << other.regsync({"status"}).out;
  EXPECT_NE(other.regsync({"remove", "pull", "--yes"}).exit_code, 0);
  EXPECT_THAT(other.regsync({"remove", "pull", "--yes"}).err, HasSubstr("ask a replica that leads"));
  EXPECT_EQ(person_.stop_daemon(SIGTERM), 0);
  log_in("two");
  EXPECT_TRUE(wait_until([&] { return auth_in(0) == "me:two"; }, 10s)) << other.regsync({"status"}).out;
}

// It holds the Lease, and does not know where its predecessor had Secrets.
TEST_F(FleetTest, AReplicaThatCannotReadTheFootprintsSaysOfNothingThatItIsInSync) {
  hub_.make_namespace("default");
  write_target("contexts: [\"fleet/*\"]");
  put_cluster("a", {{"kubeconfig", clusters_[0].kubeconfig()}});
  hub_.deny("list", "configmaps");
  start({"--lease", "regsync", "--owner", "fleet", "--listen", "127.0.0.1:0"});
  ASSERT_TRUE(wait_until([&] { return get("/readyz").find("role: takes over") != std::string::npos; }))
      << get("/readyz");
  EXPECT_THAT(get("/readyz"), testing::EndsWith("503"));
  EXPECT_THAT(get("/metrics"), HasSubstr("\nregsync_slots_held 0\n"));
  EXPECT_THAT(get("/metrics"), HasSubstr("\nregsync_waiting 1\n"));
  const auto failed = person_.regsync({"sync"});
  EXPECT_NE(failed.exit_code, 0) << failed.out;
  EXPECT_THAT(failed.err, HasSubstr("the footprints in ConfigMaps of the hub"));
  EXPECT_NE(person_.regsync({"status"}).exit_code, 0) << "it does not say that all is well";
  EXPECT_EQ(auth_in(0), "no Secret");
  hub_.allow_all();
  const auto synced = person_.regsync({"sync"});  // which waits for it
  EXPECT_EQ(synced.exit_code, 0) << synced.err;
  EXPECT_EQ(auth_in(0), "me:one");
  EXPECT_TRUE(wait_until([&] { return get("/readyz").ends_with("200"); })) << get("/readyz");
}

TEST_F(FleetTest, AProblemOfTheHubsKubeconfigThatIsOverIsNoLongerServed) {
  write_target("contexts: [\"fleet/*\"]");
  put_cluster("a", {{"kubeconfig", clusters_[0].kubeconfig()}});
  json config = json::parse(hub_.kubeconfig({"hub"}));
  config["users"][0]["user"] = {{"tokenFile", (person_.home() / "token").string()}};
  person_.home().write("token", "one");
  person_.home().write("hub", config.dump());
  start({"--listen", "127.0.0.1:0"});
  const auto problems = [&] { return get("/status.json"); };
  ASSERT_TRUE(wait_until([&] { return auth_in(0) == "me:one"; })) << status();
  config["users"][0]["user"] = {{"client-certificate", (person_.home() / "client.pem").string()},
                                {"client-key", (person_.home() / "client.pem").string()}};
  person_.home().write("hub", config.dump());
  ASSERT_TRUE(wait_until([&] { return problems().find("client.pem") != std::string::npos; })) << problems();
  person_.home().write("client.pem", "");  // of which no event tells
  EXPECT_TRUE(wait_until([&] { return problems().find("client.pem") == std::string::npos; }, 20s)) << problems();
}

TEST_F(FleetTest, ALeaseNeedsAnOwnerThatAllReplicasShare) {
  write_target("contexts: [\"fleet/*\"]");
  person_.start_daemon({"--lease", "regsync", "--logins", (person_.home() / "auth.json").string()});
  EXPECT_THAT(person_.regsync({"status"}).out + person_.regsync({"status"}).err, HasSubstr("--owner NAME"));
}

}  // namespace
}  // namespace regsync::test
