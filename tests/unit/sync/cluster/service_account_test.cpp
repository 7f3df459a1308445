#include "sync/cluster/service_account.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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

// Nothing that a server may send throws.
TEST(ServiceAccountView, WhatIsOddCountsAsNotThere) {
  for (const json& odd : {json(nullptr), json(1), json("text"), json::array({nullptr}), json::array({1, json::array()}),
                          json::array({{{"name", 1}}}), json::object()}) {
    for (const json& account : {odd, json{{"metadata", odd}, {"imagePullSecrets", odd}},
                                json{{"metadata", {{"annotations", odd}, {"resourceVersion", odd}}}},
                                json{{"metadata", {{"annotations", {{attached_annotation, odd}}}}}}}) {
      EXPECT_TRUE(view_service_account(account).pull_secrets.empty()) << account.dump();
      EXPECT_NO_THROW(detached(attached(account, "regcred"), "regcred")) << account.dump();
    }
  }
}

}  // namespace
}  // namespace regsync
