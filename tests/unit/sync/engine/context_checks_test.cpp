#include "sync/engine/context_checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// By target: the contexts where it may have Secrets.
std::map<std::string, Footprint> footprints(const std::map<std::string, std::vector<std::string>>& contexts) {
  std::map<std::string, Footprint> made;
  for (const auto& [target, names] : contexts) {
    for (const std::string& name : names) {
      made[target].contexts[name];
    }
  }
  return made;
}

template <typename Check>
Error refusal(Check check) {
  try {
    check();
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::internal, "nothing was refused"};
}

TEST(ContextChecks, AContextIsGoneWhereATargetRemembersItAndTheKubeconfigDoesNotHaveIt) {
  const auto known = footprints({{"web", {"prod", "dev", "old"}}, {"api", {"old", "ancient"}}});
  EXPECT_THAT(contexts_that_are_gone({"prod", "dev"}, known), ElementsAre("ancient", "old"));
  EXPECT_THAT(contexts_that_are_gone({}, {}), IsEmpty());
}

TEST(ContextChecks, OnlyAContextThatIsGoneCanBeForgotten) {
  const auto known = footprints({{"web", {"prod", "staging"}}});
  const std::vector<std::string> gone = contexts_that_are_gone({"prod"}, known);
  EXPECT_NO_THROW(require_forgettable("staging", {"prod"}, true, gone));

  const Error present = refusal([&] { require_forgettable("prod", {"prod"}, true, gone); });
  EXPECT_EQ(present.code(), ErrorCode::invalid_input);
  const Error there = refusal([&] { require_forgettable("a b", {"a b"}, true, gone); });
  EXPECT_THAT(there.remedy(), HasSubstr("delete-context 'a b'")) << "what people copy into a shell";

  const Error mistyped = refusal([&] { require_forgettable("stagin", {"prod"}, true, gone); });
  EXPECT_EQ(mistyped.code(), ErrorCode::not_found);
  EXPECT_EQ(mistyped.remedy(), "did you mean \"staging\"?");
  const Error none = refusal([&] { require_forgettable("staging", {"prod"}, true, {}); });
  EXPECT_EQ(none.code(), ErrorCode::not_found);
  EXPECT_EQ(none.remedy(), "see: regsync status");
}

TEST(ContextChecks, APatternIsForTheContextsThatMatchAndAreGone) {
  const auto known = footprints({{"web", {"fleet/a", "fleet/b", "fleet/here", "other/c"}}});
  const auto forgettable = [&](const std::string& pattern) {
    return forgettable_contexts(pattern, {"fleet/here"}, /*in_kubeconfig=*/false, known);
  };
  EXPECT_THAT(forgettable("fleet/*"), ElementsAre("fleet/a", "fleet/b"));
  EXPECT_THAT(forgettable("*"), ElementsAre("fleet/a", "fleet/b", "other/c"));
  EXPECT_THAT(forgettable("other/c"), ElementsAre("other/c"));
  EXPECT_EQ(refusal([&] { forgettable("fleet/h*"); }).code(), ErrorCode::not_found);
  EXPECT_EQ(refusal([&] { forgettable("fleet/here"); }).code(), ErrorCode::invalid_input);
}

TEST(ContextChecks, AClusterOfAFleetIsTakenOutWhereItsSecretIs) {
  const Error there = refusal([] { require_forgettable("prod/web", {"prod/web"}, false, {}); });
  EXPECT_EQ(there.message(), "context prod/web is in the fleet");
  EXPECT_THAT(there.remedy(), HasSubstr("its Secret in the hub"));
  EXPECT_THAT(there.remedy(), testing::Not(HasSubstr("kubectl")));
}

TEST(ContextChecks, AnAbsentContextMayBeAnotherNameOfThisOneUnlessItIsKnownToLeadElsewhere) {
  const test::TempDir dir;
  ContextBook book(dir.path() / "contexts.json");
  const auto leads_to = [&](const std::string& context, const std::string& uid) {
    book.meet(context, {.uid = uid, .server = "https://" + uid + ".example", .authorities = {}}, false, {});
  };
  leads_to("dev", "1");
  leads_to("old-dev", "1");
  leads_to("prod", "2");
  const auto is_there = [](const std::string& context) { return context == "dev"; };
  Target target;
  const auto names_one = [&](const std::vector<std::string>& contexts) {
    target.contexts = contexts;
    return names_absent_context(target, "dev", book, is_there);
  };
  EXPECT_TRUE(names_one({"nobody-met-it"}));
  EXPECT_TRUE(names_one({"old-dev"}));
  EXPECT_FALSE(names_one({"prod", "dev", "any-*"}));
  EXPECT_THAT(names_in_footprints("dev", book, is_there), ElementsAre("dev", "old-dev"));
  EXPECT_THAT(names_in_footprints("dev", book, [](const std::string&) { return true; }), ElementsAre("dev"));
}

TEST(ContextChecks, AContextIsUsedWhereATargetSelectsItOrWasThere) {
  const auto known = footprints({{"web", {"old"}}, {"api", {"dev"}}});
  EXPECT_TRUE(is_used("old", /*is_selected=*/false, known));
  EXPECT_TRUE(is_used("new", /*is_selected=*/true, known));
  EXPECT_FALSE(is_used("new", /*is_selected=*/false, known));
}

TEST(ContextChecks, OnlyAContextThatATargetUsesCanBeTrusted) {
  const test::TempDir dir;
  ContextBook book(dir / "contexts.json");
  const Error nobody = refusal([&] { require_met("prod", book); });
  EXPECT_EQ(nobody.code(), ErrorCode::not_found);
  EXPECT_EQ(nobody.remedy(), "see: regsync status");
  book.meet("prod", {.uid = "1", .server = "https://p", .authorities = {}}, false, {});
  EXPECT_NO_THROW(require_met("prod", book));
  EXPECT_EQ(refusal([&] { require_met("prd", book); }).remedy(), "did you mean \"prod\"?");
}

}  // namespace
}  // namespace regsync
