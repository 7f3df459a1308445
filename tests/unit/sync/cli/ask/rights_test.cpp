#include "sync/cli/ask/rights.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace regsync::cli {
namespace {

using nlohmann::json;
using testing::ElementsAre;

Target target() {
  Target made;
  made.name = "web";
  made.secret = "myregcred";
  made.registries = {"ghcr.io"};
  made.contexts = {"dev"};
  made.namespaces = {"team-a", "team-b"};
  return made;
}

TEST(Rights, OfPlainNamespacesAreARoleInEach) {
  const std::vector<json> objects = make_rbac(rights_of(target(), "default"), {"User", "alice", ""});
  ASSERT_EQ(objects.size(), 4U);
  EXPECT_EQ(objects[0]["kind"], "Role");
  EXPECT_EQ(objects[0]["metadata"], (json{{"name", "regsync-web-alice-7064b183"}, {"namespace", "team-a"}}));
  EXPECT_EQ(objects[0]["rules"],
            json::parse(R"([{"apiGroups":[""],"resources":["secrets"],"resourceNames":["myregcred"],
    "verbs":["get","list","watch","create","patch","delete"]}])"));
  EXPECT_EQ(objects[1]["kind"], "RoleBinding");
  EXPECT_EQ(objects[1]["roleRef"]["name"], objects[0]["metadata"]["name"]);
  EXPECT_EQ(objects[1]["subjects"],
            json::parse(R"([{"kind":"User","name":"alice","apiGroup":"rbac.authorization.k8s.io"}])"));
  EXPECT_EQ(objects[3]["metadata"]["namespace"], "team-b");
}

TEST(Rights, WithoutNamespacesAreThoseOfTheContextsOwn) {
  Target made = target();
  made.namespaces.clear();
  EXPECT_THAT(rights_of(made, "own").namespaces, ElementsAre("own"));
}

TEST(Rights, OfGlobsOrASelectorAreAClusterRoleThatReadsNamespaces) {
  Target globs = target();
  globs.namespaces = {"team-*"};
  Target selector = target();
  selector.namespaces.clear();
  selector.namespace_selector = LabelSelector::parse("env=prod");
  for (const Target& made : {globs, selector}) {
    const std::vector<json> objects = make_rbac(rights_of(made, "default"), {"ServiceAccount", "regsync", "ci"});
    ASSERT_EQ(objects.size(), 2U);
    EXPECT_EQ(objects[0]["kind"], "ClusterRole");
    EXPECT_FALSE(objects[0]["metadata"].contains("namespace"));
    EXPECT_EQ(objects[0]["rules"][0]["resourceNames"], json({"myregcred"}));
    EXPECT_EQ(objects[0]["rules"][1]["resources"], json({"namespaces"}));
    EXPECT_EQ(objects[1]["kind"], "ClusterRoleBinding");
    EXPECT_EQ(objects[1]["subjects"], json::parse(R"([{"kind":"ServiceAccount","name":"regsync","namespace":"ci"}])"));
  }
}

TEST(Rights, EachTargetAndSubjectHasNamesOfItsOwn) {
  Target other = target();
  other.name = "other";
  std::set<std::string> names;
  for (const Target& made : {target(), other}) {
    for (const Subject& subject :
         {Subject{"User", "alice@example.com", ""}, Subject{"User", "alice-example.com", ""},
          Subject{"Group", "alice@example.com", ""}, Subject{"ServiceAccount", "regsync", "ci"},
          Subject{"ServiceAccount", "regsync", "cd"}}) {
      names.insert(make_rbac(rights_of(made, "default"), subject)[0]["metadata"]["name"].get<std::string>());
    }
  }
  EXPECT_EQ(names.size(), 10U);
  EXPECT_THAT(names, testing::Each(testing::MatchesRegex("regsync-(web|other)-[a-z0-9-]+-[0-9a-f]{8}")));
}

TEST(Rights, TheWatchOfEachSubjectHasANameOfItsOwn) {
  Target namesake = target();
  namesake.name = "watch";
  const Subject alice{"User", "alice", ""};
  EXPECT_EQ(watch_role_name(alice), "regsync:watch-alice-7064b183");
  EXPECT_NE(watch_role_name(alice), watch_role_name({"Group", "alice", ""}));
  EXPECT_NE(watch_role_name(alice), watch_role_name({"User", "bob", ""}));
  EXPECT_NE(make_rbac(rights_of(namesake, "default"), alice)[0]["metadata"]["name"], watch_role_name(alice));
}

TEST(Rights, PodsAreListedAndEvictedOnlyForATargetThatHeals) {
  Target made = target();
  const auto resources = [&] {
    std::vector<std::string> names;
    for (const Rule& rule : rules_of(rights_of(made, "default"))) {
      names.push_back(rule.resource);
    }
    return names;
  };
  EXPECT_THAT(resources(), ElementsAre("secrets"));
  made.heal = true;
  EXPECT_THAT(resources(), ElementsAre("secrets", "pods", "pods/eviction"));
}

TEST(Rights, KubeSystemIsReadOnlyForATargetThatPins) {
  Target made = target();
  made.pin = true;
  const std::vector<json> objects = make_rbac(rights_of(made, "default"), {"User", "alice", ""});
  ASSERT_EQ(objects.size(), 6U);
  EXPECT_EQ(objects[4]["kind"], "ClusterRole");
  EXPECT_EQ(objects[4]["rules"], json::parse(R"([{"apiGroups":[""],"resources":["namespaces"],
    "resourceNames":["kube-system"],"verbs":["get"]}])"));
  EXPECT_EQ(objects[5]["kind"], "ClusterRoleBinding");
  EXPECT_EQ(objects[5]["roleRef"]["name"], objects[4]["metadata"]["name"]);
  made.namespaces = {"team-*"};
  EXPECT_EQ(make_rbac(rights_of(made, "default"), {"User", "alice", ""}).size(), 2U) << "it reads all of them";
}

TEST(Rights, ServiceAccountsAreNamed) {
  Target made = target();
  made.service_accounts = {"default", "builder"};
  const std::vector<Rule> rules = rules_of(rights_of(made, "default"));
  ASSERT_EQ(rules.size(), 2U);
  EXPECT_EQ(rules[1].resource, "serviceaccounts");
  EXPECT_THAT(rules[1].names, ElementsAre("default", "builder"));
  EXPECT_THAT(rules[1].verbs, ElementsAre("get", "list", "watch", "patch"));

  made.service_accounts = {"default", "build-*"};
  EXPECT_THAT(rules_of(rights_of(made, "default"))[1].names, testing::IsEmpty()) << "RBAC knows no patterns";
}

}  // namespace
}  // namespace regsync::cli
