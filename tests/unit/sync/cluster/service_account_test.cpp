#include "sync/cluster/service_account.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "sync/model/secret_object.hpp"

namespace regsync {
namespace {

using nlohmann::json;

TEST(ServiceAccountView, KnowsItsPullSecrets) {
  const auto view = view_service_account(json::parse(R"({"metadata": {"name": "default", "namespace": "team",
    "resourceVersion": "42"}, "imagePullSecrets": [{"name": "ours"}, {"name": "theirs"}]})"));
  EXPECT_EQ(view.pull_secrets, (std::set<std::string>{"ours", "theirs"}));
  EXPECT_TRUE(view.attached.empty());
  EXPECT_EQ(view.version, 42U);
}

json account_of(const std::string& attached) {
  return {{"metadata",
           {{"name", "default"},
            {"namespace", "team"},
            {"annotations", {{attached_annotation, attached}, {place_annotation, "team/default"}}}}},
          {"imagePullSecrets", {{{"name", "theirs"}}, {{"name", "cred"}}}}};
}

std::string note_in(const json& account) {
  return account.at("metadata").value("annotations", json::object()).value(std::string(attached_annotation), "");
}

TEST(ServiceAccountView, KnowsWhoseEachEntryIs) {
  const auto view = view_service_account(account_of("cred=one,old,odd=,=x,,third=two=2"));
  EXPECT_TRUE(view.is_attached("cred", "one"));
  EXPECT_FALSE(view.is_attached("cred", "two"));
  EXPECT_TRUE(view.is_attached("cred", "")) << "whoever's";
  EXPECT_TRUE(view.is_attached("old", "two")) << "an older version noted no owner";
  EXPECT_TRUE(view.is_attached("odd", "two"));
  EXPECT_FALSE(view.is_attached("third", "two"));
  EXPECT_FALSE(view.is_attached("theirs", ""));
}

TEST(ServiceAccountEntries, AreNotedWithTheirOwner) {
  const json second = attached(account_of("cred=one"), "more", "two");
  EXPECT_EQ(note_in(second), "cred=one,more=two");
  EXPECT_EQ(note_in(detached(second, "cred", "one")), "more=two");
  EXPECT_EQ(note_in(detached(detached(second, "cred", "one"), "more", "two")), "");
  EXPECT_EQ(note_in(attached(account_of("old"), "more", "two")), "more=two,old") << "nobody knows whose that is";
}

TEST(ServiceAccountEntries, OfAnotherOwnerStay) {
  const json account = account_of("cred=one");
  EXPECT_EQ(detached(account, "cred", "two"), account);
  EXPECT_EQ(attached(account, "cred", "two"), account) << "it is there";
  EXPECT_EQ(detached(account, "cred", "").at("imagePullSecrets"), json::array({{{"name", "theirs"}}}));
}

// Whoever may write to ServiceAccounts must not fill our memory with them.
TEST(ServiceAccountView, KeepsNothingOfMoreEntriesThanAnyPodNeeds) {
  json account = account_of("cred=one");
  account["metadata"]["resourceVersion"] = "42";
  while (account["imagePullSecrets"].size() < 1000) {
    account["imagePullSecrets"].push_back({{"name", "n" + std::to_string(account["imagePullSecrets"].size())}});
  }
  EXPECT_EQ(view_service_account(account).pull_secrets.size(), 1000U);
  account["imagePullSecrets"].push_back({{"name", "more"}});
  const auto view = view_service_account(account);
  EXPECT_TRUE(view.pull_secrets.empty());
  EXPECT_TRUE(view.attached.empty());
  EXPECT_EQ(view.version, 42U) << "it is there all the same";
  EXPECT_EQ(attached(account, "another", "one"), account);
  EXPECT_EQ(detached(account, "cred", "one"), account);

  std::string notes = "cred=one";
  for (int i = 0; i < 1000; ++i) {
    notes += ",n" + std::to_string(i);
  }
  EXPECT_TRUE(view_service_account(account_of(notes)).attached.empty());
}

TEST(ServiceAccountView, KeepsNoNameThatIsNone) {
  json account = account_of("cred=one,Odd=one," + std::string(300, 'a') + "=one,long=" + std::string(64, 'a'));
  account["imagePullSecrets"].push_back({{"name", "Odd\n"}});
  account["imagePullSecrets"].push_back({{"name", std::string(300, 'a')}});
  const auto view = view_service_account(account);
  EXPECT_EQ(view.pull_secrets, (std::set<std::string>{"cred", "theirs"}));
  EXPECT_EQ(view.attached, (std::map<std::string, std::string>{{"cred", "one"}}));
}

// Nothing that a server may send throws.
TEST(ServiceAccountView, WhatIsOddCountsAsNotThere) {
  for (const json& odd : {json(nullptr), json(1), json("text"), json::array({nullptr}), json::array({1, json::array()}),
                          json::array({{{"name", 1}}}), json::object()}) {
    for (const json& account : {odd, json{{"metadata", odd}, {"imagePullSecrets", odd}},
                                json{{"metadata", {{"annotations", odd}, {"resourceVersion", odd}}}},
                                json{{"metadata", {{"annotations", {{attached_annotation, odd}}}}}}}) {
      EXPECT_TRUE(view_service_account(account).pull_secrets.empty()) << account.dump();
      EXPECT_NO_THROW(detached(attached(account, "regcred", "id"), "regcred", "id")) << account.dump();
    }
  }
}

}  // namespace
}  // namespace regsync
