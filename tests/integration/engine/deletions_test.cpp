// Nothing is deleted that nobody asked to delete: what looks like less and is not, what cannot be written down, and
// what a changed kubeconfig means.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "sync/engine/engine.hpp"
#include "tests/integration/engine/engine_world.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto beyond_grace = 3 * EngineWorld::grace;
// Where a test looks within the grace: a machine may stand still for a moment.
constexpr auto long_grace = 600ms;
constexpr auto within_long_grace = long_grace / 20;
constexpr auto beyond_long_grace = long_grace + 120ms;

class Deletions : public testing::Test {
 protected:
  explicit Deletions(const std::vector<std::string>& contexts = {"a"}) : world_(contexts) {
    world_.login("ghcr.io", "first");
    for (const auto& [context, server] : world_.servers()) {
      server->make_namespace("n1");
      server->make_namespace("n2");
    }
  }

  void begin(const Target& target) {
    world_.put_target(target);
    world_.start();
    world_.sync();
  }

  std::optional<std::string> uid(const std::string& name_space, const std::string& secret = "cred") {
    const auto found = world_.secret(name_space, secret);
    return found ? std::optional(found->at("metadata").at("uid").get<std::string>()) : std::nullopt;
  }
  bool is_gone(const std::string& name_space, const std::string& secret = "cred") {
    return world_.until([&] { return !uid(name_space, secret); });
  }
  bool is_there(const std::string& name_space, const std::string& secret = "cred") {
    return world_.until([&] { return uid(name_space, secret).has_value(); });
  }
  std::size_t deletions() {
    std::size_t count = 0;
    for (const auto& request : world_.server().requests()) {
      count += request.verb == "delete" ? 1 : 0;
    }
    return count;
  }
  std::string notes() {
    std::string text;
    for (const auto& note : world_.engine().status().notes) {
      text += describe(note) + "\n";
    }
    return text;
  }

  EngineWorld world_;
};

// --- the context's current namespace

TEST_F(Deletions, ATargetWithoutNamespacesStaysWhereItWasFirst) {
  world_.switch_namespace("a", "n1");
  begin(make_target({}));
  const auto first = uid("n1");
  ASSERT_TRUE(first);
  for (const auto* name_space : {"n2", "default", "n2"}) {
    world_.switch_namespace("a", name_space);
    world_.run_for(beyond_grace);
    world_.sync();
    EXPECT_EQ(uid("n1"), first);
    EXPECT_FALSE(uid(name_space)) << "nobody asked for it";
  }
  EXPECT_NE(notes().find("stays in namespace n1 of context a, whose current namespace is n2 now"), std::string::npos)
      << notes();
  EXPECT_TRUE(world_.engine().status().all_in_sync());
  EXPECT_EQ(deletions(), 0U);
  world_.restart();
  world_.sync();
  EXPECT_EQ(uid("n1"), first);
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(world_.until([&] { return entries_of(*world_.secret("n1", "cred")).at("ghcr.io") == "jdoe:second"; }));
  world_.put_target(make_target({"n2"}));
  EXPECT_TRUE(is_there("n2"));
  EXPECT_TRUE(is_gone("n1")) << "now it was asked for";
}

TEST_F(Deletions, ATargetWithoutNamespacesWhoseFootprintIsLostLeavesWhatIsInOtherNamespaces) {
  Target wide = make_target({"other-*"});  // what is anywhere is seen
  wide.name = "wide";
  world_.put_target(wide);
  world_.switch_namespace("a", "n1");
  begin(make_target({}));
  const auto first = uid("n1");
  ASSERT_TRUE(first);
  world_.stop();
  world_.lose_state(EngineWorld::owner_id);
  world_.switch_namespace("a", "n2");
  world_.start();
  EXPECT_TRUE(is_there("n2"));
  world_.run_for(beyond_grace);
  world_.sync();
  EXPECT_EQ(uid("n1"), first) << "it may be another machine's";
  EXPECT_EQ(deletions(), 0U);
}

TEST_F(Deletions, AKubeconfigTornAtAnyByteMovesAndDeletesNothing) {
  world_.switch_namespace("a", "n1");
  begin(make_target({}));
  const auto first = uid("n1");
  const std::string whole = world_.kubeconfig();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    world_.set_kubeconfig(whole.substr(0, size));
    world_.run_for(size % 16 == 0 ? 20ms : 0ms);
  }
  world_.set_kubeconfig(whole);
  world_.run_for(beyond_grace);
  world_.sync();
  EXPECT_EQ(uid("n1"), first);
  EXPECT_EQ(deletions(), 0U);
  EXPECT_TRUE(world_.engine().status().all_in_sync());
}

