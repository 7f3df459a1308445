// Contexts that lead elsewhere, or may: nothing is deleted there that another context wants, and no removal is called
// done by a cluster that may be another one.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "sync/engine/engine.hpp"
#include "tests/integration/engine/engine_world.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto beyond_grace = 3 * EngineWorld::grace;
constexpr const char* left_there = "Secrets may be left there";
const FakeCluster::Key cred{"secrets", "n1", "cred"};

Target named(const std::string& name, const std::string& secret, std::vector<std::string> namespaces,
             std::vector<std::string> contexts) {
  auto target = make_target(std::move(namespaces), std::move(contexts));
  target.name = name;
  target.secret = secret;
  return target;
}

Target pinned(const std::string& secret, std::vector<std::string> namespaces, std::vector<std::string> contexts) {
  auto target = named("p", secret, std::move(namespaces), std::move(contexts));
  target.pin = true;
  return target;
}

class World : public EngineWorld {
 public:
  explicit World(const std::vector<std::string>& contexts) : EngineWorld(contexts) {
    login("ghcr.io", "first");
    for (const auto& [context, server] : servers()) {
      server->make_namespace("n1");
      server->make_namespace("n2");
    }
  }
  // Starts, and waits until it is known where these contexts lead.
  bool begin(const std::vector<std::string>& contexts) {
    start();
    sync();
    return until([&] { return std::ranges::all_of(contexts, [&](const auto& name) { return knows_cluster(name); }); });
  }
  // Nobody may read kube-system.
  void hide_identities() {
    for (const auto& [context, server] : servers()) {
      server->deny("get", "namespaces");
    }
  }
  bool cut_off(const std::string& context) {
    server(context).inject({.kind = Fault::Kind::close, .times = -1});
    server(context).cut_watches();
    return until([&] {
      const auto contexts_now = engine().status().contexts;
      return std::ranges::any_of(contexts_now,
                                 [&](const auto& each) { return each.name == context && !each.connected; });
    });
  }
  std::string notes(const std::string& target = {}) {
    std::string text;
    for (const auto& note : target.empty() ? engine().status().notes : engine().status(target).notes) {
      text += describe(note) + "\n";
    }
    return text;
  }
  bool says(const std::string& text, const std::string& target = {}) {
    return notes(target).find(text) != std::string::npos;
  }
  // Whether the cause of a row of the pinned target has this text.
  bool is_held(const std::string& text = "trust-context") {
    return std::ranges::any_of(engine().status("p").rows, [&](const auto& row) {
      return row.cause && describe(*row.cause).find(text) != std::string::npos;
    });
  }
  // Something else is where the footprint of the target is written, so that it cannot be.
  void obstruct_footprint(const std::string& target) {
    std::filesystem::rename(footprint(target), kept_aside(target));
    std::filesystem::create_directory(footprint(target));
  }
  void mend_footprint(const std::string& target) {
    std::filesystem::remove(footprint(target));
    std::filesystem::rename(kept_aside(target), footprint(target));
  }
  // What all footprints say.
  [[nodiscard]] std::string footprints() const {
    std::string text;
    for (const auto& file : std::filesystem::directory_iterator(footprint_folder())) {
      text += read_file(file.path());
    }
    return text;
  }
  [[nodiscard]] std::string problem_of(const std::string& context) {
    const auto contexts = engine().status().contexts;
    const auto found = std::ranges::find(contexts, context, &ContextStatus::name);
    return found == contexts.end() || !found->problem ? "" : describe(*found->problem);
  }

 private:
  [[nodiscard]] std::filesystem::path footprint(const std::string& target) const {
    return footprint_folder() / (target + ".json");
  }
  [[nodiscard]] std::filesystem::path kept_aside(const std::string& target) const {
    return footprint_folder() / (target + ".aside");
  }
};

