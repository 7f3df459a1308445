// What may be deleted in a context: by the engine, and as commands say it.
#include "sync/engine/deletion_rule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/engine/context_checks.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// "dev" and "new" are there. Target "web" wants Secret "cred" in namespace "team".
class DeletionRuleTest : public testing::Test {
 protected:
  DeletionRuleTest() { declare("web", {"dev"}); }

  void declare(const std::string& name, std::vector<std::string> contexts) {
    Target target;
    target.name = name;
    target.secret = "cred";
    target.contexts = std::move(contexts);
    target.namespaces = {"team"};
    files_[name].target = std::move(target);
  }
  Target& web() { return *files_["web"].target; }
  // The target had its Secret in these namespaces of a context.
  Footprint& was_in(const std::string& target, const std::string& context, const std::set<std::string>& namespaces) {
    footprints_[target].contexts[context].secrets["cred"].namespaces = namespaces;
    return footprints_[target];
  }
  void leads_to(const std::string& context, const std::string& uid, bool pinned = false) {
    book_.meet(context, {.uid = uid, .server = "https://" + uid + ".example", .authorities = {}}, pinned, {});
  }
  [[nodiscard]] ContextFacts facts_in(const std::string& context) const {
    ContextFacts facts{.context = context,
                       .files = files_,
                       .footprints = footprints_,
                       .book = book_,
                       .is_there = [](const std::string& name) { return name == "dev" || name == "new"; }};
    for (const auto& [name, file] : files_) {
      if (file.target) {
        facts.targets.push_back({.target = &*file.target, .selects = selects_context(*file.target, context)});
      }
    }
    return facts;
  }
  static DeletionScope scope_of(const ContextFacts& facts) {
    return scope_in(facts, names_in_footprints(facts.context, facts.book, facts.is_there));
  }
  [[nodiscard]] DeletionScope scope_in_dev() const { return scope_of(facts_in("dev")); }

  TargetFiles files_;
  std::map<std::string, Footprint> footprints_;
  test::TempDir dir_;
  ContextBook book_{dir_ / "contexts.json"};
};

TEST_F(DeletionRuleTest, ATargetDeletesOnlyWhereNothingSpeaksAgainstIt) {
  EXPECT_THAT(scope_in_dev().known_targets, ElementsAre("web"));
  EXPECT_THAT(scope_in_dev().uncertain, IsEmpty());
  struct Case {
    const char* what;
    std::function<void(TargetFacts&, ContextFacts&)> change;
  };
  const Case cases[] = {
      {"its file may be torn", [](TargetFacts& target, ContextFacts&) { target.settled = false; }},
      {"its namespaces are not certain", [](TargetFacts& target, ContextFacts&) { target.undecided = true; }},
      {"it is held", [](TargetFacts& target, ContextFacts&) { target.held = true; }},
      {"the context is paused", [](TargetFacts&, ContextFacts& facts) { facts.paused = true; }},
      {"it is paused", [this](TargetFacts&, ContextFacts&) { web().paused = true; }},
      {"it names a context that nobody knows",
       [this](TargetFacts&, ContextFacts&) { web().contexts = {"dev", "gone"}; }},
  };
  for (const auto& [what, change] : cases) {
    declare("web", {"dev"});
    ContextFacts facts = facts_in("dev");
    change(facts.targets.front(), facts);
    const DeletionScope scope = scope_of(facts);
    EXPECT_THAT(scope.known_targets, IsEmpty()) << what;
    EXPECT_THAT(scope.uncertain, ElementsAre("web")) << what;
  }
}

TEST_F(DeletionRuleTest, ATargetDeletesNothingInAContextOfWhichItNeverSpoke) {
  EXPECT_THAT(scope_of(facts_in("new")).known_targets, IsEmpty());
  was_in("web", "new", {"n1"});
  EXPECT_THAT(scope_of(facts_in("new")).known_targets, ElementsAre("web"));
}

