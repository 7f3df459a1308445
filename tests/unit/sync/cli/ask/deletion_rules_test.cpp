// What a preview may say that is deleted: as much as regsyncd would delete, and no more.
#include "sync/cli/ask/deletion_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/sync/cli/contexts.hpp"

namespace regsync::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DeletionRulesTest : public testing::Test {
 protected:
  void declare(const std::string& name, std::vector<std::string> contexts) {
    Target target;
    target.name = name;
    target.secret = "cred";
    target.contexts = std::move(contexts);
    files_[name].target = std::move(target);
  }
  // The target had its Secret in these namespaces of a context.
  Footprint& was_in(const std::string& target, const std::string& context, const std::set<std::string>& namespaces) {
    footprints_[target].contexts[context].secrets["cred"].namespaces = namespaces;
    return footprints_[target];
  }
  void leads_to(const std::string& context, const std::string& uid, bool pinned = false) {
    book_.meet(context, {.uid = uid, .server = "https://" + uid + ".example", .authorities = {}}, pinned, {});
  }
  [[nodiscard]] DeletionScope scope_in(const std::string& context, const std::string& asked = "web") const {
    return DeletionRules(files_, footprints_, kubeconfig_, book_).scope_in(context, [&](const std::string& target) {
      return target == asked;
    });
  }
  // The namespaces where Secrets of the target may be found to be deleted.
  [[nodiscard]] std::set<std::string> places_in(const std::string& context) const {
    const Places places = scope_in(context).places;
    return places.empty() ? std::set<std::string>() : places.secrets.at("cred").namespaces;
  }

  TargetFiles files_;
  std::map<std::string, Footprint> footprints_;
  kube::Kubeconfig kubeconfig_ = kube::Kubeconfig::parse(test::kubeconfig_text({"dev", "new"}), "a file");
  test::TempDir dir_;
  ContextBook book_{dir_ / "contexts.json"};
};

TEST_F(DeletionRulesTest, WhatWasMadeThroughAContextThatIsGoneIsFoundThroughItsNewName) {
  leads_to("old", "1");
  leads_to("new", "1");
  declare("web", {"new"});
  was_in("web", "old", {"n1", "n2"});
  EXPECT_THAT(places_in("new"), ElementsAre("n1", "n2"));
  EXPECT_THAT(places_in("dev"), IsEmpty());
}

TEST_F(DeletionRulesTest, NothingIsFoundThroughAContextThatNoTargetUses) {
  leads_to("old", "1");
  leads_to("new", "1");
  was_in("web", "old", {"n1"}).forgotten = true;
  EXPECT_THAT(places_in("new"), IsEmpty());
  declare("other", {"new"});
  EXPECT_THAT(places_in("new"), ElementsAre("n1"));
}

TEST_F(DeletionRulesTest, ATargetThatNamesAContextWhichNobodyKnowsDeletesNothing) {
  declare("web", {"dev", "gone"});
  was_in("web", "dev", {"n1"});
  const DeletionScope scope = scope_in("dev");
  EXPECT_THAT(scope.known_targets, IsEmpty());
  EXPECT_THAT(scope.uncertain, ElementsAre("web"));
  EXPECT_TRUE(scope.places.empty());
}

TEST_F(DeletionRulesTest, ATargetWithoutNamespacesDeletesOnlyWhereItsFootprintSaysThatItWas) {
  declare("web", {"dev"});
  ASSERT_TRUE(scope_in("dev").bound.contains("web"));
  EXPECT_TRUE(scope_in("dev").bound.at("web").empty());
  was_in("web", "dev", {"n1"});
  EXPECT_TRUE(scope_in("dev").bound.at("web").cover({"n1", "cred"}));
  EXPECT_FALSE(scope_in("dev").bound.at("web").cover({"n2", "cred"}));
  files_["web"].target->namespaces = {"n3"};
  EXPECT_THAT(scope_in("dev").bound, IsEmpty());
}

TEST_F(DeletionRulesTest, WhereAContextIsHeldNobodysRemovalCounts) {
  was_in("web", "dev", {"n1"}).forgotten = true;
  leads_to("dev", "1");
  EXPECT_THAT(scope_in("dev").forgotten, ElementsAre("web"));
  leads_to("dev", "2", /*pinned=*/true);
  const DeletionScope scope = scope_in("dev");
  EXPECT_THAT(scope.forgotten, IsEmpty());
  EXPECT_TRUE(scope.places.empty());
}

TEST_F(DeletionRulesTest, WhatIsKeptIsReleasedAndWhatHasNoFileIsUncertain) {
  was_in("web", "dev", {"n1"}).kept = {"dev"};
  EXPECT_THAT(scope_in("dev").kept, ElementsAre("web"));
  EXPECT_THAT(scope_in("dev").uncertain, ElementsAre("web"));
  EXPECT_FALSE(scope_in("dev").in_doubt.empty());
}

}  // namespace
}  // namespace regsync::cli