TEST(Identity, AnAddressThatLeadsToTheClusterOfAnotherContextDeletesNothingWhichThatOneWants) {
  World world({"a", "c"});
  world.put_target(named("t", "cred", {"n1"}, {"a", "c"}));
  ASSERT_TRUE(world.begin({"a", "c"}));
  ASSERT_TRUE(world.cut_off("a"));
  world.replace_target(named("t", "cred", {"n1"}, {"c"}));
  world.run_for(beyond_grace);
  auto& server = world.server("a");
  server.restore(world.server("c").backup());
  server.clear_faults();
  world.run_for(2s);
  EXPECT_TRUE(server.find(cred));
  EXPECT_EQ(server.count("delete"), 0U);
}

TEST(Identity, NorWhereTheConnectionOnlyEndedForAMoment) {
  World world({"a", "c"});
  world.put_target(named("t", "cred", {"n1"}, {"a", "c"}));
  ASSERT_TRUE(world.begin({"a", "c"}));
  auto& server = world.server("a");
  server.restore(world.server("c").backup());
  server.cut_watches();
  world.run_for(2s);
  world.sync();
  world.replace_target(named("t", "cred", {"n1"}, {"c"}));
  world.run_for(1s);
  EXPECT_TRUE(server.find(cred));
}

// Nobody may read kube-system: that two contexts lead to two clusters was seen by the uids of Secrets.
TEST(Identity, WhatWasSeenOfTwoContextsDoesNotOutliveALostConnection) {
  World world({"a", "c"});
  world.hide_identities();
  world.put_target(named("t", "cred", {"n1", "n2"}, {"a", "c"}));
  world.put_target(named("u", "cred", {"n2"}, {"c"}));
  world.start();
  world.sync();
  world.replace_target(named("t", "cred", {"n1"}, {"a", "c"}));
  world.run_for(500ms);
  world.sync();
  ASSERT_TRUE(world.cut_off("a"));
  auto& server = world.server("a");
  server.restore(world.server("c").backup());
  server.clear_faults();
  world.run_for(2s);
  world.sync();
  world.replace_target(named("t", "cred", {"n1"}, {"c"}));
  world.run_for(1s);
  EXPECT_TRUE(server.find(cred));
}

TEST(Identity, ASecretThatIsMadeAnewBetweenTwoReadingsProvesNoOtherCluster) {
  World world({"a", "b"});
  world.add_alias("c", "a", true);
  world.hide_identities();
  world.put_target(named("t", "cred", {"n1"}, {"a", "c"}));
  world.start();
  world.sync();
  auto& server = world.server("a");
  server.forget_requests();
  bool was_deleted = false;
  world.replace_target(named("t", "cred", {"n1"}, {"a"}));
  world.until(
      [&] {
        was_deleted = was_deleted || (server.count("get", "secrets") == 1 && server.erase(cred));
        return was_deleted;
      },
      2s);
  world.run_for(2s);
  world.sync();
  EXPECT_EQ(server.count("delete"), 0U);
  EXPECT_TRUE(server.find(cred));
}

TEST(Identity, ARemovalThatIsPendingIsRememberedOfTheClusterThatTheContextLeavesBehind) {
  World world({"a"});
  world.put_target(named("t", "cred", {"n1"}, {"a"}));
  ASSERT_TRUE(world.begin({"a"}));
  ASSERT_TRUE(world.cut_off("a"));
  world.forget_target("t");
  world.run_for(beyond_grace);
  world.replace_cluster("a").make_namespace("n1");
  world.run_for(10 * beyond_grace);
  EXPECT_TRUE(world.says(left_there)) << world.notes();
}

TEST(Identity, SoItIsOverARestart) {
  World world({"a"});
  world.put_target(named("t", "cred", {"n1"}, {"a"}));
  ASSERT_TRUE(world.begin({"a"}));
  ASSERT_TRUE(world.cut_off("a"));
  world.forget_target("t");
  world.run_for(beyond_grace);
  world.stop();
  world.replace_cluster("a").make_namespace("n1");
  world.start();
  world.run_for(10 * beyond_grace);
  EXPECT_TRUE(world.says(left_there)) << world.notes();
}