TEST_F(Deletions, TheFirstNamespaceIsOneThatHeldForTheGrace) {
  world_.next_grace = long_grace;
  world_.switch_namespace("a", "n1");
  world_.start();
  world_.run_for(beyond_long_grace);
  const std::string whole = world_.kubeconfig();
  world_.set_kubeconfig(whole.substr(0, whole.find("    namespace:")));  // valid YAML
  world_.put_target(make_target({}));
  world_.run_for(within_long_grace);
  EXPECT_EQ(world_.state(""), SyncState::pending);
  world_.switch_namespace("a", "n2");
  world_.run_for(within_long_grace);
  world_.switch_namespace("a", "n1");
  EXPECT_FALSE(world_.engine().status().all_in_sync());
  EXPECT_TRUE(is_there("n1"));
  world_.sync();
  EXPECT_TRUE(world_.engine().status().all_in_sync());
  for (const auto* name_space : {"default", "n2"}) {
    EXPECT_FALSE(uid(name_space)) << "nobody asked for it";
  }
  EXPECT_EQ(deletions(), 0U);
}

TEST_F(Deletions, AKubeconfigThatWasWrittenLongAgoIsWhole) {
  world_.next_grace = 1min;
  world_.switch_namespace("a", "n1");
  world_.put_target(make_target({}));
  world_.start();
  world_.let_kubeconfig_age();
  EXPECT_TRUE(is_there("n1"));
}

TEST_F(Deletions, ATargetThatNamesItsNamespaceNoMoreGoesToTheCurrentOne) {
  begin(make_target({"n1"}));
  world_.put_target(make_target({}));
  EXPECT_TRUE(is_there("default"));
  EXPECT_TRUE(is_gone("n1"));
}

TEST_F(Deletions, ATargetFileCutBeforeItsNamespacesGoesNowhereElse) {
  world_.next_grace = long_grace;
  auto target = make_target({"n1"});
  target.exclude_namespaces = {"n2"};
  begin(target);
  const auto first = uid("n1");
  for (const bool restarted : {false, true}) {
    world_.run_for(beyond_long_grace);
    world_.put_target(make_target({}));
    if (restarted) {
      world_.restart();
    }
    world_.run_for(within_long_grace);
    EXPECT_FALSE(world_.engine().status().all_in_sync());
    world_.put_target(target);
    world_.run_for(beyond_long_grace);
    EXPECT_TRUE(world_.engine().status().all_in_sync());
  }
  EXPECT_EQ(uid("n1"), first);
  EXPECT_FALSE(uid("default"));
  EXPECT_EQ(deletions(), 0U);
}

// --- target files

TEST_F(Deletions, ATargetFileThatCoversLessForAMomentDeletesNothing) {
  world_.next_grace = long_grace;
  auto target = make_target({"n1", "n2"});
  target.registries = {"ghcr.io", "quay.io"};
  target.service_accounts = {"default"};
  world_.login("quay.io", "q");
  world_.server().put({"serviceaccounts", "n1", "default"}, json::object());
  world_.server().put({"serviceaccounts", "n2", "default"}, json::object());
  begin(target);
  world_.run_for(beyond_long_grace);
  const auto first = uid("n1");
  const auto second = uid("n2");
  ASSERT_TRUE(second);
  world_.forget_requests();
  auto torn = make_target({"n1"});
  torn.registries = {"ghcr.io"};
  world_.put_target(torn);
  world_.run_for(within_long_grace);
  world_.put_target(target);
  world_.run_for(beyond_long_grace);
  world_.sync();
  EXPECT_EQ(uid("n1"), first);
  EXPECT_EQ(uid("n2"), second);
  EXPECT_EQ(world_.writes(), 0U) << "neither entries nor ServiceAccounts were touched";
  world_.put_target(torn);
  EXPECT_TRUE(is_gone("n2"));
  EXPECT_TRUE(world_.until([&] { return entries_of(*world_.secret("n1", "cred")).size() == 1; }));
}

TEST_F(Deletions, ATargetFileTornWhileTheEngineStartsDeletesNothing) {
  world_.next_grace = long_grace;
  begin(make_target({"n1", "n2"}));
  const auto second = uid("n2");
  world_.stop();
  world_.put_target(make_target({"n1"}));
  world_.start();
  world_.run_for(within_long_grace);
  world_.put_target(make_target({"n1", "n2"}));
  world_.run_for(beyond_long_grace);
  world_.sync();
  EXPECT_EQ(uid("n2"), second);
}

TEST_F(Deletions, ASyncWaitsUntilWhatIsGoneFromAFileCounts) {
  begin(make_target({"n1", "n2"}));
  world_.put_target(make_target({"n1"}));
  world_.sync("t");
  EXPECT_FALSE(uid("n2"));
}

TEST_F(Deletions, WhatACommandReplacedOrRemovedCountsAtOnce) {
  world_.next_grace = 1min;
  begin(make_target({"n1", "n2"}));
  world_.replace_target(make_target({"n1"}));
  EXPECT_TRUE(is_gone("n2"));
  world_.forget_target("t");
  EXPECT_TRUE(is_gone("n1"));
}

// --- footprints that cannot be written

