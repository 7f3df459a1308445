#include "sync/cluster/cluster_cache.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "helper/base/error.hpp"
#include "sync/base/resource_version.hpp"

namespace regsync {
namespace {

SecretView view_of_version(const std::string& version) {
  return view_secret({{"metadata", {{"resourceVersion", version}}}}, "id");
}

TEST(ClusterCache, ANamespaceIsKnownWhileItIsThereAndItsEntriesUntilTheyAreErased) {
  ClusterCache cache;
  const Key key{"team-a", "cred"};
  cache.progress(key).written = 7;
  const Entry* entry = cache.find(key);
  EXPECT_EQ(cache.find_namespace("team-a"), nullptr) << "an entry does not make it exist";
  cache.for_each_namespace([](const std::string& name, const NamespaceView&) { ADD_FAILURE() << name; });

  cache.observe_namespace("team-a", NamespaceView{.terminating = true, .labels = {}});
  ASSERT_NE(cache.find_namespace("team-a"), nullptr);
  EXPECT_TRUE(cache.find_namespace("team-a")->terminating);
  EXPECT_EQ(cache.find(key), entry);

  cache.observe_namespace("team-a", std::nullopt);
  EXPECT_EQ(cache.find_namespace("team-a"), nullptr);
  ASSERT_EQ(cache.find(key), entry);
  EXPECT_EQ(entry->progress.written, 7U);

  cache.erase(key);
  EXPECT_EQ(cache.find(key), nullptr);
  EXPECT_TRUE(cache.secret_names().empty());
}

TEST(ClusterCache, AListForgetsTheNamespacesThatItDidNotDeliver) {
  ClusterCache cache;
  cache.observe_namespace("old", NamespaceView());
  cache.observe_namespace("old-with-entry", NamespaceView());
  const auto list = cache.begin_list();
  cache.observe_namespace("new", NamespaceView());
  cache.progress({"old-with-entry", "cred"});
  cache.progress({"unlisted", "cred"});
  EXPECT_FALSE(cache.namespaces_complete());
  cache.observe_namespaces_end(list);
  EXPECT_TRUE(cache.namespaces_complete());

  std::set<std::string> left;
  cache.for_each_namespace([&](const std::string& name, const NamespaceView&) { left.insert(name); });
  EXPECT_EQ(left, std::set<std::string>{"new"});
  std::set<std::string> with_entry;
  cache.for_each("cred", [&](const std::string& name, const Entry&) { with_entry.insert(name); });
  EXPECT_EQ(with_entry, (std::set<std::string>{"old-with-entry", "unlisted"}));
}

TEST(ClusterCache, NamespacesWithoutEndAreAFault) {
  ClusterCache cache;
  constexpr int most = 200'000;
  for (int i = 0; i < most; ++i) {
    cache.observe_namespace("n" + std::to_string(i), NamespaceView());
  }
  EXPECT_THROW(cache.observe_namespace("another", NamespaceView()), Error);
  EXPECT_THROW(cache.progress({"another", "cred"}), Error);
  EXPECT_NO_THROW(cache.observe_namespace("n7", NamespaceView()));
  cache.observe_namespace("n7", std::nullopt);
  EXPECT_NO_THROW(cache.observe_namespace("another", NamespaceView()));
}

TEST(ClusterCache, ServiceAccountsWithoutEndAreAFault) {
  ClusterCache cache;
  constexpr int most = 200'000;
  for (int i = 0; i < most; ++i) {
    cache.observe_account("n" + std::to_string(i), "default", ServiceAccountView());
  }
  EXPECT_THROW(cache.observe_account("another", "default", ServiceAccountView()), Error);
  EXPECT_NO_THROW(cache.observe_account("n7", "default", ServiceAccountView()));
  cache.observe_account("n7", "default", std::nullopt);
  EXPECT_NO_THROW(cache.observe_account("another", "default", ServiceAccountView()));
}

TEST(ClusterCache, AnErasedEntryLeavesThoseOfOtherNamesInItsNamespace) {
  ClusterCache cache;
  cache.progress({"team-a", "one"});
  cache.progress({"team-a", "other"});
  const Entry* other = cache.find({"team-a", "other"});
  cache.erase({"team-a", "one"});
  cache.erase({"team-a", "one"});
  cache.erase({"team-b", "one"});
  EXPECT_EQ(cache.find({"team-a", "one"}), nullptr);
  EXPECT_EQ(cache.find({"team-a", "other"}), other);
  EXPECT_EQ(cache.secret_names(), std::vector<std::string>{"other"});
}

TEST(ClusterCache, AVersionGoesBackToTheServerAsItCame) {
  for (const std::string version :
       {"1", "4711", "18446744073709551615", "18446744073709551616", "0", "007", "", "-1", "+1", "1 ", "5-a"}) {
    ClusterCache cache;
    const Key key{"team-a", "cred"};
    cache.observe(key, version_number(version), view_of_version(version));
    EXPECT_EQ(cache.find(key)->observed.resource_version(), version);
  }
}

TEST(ClusterCache, ANamespaceThatMayNotBeReadAnyMoreIsKnownByItsNameOnly) {
  ClusterCache cache;
  cache.begin_list();
  cache.observe_namespace("team-a", NamespaceView());
  cache.forbid_namespaces();
  EXPECT_EQ(cache.find_namespace("team-a"), nullptr);
  int names = 0;
  cache.for_each_namespace([&](const std::string&, const NamespaceView&) { ++names; });
  EXPECT_EQ(names, 1);
  cache.begin_list();
  EXPECT_FALSE(cache.observe_namespace("team-a", NamespaceView()));
  EXPECT_NE(cache.find_namespace("team-a"), nullptr);
}

TEST(ClusterCache, LabelsThatChangedWhileTheyMightNotBeReadAreNotSettled) {
  ClusterCache cache;
  cache.begin_list();
  cache.observe_namespace("team-a", NamespaceView{.labels = {{"env", "prod"}}});
  cache.forbid_namespaces();
  cache.begin_list();
  EXPECT_TRUE(cache.observe_namespace("team-a", NamespaceView()));
  EXPECT_FALSE(cache.labels_settled("team-a"));
}

class ObserveTest : public testing::Test {
 protected:
  bool observe(std::uint64_t version, const std::string& target) {
    SecretView view;
    view.target = target;
    return cache_.observe(key_, version, view);
  }
  [[nodiscard]] std::string target() const {
    const auto& secret = cache_.find(key_)->observed.secret;
    return secret ? secret->target : "none";
  }