// Where the footprint cannot be written, the new cluster, which is empty, proves nothing of the former one: not in this
// process, nor in the next.
class UnwrittenFormer : public testing::TestWithParam<bool> {};

TEST_P(UnwrittenFormer, AClusterThatCannotBeWrittenDownAsLeftBehindIsNotForgotten) {
  const bool restarts = GetParam();
  World world({"a"});
  world.put_target(named("t", "cred", {"n1"}, {"a"}));
  ASSERT_TRUE(world.begin({"a"}));
  ASSERT_TRUE(world.cut_off("a"));
  world.forget_target("t");
  world.run_for(beyond_grace);
  world.obstruct_footprint("t");
  auto& now = world.replace_cluster("a");
  now.make_namespace("n1");
  const auto is_unwritten = [&] { return world.problem_of("a").find("cannot be written down") != std::string::npos; };
  ASSERT_TRUE(world.until(is_unwritten));
  EXPECT_EQ(world.engine().status("t").targets.size(), 1U) << "the removal goes on";
  if (restarts) {
    world.stop();
    world.mend_footprint("t");
    world.start();
  } else {
    world.mend_footprint("t");
    now.cut_watches();
  }
  EXPECT_TRUE(world.until([&] { return world.says(left_there); })) << world.notes();
  EXPECT_FALSE(is_unwritten()) << world.problem_of("a");
}

INSTANTIATE_TEST_SUITE_P(All, UnwrittenFormer, testing::Bool(),
                         [](const auto& run) { return run.param ? "OverARestart" : "InOneProcess"; });

TEST(Identity, AContextIsTrustedOnlyOnceWhatItLeavesBehindIsWrittenDown) {
  World world({"a"});
  world.put_target(pinned("cred", {"n1"}, {"a"}));
  ASSERT_TRUE(world.begin({"a"}));
  ASSERT_TRUE(world.until([&] { return world.server("a").find(cred).has_value(); }));
  auto& now = world.replace_cluster("a");
  now.make_namespace("n1");
  ASSERT_TRUE(world.until([&] { return world.is_held(); }));
  world.obstruct_footprint("p");
  EXPECT_THROW(world.engine().trust_context("a"), Error);
  world.run_for(beyond_grace);
  EXPECT_TRUE(world.is_held());
  EXPECT_FALSE(now.find(cred));
  world.mend_footprint("p");
  world.engine().trust_context("a");
  EXPECT_TRUE(world.until([&] { return now.find(cred).has_value(); }));
  world.forget_target("p");
  EXPECT_TRUE(world.until([&] { return world.says(left_there); })) << world.notes();
}

// One of them could not be reached while the first process after that ran.
TEST(Identity, WhereTheBookIsLostPinnedContextsWaitToBeTrustedAlsoAfterARestart) {
  World world({"a", "b"});
  world.put_target(pinned("cred", {"n1"}, {"a", "b"}));
  write_whole(world.footprint_folder().parent_path() / "contexts.json", "torn {");
  world.server("b").inject({.kind = Fault::Kind::close, .times = -1});
  const auto is_held = [&](const std::string& context) {
    const auto row = world.row("n1", context, "p");
    return row && row->cause && describe(*row->cause).find("trust-context") != std::string::npos;
  };
  world.start();
  ASSERT_TRUE(world.until([&] { return is_held("a"); }));
  world.stop();
  world.server("b").clear_faults();
  world.start();
  EXPECT_TRUE(world.until([&] { return is_held("b"); }));
  EXPECT_TRUE(is_held("a"));
  EXPECT_FALSE(world.server("b").find(cred));
  world.restart();
  world.engine().trust_context("b");
  EXPECT_TRUE(world.until([&] { return world.server("b").find(cred).has_value(); }));
}

