#include "sync/cluster/watch_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace regsync {

// NOLINTNEXTLINE(readability-identifier-naming, misc-use-internal-linkage): GoogleTest looks for it by name and type
void PrintTo(const WatchId& id, std::ostream* out) {
  *out << id.resource << " " << (id.name_space.empty() ? "*" : id.name_space) << "/"
       << (id.name.empty() ? "*" : id.name);
}

namespace {

using testing::Contains;
using testing::Each;
using testing::Field;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using testing::UnorderedElementsAre;

const WatchId label{secrets_resource, "", ""};
const WatchId label_in_team{secrets_resource, "team", ""};

class WatchPlan : public testing::Test {
 protected:
  // So many targets with a Secret each, in these namespaces; none: a pattern decides.
  void want(int names, const std::set<std::string>& namespaces) {
    for (int i = 0; i < names; ++i) {
      places_.secrets["s" + std::to_string(i)] = {.any = namespaces.empty(), .namespaces = namespaces};
    }
  }
  [[nodiscard]] std::set<WatchId> plan() const {
    auto ids = plan_watches(places_, hidden_, few_watches, [this](const WatchId& id) {
      const auto stage = stages_.find(id);
      return stage == stages_.end() ? WatchStage::none : stage->second;
    });
    ids.erase({namespaces_resource, "", ""});
    return ids;
  }
  // All that the plan asks for comes to this stage, but for what has one.
  void run(WatchStage stage) {
    for (const auto& id : plan()) {
      stages_.try_emplace(id, stage);
    }
  }

  Places places_;
  SecretScopes hidden_;
  std::map<WatchId, WatchStage> stages_;
};

TEST_F(WatchPlan, AFewNamesAreWatchedByName) {
  want(3, {"team", "dev"});
  EXPECT_EQ(plan().size(), 6U);
  EXPECT_THAT(plan(), Each(Field(&WatchId::name, Not(IsEmpty()))));
}

TEST_F(WatchPlan, NothingIsWatchedWhereNothingIsWanted) {
  EXPECT_THAT(plan_watches({}, {}, few_watches, [](const WatchId&) { return WatchStage::none; }), IsEmpty());
}

TEST_F(WatchPlan, ManyNamesInANamespaceAreWatchedByLabelThere) {
  want(100, {"team"});
  EXPECT_THAT(plan(), UnorderedElementsAre(label_in_team));
}

TEST_F(WatchPlan, ManyNamesInManyNamespacesAreWatchedByLabelInAll) {
  want(20, {});
  EXPECT_THAT(plan(), UnorderedElementsAre(label));
}

TEST_F(WatchPlan, WhereALabelSavesNothingNamesAreWatched) {
  for (int i = 0; i < 16; ++i) {
    places_.secrets["s" + std::to_string(i)].namespaces = {"n" + std::to_string(i)};
  }
  EXPECT_EQ(plan().size(), 16U);
  EXPECT_THAT(plan(), Each(Field(&WatchId::name, Not(IsEmpty()))));
}

TEST_F(WatchPlan, WhereTheLabelIsForbiddenEverywhereItIsTriedInEachNamespace) {
  want(20, {"team", "dev"});
  places_.secrets["wide"].any = true;
  stages_[label] = WatchStage::forbidden;
  EXPECT_THAT(plan(), UnorderedElementsAre(label, label_in_team, WatchId{secrets_resource, "dev", ""},
                                           WatchId{secrets_resource, "", "wide"}));
}

TEST_F(WatchPlan, WhereTheLabelIsForbiddenNamesAreWatchedAsBefore) {
  want(20, {"team", "dev"});
  stages_[label_in_team] = WatchStage::forbidden;
  const auto ids = plan();
  EXPECT_EQ(ids.size(), 22U) << "in team by name, in dev by label";
  EXPECT_THAT(ids, IsSupersetOf(
                       {label_in_team, WatchId{secrets_resource, "dev", ""}, WatchId{secrets_resource, "team", "s0"}}));
}

TEST_F(WatchPlan, WhatStandsInTheWayIsWatchedByName) {
  want(20, {"team"});
  hidden_["s1"].namespaces = {"team"};
  EXPECT_THAT(plan(), UnorderedElementsAre(label_in_team, WatchId{secrets_resource, "team", "s1"}));
}

TEST_F(WatchPlan, APatternOfAccountsTakesAllOfThemAndElseThoseThatAreNamed) {
  places_.secrets["a"].namespaces = {"a"};
  places_.secrets["b"].namespaces = {"b"};
  places_.service_accounts = {"*", "default"};
  const auto accounts = [this] {
    auto ids = plan();
    std::erase_if(ids, [](const WatchId& id) { return id.resource != service_accounts_resource; });
    return ids;
  };
  const WatchId all{service_accounts_resource, "", ""};
  EXPECT_THAT(accounts(), UnorderedElementsAre(all));
  stages_[all] = WatchStage::forbidden;
  const WatchId all_in_a{service_accounts_resource, "a", ""};
  const WatchId all_in_b{service_accounts_resource, "b", ""};
  const WatchId named{service_accounts_resource, "", "default"};
  EXPECT_THAT(accounts(), UnorderedElementsAre(all, all_in_a, all_in_b, named));
  stages_[named] = WatchStage::forbidden;
  stages_[all_in_b] = WatchStage::followed;
  EXPECT_THAT(accounts(), UnorderedElementsAre(all, all_in_a, all_in_b, named));
  stages_[all_in_a] = WatchStage::forbidden;
  EXPECT_THAT(accounts(),
              UnorderedElementsAre(all, all_in_a, all_in_b, named, WatchId{service_accounts_resource, "a", "default"}));
}

TEST_F(WatchPlan, NamesAreFollowedUntilTheLabelIs) {
  want(3, {"team"});
  run(WatchStage::followed);
  want(20, {"team"});
  const WatchId old{secrets_resource, "team", "s0"};
  EXPECT_THAT(plan(), Contains(old));
  EXPECT_THAT(plan(), Contains(label_in_team));
  EXPECT_EQ(plan().size(), 4U) << "and no other name";
  stages_[label_in_team] = WatchStage::listing;
  EXPECT_THAT(plan(), Contains(old));
  stages_[label_in_team] = WatchStage::followed;
  EXPECT_THAT(plan(), UnorderedElementsAre(label_in_team));
}

TEST_F(WatchPlan, TheLabelIsFollowedUntilTheNamesAre) {
  want(20, {"team"});
  run(WatchStage::followed);
  places_ = {};
  want(2, {"team"});
  EXPECT_EQ(plan().size(), 3U);
  EXPECT_THAT(plan(), Contains(label_in_team));
  stages_[{secrets_resource, "team", "s0"}] = WatchStage::followed;
  EXPECT_THAT(plan(), Contains(label_in_team));
  stages_[{secrets_resource, "team", "s1"}] = WatchStage::forbidden;
  EXPECT_THAT(plan(), Not(Contains(label_in_team)));
}

TEST_F(WatchPlan, NamesThatComeAndGoDoNotChangeTheWay) {
  want(10, {"team"});
  run(WatchStage::followed);
  EXPECT_THAT(plan(), UnorderedElementsAre(label_in_team));
  places_ = {};
  want(8, {"team"});
  EXPECT_THAT(plan(), UnorderedElementsAre(label_in_team));
}

}  // namespace
}  // namespace regsync
