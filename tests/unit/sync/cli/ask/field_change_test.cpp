#include "sync/cli/ask/field_change.hpp"

#include <gmock/gmock.h>

#include "sync/cli/view/console.hpp"
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
  return edited(parse_target("web", text, "web.yaml"), {.name = "web", .text = text}, changes);
}

std::string refusal(const std::string& word, const std::string& text = file) {
  try {
    change({word}, text);
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

TEST(FieldChange, AListWithALineForEachItemStaysOne) {
  const std::string head = "# web\nregistries: [ghcr.io]\ncontexts: [dev]\nnamespaces:\n";
  const std::string text = head + "  - team-a  # ann\n# since May\n  - team-b  # bob\n";
  EXPECT_EQ(change({"namespaces+=team-c"}, text).text, text + "  - team-c\n");
  EXPECT_EQ(change({"namespaces-=team-b"}, text).text, head + "  - team-a  # ann\n# since May\n");
  EXPECT_EQ(change({"namespaces=team-b,prod-*"}, text).text, head + "# since May\n  - team-b  # bob\n  - \"prod-*\"\n");
  EXPECT_EQ(change({"namespaces-"}, text).text, "# web\nregistries: [ghcr.io]\ncontexts: [dev]\n");
}

TEST(FieldChange, WhatAFileIsWrittenInStays) {
  const std::string quoted = "# web\n\"registries\": [ghcr.io]\ncontexts : [dev]\n...\n";
  EXPECT_EQ(change({"registries=quay.io", "contexts+=prod", "pin=true"}, quoted).text,
            "# web\n\"registries\": [quay.io]\ncontexts : [dev, prod]\npin: true\n...\n");
  const std::string lines = "# web\nregistries: [\n  ghcr.io\n]\ncontexts: [dev]\n";
  EXPECT_EQ(change({"registries+=quay.io"}, lines).text, "# web\nregistries: [ghcr.io, quay.io]\ncontexts: [dev]\n");
  EXPECT_EQ(change({"contexts=dev", "email-"}, lines).text, lines) << "nothing is changed";
}

// A refusal is better than a loss.
TEST(FieldChange, AChangeThatWouldLoseCommentsOrAnchorsIsRefused) {
  const std::string head = "registries: [ghcr.io]\ncontexts: ";
  for (const std::string& text :
       {std::string("{registries: [ghcr.io], contexts: [dev]}  # why\n"), head + "[\n  dev,  # mine\n  prod\n]\n",
        head + "\n  - dev\n  - prod  # theirs\n", head + "&c [dev]\nnamespaces: *c\n"}) {
    EXPECT_THAT(refusal("contexts=prod,dev", text), HasSubstr("target \"web\": its file has comments or anchors"))
        << text;
    EXPECT_THAT(refusal("contexts=prod,dev", text), HasSubstr("(contexts: [prod, dev]): regsync edit web")) << text;
  }
}

TEST(FieldChange, AnEntryThatIsNotThereIsTakenOutAlready) {
  EXPECT_EQ(change({"expires.ghcr.io-"}).text, file);
  EXPECT_EQ(change({"refresh.ghcr.io-"}).text, file);
  const std::string other = std::string(file) + "expires: {quay.io: 2027-01-31}  # soon\n";
  EXPECT_EQ(change({"expires.ghcr.io-"}, other).text, other);
}

TEST(FieldChange, AnotherNameKeepsTheFileToo) {
  const std::string flow = "{secret: web, registries: [ghcr.io], contexts: [dev]}  # why\n";
  Target target = parse_target("web", flow, "web.yaml");
  target.name = "api";
  FieldChange secret;
  secret.field = "secret";
  secret.value = "web";
  EXPECT_EQ(edited(target, {.name = "web", .text = flow}, {secret}).text, flow);
}

TEST(FieldChange, WhatIsNoChangeOrNoFieldIsRefusedWithWhatWasMeant) {
  EXPECT_THAT(refusal("namespaces"), HasSubstr("\"namespaces\" is not FIELD=VALUE"));
  EXPECT_THAT(refusal("namspaces=a"), HasSubstr("did you mean \"namespaces\"?"));
  EXPECT_THAT(refusal("email+=a"), HasSubstr("email is not a list"));
  EXPECT_THAT(refusal("expires=2027-01-31"), HasSubstr("name one: expires.ghcr.io=VALUE"));
  EXPECT_THAT(refusal("expires-=ghcr.io"),
              HasSubstr("set an entry: expires.ghcr.io=VALUE; to take one out: expires.ghcr.io-"));
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
