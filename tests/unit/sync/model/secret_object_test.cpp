#include "sync/model/secret_object.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "helper/base/text.hpp"
#include "sync/base/resource_version.hpp"

namespace regsync {
namespace {

using nlohmann::json;

// As the server keeps what an apply brought.
json secret(std::string_view owner) {
  json object = json::parse(make_apply_body({.name_space = "team",
                                             .name = "cred",
                                             .target = "t",
                                             .owner = owner,
                                             .payload_base64 = "e30=",
                                             .resource_version = "5"}));
  object["metadata"]["namespace"] = "team";
  return object;
}

TEST(SecretObject, ViewsWhatItWrote) {
  const auto view = view_secret(secret("id1 jdoe@laptop"), "id1");
  EXPECT_EQ(view.ownership, Ownership::ours);
  EXPECT_EQ(view.target, "t");
  EXPECT_EQ(view.odd_version, "");
  EXPECT_EQ(view.digest, digest_of("e30="));
  EXPECT_TRUE(view.right_type);
  EXPECT_FALSE(view.immutable);
}

TEST(SecretObject, OwnershipNeedsLabelAndBothAnnotations) {
  EXPECT_EQ(view_secret(secret("id2 other@host"), "id1").ownership, Ownership::other_owner);
  auto without_label = secret("id1 jdoe@laptop");
  without_label["metadata"].erase("labels");
  EXPECT_EQ(view_secret(without_label, "id1").ownership, Ownership::relabelled);
  EXPECT_EQ(view_secret(without_label, "id2").ownership, Ownership::unmanaged);
  auto without_target = secret("id1 jdoe@laptop");
  without_target["metadata"]["annotations"].erase("regsync.dev/target");
  EXPECT_EQ(view_secret(without_target, "id1").ownership, Ownership::unmanaged);
  EXPECT_EQ(view_secret(json::object(), "id1").ownership, Ownership::unmanaged);
}

TEST(SecretObject, IsOursOnlyInThePlaceThatItNames) {
  for (const auto& [field, value] : {std::pair{"namespace", "other"}, std::pair{"name", "copy"}}) {
    auto copy = secret("id1 jdoe@laptop");
    copy["metadata"][field] = value;
    EXPECT_EQ(view_secret(copy, "id1").ownership, Ownership::copy);
    EXPECT_EQ(view_secret(copy, "id1").holder, "team/cred");
    EXPECT_EQ(view_secret(copy, "id2").ownership, Ownership::copy) << "whoever wrote the first one";
  }
  auto old = secret("id1 jdoe@laptop");
  old["metadata"]["annotations"].erase("regsync.dev/place");
  old["metadata"]["managedFields"] = {{{"manager", "regsync"}, {"fieldsV1", {{"f:data", json::object()}}}}};
  EXPECT_EQ(view_secret(old, "id1").ownership, Ownership::unplaced);
  EXPECT_EQ(view_secret(old, "id1").holder, "regsync");
  EXPECT_EQ(view_secret(old, "id2").ownership, Ownership::other_owner);
}

TEST(SecretObject, OddMarksAreNotOurs) {
  for (const auto& odd : {json(5), json(nullptr), json::array({"a"}), json::object()}) {
    auto object = secret("id1 jdoe@laptop");
    object["metadata"]["annotations"]["regsync.dev/owner"] = odd;
    EXPECT_EQ(view_secret(object, "id1").ownership, Ownership::unmanaged) << odd;
    object = secret("id1 jdoe@laptop");
    object["metadata"]["annotations"] = odd;
    EXPECT_EQ(view_secret(object, "id1").ownership, Ownership::unmanaged) << odd;
    object["metadata"] = odd;
    EXPECT_EQ(view_secret(object, "id1").ownership, Ownership::unmanaged) << odd;
    EXPECT_EQ(view_secret(odd, "id1").ownership, Ownership::unmanaged) << odd;
  }
}

TEST(SecretObject, NamesWhatHoldsADeletedOneBack) {
  auto object = secret("id1 jdoe@laptop");
  object["metadata"]["finalizers"] = {"a/1", 5, "b\n/2", "c/3", "d/4"};
  EXPECT_EQ(view_secret(object, "id1").finalizers, "");
  EXPECT_FALSE(view_secret(object, "id1").terminating);
  object["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z";
  EXPECT_TRUE(view_secret(object, "id1").terminating);
  EXPECT_EQ(view_secret(object, "id1").finalizers, "a/1, " + presentable("b\n/2") + ", c/3 and 1 more");
  EXPECT_EQ(read_secret(object.dump(), "id1").view, view_secret(object, "id1"));
}

TEST(SecretObject, NamesTheOwnerForPeople) {
  EXPECT_EQ(view_secret(secret("id2 jdoe@laptop"), "id1").holder, "jdoe@laptop");
  EXPECT_EQ(view_secret(secret("id1 jdoe@clone"), "id1").holder, "jdoe@clone") << "two may have one id";
  const auto foreign = json::parse(
      R"({"metadata":{"managedFields":[{"manager":"helm","fieldsV1":{"f:metadata":{}}},{"manager":"kubectl-create","fieldsV1":{"f:data":{}}}]}})");
  EXPECT_EQ(view_secret(foreign, "id1").holder, "kubectl-create");
}

TEST(SecretObject, ReadsTheSameFromTextAsFromATree) {
  auto foreign = secret("");
  foreign["metadata"]["managedFields"] = {{{"manager", "helm"}, {"fieldsV1", {{"f:metadata", json::object()}}}},
                                          {{"manager", "kubectl-create"}, {"fieldsV1", {{"f:data", json::object()}}}}};
  auto sealed = secret("id1 jdoe@laptop");
  sealed["immutable"] = true;
  auto odd = secret("id2 \"ü😀\"@h\\x");
  odd["metadata"]["resourceVersion"] = "007";
  auto wrong_types = secret("id1 jdoe@laptop");
  wrong_types["immutable"] = "true";
  wrong_types["data"] = json::array({1});
  wrong_types["metadata"]["labels"] = nullptr;
  wrong_types["metadata"]["managedFields"] = "none";
  auto copy = secret("id1 jdoe@laptop");
  copy["metadata"]["namespace"] = "other";
  auto relabelled = secret("id1 jdoe@laptop");
  relabelled["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm";
  for (const auto& object : {secret("id1 jdoe@laptop"), secret("id2 other@host"), foreign, sealed, odd, wrong_types,
                             copy, relabelled, json::object(), json{{"metadata", 5}}}) {
    const auto read = read_secret(object.dump(), "id1");
    EXPECT_EQ(read.view, view_secret(object, "id1")) << object;
    EXPECT_EQ(read.version, version_number(resource_version_of(object))) << object;
  }
}

TEST(SecretObject, WhatIsNoObjectIsAnError) {
  for (const auto* text : {"", "[]", "null", "{", R"({"metadata":)", R"({"a":1} x)", "<html>", "{\"a\":\"\xff\"}"}) {
    try {
      read_secret(text, "id1");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::protocol);
      EXPECT_FALSE(error.remedy().empty());
    }
  }
}

TEST(SecretObject, AnApplyIsYamlToo) {
  const auto body = make_apply_body({.name_space = "team",
                                     .name = "cred",
                                     .target = "t",
                                     .owner = "id ü😀@h/x",
                                     .payload_base64 = "a/b=",
                                     .resource_version = "1"});
  EXPECT_EQ(body.find("\\/"), std::string::npos);
  EXPECT_EQ(body.find("\\u"), std::string::npos);
}

}  // namespace
}  // namespace regsync
