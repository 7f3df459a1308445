// What clusters are told, and above all what may be deleted.
#include "sync/engine/briefing.hpp"

#include <gmock/gmock.h>

#include "tests/unit/sync/engine/engine_parts.hpp"

namespace regsync {
namespace {

class BriefingTest : public EngineParts {
 protected:
  BriefingTest() {
    set_contexts({{"dev", "own"}, {"prod", "own"}});
    log_in("first");
  }
  void declare_and_tell(const Target& target) {
    declare(target);
    briefing_.tell_all();
  }
  [[nodiscard]] bool wants(const std::string& context, const Key& key) const {
    return contexts_.find(context)->wants(key);
  }
  [[nodiscard]] std::vector<StatusRow> rows(const std::string& context) const {
    std::vector<StatusRow> rows;
    contexts_.find(context)->add_rows("t", rows);
    return rows;
  }
  void lead_to(const std::string& context, const std::string& uid, bool pinned = false) {
    book_.meet(context, {.uid = uid, .server = "https://" + context, .authorities = {}}, pinned, {});
  }
};

TEST_F(BriefingTest, AClusterIsToldOfTheTargetsThatConcernIt) {
  declare_and_tell(target({"team"}, {"dev"}));
  EXPECT_TRUE(wants("dev", {"team", "cred"}));
  EXPECT_FALSE(wants("dev", {"other", "cred"}));
  EXPECT_FALSE(wants("prod", {"team", "cred"}));
  declare_and_tell(target({}, {"*"}));
  EXPECT_TRUE(wants("prod", {"own", "cred"}));
  EXPECT_FALSE(wants("dev", {"team", "cred"}));
}

TEST_F(BriefingTest, OtherLoginsAreToldToWhomWasToldBefore) {
  EXPECT_FALSE(briefing_.tell_logins({{"dev", {"t"}}})) << "it was never told of anything";
  declare_and_tell(target());
  EXPECT_TRUE(briefing_.tell_logins({{"dev", {"t"}}, {"prod", {"t"}}}));
  EXPECT_TRUE(wants("dev", {"team", "cred"}));
  EXPECT_FALSE(briefing_.tell_logins({{"nowhere", {"t"}}}));
  briefing_.forget("dev");
  EXPECT_FALSE(briefing_.tell_logins({{"dev", {"t"}}}));
}

TEST_F(BriefingTest, WhatATargetNoLongerCoversMayBeDeletedWhereItIsUnderstood) {
  declare_and_tell(target());
  EXPECT_TRUE(briefing_.may_delete(target(), "dev"));
}

TEST_F(BriefingTest, AFileThatMayBeTornDeletesNothing) {
  write(target());
  EXPECT_FALSE(briefing_.may_delete(target(), "dev"));
  targets_.confirm("t");
  EXPECT_TRUE(briefing_.may_delete(target(), "dev"));
  files_.clear();
  targets_.set(files_);
  EXPECT_FALSE(briefing_.may_delete(target(), "dev")) << "its file is gone, and nobody said why";
}

TEST_F(BriefingTest, WhatIsPausedDeletesNothing) {
  Target made = target();
  made.paused = true;
  declare(made);
  EXPECT_FALSE(briefing_.may_delete(made, "dev"));
  declare(target());
  paused_.set("dev", true);
  EXPECT_FALSE(briefing_.may_delete(target(), "dev"));
  EXPECT_TRUE(briefing_.may_delete(target(), "prod"));
}

TEST_F(BriefingTest, WhereANamespaceIsNotCertainNothingIsDeletedAnywhere) {
  declare(target({}));
  EXPECT_TRUE(briefing_.may_delete(target({}), "dev"));
  set_young_contexts({{"dev", "other"}, {"prod", "own"}});
  mean();
  EXPECT_FALSE(briefing_.may_delete(target({}), "dev"));
  EXPECT_FALSE(briefing_.may_delete(target({}), "prod"));
}

TEST_F(BriefingTest, AContextThatNobodyKnowsMayBeAnotherNameOfThisOne) {
  const Target slipped = target({"team"}, {"prd"});
  declare(slipped);
  EXPECT_FALSE(briefing_.may_delete(slipped, "prod"));
  const Target glob = target({"team"}, {"prd-*"});
  declare(glob);
  EXPECT_TRUE(briefing_.may_delete(glob, "prod")) << "a pattern may match nothing";
  lead_to("prod", "1");
  lead_to("prd", "2");
  declare(slipped);
  EXPECT_TRUE(briefing_.may_delete(slipped, "prod")) << "it was met, and led elsewhere";
}

TEST_F(BriefingTest, APinnedContextIsHeldUntilItIsKnownToLeadWhereItDid) {
  Target pinned = target({"team"}, {"dev"});
  pinned.pin = true;
  declare_and_tell(pinned);
  EXPECT_FALSE(briefing_.may_delete(pinned, "dev")) << "its cluster was not asked yet";
  ASSERT_EQ(rows("dev").size(), 1U);
  EXPECT_NE(rows("dev")[0].state, SyncState::in_sync);
  lead_to("dev", "1", true);
  lead_to("dev", "2", true);
  EXPECT_FALSE(briefing_.may_delete(pinned, "dev"));
}

TEST_F(BriefingTest, ATargetWhoseFootprintCannotBeWrittenDeletesNothing) {
  dir_.write("footprints/t.json", "not what regsync wrote");
  FootprintStore unreadable(dir_ / "footprints");
  FootprintKeeper keeper(unreadable);
  declare(target());
  keeper.remember(intent_.wanted());
  ASSERT_TRUE(keeper.held("t"));
  const Briefing briefing({.targets = targets_,
                           .contexts = contexts_,
                           .footprints = keeper,
                           .book = book_,
                           .paused = paused_,
                           .intent = intent_});
  EXPECT_FALSE(briefing.may_delete(target(), "dev"));
}

TEST_F(BriefingTest, AClusterKnowsWhatIsWantedThroughOtherContextsOfIt) {
  lead_to("dev", "1");
  lead_to("prod", "1");
  EXPECT_FALSE(briefing_.was_told_of("dev", "prod"));
  declare_and_tell(target({"team"}, {"prod"}));
  EXPECT_TRUE(briefing_.was_told_of("dev", "prod"));
  EXPECT_TRUE(contexts_.find("dev")->is_claimed_elsewhere({"team", "cred"}));
  declare(target({"other"}, {"prod"}));
  EXPECT_FALSE(briefing_.was_told_of("dev", "prod")) << "it is out of date";
}

TEST_F(BriefingTest, AContextThatVanishedStillWantsWhatItHad) {
  lead_to("dev", "1");
  lead_to("old", "1");
  declare_and_tell(target({"team"}, {"old"}));
  EXPECT_FALSE(contexts_.find("dev")->is_claimed_elsewhere({"team", "cred"})) << "it was never there";
  remember("old", {"team"});
  briefing_.tell_all();
  EXPECT_TRUE(contexts_.find("dev")->is_claimed_elsewhere({"team", "cred"}));
}

// A tenant who may write a Secret of the hub can name the address and the authority of any cluster in it.
TEST_F(BriefingTest, InAFleetAnAddressAloneProvesNoClaim) {
  const auto cluster = [](const std::string& name) {
    kube::KnownCluster known;
    known.context.emplace();
    known.context->name = name;
    known.context->server = "https://127.0.0.1:1/prod";
    return std::make_shared<const kube::KnownCluster>(std::move(known));
  };
  const auto answer_as = [this](const std::string& context, const std::string& uid) {
    book_.meet(context, {.uid = uid, .server = "https://127.0.0.1:1/prod", .authorities = {}}, false, {});
  };
  set_fleet({{"prod", cluster("prod")}, {"tenant", cluster("tenant")}});
  answer_as("prod", "1");
  answer_as("tenant", "");
  Target tenants = target({"team"}, {"tenant"});
  tenants.name = "aaa";
  declare(tenants);
  declare_and_tell(target({"team"}, {"prod"}));
  EXPECT_TRUE(wants("prod", {"team", "cred"}));
  answer_as("tenant", "1");
  briefing_.tell_all();
  EXPECT_FALSE(wants("prod", {"team", "cred"})) << "it is let in there";
}

}  // namespace
}  // namespace regsync