// A folder in the place of a file cannot be replaced by one, whoever runs this (root may write to read-only folders).
TEST_F(Deletions, AFootprintThatCannotBeWrittenHoldsBackItsOwnTargetOnly) {
  auto other = make_target({"n1"});
  other.name = "other";
  other.secret = "other";
  world_.put_target(other);
  begin(make_target({"n1"}));
  ASSERT_TRUE(uid("n1"));
  world_.stop();
  const auto file = world_.footprint_folder() / "t.json";
  std::filesystem::remove(file);
  std::filesystem::create_directories(file);
  world_.start();
  world_.put_target(make_target({"n1", "n2"}));
  other.namespaces = {"n1", "n2"};
  world_.put_target(other);
  world_.login("ghcr.io", "second");
  EXPECT_TRUE(world_.until([&] { return entries_of(*world_.secret("n1", "cred")).at("ghcr.io") == "jdoe:second"; }))
      << "rotations go on";
  EXPECT_TRUE(is_there("n2", "other"));
  world_.sync();
  EXPECT_FALSE(uid("n2")) << "it would not be found again";
  EXPECT_EQ(world_.state("n2"), SyncState::stuck);
  EXPECT_FALSE(world_.engine().status("t").all_in_sync());
  EXPECT_TRUE(world_.engine().status("other").all_in_sync());
  world_.run_for(beyond_grace);  // no file is to be read again
  std::filesystem::remove(file);
  world_.login("ghcr.io", "third");
  EXPECT_TRUE(world_.until([&] { return uid("n2").has_value(); })) << "before the next look at the disk";
}

TEST_F(Deletions, ASyncTriesAFootprintThatCouldNotBeWrittenAgain) {
  const auto file = world_.footprint_folder() / "t.json";
  std::filesystem::create_directories(file);
  begin(make_target({"n1"}));
  world_.run_for(beyond_grace);
  world_.sync();
  EXPECT_FALSE(uid("n1"));
  EXPECT_EQ(world_.state("n1"), SyncState::stuck);
  std::filesystem::remove(file);
  world_.sync();
  EXPECT_TRUE(uid("n1"));
  EXPECT_TRUE(world_.engine().status().all_in_sync());
}

// Its request has left; what was asked for since cannot be seen before the answer.
TEST_F(Deletions, WhatIsBeingDeletedAndIsWantedAgainIsPending) {
  begin(make_target({"n1"}));
  world_.server().inject({.kind = Fault::Kind::held, .verb = "delete", .resource = "secrets"});
  world_.put_target(make_target({"n2"}));
  ASSERT_TRUE(world_.until([&] { return deletions() == 1; }));
  world_.put_target(make_target({"n1", "n2"}));
  ASSERT_TRUE(is_there("n2"));
  world_.run_for(50ms);
  EXPECT_EQ(world_.state("n1"), SyncState::pending);
  world_.server().release_held();
  world_.sync();
  EXPECT_TRUE(uid("n1"));
  EXPECT_TRUE(world_.engine().status().all_in_sync());
}

// --- a target file that is gone

TEST_F(Deletions, ATargetWhoseFileIsGoneIsForgottenOnceItHasNothingAnywhere) {
  world_.logout("ghcr.io");
  begin(make_target({"n1"}));
  ASSERT_FALSE(uid("n1")) << "no login";
  const auto is_known = [&] { return !world_.engine().status().targets.empty(); };
  world_.lose_target("t");
  EXPECT_TRUE(is_known()) << "an editor may write it anew";
  EXPECT_TRUE(world_.until([&] { return !is_known(); }));
  EXPECT_TRUE(world_.engine().status().all_in_sync());
  world_.restart();
  world_.sync();
  EXPECT_FALSE(is_known());
}

TEST_F(Deletions, ATargetWhoseFileIsGoneIsKnownAsLongAsItHasASecret) {
  begin(make_target({"n1"}));
  const auto first = uid("n1");
  world_.lose_target("t");
  world_.run_for(beyond_grace);
  world_.sync();
  EXPECT_EQ(uid("n1"), first);
  EXPECT_FALSE(world_.engine().status().all_in_sync());
  world_.restart();
  world_.sync();
  world_.run_for(beyond_grace);
  EXPECT_EQ(world_.engine().status().targets.size(), 1U);
  world_.server().erase({"secrets", "n1", "cred"});
  EXPECT_TRUE(world_.until([&] { return world_.engine().status().targets.empty(); }));
}

// --- contexts

