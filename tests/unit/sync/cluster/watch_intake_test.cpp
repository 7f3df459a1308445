// What objects of a list or watch do to the cache, and whom they are news for.
#include "sync/cluster/watch_intake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/sync/cluster/cluster_world.hpp"

namespace regsync {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;
using Kind = kube::WatchEvent::Kind;

const Key key{"team", "cred"};
const WatchId secrets{secrets_resource, "", "cred"};
const WatchId labelled{secrets_resource, "", ""};
const WatchId namespaces{namespaces_resource, "", ""};
const WatchId accounts{service_accounts_resource, "", ""};

json object(const std::string& name_space, const std::string& name, int version) {
  return {{"metadata", {{"namespace", name_space}, {"name", name}, {"resourceVersion", std::to_string(version)}}}};
}

json labelled_secret(int version) {
  json made = object("team", "cred", version);
  made["metadata"]["labels"] = {{managed_by_label, managed_by_value}};
  return made;
}

class WatchIntakeTest : public testing::Test {
 protected:
  WatchIntakeTest() {
    Places places;
    places.secrets["cred"].any = true;
    table_.places = std::make_shared<const Places>(places);
  }

  template <typename State = Watch::Following>
  void take(const WatchId& id, const json& of, Kind kind = Kind::applied, State state = {}) {
    seen_.clear();
    keys_.clear();
    told_namespaces_.clear();
    Watch watch(id);
    watch.state = state;
    watch.generation = list_;
    intake_.take(watch, {kind, &of});
  }
  void end_list(const WatchId& id, Generation generation) {
    Watch watch(id);
    watch.generation = generation;
    intake_.end_list(watch);
  }
  [[nodiscard]] bool has_secret(const Key& of = key) const {
    const Entry* entry = cache_.find(of);
    return entry != nullptr && entry->observed.secret != nullptr;
  }

