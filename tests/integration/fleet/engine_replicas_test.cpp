// Engines that share a fleet: a hub, three clusters, and replicas of which each has an event loop of its own. A loop
// that is not run is a process that was stopped, with its clock; one that runs again is one that was let go on; one
// that never runs again was killed. Histories are random: REGSYNC_SEED=n runs one of them, REGSYNC_SEEDS=n the first n.
#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <chrono>
#include <list>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "sync/engine/engine.hpp"
#include "sync/fleet/fleet_member.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "tests/integration/engine/engine_world.hpp"
#include "tests/support/fake_api_server.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/seeds.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr const char* owner = "fleet";
constexpr LeaseTimes times{.duration = 1000ms, .deadline = 600ms, .retry = 100ms};
constexpr auto grace = 60ms;
constexpr int default_seeds = 12;

struct Inputs {
  std::string password = "p0";
  TargetFiles targets;
};

class Replica {
 public:
  Replica(const std::string& hub, const std::string& clusters, std::size_t slots, const Inputs& inputs)
      : inputs_(inputs),
        kubeconfig_(dir_.write("clusters", clusters)),
        hub_(kube::Kubeconfig::load(dir_.write("hub", hub)).resolve("hub")),
        member_(io.get_executor(), hub_, {.owner = owner, .lease = "regsync", .slots = slots, .times = times},
                {.may_remember = [this](const std::string& context) { return engine_.may_remember(context); },
                 .on_share = [this] { share(); },
                 .on_footprints = [this] { engine_.footprints_changed(); },
                 .on_change = [] {}}),
        engine_(io.get_executor(),
                {.cluster = {.owner = {owner, "fleet regsync@pod"}, .concurrency = 1},
                 .state = dir_.path(),
                 .grace = grace,
                 .login_places = dir_ / "logins.json",
                 .login_settle = grace},
                member_.footprints(),
                {.on_wanted = [this](const auto&) { asio::post(io, [this] { read_logins(); }); },
                 .on_change = [] {},
                 .read_again = [this] { engine_.set_targets(files()); },
                 .read_logins_again = [this] { read_logins(); }}) {
    engine_.set_login_settings(/*verify=*/false, {});
    share();
    engine_.set_targets(inputs_.targets);
    engine_.set_kubeconfig(kube::Kubeconfig::load(kubeconfig_));
    member_.start();
  }

  void read() {
    asio::post(io, [this] {
      engine_.set_targets(files());
      read_logins();
    });
  }
  // Its own files, whatever the others have: mounted ConfigMaps change one after the other.
  void set_files(TargetFiles files) {
    files_ = std::move(files);
    read();
  }
  void forget(const std::string& target, bool keep_secrets) {
    asio::post(io, [this, target, keep_secrets] { engine_.forget_target(target, keep_secrets, [] {}); });
  }
  void stop() {
    run(io, engine_.stop());
    run(io, member_.stop());
  }
  [[nodiscard]] FleetMember& member() { return member_; }
  [[nodiscard]] Engine& engine() { return engine_; }

  asio::io_context io;
  bool runs = true;

 private:
  [[nodiscard]] const TargetFiles& files() const { return files_ ? *files_ : inputs_.targets; }
  void share() {
    engine_.set_share([this](const std::string& server) { return member_.serves(server); });
  }
  void read_logins() {
    StoreReading logins;
    logins.asked = {RegistryKey("ghcr.io")};
    logins.provider = StoreProvider{.program = "files", .pid = 1, .bus_name = ":1.1"};
    logins.collections.push_back({.path = "/files", .label = "files", .locked = false, .is_default = true});
    logins.all.push_back({{"ghcr.io", "jdoe"}, "/files"});
    logins.credentials.push_back({{"ghcr.io", "jdoe"}, SecretString(inputs_.password)});
    engine_.set_logins(std::move(logins));
  }