TEST_F(Deletions, AContextThatCannotBeUsedAnyMoreKeepsItsLastGoodDefinition) {
  begin(make_target({"n1"}));
  const std::string header = "apiVersion: v1\nkind: Config\ncontexts:\n- name: a\n  context: {cluster: a, user: u}\n";
  const std::string unusable_pem =
      header + "clusters:\n- name: a\n  cluster: {server: \"https://127.0.0.1:1\"}\nusers:\n- name: u\n  user: " +
      "{client-certificate-data: bm8gUEVN, client-key-data: bm8gUEVN}\n";
  const std::string no_such_user =
      header + "clusters:\n- name: a\n  cluster: {server: \"" + world_.server().url() + "\"}\nusers: []\n";
  for (const auto& config : {unusable_pem, no_such_user}) {
    world_.set_kubeconfig(config);
    const auto password = "p" + std::to_string(config.size());
    world_.login("ghcr.io", password);
    EXPECT_TRUE(
        world_.until([&] { return entries_of(*world_.secret("n1", "cred")).at("ghcr.io") == "jdoe:" + password; }));
    world_.sync();  // returns
    EXPECT_FALSE(world_.engine().status().all_in_sync()) << "the kubeconfig as it is now cannot be used";
  }
  world_.set_contexts({"a"});
  world_.sync();
  EXPECT_TRUE(world_.engine().status().all_in_sync());
}

// --- contexts of one cluster

// It may be another name of a context that is there: mistyped, or to be made by a rename.
TEST_F(Deletions, ATargetThatNamesAContextThatNobodyKnowsLosesNothing) {
  begin(make_target({"n1", "n2"}));
  const auto first = uid("n1");
  for (const auto& contexts : {std::vector<std::string>{"ay"}, {"a", "ay"}, {"a"}}) {
    world_.put_target(make_target({"n1"}, contexts));
    world_.run_for(beyond_grace);
    world_.sync();
    EXPECT_EQ(uid("n1"), first);
    EXPECT_EQ(uid("n2").has_value(), contexts.back() == "ay");
    EXPECT_EQ(world_.engine().status().all_in_sync(), contexts.back() == "a") << "it is said that ay is unknown";
  }
  world_.put_target(make_target({"n1"}, {"ay"}));
  world_.run_for(beyond_grace);
  world_.forget_target("t");
  EXPECT_TRUE(is_gone("n1")) << "which asks for it, whatever the target names";
}

// c is another name of a's cluster; b is another cluster.
class SharedCluster : public Deletions {
 protected:
  explicit SharedCluster(bool other_address = false) : Deletions({"a", "b"}) {
    world_.add_alias("c", "a", other_address);
  }

  void narrow_from_two_contexts_to_one() {
    begin(make_target({"n1"}, {"a", "c"}));
    const auto first = uid("n1");
    ASSERT_TRUE(first);
    for (const auto* context : {"a", "c", "a"}) {
      world_.put_target(make_target({"n1"}, {context}));
      world_.run_for(beyond_grace);
      world_.sync();
      EXPECT_EQ(uid("n1"), first) << "still wanted, through " << context;
      EXPECT_TRUE(world_.engine().status().all_in_sync()) << status_text();
    }
    EXPECT_EQ(deletions(), 0U);
    world_.forget_target("t");
    EXPECT_TRUE(is_gone("n1"));
  }

  // A target names a by its name; the other one, with Secrets of the same name, goes everywhere. The uid of the first
  // one's Secret before the context was renamed.
  std::optional<std::string> begin_and_rename_a_to_c() {
    auto other = make_target({"n2*"}, {"*"});
    other.name = "u";
    world_.put_target(other);
    world_.set_contexts({"a", "b"});
    begin(make_target({"n1"}, {"a"}));
    const auto first = uid("n1");
    world_.set_contexts({"b", "c"});  // kubectl config rename-context a c
    world_.run_for(beyond_grace);
    world_.sync();
    return first;
  }

  void two_targets_with_one_secret() {
    auto other = make_target({"n1"}, {"c"});
    other.name = "u";
    world_.put_target(other);
    begin(make_target({"n1"}, {"a"}));
    const auto first = uid("n1");
    world_.run_for(beyond_grace);
    world_.sync();
    // Whichever wrote it first has it: nobody knew then that it is one cluster.
    const bool t_has_it = world_.state("n1", "a") == SyncState::in_sync;
    const auto refused = t_has_it ? world_.row("n1", "c", "u") : world_.row("n1", "a", "t");
    EXPECT_EQ(t_has_it ? world_.state("n1", "a") : world_.state("n1", "c", "u"), SyncState::in_sync) << status_text();
    ASSERT_EQ(refused->state, SyncState::stuck) << status_text();
    EXPECT_NE(refused->cause->message().find(t_has_it ? "target t" : "target u"), std::string::npos);
    world_.forget_requests();
    world_.run_for(200ms);
    EXPECT_EQ(world_.writes(), 0U) << "they do not fight";
    world_.forget_target(t_has_it ? "u" : "t");
    world_.run_for(beyond_grace);
    world_.sync();
    EXPECT_EQ(uid("n1"), first) << "it is the other one's";
    EXPECT_TRUE(world_.engine().status().all_in_sync()) << status_text();
  }

  std::string status_text() {
    std::string text;
    const auto report = world_.engine().status();
    for (const auto& row : report.rows) {
      text += row.target + " " + row.context + "/" + row.name_space + " " + std::string(to_string(row.state)) + " " +
              (row.cause ? row.cause->message() : "") + "\n";
    }
    for (const auto& target : report.targets) {
      for (const auto& problem : target.problems) {
        text += target.name + ": " + problem.message() + "\n";
      }
    }
    return text;
  }
};

