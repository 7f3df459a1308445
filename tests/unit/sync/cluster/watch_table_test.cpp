// How far the cache can be believed, by the watches that run.
#include "sync/cluster/watch_table.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

const Key key{"team", "cred"};
const WatchId everywhere{secrets_resource, "", "cred"};
const WatchId in_team{secrets_resource, "team", "cred"};
const WatchId labelled{secrets_resource, "", ""};
const WatchId labelled_in_team{secrets_resource, "team", ""};

class WatchTableTest : public testing::Test {
 protected:
  // The Secret is looked for in these namespaces, or in any.
  void look_for(const std::set<std::string>& namespaces, const std::set<std::string>& accounts = {}) {
    Places places;
    places.secrets["cred"] = {.any = namespaces.empty(), .namespaces = namespaces};
    places.service_accounts = accounts;
    table_.places = std::make_shared<const Places>(places);
  }
  template <typename State>
  Watch& put(const WatchId& id, State state) {
    auto& watch = table_.watches[id];
    watch = std::make_shared<Watch>(id);
    watch->state = std::move(state);
    return *watch;
  }
  static Watch::Forbidden forbidden(const char* why = "no right") { return {{ErrorCode::forbidden, why}}; }

  WatchTable table_;
};

TEST_F(WatchTableTest, WithoutAWatchNothingIsKnownYet) {
  EXPECT_EQ(table_.trust(key), Trust::not_yet);
  EXPECT_EQ(table_.stage_of(everywhere), WatchStage::none);
  EXPECT_FALSE(table_.covers("cred"));
  EXPECT_FALSE(table_.is_in_view(key));
  EXPECT_TRUE(table_.settled()) << "no list is on its way";
  EXPECT_FALSE(table_.problem());
  EXPECT_FALSE(table_.namespaces_forbidden());
}

TEST_F(WatchTableTest, AListThatIsCompleteIsBelievedUntilItsWatchEnds) {
  look_for({});
  put(everywhere, Watch::FirstList());
  EXPECT_EQ(table_.trust(key), Trust::not_yet);
  EXPECT_EQ(table_.stage_of(everywhere), WatchStage::listing);
  EXPECT_FALSE(table_.settled());
  put(everywhere, Watch::Following());
  EXPECT_EQ(table_.trust(key), Trust::followed);
  EXPECT_EQ(table_.stage_of(everywhere), WatchStage::followed);
  EXPECT_TRUE(table_.covers("cred"));
  EXPECT_TRUE(table_.settled() && table_.listed());
  put(everywhere, Watch::Holding());
  EXPECT_EQ(table_.trust(key), Trust::followed);
  put(everywhere, Watch::Relisting());
  EXPECT_EQ(table_.trust(key), Trust::followed) << "it was the truth at the last list";
  EXPECT_TRUE(table_.listed());
  EXPECT_FALSE(table_.settled()) << "a list is on its way";
  put(everywhere, Watch::Ended());
  EXPECT_EQ(table_.trust(key), Trust::not_yet);
}

TEST_F(WatchTableTest, WhereAWatchIsForbiddenSecretsAreReadOnDemand) {
  look_for({});
  put(everywhere, forbidden());
  EXPECT_EQ(table_.trust(key), Trust::on_demand);
  EXPECT_EQ(table_.stage_of(everywhere), WatchStage::forbidden);
  EXPECT_FALSE(table_.covers("cred")) << "there may be Secrets that nobody can list";
  EXPECT_TRUE(table_.settled() && table_.listed());
  put(in_team, Watch::FirstList());
  EXPECT_EQ(table_.trust(key), Trust::not_yet) << "the narrower one may be allowed";
  put(in_team, Watch::Following());
  EXPECT_EQ(table_.trust(key), Trust::followed);
  put(in_team, forbidden());
  EXPECT_EQ(table_.trust(key), Trust::on_demand);
}

TEST_F(WatchTableTest, PlainNamespacesAreCoveredOnceEachWasAnswered) {
  look_for({"team", "other"});
  put(in_team, Watch::Following());
  EXPECT_FALSE(table_.covers("cred"));
  put({secrets_resource, "other", "cred"}, forbidden());
  EXPECT_TRUE(table_.covers("cred"));
  EXPECT_FALSE(table_.covers("unknown"));
}

TEST_F(WatchTableTest, AWatchByLabelShowsOnlyWhatHasOurLabel) {
  look_for({"team"});
  EXPECT_FALSE(table_.follows_label());
  put(labelled, Watch::Following());
  EXPECT_TRUE(table_.follows_label());
  EXPECT_EQ(table_.trust(key), Trust::labelled);
  EXPECT_TRUE(table_.covers("cred"));
  EXPECT_EQ(table_.trust({"elsewhere", "cred"}), Trust::not_yet) << "nobody looks there";
  EXPECT_EQ(table_.trust({"team", "other"}), Trust::not_yet);

  table_.hidden.set(key, true);
  EXPECT_EQ(table_.trust(key), Trust::not_yet) << "something without the label stands in the way";
  put(in_team, Watch::Following());
  EXPECT_EQ(table_.trust(key), Trust::followed);
}