  Generation list_ = 0;  // whose pages the watch tells
  ClusterCache cache_;
  WatchTable table_;
  std::vector<Key> seen_;
  std::vector<Key> keys_;
  std::vector<std::string> relabelled_;
  std::vector<std::string> told_namespaces_;
  WatchIntake intake_{cache_,
                      table_,
                      test::owner_id,
                      {.on_secret_seen = [this](const Key& of) { seen_.push_back(of); },
                       .on_key = [this](const Key& of) { keys_.push_back(of); },
                       .on_relabelled = [this](const std::string& name) { relabelled_.push_back(name); },
                       .on_namespace = [this](const std::string& name) { told_namespaces_.push_back(name); }}};
};

TEST_F(WatchIntakeTest, AChangeIsNewsOnce) {
  take(secrets, object("team", "cred", 7));
  EXPECT_TRUE(has_secret());
  EXPECT_THAT(keys_, ElementsAre(key));
  take(secrets, object("team", "cred", 7));
  EXPECT_THAT(keys_, IsEmpty());
  EXPECT_THAT(seen_, ElementsAre(key)) << "news or not";
  take(secrets, object("team", "cred", 6));
  EXPECT_THAT(keys_, IsEmpty()) << "older than what is known";
  take(secrets, object("team", "cred", 8), Kind::deleted);
  EXPECT_FALSE(has_secret());
  EXPECT_THAT(keys_, ElementsAre(key));
}

TEST_F(WatchIntakeTest, OfAListEachObjectCountsWhateverWasKnown) {
  take(secrets, object("team", "cred", 7));
  take(secrets, object("team", "cred", 3), Kind::applied, Watch::Relisting());
  EXPECT_EQ(cache_.find(key)->observed.version, 3U) << "the server may have been restored from a backup";
  EXPECT_THAT(keys_, ElementsAre(key)) << "the last list can still be believed";
  take(secrets, object("team", "cred", 9), Kind::applied, Watch::FirstList());
  EXPECT_THAT(keys_, IsEmpty()) << "before the first list is complete nothing can";
  EXPECT_TRUE(has_secret());
}

TEST_F(WatchIntakeTest, AnObjectWithoutAVersionIsAlwaysNews) {
  take(secrets, object("team", "cred", 7));
  json odd = object("team", "cred", 0);
  odd["metadata"].erase("resourceVersion");
  take(secrets, odd);
  EXPECT_THAT(keys_, ElementsAre(key));
}

TEST_F(WatchIntakeTest, WhatCannotBeWhatWasAskedForIsDropped) {
  for (const json& odd : {json(), json(7), json({{"metadata", 7}}), object("team", "other", 1), object("", "cred", 1),
                          object("../team", "cred", 1), object("TEAM", "cred", 1)}) {
    take(secrets, odd);
    EXPECT_THAT(seen_, IsEmpty()) << odd;
  }
  take({secrets_resource, "team", "cred"}, object("elsewhere", "cred", 1));
  EXPECT_THAT(seen_, IsEmpty()) << "a server that ignores the namespace";
  take(labelled, object("team", "other", 1));
  EXPECT_THAT(seen_, IsEmpty()) << "nobody looks for a Secret of this name";
  take(namespaces, object("", "Not A Name", 1));
  EXPECT_THAT(told_namespaces_, IsEmpty());
  take(accounts, object("team", "../default", 1));
  EXPECT_THAT(told_namespaces_, IsEmpty());
  EXPECT_THAT(cache_.secret_names(), IsEmpty());
}

// A watch by label tells a lost label as a deletion, under the version of the write that took it away.
TEST_F(WatchIntakeTest, ASecretThatLostOurLabelCanStillBeRead) {
  take(labelled, labelled_secret(7));
  EXPECT_TRUE(has_secret());
  take(labelled, labelled_secret(9), Kind::deleted);
  EXPECT_FALSE(has_secret());
  EXPECT_THAT(keys_, ElementsAre(key));
  take(secrets, object("team", "cred", 9));
  EXPECT_TRUE(has_secret()) << "as a read of the Secret answers it";
}

TEST_F(WatchIntakeTest, ANamespaceIsTold) {
  take(namespaces, object("", "team", 1));
  EXPECT_NE(cache_.find_namespace("team"), nullptr);
  EXPECT_THAT(told_namespaces_, ElementsAre("team"));
  json odd = object("", "team", 2);
  odd["metadata"]["labels"] = "env=prod";
  take(namespaces, odd);
  EXPECT_EQ(cache_.find_namespace("team"), nullptr) << "what a selector says of it is not known";
  take(namespaces, object("", "team", 3));
  EXPECT_TRUE(cache_.labels_settled("team")) << "it is not known which labels it had";
  json prod = object("", "team", 4);
  prod["metadata"]["labels"] = {{"env", "prod"}};
  take(namespaces, prod);
  take(namespaces, prod);
  EXPECT_THAT(relabelled_, ElementsAre("team"));
  EXPECT_FALSE(cache_.labels_settled("team"));
  take(namespaces, object("", "team", 5), Kind::deleted);
  EXPECT_EQ(cache_.find_namespace("team"), nullptr);
}

TEST_F(WatchIntakeTest, AnAccountIsNewsForItsNamespace) {
  take(accounts, object("team", "default", 1));
  EXPECT_NE(cache_.find_account("team", "default"), nullptr);
  EXPECT_THAT(told_namespaces_, ElementsAre("team"));
  take(accounts, object("team", "default", 1));
  EXPECT_THAT(told_namespaces_, IsEmpty());
  take(accounts, object("team", "default", 2), Kind::applied, Watch::FirstList());
  EXPECT_THAT(told_namespaces_, IsEmpty());
  take(accounts, object("team", "default", 3), Kind::deleted);
  EXPECT_EQ(cache_.find_account("team", "default"), nullptr);
  EXPECT_THAT(told_namespaces_, ElementsAre("team"));
}

TEST_F(WatchIntakeTest, WhatACompleteListDidNotDeliverIsGone) {
  take(secrets, object("team", "cred", 1));
  take(secrets, object("other", "cred", 1));
  take(namespaces, object("", "team", 1));
  take(accounts, object("team", "default", 1));
  const Generation list = list_ = cache_.begin_list();
  take(secrets, object("other", "cred", 1), Kind::applied, Watch::Relisting());
  end_list(secrets, list);
  EXPECT_FALSE(has_secret());
  EXPECT_TRUE(has_secret({"other", "cred"}));
  EXPECT_NE(cache_.find_namespace("team"), nullptr) << "it was a list of Secrets";
  end_list(namespaces, list);
  EXPECT_EQ(cache_.find_namespace("team"), nullptr);
  EXPECT_TRUE(cache_.namespaces_complete());
  end_list(accounts, list);
  EXPECT_EQ(cache_.find_account("team", "default"), nullptr);
}

// The page is older than the other list, which shows that the Secret is gone.
TEST_F(WatchIntakeTest, ALatePageOfAnOlderListDoesNotKeepWhatANewerOneLacks) {
  list_ = cache_.begin_list();
  const Generation newer = cache_.begin_list();
  take(secrets, labelled_secret(1), Kind::applied, Watch::FirstList());
  ASSERT_TRUE(has_secret());
  end_list(labelled, newer);
  EXPECT_FALSE(has_secret());
}

TEST_F(WatchIntakeTest, AListByLabelSaysNothingOfWhatHasNoLabel) {
  take(secrets, object("team", "cred", 1));
  take(secrets, [] {
    json made = labelled_secret(1);
    made["metadata"]["namespace"] = "other";
    return made;
  }());
  end_list(labelled, cache_.begin_list());
  EXPECT_TRUE(has_secret());
  EXPECT_FALSE(has_secret({"other", "cred"}));
}

}  // namespace
}  // namespace regsync