TEST_F(SharedCluster, ATargetThatNamesAContextThatIsAwayLosesNothingInItsCluster) {
  begin(make_target({"n1", "n2"}, {"c"}));
  const auto first = uid("n1");
  ASSERT_TRUE(first);
  world_.set_contexts({"b", "c"});
  world_.put_target(make_target({"n1"}, {"a"}));
  world_.run_for(beyond_grace);
  EXPECT_EQ(uid("n1"), first) << "wanted through a, which may come back";
  world_.set_contexts({"a", "b", "c"});
  world_.sync();
  EXPECT_EQ(uid("n1"), first);
  EXPECT_TRUE(is_gone("n2"));
}

TEST_F(SharedCluster, ATargetNarrowedToOneContextKeepsTheObject) { narrow_from_two_contexts_to_one(); }

TEST_F(SharedCluster, OfManyContextsThatWantTheSameEachKnowsOfAll) {
  std::vector<std::string> contexts{"a", "c"};
  for (int i = 0; i < 10; ++i) {
    contexts.push_back("d" + std::to_string(i));
    world_.add_alias(contexts.back(), "a");
  }
  begin(make_target({"n1", "n2"}, contexts));
  const auto first = uid("n1");
  world_.put_target(make_target({"n1"}, {"d7"}));
  world_.run_for(beyond_grace);
  world_.sync();
  EXPECT_EQ(uid("n1"), first);
  EXPECT_TRUE(is_gone("n2"));
  EXPECT_TRUE(world_.engine().status().all_in_sync()) << status_text();
}

TEST_F(SharedCluster, OfTwoTargetsWithOneSecretTheSecondIsRefused) { two_targets_with_one_secret(); }

TEST_F(SharedCluster, TheFirstTargetGoesAndTheSecondTakesOverInPlace) {
  auto other = make_target({"n1"}, {"c"});
  other.name = "u";
  world_.put_target(other);
  begin(make_target({"n1"}, {"a"}));
  const auto first = uid("n1");
  world_.forget_target("t");
  EXPECT_TRUE(world_.until([&] { return world_.state("n1", "c", "u") == SyncState::in_sync; })) << status_text();
  EXPECT_EQ(uid("n1"), first);
}

TEST_F(SharedCluster, AContextThatIsAwayStillWantsItsObject) {
  begin(make_target({"n1"}, {"a", "c"}));
  const auto first = uid("n1");
  world_.set_contexts({"b", "c"});
  world_.put_target(make_target({"n1"}, {"a"}));
  world_.run_for(beyond_grace);
  world_.sync();
  EXPECT_EQ(uid("n1"), first);
}

// The older login arrives last, and is written over at once; neither context was in sync in between.
TEST_F(SharedCluster, AWriteThatIsUnderWayThroughOneContextIsPendingInTheOther) {
  begin(make_target({"n1"}, {"a", "c"}));
  world_.server().inject({.kind = Fault::Kind::held, .verb = "apply", .resource = "secrets"});
  const auto holds = [&](const std::string& password) {
    return entries_of(*world_.secret("n1", "cred")).at("ghcr.io") == "jdoe:" + password;
  };
  world_.login("ghcr.io", "second");
  ASSERT_TRUE(world_.until([&] { return holds("second"); })) << "through the other one";
  world_.login("ghcr.io", "third");
  ASSERT_TRUE(world_.until([&] { return holds("third"); }));
  world_.run_for(50ms);
  EXPECT_EQ(world_.state("n1", "a"), SyncState::pending);
  EXPECT_EQ(world_.state("n1", "c"), SyncState::pending);
  world_.server().release_held();
  std::string wrong;
  const auto in_sync = [&] {
    const bool third = holds("third");  // before the status is asked, which may be right by then
    for (const auto* context : {"a", "c"}) {
      if (!third && world_.state("n1", context) == SyncState::in_sync) {
        wrong = context;
      }
    }
    return third && world_.engine().status().all_in_sync();
  };
  EXPECT_TRUE(world_.until(in_sync)) << status_text();
  EXPECT_EQ(wrong, "") << "InSync with the second login";
}

TEST_F(SharedCluster, AContextThatGetsTheNameOfAnotherTakesNothingAway) {
  const auto first = begin_and_rename_a_to_c();
  ASSERT_TRUE(first);
  EXPECT_EQ(uid("n1"), first);
  auto renamed = world_.kubeconfig();  // kubectl config rename-context b a
  for (const std::string name : {"- name: b\n", "cluster: b\n"}) {
    for (auto at = renamed.find(name); at != std::string::npos; at = renamed.find(name)) {
      renamed[at + name.size() - 2] = 'a';
    }
  }
  world_.set_kubeconfig(renamed);
  world_.run_for(beyond_grace);
  world_.sync();
  world_.run_for(beyond_grace);
  EXPECT_EQ(uid("n1"), first) << status_text();
}