TEST(Identity, ARemovalWithoutADaemonTellsOfAClusterThatTheContextDoesNotLeadToAnyMore) {
  World world({"a"});
  world.put_target(named("t", "cred", {"n1"}, {"a"}));
  ASSERT_TRUE(world.begin({"a"}));
  world.stop();
  auto& former = world.server("a");
  world.replace_cluster("a").make_namespace("n1");
  world.start();
  world.forget_target("t");
  world.sync("t");
  EXPECT_TRUE(former.find(cred));
  EXPECT_TRUE(world.says(left_there, "t")) << world.notes("t");
}

// It has another name now, for another target; what the first target has left there is found through that name.
TEST(Identity, WhatATargetLeavesBehindARenamedContextIsToldAndGoesWithIt) {
  World world({"a", "z"});
  world.add_alias("b", "a");
  world.set_contexts({"a", "z"});
  world.put_target(named("t", "cred", {"n1"}, {"a", "z"}));
  world.put_target(named("u", "other", {"n2"}, {"b", "z"}));
  ASSERT_TRUE(world.begin({"a"}));
  world.set_contexts({"b", "z"});
  world.run_for(beyond_grace);
  world.sync();
  ASSERT_TRUE(world.until([&] { return world.knows_cluster("b"); }));
  world.put_target(named("t", "cred", {"n1"}, {"z"}));
  world.run_for(5 * beyond_grace);
  world.sync();
  EXPECT_TRUE(!world.server("a").find(cred) || world.says("context a is not in the kubeconfig")) << world.notes();
  world.forget_target("t");
  world.sync();
  EXPECT_TRUE(world.until([&] { return !world.server("a").find(cred); }));
}

// What answers there may be another cluster that takes the same credentials.
TEST(Identity, APinnedContextWaitsWhereKubeSystemCannotBeReadAnyMore) {
  World world({"a"});
  world.put_target(pinned("cred", {"n1"}, {"a"}));
  ASSERT_TRUE(world.begin({"a"}));
  ASSERT_TRUE(world.until([&] { return world.server("a").find(cred).has_value(); }));
  const auto waits = [&] { return world.is_held("kube-system"); };
  world.hide_identities();
  world.server("a").cut_watches();
  ASSERT_TRUE(world.until(waits));
  const auto before = world.writes();
  world.login("ghcr.io", "second");
  world.sync();
  EXPECT_EQ(world.writes(), before);
  EXPECT_TRUE(waits());
  world.server("a").allow_all();
  world.sync();
  EXPECT_FALSE(waits()) << "as the remedy says";
  EXPECT_GT(world.writes(), before);
}

TEST(Identity, AContextThatIsHeldCallsNothingClean) {
  World world({"a", "b"});
  world.put_target(named("t", "cred", {"n1"}, {"a"}));
  world.put_target(pinned("pinned", {"n2"}, {"b"}));
  ASSERT_TRUE(world.begin({"a", "b"}));
  world.set_contexts({"b"});
  std::string moved = world.kubeconfig();
  moved.replace(moved.find(world.server("b").url()), world.server("b").url().size(), world.server("a").url());
  world.set_kubeconfig(moved);
  ASSERT_TRUE(world.until([&] { return world.is_held("pins it"); }));
  world.run_for(beyond_grace);
  world.forget_target("t");
  world.run_for(5 * beyond_grace);
  world.sync();
  EXPECT_TRUE(world.says(left_there)) << world.notes();
  world.engine().trust_context("b");
  EXPECT_TRUE(world.until([&] { return !world.server("a").find(cred); }));
}

