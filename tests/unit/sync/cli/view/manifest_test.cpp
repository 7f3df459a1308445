#include "sync/cli/view/manifest.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sync/base/base64.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

json secret_with(const std::string& payload) {
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"type", "kubernetes.io/dockerconfigjson"},
          {"metadata", {{"name", "myregcred"}, {"namespace", "team-a"}, {"uid", "1-2-3"}, {"resourceVersion", "7"}}},
          {"data", {{".dockerconfigjson", base64_encode(payload)}}}};
}

json login(const std::string& user, const std::string& password) {
  return {{"username", user}, {"password", password}, {"auth", base64_encode(user + ":" + password)}};
}

std::string payload(const std::string& user, const std::string& password) {
  return json{{"auths", {{"ghcr.io", login(user, password)}}}}.dump();
}

const json& entry_of(const json& shown) { return shown["data"][".dockerconfigjson"]["auths"]["ghcr.io"]; }

TEST(Mask, ShowsNamesAndNoSecret) {
  const json shown = mask(nullptr, secret_with(payload("alice", "hunter2"))).second;
  EXPECT_EQ(entry_of(shown), (json{{"username", "alice"}, {"password", "***"}, {"auth", "***"}}));
  EXPECT_EQ(shown.dump().find("hunter2"), std::string::npos);
  EXPECT_EQ(shown["metadata"], (json{{"name", "myregcred"}, {"namespace", "team-a"}}));  // no uid, no version
}

TEST(Mask, ShowsWhichSecretValuesDiffer) {
  const auto [before, after] = mask(secret_with(payload("alice", "old")), secret_with(payload("alice", "new")));
  EXPECT_EQ(entry_of(before), (json{{"username", "alice"}, {"password", "*** (before)"}, {"auth", "*** (before)"}}));
  EXPECT_EQ(entry_of(after), (json{{"username", "alice"}, {"password", "*** (after)"}, {"auth", "*** (after)"}}));
}

TEST(Mask, EqualSecretsShowNoDifference) {
  const auto [before, after] = mask(secret_with(payload("a", "b")), secret_with(payload("a", "b")));
  EXPECT_EQ(before, after);
}

TEST(Mask, WhatIsNoPullSecretIsMaskedWhole) {
  // Somebody's Opaque secret, one of whose keys is called as a field that may be seen in ours.
  json opaque = secret_with("");
  opaque["data"] = {{"username", base64_encode("topsecret")}, {".dockerconfigjson", base64_encode("not json")}};
  const json shown = mask(opaque, nullptr).first;
  EXPECT_EQ(shown["data"], (json{{"username", "***"}, {".dockerconfigjson", "***"}}));
}

// To walk it would take the whole stack.
TEST(Mask, APayloadWithoutAFloorIsMaskedWhole) {
  const std::size_t depth = 300'000;
  std::string deep;
  for (std::size_t i = 0; i < depth; ++i) {
    deep += R"({"a":)";
  }
  const json secret = secret_with(deep + "1" + std::string(depth, '}'));
  EXPECT_EQ(mask(secret, nullptr).first["data"], (json{{".dockerconfigjson", "***"}}));
}

TEST(Mask, ShowsNoLabelOrAnnotationOfOthers) {
  json adopted = secret_with(payload("alice", "hunter2"));
  adopted["metadata"]["labels"] = {{"app.kubernetes.io/managed-by", "regsync"}, {"team", "canary"}};
  adopted["metadata"]["annotations"] = {
      {"regsync.dev/target", "web"},
      {"kubectl.kubernetes.io/last-applied-configuration", R"({"data":{".dockerconfigjson":"canary"}})"}};
  EXPECT_TRUE(carries_old_copy(adopted));
  for (const json& shown : {mask(adopted, nullptr).first, mask(nullptr, adopted).second}) {
    EXPECT_EQ(shown.dump().find("canary"), std::string::npos) << shown;
    EXPECT_EQ(shown["metadata"]["annotations"], (json{{"regsync.dev/target", "web"}}));
  }
}

TEST(Mask, OddObjectsAreShownAsFarAsTheyGo) {
  for (const json& odd : {json::object(), json{{"metadata", nullptr}}, json{{"metadata", json::array()}, {"data", 7}},
                          json{{"data", {{".dockerconfigjson", 7}}}}, json{{"metadata", {{"annotations", "x"}}}}}) {
    EXPECT_NO_THROW(mask(odd, nullptr)) << odd;
    EXPECT_FALSE(carries_old_copy(odd));
  }
}

TEST(Mask, OfNothingIsNothing) {
  const auto [before, after] = mask(nullptr, secret_with(payload("a", "b")));
  EXPECT_TRUE(before.is_null());
  EXPECT_FALSE(after.is_null());
}

}  // namespace
}  // namespace regsync::cli