// The other target sees all Secrets of the name, and so what was made through the context's former name.
TEST_F(SharedCluster, WhatIsKeptStaysUnderTheContextsNewNameToo) {
  const auto first = begin_and_rename_a_to_c();
  ASSERT_TRUE(first);
  world_.forget_target("t", /*keep_secrets=*/true);
  world_.run_for(beyond_grace);
  world_.sync();
  EXPECT_EQ(uid("n1"), first);
}

TEST_F(SharedCluster, ARenamedContextLeavesNoNoteOnceTheTargetNamesTheNewOne) {
  begin(make_target({"n1"}, {"a"}));
  ASSERT_TRUE(world_.until([&] { return world_.knows_cluster("a"); }));
  const auto first = uid("n1");
  world_.set_contexts({"b", "c"});
  world_.run_for(beyond_grace);
  world_.put_target(make_target({"n1"}, {"c"}));
  world_.run_for(beyond_grace);
  world_.sync();
  EXPECT_EQ(uid("n1"), first);
  EXPECT_EQ(notes(), "") << "all that is there is seen through c";
  world_.forget_target("t");
  EXPECT_TRUE(is_gone("n1"));
  world_.sync();
  EXPECT_EQ(notes(), "");
}

// Nobody may read kube-system, and the addresses differ: only the uid of the Secret tells.
class DisguisedCluster : public SharedCluster {
 protected:
  DisguisedCluster() : SharedCluster(true) {
    for (const auto& [context, server] : world_.servers()) {
      server->deny("get", "namespaces");
    }
  }
};

TEST_F(DisguisedCluster, ATargetNarrowedToOneContextKeepsTheObject) { narrow_from_two_contexts_to_one(); }

TEST_F(DisguisedCluster, OfTwoTargetsWithOneSecretTheSecondIsRefused) { two_targets_with_one_secret(); }

TEST_F(DisguisedCluster, WhatCannotBeToldIsKept) {
  begin(make_target({"n1"}, {"a", "c"}));
  const auto first = uid("n1");
  world_.server().deny("get", "secrets");
  world_.put_target(make_target({"n1"}, {"a"}));
  world_.run_for(beyond_grace);
  EXPECT_EQ(uid("n1"), first);
}

TEST_F(Deletions, ARemovalWhoseFileCannotBeDeletedRemovesNothing) {
  begin(make_target({"n1"}));
  const auto before = uid("n1");
  EXPECT_THROW(world_.engine().forget_target("t", false,
                                             [] { throw Error(ErrorCode::invalid_input, "Operation not permitted"); }),
               Error);
  world_.sync();
  EXPECT_EQ(uid("n1"), before);
  EXPECT_EQ(world_.state("n1"), SyncState::in_sync);
  world_.restart();
  world_.lose_target("t");
  world_.run_for(beyond_grace);
  EXPECT_EQ(uid("n1"), before) << "nobody removed it";
}

// --- contexts that are gone, or lead elsewhere

class KindClusters : public Deletions {
 protected:
  KindClusters() : Deletions({"kind-a", "kind-b"}) {}
};

TEST_F(KindClusters, AContextThatAGlobMatchedAndThatIsGoneIsANoteUntilItIsForgotten) {
  begin(make_target({"n1"}, {"kind-*"}));
  world_.set_contexts({"kind-a"});
  world_.run_for(beyond_grace);
  world_.sync();
  EXPECT_TRUE(world_.engine().status().all_in_sync());
  EXPECT_NE(notes().find("regsync forget-context kind-b"), std::string::npos) << notes();
  EXPECT_THROW(world_.engine().forget_contexts({"kind-a"}), Error) << "it is in the kubeconfig";
  world_.engine().forget_contexts({"kind-b"});
  EXPECT_EQ(notes(), "");
  EXPECT_TRUE(world_.secret("n1", "cred", "kind-b"));
  EXPECT_THROW(world_.engine().forget_contexts({"kind-b"}), Error) << "nothing is known of it";
}

TEST_F(KindClusters, AContextThatComesBackEndsTheNote) {
  begin(make_target({"n1"}, {"kind-*"}));
  world_.set_contexts({"kind-a"});
  world_.run_for(beyond_grace);
  world_.set_contexts({"kind-a", "kind-b"});
  world_.sync();
  EXPECT_EQ(notes(), "");
  EXPECT_TRUE(world_.engine().status().all_in_sync());
}

