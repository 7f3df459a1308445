#include "sync/engine/intent.hpp"

#include <gmock/gmock.h>

#include "tests/unit/sync/engine/engine_parts.hpp"

namespace regsync {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class IntentTest : public EngineParts {
 protected:
  [[nodiscard]] std::shared_ptr<const Plan> plan() const {
    const auto found = intent_.plans().find("t");
    return found == intent_.plans().end() ? nullptr : found->second;
  }
  // The namespaces that the target means in a context; "undecided" where that is not certain.
  [[nodiscard]] std::vector<std::string> namespaces_in(const std::string& context) const {
    const auto undecided = intent_.undecided().find("t");
    if (undecided != intent_.undecided().end() && undecided->second.contains(context)) {
      return {"undecided"};
    }
    return intent_.wanted().at("t").at(context).target().namespaces;
  }
};

TEST_F(IntentTest, APlanStaysTheSameObjectWhileItMakesTheSameSecrets) {
  log_in("first");
  declare(target());
  const auto first = plan();
  ASSERT_TRUE(first);
  mean();
  EXPECT_EQ(plan(), first);
  log_in("first");
  EXPECT_EQ(plan(), first) << "another reading of the same login";
  log_in("second");
  EXPECT_NE(plan(), first);
  EXPECT_EQ(plan()->since, first->since) << "the target is known for as long as before";
  EXPECT_NE(plan()->payload->digest(), first->payload->digest());
}

TEST_F(IntentTest, ATargetThatCannotBeReadHasNoPlan) {
  declare(target());
  ASSERT_TRUE(plan());
  files_["t"] = {std::nullopt, Error(ErrorCode::invalid_input, "torn")};
  targets_.set(files_);
  mean();
  EXPECT_FALSE(plan());
  EXPECT_FALSE(intent_.needs("dev"));
}

TEST_F(IntentTest, ATargetIsMeantInTheContextsThatItSelectsAndThatCanBeUsed) {
  contexts_.set_kubeconfig(
      kube::Kubeconfig::parse(kubeconfig_text({{"dev", "a"}, {"prod", "b"}}) + "current-context: dev\n", "a file"));
  declare(target({"team"}, {"dev", "nowhere"}));
  EXPECT_THAT(intent_.wanted().at("t"), IsEmpty()) << "no cluster runs yet";
  update();
  mean();
  EXPECT_THAT(namespaces_in("dev"), ElementsAre("team"));
  EXPECT_FALSE(intent_.wanted().at("t").contains("prod"));
  EXPECT_FALSE(intent_.wanted().at("t").contains("nowhere"));
}

TEST_F(IntentTest, ATargetWithoutNamespacesGoesIntoTheContextsOwnAndStaysThere) {
  set_contexts({{"dev", "a"}});
  declare(target({}));
  EXPECT_THAT(namespaces_in("dev"), ElementsAre("a"));
  footprints_.remember(intent_.wanted());
  set_contexts({{"dev", "b"}});
  mean();
  EXPECT_THAT(namespaces_in("dev"), ElementsAre("a"));
  EXPECT_THAT(intent_.meant_in(target({}), "dev")->namespaces, ElementsAre("a"));
  EXPECT_THAT(intent_.meant_in(target({"named"}), "dev")->namespaces, ElementsAre("named"));
}

TEST_F(IntentTest, TheNamespaceOfAKubeconfigThatIsBeingWrittenIsNotBelieved) {
  set_young_contexts({{"dev", "a"}});
  declare(target({}));
  EXPECT_THAT(namespaces_in("dev"), ElementsAre("undecided"));
  EXPECT_FALSE(intent_.meant_in(target({}), "dev"));
  declare(target({"team"}));
  EXPECT_THAT(namespaces_in("dev"), ElementsAre("team"));
}

// A file that is cut short after `contexts:` looks like a target that means each context's own namespace.
TEST_F(IntentTest, AFileThatMayHaveLostItsNamespacesMovesNothing) {
  set_contexts({{"dev", "a"}});
  remember("dev", {"team"});
  write(target({}));
  EXPECT_THAT(namespaces_in("dev"), ElementsAre("undecided")) << "from the start";
  declare(target({"team"}));
  EXPECT_THAT(namespaces_in("dev"), ElementsAre("team"));
  write(target({}));
  EXPECT_THAT(namespaces_in("dev"), ElementsAre("undecided"));
  EXPECT_THAT(intent_.wanted().at("t").at("dev").target().namespaces, ElementsAre("team")) << "which stays in sync";
  targets_.confirm("t");
  mean();
  EXPECT_THAT(namespaces_in("dev"), ElementsAre("a")) << "a command said so";
}

TEST_F(IntentTest, AFileThatMayHaveLostItsAccountsDetachesNone) {
  set_contexts({{"dev", "a"}});
  remember("dev", {"team"}, {"default", "builder"});
  Target made = target();
  made.service_accounts = {"default"};
  write(made);
  EXPECT_THAT(intent_.wanted().at("t").at("dev").kept_accounts, ElementsAre("builder"));
  declare(made);
  EXPECT_THAT(intent_.wanted().at("t").at("dev").kept_accounts, IsEmpty());
  made.secret = "other";
  write(made);
  EXPECT_THAT(intent_.wanted().at("t").at("dev").kept_accounts, IsEmpty()) << "they were those of another Secret";
}

TEST_F(IntentTest, AContextIsNeededWhereSomethingIsWantedOrWasLeft) {
  declare(target({"team"}, {"dev"}));
  EXPECT_TRUE(intent_.needs("dev"));
  EXPECT_FALSE(intent_.needs("prod"));
  remember("prod", {"team"});
  EXPECT_TRUE(intent_.needs("prod"));
}

TEST_F(IntentTest, OnlyAContextThatIsNamedPlainlyIsPinned) {
  Target made = target({"team"}, {"dev", "prod-*"});
  declare(made);
  EXPECT_FALSE(intent_.is_pinned("dev"));
  made.pin = true;
  declare(made);
  EXPECT_TRUE(intent_.is_pinned("dev"));
  EXPECT_FALSE(intent_.is_pinned("prod-eu"));
}

TEST_F(IntentTest, LabelsThatHaveJustChangedDoNotCountAgainstATarget) {
  const auto set_labels = [&](const std::string& tier) {
    auto cluster = std::make_shared<kube::KnownCluster>();
    cluster->context.emplace();
    cluster->context->name = "dev";
    cluster->context->server = "https://127.0.0.1:1";
    cluster->labels = {{"tier", tier}};
    contexts_.set_kubeconfig(kube::Kubeconfig::of({{"dev", cluster}}, "a hub"));
    update();
    mean();
  };
  Target by_label = target({"team"}, {});
  by_label.context_selector = LabelSelector::parse("tier=edge");
  declare(by_label);
  set_labels("edge");
  EXPECT_TRUE(intent_.wanted().at("t").contains("dev"));
  set_labels("core");
  EXPECT_FALSE(intent_.wanted().at("t").contains("dev"));
  EXPECT_FALSE(intent_.labels_count(by_label, "dev"));
  EXPECT_TRUE(intent_.labels_count(target(), "dev")) << "it does not go by labels";
  EXPECT_TRUE(intent_.labels_count(by_label, "elsewhere"));
}

}  // namespace
}  // namespace regsync