  const Inputs& inputs_;
  std::optional<TargetFiles> files_;
  TempDir dir_;
  std::filesystem::path kubeconfig_;
  kube::ResolvedContext hub_;
  FleetMember member_;
  Engine engine_;
};

template <typename Base>
class ReplicasOfEngines : public Base {
 protected:
  ReplicasOfEngines() {
    hub_.make_namespace("default");
    for (const auto& name : names_) {
      servers_[name].make_namespace("team");
      servers_[name].make_namespace("blue");
    }
    put_target({"team", "blue"});
  }
  void TearDown() override {
    for (auto& replica : replicas_) {
      replica.stop();
    }
  }

  // With all of these.
  [[nodiscard]] std::string kubeconfig() {
    json config{{"apiVersion", "v1"},
                {"kind", "Config"},
                {"clusters", json::array()},
                {"users", json::array()},
                {"contexts", json::array()}};
    for (const auto& [name, server] : servers_) {
      config["clusters"].push_back({{"name", name}, {"cluster", {{"server", server.url()}}}});
      config["contexts"].push_back({{"name", name}, {"context", {{"cluster", name}, {"user", ""}}}});
    }
    return config.dump();
  }
  Replica& start() { return replicas_.emplace_back(hub_.kubeconfig({"hub"}), kubeconfig(), slots_, inputs_); }

  // With two slots each, and every cluster as it should be.
  std::pair<Replica&, Replica&> start_two_that_share() {
    slots_ = 4;
    Replica& one = start();
    Replica& two = start();
    EXPECT_TRUE(until([&] { return one.member().slots_held() == 2 && two.member().slots_held() == 2; }));
    EXPECT_TRUE(until([&] { return all_right(); })) << state();
    return {one, two};
  }

  void put_target(const std::vector<std::string>& namespaces, bool pin = false) {
    Target target = make_target(namespaces, names_);
    target.pin = pin;
    target.registries = {"ghcr.io"};
    inputs_.targets.clear();
    inputs_.targets[target.name].target = target;
    namespaces_ = {namespaces.begin(), namespaces.end()};
    tell();
  }
  void tell() {
    for (auto& replica : replicas_) {
      replica.read();
    }
  }
  void log_in() {
    inputs_.password = "p" + std::to_string(++logins_);
    tell();
  }

  bool until(const std::function<bool()>& holds, std::chrono::milliseconds time = 30s) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (!holds() && std::chrono::steady_clock::now() < end) {
      for (auto& replica : replicas_) {
        if (replica.runs) {
          replica.io.poll();
        }
      }
      std::this_thread::sleep_for(1ms);
    }
    return holds();
  }
  [[nodiscard]] int running() const {
    return static_cast<int>(std::ranges::count_if(replicas_, [](const auto& replica) { return replica.runs; }));
  }

  // Whether each cluster holds what the inputs say, and nothing else of ours.
  [[nodiscard]] bool all_right() {
    return std::ranges::all_of(servers_, [&](auto& item) {
      return std::ranges::all_of(std::set<std::string>{"team", "blue"}, [&](const std::string& name_space) {
        const auto secret = item.second.find({"secrets", name_space, "cred"});
        return namespaces_.contains(name_space) ? secret && entries_of(*secret)["ghcr.io"] == "jdoe:" + inputs_.password
                                                : !secret;
      });
    });
  }
  [[nodiscard]] std::string state() {
    std::string text;
    for (auto& replica : replicas_) {
      const auto problem = replica.member().problem();
      text += (replica.runs ? "runs, " : "stopped, ") + replica.member().role() +
              (problem ? ": " + describe(*problem) : "") + '\n';
    }
    return text;
  }
  // Requests that changed Secrets of the clusters.
  [[nodiscard]] std::size_t writes() {
    std::size_t sum = 0;
    for (auto& [name, server] : servers_) {
      sum += server.count("apply", "secrets") + server.count("delete", "secrets");
    }
    return sum;
  }
  void forget_requests() {
    for (auto& [name, server] : servers_) {
      server.forget_requests();
    }
  }

  std::size_t slots_ = 1;
  FakeApiServer hub_;
  const std::vector<std::string> names_{"a", "b", "c"};
  std::map<std::string, FakeApiServer> servers_;
  Inputs inputs_;
  std::set<std::string> namespaces_;
  int logins_ = 0;
  std::list<Replica> replicas_;
};