TEST_F(KindClusters, ARemovedTargetDoesNotWaitForAContextThatIsGone) {
  for (const bool keep : {true, false}) {
    begin(make_target({"n1"}, {"kind-*"}));
    world_.set_contexts({"kind-a"});
    world_.run_for(beyond_grace);
    world_.forget_target("t", keep);
    world_.sync();
    const auto report = world_.engine().status();
    EXPECT_TRUE(report.rows.empty());
    EXPECT_TRUE(report.targets.empty());
    EXPECT_TRUE(report.all_in_sync());
    EXPECT_NE(notes().find("kind-b"), std::string::npos) << "what is left is remembered";
    EXPECT_EQ(world_.secret("n1", "cred", "kind-a").has_value(), keep);
    world_.set_contexts({"kind-a", "kind-b"});
    world_.sync();
    EXPECT_EQ(notes(), "");
    EXPECT_EQ(world_.secret("n1", "cred", "kind-b").has_value(), keep);
    world_.stop();
    for (const auto* context : {"kind-a", "kind-b"}) {
      world_.server(context).erase({"secrets", "n1", "cred"});
    }
  }
}

TEST_F(KindClusters, AContextThatLeadsToAnotherClusterIsNotedAndSynced) {
  begin(make_target({"n1"}, {"kind-*"}));
  ASSERT_TRUE(world_.until([&] { return world_.knows_cluster("kind-a"); }));
  world_.replace_cluster("kind-a").make_namespace("n1");
  EXPECT_TRUE(world_.until([&] { return world_.secret("n1", "cred", "kind-a").has_value(); }));
  EXPECT_TRUE(world_.until([&] { return notes().find("kind-a leads to another cluster") != std::string::npos; }));
  EXPECT_TRUE(world_.until([&] { return world_.engine().status().all_in_sync(); }));
  world_.engine().trust_context("kind-a");
  EXPECT_EQ(notes(), "");
}

TEST_F(KindClusters, APinnedContextThatLeadsToAnotherClusterGetsNothingUntilItIsTrusted) {
  auto target = make_target({"n1"}, {"kind-a"});
  target.pin = true;
  begin(target);
  EXPECT_TRUE(world_.secret("n1", "cred", "kind-a"));
  ASSERT_TRUE(world_.until([&] { return world_.knows_cluster("kind-a"); }));
  auto& other = world_.replace_cluster("kind-a");
  other.make_namespace("n1");
  world_.run_for(200ms);
  world_.restart();
  world_.sync();
  EXPECT_EQ(other.count("apply"), 0U) << "not even before it is known where it leads";
  EXPECT_EQ(world_.state("n1", "kind-a"), SyncState::stuck);
  EXPECT_EQ(world_.cause("n1", "kind-a"), ErrorCode::kubeconfig);
  world_.engine().trust_context("kind-a");
  EXPECT_TRUE(world_.until([&] { return world_.secret("n1", "cred", "kind-a").has_value(); }));
}

// Two names that change places: what was made is where it was, under the other name.
TEST_F(KindClusters, WhatAContextLeftInItsFormerClusterGoesWithTheTarget) {
  begin(make_target({"n1"}, {"kind-a"}));
  auto another = make_target({"n2"}, {"kind-b"});  // by which regsync is connected there
  another.name = "u";
  another.secret = "other";
  world_.put_target(another);
  ASSERT_TRUE(world_.until([&] { return world_.knows_cluster("kind-a") && world_.knows_cluster("kind-b"); }));
  auto& former = world_.server("kind-a");
  auto& present = world_.server("kind-b");
  std::string swapped = world_.kubeconfig();
  const auto swap_in = [&](const std::string& from, const std::string& to) {
    swapped.replace(swapped.find(from), from.size(), to);
  };
  swap_in(former.url(), "first");
  swap_in(present.url(), former.url());
  swap_in("first", present.url());
  world_.set_kubeconfig(swapped);
  const FakeCluster::Key key{"secrets", "n1", "cred"};
  ASSERT_TRUE(world_.until([&] { return present.find(key).has_value(); }));
  EXPECT_TRUE(former.find(key)) << "nobody asked to delete it";
  ASSERT_TRUE(world_.until([&] { return notes().find("context kind-a leads to another") != std::string::npos; }));
  world_.forget_target("t");
  world_.sync();
  EXPECT_FALSE(present.find(key));
  EXPECT_TRUE(world_.until([&] { return !former.find(key); })) << notes();
}

TEST_F(KindClusters, OfAFormerClusterThatCannotBeReachedAnyMoreARemovalSaysSo) {
  begin(make_target({"n1"}, {"kind-a"}));
  ASSERT_TRUE(world_.until([&] { return world_.knows_cluster("kind-a"); }));
  world_.replace_cluster("kind-a").make_namespace("n1");
  EXPECT_TRUE(world_.until([&] { return world_.secret("n1", "cred", "kind-a").has_value(); }));
  EXPECT_TRUE(world_.until([&] { return notes().find("former one") != std::string::npos; })) << notes();
  world_.forget_target("t");
  world_.sync();
  EXPECT_NE(notes().find("Secrets may be left there"), std::string::npos) << notes();
}

