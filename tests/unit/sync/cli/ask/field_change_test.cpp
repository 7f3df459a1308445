#include "sync/cli/ask/field_change.hpp"

#include <gmock/gmock.h>

#include "sync/cli/console.hpp"
#include "sync/config/target_yaml.hpp"

namespace regsync::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* file =
    "# web\nsecret: myregcred\nregistries: [ghcr.io]\ncontexts: [dev]  # and more\nnamespaces: [team-a, team-b]\n";

EditedTarget change(const std::vector<std::string>& words, const std::string& text = file) {
  std::vector<FieldChange> changes;
  for (const std::string& word : words) {
    changes.push_back(parse_change(word));
  }
  return edited(parse_target("web", text, "web.yaml"), text, changes);
}

std::string refusal(const std::string& word) {
  try {
    change({word});
  } catch (const Error& error) {
    return describe(error);
  }
  return "(accepted)";
}

TEST(FieldChange, ListsAreSetExtendedAndShortened) {
  EXPECT_THAT(change({"namespaces=x,y"}).target.namespaces, ElementsAre("x", "y"));
  EXPECT_THAT(change({"namespaces+=team-c,team-a"}).target.namespaces, ElementsAre("team-a", "team-b", "team-c"));
  EXPECT_THAT(change({"namespaces-=team-a", "namespaces+=z"}).target.namespaces, ElementsAre("team-b", "z"));
  EXPECT_THAT(refusal("namespaces-=team-x"), HasSubstr("did you mean \"team-a\"?"));
  EXPECT_THAT(change({"namespaces-=team-a,team-b", "namespaces+=z"}).target.namespaces, ElementsAre("z"));
}

// Else the password would go to a namespace that nobody has named.
TEST(FieldChange, TheLastNamespaceIsNotTakenOutByItsName) {
  EXPECT_THAT(refusal("namespaces-=team-a,team-b"), HasSubstr("would name no namespace"));
  EXPECT_TRUE(change({"namespaces-"}).target.namespaces.empty()) << "that says it";
  EXPECT_TRUE(change({"namespaceSelector=env", "namespaces-=team-a,team-b"}).target.namespaces.empty());
}

TEST(FieldChange, ScalarsMappingsAndWhatIsTakenOut) {
  EXPECT_TRUE(change({"pin=true"}).target.pin);
  EXPECT_EQ(change({"onLogout=remove"}).target.on_logout, OnLogout::remove);
  EXPECT_EQ(change({"namespaceSelector=env in (prod),tier!=db"}).target.namespace_selector.text(),
            "env in (prod),tier!=db");
  const auto ends = change({"expires.ghcr.io=2027-01-31"});
  EXPECT_EQ(ends.target.expires.size(), 1U);
  EXPECT_TRUE(change({"expires.ghcr.io-"}, ends.text).target.expires.empty());
  EXPECT_EQ(change({"email=a@b"}).target.email, "a@b");
  EXPECT_EQ(change({"email-"}, std::string(file) + "email: a@b\n").target.email, "");
}

TEST(FieldChange, FieldsMayBeSpelledAsTheOptionsOfAdd) {
  for (const char* word : {"namespace=x", "--namespace=x", "Namespaces=x"}) {
    EXPECT_THAT(change({word}).target.namespaces, ElementsAre("x")) << word;
  }
  EXPECT_THAT(change({"registry=quay.io"}).target.registries, ElementsAre("quay.io"));
  EXPECT_THAT(change({"service-account=default"}).target.service_accounts, ElementsAre("default"));
  EXPECT_EQ(change({"on-logout=remove"}).target.on_logout, OnLogout::remove);
}

TEST(FieldChange, TheFileKeepsItsComments) {
  EXPECT_EQ(change({"contexts=dev,prod-*"}).text,
            "# web\nsecret: myregcred\nregistries: [ghcr.io]\ncontexts: [dev, \"prod-*\"]  # and more\nnamespaces: "
            "[team-a, team-b]\n");
  const auto flow = change({"pin=true"}, "{registries: [ghcr.io], contexts: [dev]}\n");
  EXPECT_EQ(parse_target("web", flow.text, "web.yaml"), flow.target) << "a file in another style is written anew";
}

TEST(FieldChange, WhatIsNoChangeOrNoFieldIsRefusedWithWhatWasMeant) {
  EXPECT_THAT(refusal("namespaces"), HasSubstr("\"namespaces\" is not FIELD=VALUE"));
  EXPECT_THAT(refusal("namspaces=a"), HasSubstr("did you mean \"namespaces\"?"));
  EXPECT_THAT(refusal("email+=a"), HasSubstr("email is not a list"));
  EXPECT_THAT(refusal("expires=2027-01-31"), HasSubstr("name one: expires.ghcr.io=VALUE"));
  EXPECT_THAT(refusal("pin.x=true"), HasSubstr("pin has no entry"));
  EXPECT_THAT(refusal("=x"), HasSubstr("is not FIELD=VALUE"));
  EXPECT_EQ(refusal("onLogout=delete").find("web.yaml:"), std::string::npos) << "no line of a file that is not so";
  EXPECT_THAT(refusal("contexts-=dev"), HasSubstr("no context"));
  for (const char* word :
       {"namespaces=", "namespaces= ", "namespaces=,", "namespaces+=", "namespaces-=", "email=", "expires.ghcr.io="}) {
    EXPECT_THAT(refusal(word), HasSubstr(": the value is empty; give one; to take the field out: ")) << word;
  }
}

}  // namespace
}  // namespace regsync::cli