class EngineReplicas : public ReplicasOfEngines<testing::Test> {};

TEST_F(EngineReplicas, AReplicaThatWasStoppedInTheMiddleOfARotationWritesNothingWhenItGoesOn) {
  auto& one = start();
  ASSERT_TRUE(until([&] { return all_right(); })) << state();
  auto& two = start();
  ASSERT_TRUE(until([&] { return two.member().note().has_value(); }));
  forget_requests();
  // The first one has begun, and is stopped before its answers come.
  for (auto& [name, server] : servers_) {
    server.inject({.kind = Fault::Kind::held, .verb = "apply", .resource = "secrets", .times = -1});
  }
  log_in();
  ASSERT_TRUE(until([&] { return writes() == servers_.size(); }));
  one.runs = false;
  EXPECT_FALSE(all_right());
  for (auto& [name, server] : servers_) {
    server.clear_faults();
    server.release_held();
  }
  EXPECT_TRUE(until([&] { return all_right(); }));
  EXPECT_EQ(two.member().role(), "leads");
  const auto done = writes();
  EXPECT_LE(done, 6U) << "no Secret was written by both";
  one.runs = true;
  EXPECT_TRUE(until([&] { return one.member().role() == "stands by"; }));
  until([] { return false; }, 1s);
  EXPECT_EQ(writes(), done);
  EXPECT_TRUE(all_right());
}

TEST_F(EngineReplicas, WhatWasToBeDeletedIsDeletedByWhoTakesOverAndNothingElse) {
  auto& one = start();
  ASSERT_TRUE(until([&] { return all_right(); })) << state();
  auto& two = start();
  ASSERT_TRUE(until([&] { return two.member().note().has_value(); }));
  servers_["a"].put({"secrets", "blue", "theirs"}, foreign_secret());
  // No replica can delete while the target is narrowed; then the first one is gone.
  for (auto& [name, server] : servers_) {
    server.inject({.kind = Fault::Kind::status, .verb = "delete", .resource = "secrets", .times = -1});
  }
  put_target({"team"});
  until([] { return false; }, 300ms);
  EXPECT_FALSE(all_right());
  one.runs = false;
  for (auto& [name, server] : servers_) {
    server.clear_faults();
  }
  EXPECT_TRUE(until([&] { return all_right(); }));
  EXPECT_TRUE(servers_["a"].find({"secrets", "blue", "theirs"}));
}

// A cluster may be made anew while nobody pins it.
TEST_F(EngineReplicas, APinThatWasTakenBackIsForgotten) {
  put_target({"team"}, /*pin=*/true);
  start();
  const auto is_remembered = [&] {
    const auto maps = hub_.find_all("configmaps");
    return !maps.empty() && maps.front().dump().find("pinned") != std::string::npos;
  };
  ASSERT_TRUE(until([&] { return all_right() && is_remembered(); })) << state();
  put_target({"team"});
  EXPECT_TRUE(until([&] { return !is_remembered(); })) << state();
}