TEST(Identity, AFormerClusterIsForgottenOnceItIsCleanThroughAnotherContext) {
  World world({"a", "b"});
  world.put_target(named("t", "cred", {"n1"}, {"a"}));
  world.put_target(named("u", "other", {"n2"}, {"b"}));
  ASSERT_TRUE(world.begin({"a", "b"}));
  auto& former = world.server("a");
  auto& present = world.server("b");
  std::string swapped = world.kubeconfig();
  const auto replace = [&](const std::string& from, const std::string& to) {
    swapped.replace(swapped.find(from), from.size(), to);
  };
  replace(former.url(), "first");
  replace(present.url(), former.url());
  replace("first", present.url());
  world.set_kubeconfig(swapped);
  ASSERT_TRUE(world.until([&] { return present.find(cred).has_value(); }));
  ASSERT_TRUE(world.until([&] { return world.says("context a leads to another"); }));
  world.run_for(2 * beyond_grace);
  world.forget_target("t");
  world.sync();
  EXPECT_FALSE(present.find(cred));
  EXPECT_TRUE(world.until([&] { return !former.find(cred); }));
  EXPECT_TRUE(world.until([&] { return !world.says(left_there); })) << world.notes();
}

TEST(Identity, OfManyFormerClustersNoneIsForgottenThatHasSomethingToBeRemoved) {
  World world({"a"});
  world.put_target(named("t", "cred", {"n1"}, {"a"}));
  ASSERT_TRUE(world.begin({"a"}));
  const std::string first = world.server("a").url();
  ASSERT_TRUE(world.cut_off("a"));
  world.forget_target("t");
  world.put_target(named("u", "other", {"n1"}, {"a"}));
  for (int i = 0; i < 7; ++i) {
    auto& now = world.replace_cluster("a");
    now.make_namespace("n1");
    ASSERT_TRUE(world.until([&] { return now.find({"secrets", "n1", "other"}).has_value(); }));
    ASSERT_TRUE(world.until([&] { return world.knows_cluster("a"); }));
  }
  EXPECT_TRUE(world.says(left_there, "t")) << world.notes("t");
  EXPECT_TRUE(world.until([&] { return world.footprints().find(first) != std::string::npos; }));
}

// Each time, the footprints of all targets are written.
TEST(Identity, AServerThatSaysAnotherUidEachTimeIsNotBelievedEachTime) {
  World world({"a"});
  world.next_move_pause = std::chrono::hours(1);
  world.put_target(named("t", "cred", {"n1"}, {"a"}));
  ASSERT_TRUE(world.begin({"a"}));
  world.replace_cluster("a").make_namespace("n1");
  ASSERT_TRUE(world.until([&] { return world.says("context a leads to another cluster"); }));
  const std::string remembered = world.footprints();
  const std::string second = world.server("a").url();
  auto& third = world.replace_cluster("a");
  third.make_namespace("n1");
  EXPECT_TRUE(world.until([&] { return world.problem_of("a").find("once more") != std::string::npos; }));
  EXPECT_EQ(world.footprints(), remembered);
  world.stop();
  world.next_move_pause = {};
  world.start();
  EXPECT_TRUE(world.until([&] { return world.footprints().find(second) != std::string::npos; }));
  EXPECT_EQ(world.problem_of("a"), "");
}

// Clusters of a fleet come and go.
TEST(Identity, OfManyContextsThatAreGoneOnlyWhatATargetOrAPauseNamesIsKept) {
  World world({"a"});
  json contexts = json::object();
  for (int i = 0; i < 1100; ++i) {
    contexts["gone-" + std::to_string(i)] = {{"uid", "u" + std::to_string(i)}, {"server", "https://gone"}};
  }
  const auto file = world.footprint_folder().parent_path() / "contexts.json";
  write_whole(file, json{{"contexts", contexts}}.dump());
  write_whole(file.parent_path() / "paused.json", json{{"contexts", {"gone-7"}}}.dump());
  world.put_target(pinned("cred", {"n1"}, {"a", "gone-8"}));
  ASSERT_TRUE(world.begin({"a"}));
  const auto known = [&] {
    std::vector<std::string> names;
    const json document = json::parse(read_file(file));
    for (const auto& [name, entry] : document.at("contexts").items()) {
      names.push_back(name);
    }
    return names;
  };
  EXPECT_TRUE(world.until([&] { return known().size() < 1000; }));
  EXPECT_EQ(known(), (std::vector<std::string>{"a", "gone-7", "gone-8"}));
}