TEST_F(DeletionRuleTest, ATargetWithoutNamespacesDeletesOnlyWhereItsFootprintSaysThatItWas) {
  EXPECT_THAT(scope_in_dev().bound, IsEmpty());
  web().namespaces = {};
  ASSERT_TRUE(scope_in_dev().bound.contains("web"));
  EXPECT_TRUE(scope_in_dev().bound.at("web").empty());
  was_in("web", "dev", {"n1"});
  EXPECT_TRUE(scope_in_dev().bound.at("web").cover({"n1", "cred"}));
  EXPECT_FALSE(scope_in_dev().bound.at("web").cover({"n2", "cred"}));
}

TEST_F(DeletionRuleTest, ARemovalCountsUnlessTheContextIsHeldOrPausedOrSomebodyElseActs) {
  files_.clear();
  was_in("web", "dev", {"n1"}).forgotten = true;
  leads_to("dev", "1");
  EXPECT_THAT(scope_in_dev().forgotten, ElementsAre("web"));
  EXPECT_TRUE(scope_in_dev().in_doubt.empty());
  ContextFacts paused = facts_in("dev");
  paused.paused = true;
  EXPECT_THAT(scope_of(paused).forgotten, IsEmpty());
  EXPECT_TRUE(scope_of(paused).in_doubt.cover({"n1", "cred"}));
  ContextFacts others = facts_in("dev");
  others.idle = {"web"};
  EXPECT_THAT(scope_of(others).forgotten, IsEmpty());
  leads_to("dev", "2", /*pinned=*/true);
  EXPECT_THAT(scope_in_dev().forgotten, IsEmpty());
}

TEST_F(DeletionRuleTest, AFileThatIsBackTakesTheRemovalBack) {
  was_in("web", "dev", {"n1"}).forgotten = true;
  EXPECT_THAT(scope_in_dev().forgotten, IsEmpty());
}

TEST_F(DeletionRuleTest, WhatIsKeptIsReleased) {
  files_.clear();
  was_in("web", "dev", {"n1"}).kept = {"dev"};
  EXPECT_THAT(scope_in_dev().kept, ElementsAre("web"));
  EXPECT_FALSE(scope_in_dev().in_doubt.empty());
  leads_to("dev", "1");
  leads_to("dev", "2", /*pinned=*/true);
  EXPECT_THAT(scope_in_dev().kept, IsEmpty());
}

TEST_F(DeletionRuleTest, ATargetWhoseFileCannotBeReadOrHasJustGoneIsUncertain) {
  files_["web"] = {std::nullopt, Error(ErrorCode::invalid_input, "it is no YAML")};
  EXPECT_THAT(scope_in_dev().uncertain, ElementsAre("web"));
  files_.clear();
  was_in("web", "dev", {"n1"});
  EXPECT_THAT(scope_in_dev().uncertain, IsEmpty());
  ContextFacts facts = facts_in("dev");
  facts.may_return = {"web"};
  EXPECT_THAT(scope_of(facts).uncertain, ElementsAre("web"));
  EXPECT_THAT(scope_of(facts).known_targets, IsEmpty()) << "nobody said why";
}

TEST_F(DeletionRuleTest, WhatWasMadeThroughAContextThatIsGoneIsFoundThroughItsNewName) {
  leads_to("old", "1");
  leads_to("new", "1");
  files_.clear();
  was_in("web", "old", {"n1"});
  EXPECT_TRUE(scope_of(facts_in("new")).in_doubt.cover({"n1", "cred"}));
  EXPECT_TRUE(scope_in_dev().in_doubt.empty()) << "another cluster";
}

TEST_F(DeletionRuleTest, ATargetWantsSomethingThroughAContextThatItSelectsAndThatIsOrWasThere) {
  const auto wanted_in = [this](const std::string& context, bool is_leaving = false) {
    ContextFacts facts = facts_in(context);
    facts.targets.front().is_leaving = is_leaving;
    return wanted_through(facts, [](const Target& target) { return std::optional(target); }).size();
  };
  EXPECT_EQ(wanted_in("dev"), 1U);
  EXPECT_EQ(wanted_in("dev", /*is_leaving=*/true), 0U) << "its logins are gone, and it says onLogout: remove";
  EXPECT_EQ(wanted_in("new"), 0U);
  declare("web", {"old"});
  EXPECT_EQ(wanted_in("old"), 0U) << "it was never there";
  was_in("web", "old", {"team"});
  EXPECT_EQ(wanted_in("old"), 1U);
}

}  // namespace
}  // namespace regsync