// The state folder of a replica is its own.
TEST_F(EngineReplicas, WhoTakesOverWritesNothingInAnotherClusterThanTheOneThatAPinMeans) {
  put_target({"team", "blue"}, /*pin=*/true);
  auto& one = start();
  const auto remembered = [&] {
    const auto maps = hub_.find_all("configmaps");
    const std::string text = maps.empty() ? std::string() : maps.front().dump();
    std::size_t pins = 0;
    for (auto at = text.find("pinned"); at != std::string::npos; at = text.find("pinned", at + 1)) {
      ++pins;
    }
    return pins == names_.size();
  };
  ASSERT_TRUE(until([&] { return all_right() && remembered(); })) << state();
  one.runs = false;
  FakeApiServer stranger;
  stranger.make_namespace("team");
  stranger.make_namespace("blue");
  servers_["a"].restore(stranger.backup());
  auto& two = start();
  const auto is_held = [&] {
    return std::ranges::any_of(two.engine().status().rows, [](const StatusRow& row) {
      return row.context == "a" && row.cause && describe(*row.cause).find("trust-context") != std::string::npos;
    });
  };
  EXPECT_TRUE(until(is_held)) << state();
  log_in();
  const FakeCluster::Key cred{"secrets", "team", "cred"};
  EXPECT_TRUE(until([&] {
    return entries_of(servers_["b"].find(cred).value())["ghcr.io"] == "jdoe:" + inputs_.password;
  })) << state();
  EXPECT_FALSE(servers_["a"].find(cred));
  two.engine().trust_context("a");
  EXPECT_TRUE(until([&] { return all_right() && remembered(); })) << state();

  // And so does the next one.
  two.runs = false;
  auto& three = start();
  ASSERT_TRUE(until([&] { return three.member().slots_held() == 1; })) << state();
  log_in();
  EXPECT_TRUE(until([&] { return all_right(); })) << state();
}

TEST_F(EngineReplicas, WithSlotsEachServesAShare) {
  const auto [one, two] = start_two_that_share();
  forget_requests();
  log_in();
  EXPECT_TRUE(until([&] { return all_right(); }));
  until([] { return false; }, 200ms);
  EXPECT_EQ(writes(), 6U);
  two.runs = false;
  log_in();
  EXPECT_TRUE(until([&] { return all_right(); }));
}

TEST_F(EngineReplicas, SecretsThatAreToStayDoSoInTheClustersOfAllReplicas) {
  const auto [one, two] = start_two_that_share();
  const std::string target = inputs_.targets.begin()->first;
  inputs_.targets.clear();
  tell();
  one.forget(target, /*keep_secrets=*/true);
  EXPECT_TRUE(until([&] { return hub_.find_all("configmaps").empty(); })) << state();
  for (auto& [name, server] : servers_) {
    for (const char* name_space : {"team", "blue"}) {
      const auto secret = server.find({"secrets", name_space, "cred"});
      ASSERT_TRUE(secret) << name << ' ' << name_space;
      EXPECT_FALSE(secret->at("metadata").value("labels", json::object()).contains("app.kubernetes.io/managed-by"));
    }
  }
}

TEST_F(EngineReplicas, AFileThatIsOnlyOlderDoesNotTakeARemovalBack) {
  const auto [one, two] = start_two_that_share();
  const std::string target = inputs_.targets.begin()->first;
  one.set_files({});
  one.forget(target, /*keep_secrets=*/false);
  const auto forgotten = [&] {
    const auto maps = hub_.find_all("configmaps");
    return maps.empty() || maps.front().at("data").value("forgotten", std::string()) == "true";
  };
  EXPECT_TRUE(until(forgotten));
  until([] { return false; }, 500ms);
  EXPECT_TRUE(forgotten()) << "the other one only has the older file";

  namespaces_.clear();
  two.set_files({});
  EXPECT_TRUE(until([&] { return all_right() && hub_.find_all("configmaps").empty(); })) << state();
  // One that appears does.
  one.set_files(inputs_.targets);
  two.set_files(inputs_.targets);
  namespaces_ = {"team", "blue"};
  EXPECT_TRUE(until([&] { return all_right(); })) << state();
}