// The book of a replica does not outlive its pod.
TEST(Identity, OfManyFormerClustersTheOldestAreForgottenAlsoWhereTheBookIsGone) {
  World world({"a"});
  world.put_target(named("t", "cred", {"n1"}, {"a"}));
  ASSERT_TRUE(world.begin({"a"}));
  const std::string first = world.server("a").url();
  const auto move = [&] {
    world.replace_cluster("a").make_namespace("n1");
    return world.until([&] { return world.server("a").find(cred).has_value(); }) &&
           world.until([&] { return world.knows_cluster("a"); });
  };
  ASSERT_TRUE(move());
  ASSERT_TRUE(world.until([&] { return world.footprints().find(first) != std::string::npos; }));
  world.stop();
  std::filesystem::remove(world.footprint_folder().parent_path() / "contexts.json");
  world.start();
  ASSERT_TRUE(world.until([&] { return world.knows_cluster("a"); }));
  EXPECT_FALSE(world.says(left_there)) << world.notes();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(move());
  }
  EXPECT_TRUE(world.until([&] { return world.footprints().find(first) == std::string::npos; })) << world.footprints();
}

// --- What was not read is not clean

TEST(Identity, SecretsThatAreReadOneByOneAreNotCleanBeforeServiceAccountsAreKnown) {
  World world({"a"});
  world.server().deny_cluster_wide("list", "secrets");
  world.put_target(named("t", "cred", {"n*"}, {"a"}));
  auto other = named("u", "other", {"n2"}, {"a"});
  other.service_accounts = {"default"};
  world.put_target(other);
  ASSERT_TRUE(world.begin({"a"}));
  ASSERT_TRUE(world.until([&] { return world.server().find(cred).has_value(); }));
  world.stop();
  world.server().inject({.verb = "list", .resource = "serviceaccounts", .times = -1, .status = 503});
  world.start();
  world.run_for(2 * beyond_grace);
  world.forget_target("t");
  world.run_for(5 * beyond_grace);
  EXPECT_EQ(world.engine().status("t").targets.size(), 1U) << "it goes on";
  world.server().clear_faults();
  world.sync();
  EXPECT_TRUE(world.until([&] { return !world.server().find(cred); }));
}

TEST(Identity, ATargetWhoseFileIsGoneIsNotForgottenBeforeServiceAccountsAreKnown) {
  World world({"a"});
  const FakeCluster::Key account{"serviceaccounts", "n1", "default"};
  world.server().put(account, json::object());
  auto target = named("t", "cred", {"n1"}, {"a"});
  target.service_accounts = {"default"};
  world.put_target(target);
  world.put_target(named("u", "other", {"n2"}, {"a"}));
  ASSERT_TRUE(world.begin({"a"}));
  world.stop();
  world.server().erase(cred);
  world.lose_target("t");
  world.server().inject({.verb = "list", .resource = "serviceaccounts", .times = -1, .status = 503});
  world.start();
  world.run_for(5 * beyond_grace);
  world.server().clear_faults();
  world.sync();
  world.forget_target("t");
  world.sync();
  EXPECT_TRUE(world.until([&] { return pull_secrets_of(world.server().find(account).value()).empty(); }));
}

// --- A pause in the middle of a change

