#include "sync/secret_object.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace regsync {
namespace {

using nlohmann::json;

json secret(std::string_view owner) {
  return json::parse(make_apply_body(
      {.name = "cred", .target = "t", .owner = owner, .payload_base64 = "e30=", .resource_version = "5"}));
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
  EXPECT_EQ(view_secret(without_label, "id1").ownership, Ownership::unmanaged);
  auto without_target = secret("id1 jdoe@laptop");
  without_target["metadata"]["annotations"].erase("regsync.dev/target");
  EXPECT_EQ(view_secret(without_target, "id1").ownership, Ownership::unmanaged);
  EXPECT_EQ(view_secret(json::object(), "id1").ownership, Ownership::unmanaged);
}

TEST(SecretObject, NamesTheOwnerForPeople) {
  EXPECT_EQ(view_secret(secret("id2 jdoe@laptop"), "id1").holder, "jdoe@laptop");
  EXPECT_EQ(view_secret(secret("id1 jdoe@laptop"), "id1").holder, "");
  const auto foreign = json::parse(
      R"({"metadata":{"managedFields":[{"manager":"helm","fieldsV1":{"f:metadata":{}}},{"manager":"kubectl-create","fieldsV1":{"f:data":{}}}]}})");
  EXPECT_EQ(view_secret(foreign, "id1").holder, "kubectl-create");
}

TEST(SecretObject, AnApplyIsYamlToo) {
  const auto body = make_apply_body(
      {.name = "cred", .target = "t", .owner = "id ü😀@h/x", .payload_base64 = "a/b=", .resource_version = "1"});
  EXPECT_EQ(body.find("\\/"), std::string::npos);
  EXPECT_EQ(body.find("\\u"), std::string::npos);
}

}  // namespace
}  // namespace regsync
