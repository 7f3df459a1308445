// How the effect of a change is told to people.
#include "sync/cli/ask/preview.hpp"

#include <gtest/gtest.h>

namespace regsync::cli {
namespace {

using nlohmann::json;

const json none;
const json object = {{"kind", "Secret"}};
const json other = {{"kind", "Secret"}, {"data", "x"}};

Difference change(const std::string& context, const std::string& name_space, const json& before, const json& after,
                  DifferenceKind kind = DifferenceKind::secret) {
  return {context, name_space, kind, kind == DifferenceKind::secret ? "cred" : "default", before, after};
}

TEST(Preview, OfNothingSaysSo) { EXPECT_EQ(describe(Preview()), "  no Secret changes\n"); }

TEST(Preview, HasALineForEachKindOfChangeAndContext) {
  Preview shown;
  shown.changes = {change("dev", "a", none, object), change("dev", "b", none, object),
                   change("dev", "c", object, other), change("prod", "d", object, none),
                   change("dev", "a", object, other, DifferenceKind::service_account)};
  EXPECT_EQ(describe(shown),
            "  create 2 Secrets in context dev: a/cred, b/cred\n"
            "  change 1 Secret in context dev: c/cred\n"
            "  delete 1 Secret in context prod: d/cred\n"
            "  change 1 ServiceAccount in context dev: a/default\n");
}

TEST(Preview, OfManyNamespacesNamesSome) {
  Preview shown;
  for (int i = 0; i < 1000; ++i) {
    shown.changes.push_back(change("dev", "n" + std::to_string(i), object, none));
  }
  EXPECT_EQ(describe(shown),
            "  delete 1000 Secrets in context dev: n0/cred, n1/cred, n2/cred, n3/cred, n4/cred and 995 more\n");
}

TEST(Preview, SaysWhoseTheSecretsAreThatAreTakenOver) {
  Preview shown;
  for (const char* name_space : {"a", "b", "c"}) {
    shown.changes.push_back(change("dev", name_space, object, other));
  }
  shown.changes[0].taken_over = shown.changes[1].taken_over = "written by kubectl-create";
  EXPECT_EQ(describe(shown),
            "  take over 2 Secrets in context dev, written by kubectl-create: a/cred, b/cred\n"
            "  change 1 Secret in context dev: c/cred\n");
  EXPECT_TRUE(shown.may_take_over());
  shown.changes.erase(shown.changes.begin(), shown.changes.begin() + 2);
  EXPECT_FALSE(shown.may_take_over());
}

TEST(Preview, OfNothingButAnObstacleNeedsConsent) {
  Preview shown;
  EXPECT_FALSE(shown.needs_consent());
  shown.obstacles.push_back({"dev/a", Error(ErrorCode::not_owned, "Secret cred was not made by regsync")});
  EXPECT_TRUE(shown.needs_consent());
}

TEST(Preview, WhatIsPausedOrUnknownIsNotNothing) {
  Preview shown;
  shown.paused = {"context old", "target web"};
  shown.unknown = {"context prod: cannot connect\nto prod"};
  EXPECT_EQ(describe(shown),
            "  paused, so nothing changes: context old, target web\n"
            "  not known for context prod: cannot connect to prod\n");
}

}  // namespace
}  // namespace regsync::cli