  const Key key_{"team-a", "cred"};
  ClusterCache cache_;
};

TEST_F(ObserveTest, TheNewerNewsWins) {
  EXPECT_TRUE(observe(5, "a"));
  EXPECT_FALSE(observe(4, "late"));
  EXPECT_FALSE(observe(5, "same"));
  EXPECT_EQ(target(), "a");
  EXPECT_TRUE(observe(6, "b"));
  EXPECT_FALSE(cache_.observe(key_, 5, std::nullopt)) << "a deletion from before";
  EXPECT_EQ(target(), "b");
}

TEST_F(ObserveTest, ADeletionIsNewsEvenUnderTheLastVersionOfTheObject) {
  observe(5, "a");
  EXPECT_TRUE(cache_.observe(key_, 5, std::nullopt));
  EXPECT_EQ(target(), "none");
  EXPECT_FALSE(observe(5, "a")) << "the answer to a write of ours, overtaken by the deletion";
  EXPECT_EQ(target(), "none");
}

TEST_F(ObserveTest, AfterADoubtWhateverIsToldIsNews) {
  observe(500, "a");
  cache_.doubt(key_);
  EXPECT_TRUE(observe(5, "restored"));
  EXPECT_EQ(target(), "restored");
  cache_.observe_missing(key_);
  EXPECT_EQ(target(), "none");
  EXPECT_TRUE(observe(5, "restored"));
}

TEST_F(ObserveTest, WhatACompleteListDidNotDeliverIsGone) {
  observe(5, "a");
  cache_.progress(key_).written = 7;
  const auto list = cache_.begin_list();
  cache_.observe({"team-b", "cred"}, 6, SecretView());
  cache_.observe_list_end("cred", "team-b", list);
  EXPECT_EQ(target(), "a") << "the list was of another namespace";
  cache_.observe_list_end("cred", "", list);
  EXPECT_EQ(target(), "none");
  EXPECT_EQ(cache_.find(key_)->progress.written, 7U) << "progress has another writer";
  EXPECT_TRUE(cache_.find({"team-b", "cred"})->observed.secret);
}

TEST_F(ObserveTest, WhatIsToldAgainDuringAListIsNotGone) {
  observe(5, "a");
  const auto list = cache_.begin_list();
  EXPECT_FALSE(observe(5, "a"));
  cache_.observe_list_end("cred", "", list);
  EXPECT_EQ(target(), "a");
}

TEST(ObserveAccount, FollowsTheSameRule) {
  ClusterCache cache;
  const auto account = [](std::uint64_t version, const std::string& secret) {
    return ServiceAccountView{.pull_secrets = {secret}, .attached = {}, .version = version};
  };
  EXPECT_TRUE(cache.observe_account("team-a", "default", account(5, "a")));
  EXPECT_FALSE(cache.observe_account("team-a", "default", account(4, "late")));
  EXPECT_TRUE(cache.find_account("team-a", "default")->pull_secrets.contains("a"));
  cache.doubt_account("team-a", "default");
  EXPECT_TRUE(cache.observe_account("team-a", "default", account(2, "restored")));
  const auto list = cache.begin_list();
  cache.observe_account("team-b", "default", account(6, "b"));
  cache.observe_accounts_end("default", "", list);
  EXPECT_EQ(cache.find_account("team-a", "default"), nullptr);
  EXPECT_NE(cache.find_account("team-b", "default"), nullptr);
}

TEST(SharedValues, KeepsEachValueOnceAndOnlyWhileItIsHeld) {
  SharedValues<std::shared_ptr<int>> values;
  const auto value = std::make_shared<int>(1);
  auto one = values.share(value);
  auto other = values.share(value);
  EXPECT_EQ(one, other);
  EXPECT_EQ(value.use_count(), 2);
  EXPECT_NE(values.share(std::make_shared<int>(1)), one);
  one = nullptr;
  EXPECT_EQ(*other, value);
  other = values.share(nullptr);
  EXPECT_EQ(value.use_count(), 1);
  EXPECT_EQ(*values.share(value), value);
}

// A watch by label tells a lost label as a deletion, under the version of the write that took it away.
class LostLabel : public testing::Test {
 protected:
  bool observe(std::uint64_t version, bool labelled) {
    SecretView view;
    view.labelled = labelled;
    return cache_.observe(key_, version, view);
  }
  [[nodiscard]] bool is_there() const { return cache_.find(key_)->observed.secret != nullptr; }

