// What decides about a context for a command is what decides in the engine.
#include "sync/cli/ask/comparison.hpp"

#include <gmock/gmock.h>

#include "sync/engine/deletion_rule.hpp"
#include "tests/unit/sync/engine/engine_parts.hpp"

namespace regsync::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// An engine and a command over the same files.
class ComparisonTest : public EngineParts {
 protected:
  ComparisonTest() {
    set_contexts(there_);
    logins_.asked = {RegistryKey("ghcr.io")};
  }

  void lead_to(const std::string& context, const std::string& uid, bool pinned = false) {
    const ClusterIdentity identity{.uid = uid, .server = "https://k.example", .authorities = {}};
    book_.meet(context, identity, pinned, {});
    memory_.book.meet(context, identity, pinned, {});
  }
  // As it is after the engine was told, and after a command began.
  [[nodiscard]] CompareWith asked_by_a_command(const std::string& context = "dev",
                                               const std::set<std::string>& asked = {}) {
    const FootprintStore footprints(dir_ / "footprints");
    for (const auto& [target, footprint] : footprints.all()) {
      memory_.footprints.set(target, footprint);
    }
    const Inputs inputs{.kubeconfig = kubeconfig_,
                        .memory = memory_,
                        .files = targets_.files(),
                        .footprints = footprints.all(),
                        .plans = intent_.plans(),
                        .asked = asked};
    return compare_with(inputs, context);
  }
  // Returns what both have to say.
  CompareWith expect_agreement(const char* what) {
    briefing_.tell_all();
    const CompareWith command = asked_by_a_command();
    const auto engine = briefing_.told_to("dev");
    EXPECT_EQ(command.deletion, engine->deletion()) << what;
    EXPECT_EQ(command.siblings, engine->siblings()) << what;
    return command;
  }
  [[nodiscard]] std::set<std::string> leftovers_in(const std::string& context) {
    const Places places = asked_by_a_command(context, {"t"}).leftovers;
    return places.empty() ? std::set<std::string>() : places.secrets.at("cred").namespaces;
  }

  const Contexts there_{{"dev", "own"}, {"prod", "own-prod"}};
  const kube::Kubeconfig kubeconfig_ = kube::Kubeconfig::parse(kubeconfig_text(there_), "a file");
  RememberedState memory_{.footprints = FootprintStore(dir_ / "copy"), .book = ContextBook(dir_ / "copy.json")};
};

TEST_F(ComparisonTest, ACommandAndTheEngineAgree) {
  lead_to("dev", "1");
  declare(target({"team"}, {"dev"}));
  EXPECT_THAT(expect_agreement("a target").deletion.known_targets, ElementsAre("t"));
  declare(target({}, {"dev"}));
  EXPECT_TRUE(expect_agreement("its own namespace").deletion.bound.contains("t"));
  Target paused = target({"team"}, {"dev"});
  paused.paused = true;
  declare(paused);
  EXPECT_THAT(expect_agreement("a paused target").deletion.uncertain, ElementsAre("t"));
  declare(target({"team"}, {"dev", "gone"}));
  EXPECT_THAT(expect_agreement("a context that nobody knows").deletion.uncertain, ElementsAre("t"));
  declare(target({"team"}, {"prod"}));
  EXPECT_THAT(expect_agreement("another context").deletion.known_targets, IsEmpty());
  remember("dev", {"team"});
  EXPECT_THAT(expect_agreement("where it was").deletion.known_targets, ElementsAre("t"));
}

TEST_F(ComparisonTest, ACommandAndTheEngineAgreeAboutRemovals) {
  lead_to("dev", "1");
  remember("dev", {"team"});
  footprints_.forget("t", /*keep_secrets=*/false);
  EXPECT_THAT(expect_agreement("removed").deletion.forgotten, ElementsAre("t"));
  footprints_.forget("t", /*keep_secrets=*/true);
  EXPECT_THAT(expect_agreement("removed, and its Secrets kept").deletion.kept, ElementsAre("t"));
  lead_to("dev", "2", /*pinned=*/true);
  EXPECT_THAT(expect_agreement("the context is held").deletion.forgotten, IsEmpty());
}