TEST_F(WatchTableTest, AWatchByLabelThatIsForbiddenShowsNothing) {
  look_for({"team"});
  put(labelled, forbidden());
  EXPECT_FALSE(table_.follows_label());
  EXPECT_EQ(table_.trust(key), Trust::not_yet);
  put(labelled_in_team, Watch::Following());
  EXPECT_TRUE(table_.follows_label());
  EXPECT_EQ(table_.trust(key), Trust::labelled);
  EXPECT_FALSE(table_.label_shows("", "cred"));
  EXPECT_FALSE(table_.label_shows("other", "cred"));
}

TEST_F(WatchTableTest, ANameThatCameAfterTheListByLabelIsNotShownByIt) {
  look_for({"team"});
  Watch& watch = put(labelled, Watch::Following());
  watch.unlisted.add({"cred"});
  EXPECT_EQ(table_.stage_of(labelled), WatchStage::listing);
  EXPECT_EQ(table_.trust(key), Trust::not_yet);
  EXPECT_FALSE(table_.covers("cred"));
  watch.unlisted.begin_list();
  watch.unlisted.end_list();
  EXPECT_EQ(table_.trust(key), Trust::labelled);
}

TEST_F(WatchTableTest, NothingIsCertainBeforeTheAccountsThatMatterAreKnown) {
  look_for({}, {"default"});
  put(everywhere, Watch::Following());
  const WatchId accounts{service_accounts_resource, "", "default"};
  put(accounts, Watch::FirstList());
  EXPECT_FALSE(table_.knows_accounts("team") || table_.knows_all_accounts());
  EXPECT_EQ(table_.trust(key), Trust::not_yet) << "an account may name a Secret that is to be deleted";
  put(accounts, forbidden());
  EXPECT_TRUE(table_.knows_accounts("team") && table_.knows_all_accounts()) << "as far as rights go";
  EXPECT_EQ(table_.trust(key), Trust::followed);
  put({service_accounts_resource, "team", "default"}, Watch::FirstList());
  EXPECT_FALSE(table_.knows_accounts("team"));
  EXPECT_TRUE(table_.knows_accounts("other"));
  put(accounts, Watch::Following());
  EXPECT_TRUE(table_.knows_accounts("team")) << "the wide one shows them";
}

TEST_F(WatchTableTest, AnAccountIsFollowedByItsNameWhereNotAllMayBe) {
  look_for({"team", "other"}, {"default", "*"});
  put({service_accounts_resource, "", ""}, forbidden());
  put({service_accounts_resource, "team", ""}, forbidden("no right to all"));
  Watch& named = put({service_accounts_resource, "team", "default"}, Watch::FirstList());
  put({service_accounts_resource, "other", ""}, Watch::Following());
  EXPECT_FALSE(table_.knows_accounts("team"));
  EXPECT_TRUE(table_.knows_accounts("other"));
  named.state = Watch::Following();
  EXPECT_TRUE(table_.knows_accounts("team"));
  EXPECT_FALSE(table_.account_forbidden("team", "default"));
  ASSERT_TRUE(table_.account_forbidden("team", "*"));
  EXPECT_EQ(table_.account_forbidden("team", "*")->message(), "no right to all");
  EXPECT_FALSE(table_.account_forbidden("other", "*") || table_.account_forbidden("other", "default"));
  named.state = forbidden();
  EXPECT_TRUE(table_.knows_accounts("team")) << "as far as rights go";
  EXPECT_TRUE(table_.account_forbidden("team", "default"));
}

TEST_F(WatchTableTest, AListThatFailedOnceIsNotWaitedFor) {
  look_for({});
  put(everywhere, Watch::FirstList()).problem = Error(ErrorCode::unreachable, "refused");
  EXPECT_TRUE(table_.settled());
  EXPECT_FALSE(table_.listed());
  ASSERT_TRUE(table_.problem());
  EXPECT_EQ(table_.problem()->code(), ErrorCode::unreachable);
}

TEST_F(WatchTableTest, AWatchByNameBesideTheOneByLabelIsAnExtra) {
  look_for({"team"});
  put(labelled, Watch::Following());
  put(in_team, Watch::FirstList());
  EXPECT_TRUE(table_.listed()) << "what matters was listed by label";
  EXPECT_FALSE(table_.settled());
}

TEST_F(WatchTableTest, SaysWhyNamespacesCannotBeListed) {
  put({namespaces_resource, "", ""}, Watch::Following());
  EXPECT_FALSE(table_.namespaces_forbidden());
  put({namespaces_resource, "", ""}, forbidden("namespaces is forbidden"));
  ASSERT_TRUE(table_.namespaces_forbidden());
  EXPECT_EQ(table_.namespaces_forbidden()->message(), "namespaces is forbidden");
}

}  // namespace
}  // namespace regsync