// Whoever takes over may still have the file of a target that was removed, and another one beside it.
TEST_F(EngineReplicas, WhatWasRemovedIsNotMadeAnewByAStandbyWithAnOlderFile) {
  auto& one = start();
  ASSERT_TRUE(until([&] { return all_right(); })) << state();
  auto& two = start();
  const std::string target = inputs_.targets.begin()->first;
  ASSERT_TRUE(until([&] { return two.member().note() && two.member().footprints().find(target) != nullptr; }));
  TargetFiles newer;
  newer["newer"].target = inputs_.targets.begin()->second.target;
  newer["newer"].target->name = "newer";
  newer["newer"].target->secret = "newer";
  TargetFiles both = newer;
  both.merge(TargetFiles(inputs_.targets));
  two.set_files(both);
  one.set_files({});
  one.forget(target, /*keep_secrets=*/false);
  namespaces_.clear();
  ASSERT_TRUE(until([&] { return all_right() && hub_.find_all("configmaps").empty(); })) << state();

  one.runs = false;
  EXPECT_TRUE(until([&] {
    return std::ranges::all_of(servers_,
                               [](auto& item) { return item.second.find({"secrets", "team", "newer"}).has_value(); });
  })) << state();
  EXPECT_TRUE(all_right()) << "made anew";
  two.set_files(newer);
  ASSERT_TRUE(until([&] { return !two.member().footprints().removed_elsewhere(target); }));
  two.set_files(both);
  namespaces_ = {"team", "blue"};
  EXPECT_TRUE(until([&] { return all_right(); })) << "one that appears is newer: " << state();
}

class RandomReplicas : public ReplicasOfEngines<testing::TestWithParam<int>> {};

// Whatever happens to replicas, their clocks and the hub: soon after, each cluster is right; and each Secret was
// written once for each rotation.
TEST_P(RandomReplicas, KeepsTheFleetTrueAndWritesNothingTwice) {
  std::mt19937 random(static_cast<unsigned>(GetParam()));
  const auto choose = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  slots_ = choose(2) == 0 ? 1 : 3;
  start();
  start();
  ASSERT_TRUE(until([&] { return all_right(); })) << "at first";
  for (int step = 0; step < 12; ++step) {
    const int what = choose(7);
    SCOPED_TRACE("step " + std::to_string(step) + ": " + std::to_string(what));
    auto one = replicas_.begin();
    std::advance(one, choose(static_cast<int>(replicas_.size())));
    if (what == 0 && running() > 1) {
      one->runs = false;
    } else if (what == 1) {
      one->runs = true;
    } else if (what == 2 && replicas_.size() < 4) {
      start();
    } else if (what == 3) {
      put_target(choose(2) == 0 ? std::vector<std::string>{"team"} : std::vector<std::string>{"team", "blue"});
    } else if (what == 4) {
      hub_.inject({.kind = Fault::Kind::close, .times = -1});
      hub_.cut_watches();
      until([] { return false; }, std::chrono::milliseconds(choose(1500)));
      hub_.clear_faults();
    } else if (what == 5) {
      hub_.inject({.kind = Fault::Kind::status, .verb = "patch", .resource = "leases", .times = 1 + choose(12)});
    } else {
      until([] { return false; }, std::chrono::milliseconds(choose(700)));
    }
    if (choose(2) == 0) {
      ASSERT_TRUE(until([&] { return all_right(); })) << state();
      until([] { return false; }, 100ms);
      forget_requests();
      log_in();
      ASSERT_TRUE(until([&] { return all_right(); })) << state();
      until([] { return false; }, 100ms);
      EXPECT_EQ(writes(), names_.size() * namespaces_.size());
    }
  }
  EXPECT_TRUE(until([&] { return all_right(); }));
}

std::vector<int> seeds() {
  if (const auto one = number_of("REGSYNC_SEED")) {
    return {*one};
  }
  std::vector<int> all(static_cast<std::size_t>(std::min(number_of("REGSYNC_SEEDS").value_or(default_seeds), 60)));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomReplicas, testing::ValuesIn(seeds()));

}  // namespace
}  // namespace regsync::test