TEST_F(ComparisonTest, ACommandAndTheEngineAgreeAboutAPinnedContextThatLeadsElsewhere) {
  Target pinned = target({"team"}, {"dev"});
  pinned.pin = true;
  lead_to("dev", "1", /*pinned=*/true);
  lead_to("dev", "2", /*pinned=*/true);
  declare(pinned);
  EXPECT_THAT(expect_agreement("held").deletion.uncertain, ElementsAre("t"));
}

TEST_F(ComparisonTest, ACommandAndTheEngineAgreeAboutOtherContextsOfTheCluster) {
  lead_to("dev", "1");
  lead_to("prod", "1");
  lead_to("old", "1");
  Target made = target({}, {"*"});
  declare(made);
  auto siblings = expect_agreement("one that is there").siblings;
  ASSERT_THAT(siblings, SizeIs(1));
  EXPECT_EQ(siblings[0].context, "prod");
  EXPECT_THAT(siblings[0].targets->front().namespaces, ElementsAre("own-prod"));

  declare(target({"team"}, {"old"}));
  EXPECT_THAT(expect_agreement("one that is gone, and had nothing").siblings, IsEmpty());
  remember("old", {"team"});
  siblings = expect_agreement("one that is gone, and is wanted still").siblings;
  ASSERT_THAT(siblings, SizeIs(1));
  EXPECT_EQ(siblings[0].context, "old");

  made.contexts = {"prod"};
  made.on_logout = OnLogout::remove;
  logins_.gone = {RegistryKey("ghcr.io")};
  declare(made);
  EXPECT_THAT(expect_agreement("its logins are gone").siblings, IsEmpty());
}

TEST_F(ComparisonTest, WhatWasMadeThroughAContextThatIsGoneIsFoundThroughItsNewName) {
  lead_to("old", "1");
  lead_to("prod", "1");
  declare(target({"team"}, {"prod"}));
  remember("old", {"n1", "n2"});
  EXPECT_THAT(leftovers_in("prod"), ElementsAre("n1", "n2"));
  EXPECT_THAT(leftovers_in("dev"), IsEmpty());
}

TEST_F(ComparisonTest, NothingIsFoundThroughAContextThatNoTargetUses) {
  lead_to("old", "1");
  lead_to("prod", "1");
  remember("old", {"n1"});
  footprints_.forget("t", /*keep_secrets=*/false);
  EXPECT_THAT(leftovers_in("prod"), IsEmpty());
  Target other = target({"team"}, {"prod"});
  other.name = "other";
  declare(other);
  EXPECT_THAT(leftovers_in("prod"), ElementsAre("n1"));
}

TEST(Namesakes, AreTheOtherTargetsWithASecretOfANameThatTheTargetHasOrHad) {
  TargetFiles files;
  const auto add = [&](const std::string& name, const std::string& secret) {
    Target target;
    target.name = name;
    target.secret = secret;
    files[name].target = std::move(target);
  };
  add("a", "cred");
  add("b", "cred");
  add("c", "another");
  files["torn"] = {std::nullopt, Error(ErrorCode::invalid_input, "it is no YAML")};
  const auto names = [&](const std::map<std::string, Footprint>& footprints) {
    std::vector<std::string> found;
    for (const Target& target : namesakes_of({*files["a"].target}, files, footprints)) {
      found.push_back(target.name);
    }
    return found;
  };
  EXPECT_THAT(names({}), ElementsAre("b"));
  Footprint footprint;
  footprint.contexts["dev"].secrets["another"].namespaces = {"team"};
  EXPECT_THAT(names({{"a", footprint}}), ElementsAre("b", "c"));
}

}  // namespace
}  // namespace regsync::cli