// What it led to when it was reached last says nothing of its new address.
TEST_F(KindClusters, AContextWhoseNewAddressWasNotIdentifiedYetDeletesNothingThatAnotherOneWants) {
  begin(make_target({"n1"}, {"kind-a", "kind-b"}));
  ASSERT_TRUE(world_.until([&] { return world_.knows_cluster("kind-a") && world_.knows_cluster("kind-b"); }));
  auto& gone = world_.server("kind-a");
  auto& shared = world_.server("kind-b");
  gone.inject({.kind = Fault::Kind::close, .times = -1});
  gone.cut_watches();
  world_.replace_target(make_target({"n1"}, {"kind-b"}));  // what is in kind-a is to be deleted
  world_.run_for(beyond_grace);
  const auto before = shared.find({"secrets", "n1", "cred"}).value().at("metadata").at("uid");
  shared.inject({.verb = "get", .resource = "namespaces", .times = -1, .status = 503});
  std::string moved = world_.kubeconfig();
  moved.replace(moved.find(gone.url()), gone.url().size(),
                "http://localhost" + shared.url().substr(shared.url().rfind(':')));
  world_.set_kubeconfig(moved);
  world_.run_for(1s);
  ASSERT_TRUE(shared.find({"secrets", "n1", "cred"}));
  EXPECT_EQ(shared.find({"secrets", "n1", "cred"})->at("metadata").at("uid"), before);
  shared.clear_faults();
  gone.clear_faults();
}

// As velero restores it: with our marks. What is not trusted gets no new password, and loses nothing.
TEST_F(KindClusters, APinnedContextThatIsHeldIsNotWrittenToThoughItHoldsACopyOfOurSecret) {
  auto target = make_target({"n1"}, {"kind-a"});
  target.pin = true;
  begin(target);
  ASSERT_TRUE(world_.until([&] { return world_.knows_cluster("kind-a"); }));
  const auto copy = world_.secret("n1", "cred", "kind-a").value();
  auto& other = world_.replace_cluster("kind-a");
  other.make_namespace("n1");
  other.put({"secrets", "n1", "cred"}, copy, "velero");
  ASSERT_TRUE(world_.until([&] { return world_.cause("n1", "kind-a") == ErrorCode::kubeconfig; }));
  other.forget_requests();
  world_.login("ghcr.io", "second");
  world_.sync();
  EXPECT_EQ(world_.state("n1", "kind-a"), SyncState::stuck);
  world_.forget_target("t");
  world_.sync();
  EXPECT_EQ(other.count("apply") + other.count("patch") + other.count("delete"), 0U);
  EXPECT_FALSE(world_.engine().status().rows.empty()) << "it is not said to be gone";
}

// As when a tunnel leads elsewhere, or the server has begun anew with the same certificates.
TEST_F(KindClusters, APinnedContextWhoseAddressLeadsToAnotherClusterGetsNothing) {
  auto target = make_target({"n1"}, {"kind-a"});
  target.pin = true;
  begin(target);
  ASSERT_TRUE(world_.until([&] { return world_.knows_cluster("kind-a"); }));
  FakeApiServer other;
  other.make_namespace("n1");
  auto& server = world_.server("kind-a");
  server.inject({.kind = Fault::Kind::close, .times = -1});
  server.cut_watches();
  ASSERT_TRUE(world_.until([&] { return !world_.engine().status().contexts.front().connected; }));
  server.restore(other.backup());
  server.clear_faults();
  server.inject({.verb = "get", .resource = "namespaces", .status = 503});  // it does not know itself yet
  server.forget_requests();
  ASSERT_TRUE(world_.until([&] { return world_.cause("n1", "kind-a") == ErrorCode::kubeconfig; }));
  ASSERT_TRUE(world_.until([&] { return world_.holds_cluster("kind-a"); })) << "it is asked again";
  world_.sync();
  EXPECT_EQ(server.count("apply"), 0U);
  EXPECT_EQ(world_.state("n1", "kind-a"), SyncState::stuck);
  world_.engine().trust_context("kind-a");
  EXPECT_TRUE(world_.until([&] { return world_.secret("n1", "cred", "kind-a").has_value(); }));
}

// --- the owner

TEST_F(Deletions, WhatThisUserMadeBeforeTheStateWasLostIsTakenBackByOneCommand) {
  begin(make_target({"n1"}));
  const auto first = uid("n1");
  world_.server().put({"secrets", "n2", "cred"}, foreign_secret());
  world_.stop();
  world_.lose_state("ffeeddccbbaa9988");
  auto both = make_target({"n1", "n2"});
  begin(both);
  EXPECT_EQ(world_.cause("n1"), ErrorCode::not_owned);
  EXPECT_NE(world_.row("n1")->cause->remedy().find("regsync sync --adopt"), std::string::npos);
  world_.sync(std::nullopt, true);
  EXPECT_EQ(world_.state("n1"), SyncState::in_sync);
  EXPECT_EQ(uid("n1"), first);
  EXPECT_EQ(world_.cause("n2"), ErrorCode::not_owned) << "nobody said that this one is ours";
}

}  // namespace
}  // namespace regsync::test