  ClusterCache cache_;
  Key key_{"team-a", "cred"};
};

TEST_F(LostLabel, IsSeenInTheReadOfTheVersionThatLostIt) {
  observe(40, true);
  EXPECT_TRUE(cache_.observe_unlabelled(key_, 50));
  EXPECT_FALSE(is_there());
  EXPECT_FALSE(observe(45, true)) << "an answer of before, that comes late";
  EXPECT_FALSE(is_there());
  EXPECT_TRUE(observe(50, false));
  EXPECT_TRUE(is_there());
}

TEST_F(LostLabel, IsNoNewsOfWhatWasReadWithoutIt) {
  observe(50, false);
  EXPECT_FALSE(cache_.observe_unlabelled(key_, 50));
  EXPECT_FALSE(cache_.observe_unlabelled(key_, 45));
  EXPECT_TRUE(is_there());
}

TEST_F(LostLabel, IsADeletionWhereItsVersionHadTheLabel) {
  observe(50, true);
  EXPECT_TRUE(cache_.observe_unlabelled(key_, 50));
  EXPECT_FALSE(is_there());
  EXPECT_FALSE(observe(50, true)) << "an answer that comes late";
}

TEST_F(LostLabel, AListByLabelForgetsOnlyWhatHadTheLabel) {
  const Key plain{"team-a", "plain"};
  const Key elsewhere{"team-b", "cred"};
  SecretView unlabelled;
  SecretView labelled;
  labelled.labelled = true;
  observe(40, true);
  cache_.observe(plain, 41, unlabelled);
  cache_.observe(elsewhere, 42, labelled);
  cache_.observe_labelled_end("team-a", cache_.begin_list());
  EXPECT_FALSE(is_there());
  EXPECT_TRUE(cache_.find(plain)->observed.secret);
  EXPECT_TRUE(cache_.find(elsewhere)->observed.secret) << "not of this list";
  cache_.observe_labelled_end("", cache_.begin_list());
  EXPECT_FALSE(cache_.find(elsewhere)->observed.secret);
}

}  // namespace
}  // namespace regsync
