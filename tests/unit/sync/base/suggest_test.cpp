#include "sync/base/suggest.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

TEST(EditDistance, CountsInsertDeleteReplaceAndSwap) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("prod", "prod"), 0U);
  EXPECT_EQ(edit_distance("prd", "prod"), 1U);
  EXPECT_EQ(edit_distance("prood", "prod"), 1U);
  EXPECT_EQ(edit_distance("prad", "prod"), 1U);
  EXPECT_EQ(edit_distance("prdo", "prod"), 1U);
  EXPECT_EQ(edit_distance("PROD", "prod"), 0U);
  EXPECT_EQ(edit_distance("", "prod"), 4U);
}

TEST(Closest, IsTheNearestOrNothing) {
  EXPECT_EQ(closest("prdo", {"dev", "prod", "stage"}), "prod");
  EXPECT_EQ(closest("kind", {"kind-kind", "prod"}), "kind-kind");
  EXPECT_EQ(closest("east", {"gke-east", "aks-east"}), "");
  EXPECT_EQ(closest("zzz", {"dev", "prod"}), "");
  EXPECT_EQ(closest("prod", {}), "");
}

TEST(Closest, IsNothingForATextThatIsTooLongToCompare) {
  const std::string name(256, 'a');
  EXPECT_EQ(closest(name, {"b", name}), name);
  EXPECT_EQ(closest(name + "a", {name}), "");
  EXPECT_EQ(closest("prdo", {std::string(1'000'000, 'a'), "prod"}), "prod");
  const std::string long_name(1'000'000, 'a');  // to compare two of them would take a terabyte
  EXPECT_EQ(did_you_mean(long_name, {long_name + "b"}), "there are: " + long_name + "b");
}

TEST(DidYouMean, ElseListsWhatThereIs) {
  EXPECT_EQ(did_you_mean("dev,prod", {"dev", "prod"}), "name one at a time: \"dev\", \"prod\"");
  EXPECT_EQ(did_you_mean("prdo", {"dev", "prod"}), "did you mean \"prod\"?");
  EXPECT_EQ(did_you_mean("zzz", {"dev", "prod"}), "there are: dev, prod");
  EXPECT_EQ(did_you_mean("zzz", {}), "");
  EXPECT_EQ(did_you_mean("zzz", {"aa", "bb", "cc", "dd", "ee", "ff", "gg", "hh", "ii", "jj"}),
            "there are: aa, bb, cc, dd, ee, ff, gg, hh, and 2 more");
}

}  // namespace
}  // namespace regsync