TEST(Identity, APausedContextThatGetsAnotherNameStaysPaused) {
  World world({"a"});
  world.add_alias("b", "a");
  world.set_contexts({"a"});
  world.put_target(named("t", "cred", {"n1"}, {"*"}));
  ASSERT_TRUE(world.begin({"a"}));
  world.engine().pause_context("a", true);
  world.set_contexts({"b"});
  world.server("a").forget_requests();
  world.login("ghcr.io", "second");
  world.run_for(5 * beyond_grace);
  EXPECT_EQ(world.server("a").writes(), 0U);
  EXPECT_TRUE(world.says("context b is paused")) << world.notes();
  world.restart();
  world.run_for(5 * beyond_grace);
  EXPECT_EQ(world.server("a").writes(), 0U);
  EXPECT_TRUE(world.engine().pause_context("b", false));
  EXPECT_TRUE(world.until([&] { return world.server("a").writes() > 0; }));
}

TEST(Identity, AContextBesideAPausedOneGoesOnWhereThatOneIsDeleted) {
  World world({"a"});
  world.add_alias("b", "a");
  world.put_target(named("t", "cred", {"n1"}, {"*"}));
  ASSERT_TRUE(world.begin({"a", "b"}));
  world.engine().pause_context("a", true);
  world.set_contexts({"b"});
  world.run_for(2 * beyond_grace);
  world.server("a").forget_requests();
  world.login("ghcr.io", "second");
  EXPECT_TRUE(world.until([&] { return world.server("a").writes() > 0; }));
  EXPECT_FALSE(world.says("context b")) << world.notes();
}

class PausedMeanwhile : public testing::TestWithParam<bool> {};

// The deletion waits for a slow webhook while the person pauses.
TEST_P(PausedMeanwhile, ADeletionThatHasBegunDeletesNothing) {
  const bool of_target = GetParam();
  World world({"a"});
  for (const auto* name_space : {"n1", "n2"}) {
    world.server().put({"serviceaccounts", name_space, "default"}, {{"kind", "ServiceAccount"}});
  }
  auto target = named("t", "cred", {"n1", "n2"}, {"a"});
  target.service_accounts = {"default"};
  world.put_target(target);
  ASSERT_TRUE(world.begin({"a"}));
  world.server().inject(
      {.kind = Fault::Kind::held, .verb = "patch", .resource = "serviceaccounts", .name_space = "n1", .times = 1});
  world.server().forget_requests();
  target.namespaces = {"n2"};
  world.replace_target(target);
  ASSERT_TRUE(world.until([&] { return world.server().count("patch", "serviceaccounts") == 1; }));
  if (of_target) {
    target.paused = true;
    world.replace_target(target);
  } else {
    world.engine().pause_context("a", true);
  }
  world.run_for(100ms);
  world.server().release_held();
  world.run_for(500ms);
  EXPECT_TRUE(world.server().find(cred));
  EXPECT_EQ(world.server().count("delete"), 0U);
}

INSTANTIATE_TEST_SUITE_P(All, PausedMeanwhile, testing::Bool(),
                         [](const auto& of) { return of.param ? "Target" : "Context"; });

TEST(PausedMeanwhileTest, NoFurtherServiceAccountIsWritten) {
  World world({"a"});
  for (int i = 0; i < 30; ++i) {
    world.server().put({"serviceaccounts", "n1", "sa" + std::to_string(i)}, {{"kind", "ServiceAccount"}});
  }
  auto target = named("t", "cred", {"n1"}, {"a"});
  world.put_target(target);
  ASSERT_TRUE(world.begin({"a"}));
  world.server().inject({.kind = Fault::Kind::held, .verb = "patch", .resource = "serviceaccounts", .times = 1});
  world.server().forget_requests();
  target.service_accounts = {"sa*"};
  world.replace_target(target);
  ASSERT_TRUE(world.until([&] { return world.server().count("patch", "serviceaccounts") == 1; }));
  world.engine().pause_context("a", true);
  world.server().release_held();
  world.run_for(500ms);
  EXPECT_EQ(world.server().count("patch", "serviceaccounts"), 1U);
  world.engine().pause_context("a", false);
  EXPECT_TRUE(world.until([&] { return world.server().count("patch", "serviceaccounts") == 30; }));
}

}  // namespace
}  // namespace regsync::test
