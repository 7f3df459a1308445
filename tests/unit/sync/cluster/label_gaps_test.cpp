#include "sync/cluster/label_gaps.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace regsync {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(HiddenSecrets, TellWhatIsNews) {
  HiddenSecrets hidden;
  EXPECT_FALSE(hidden.set({"team", "cred"}, false));
  EXPECT_TRUE(hidden.set({"team", "cred"}, true));
  EXPECT_FALSE(hidden.set({"team", "cred"}, true));
  EXPECT_TRUE(hidden.contains({"team", "cred"}));
  EXPECT_FALSE(hidden.contains({"dev", "cred"}));
  EXPECT_TRUE(hidden.set({"team", "cred"}, false));
  EXPECT_THAT(hidden.scopes(), IsEmpty());
}

TEST(HiddenSecrets, AreOfTheWantedPlacesOnly) {
  HiddenSecrets hidden;
  hidden.set({"team", "cred"}, true);
  hidden.set({"dev", "cred"}, true);
  hidden.set({"team", "other"}, true);
  hidden.restrict_to({{"cred", {.any = false, .namespaces = {"team"}}}});
  EXPECT_TRUE(hidden.contains({"team", "cred"}));
  EXPECT_FALSE(hidden.contains({"dev", "cred"}));
  EXPECT_FALSE(hidden.contains({"team", "other"}));
}

TEST(UnlistedNames, AreListedByAListThatBeganAfterThem) {
  UnlistedNames names;
  names.add({"a"});
  names.begin_list();
  names.add({"b"});
  names.end_list();
  EXPECT_FALSE(names.contains("a"));
  EXPECT_TRUE(names.contains("b"));
  names.begin_list();
  names.end_list();
  EXPECT_TRUE(names.empty());
}

TEST(UnlistedNames, ANameThatLeavesAndComesBackWhileAListRunsTakesAnother) {
  UnlistedNames names;
  names.add({"a"});
  names.begin_list();
  names.add({"a"});
  names.end_list();
  EXPECT_TRUE(names.contains("a"));
}

TEST(GrownNames, AreThoseThatAreLookedForInMorePlaces) {
  const SecretScopes before{{"plain", {false, {"a", "b"}}}, {"wide", {true, {}}}};
  EXPECT_THAT(grown_names(before, before), IsEmpty());
  EXPECT_THAT(grown_names(before, {{"plain", {false, {"a"}}}, {"wide", {false, {"c"}}}}), IsEmpty()) << "fewer";
  EXPECT_THAT(grown_names(before, {{"plain", {false, {"a", "c"}}}}), ElementsAre("plain"));
  EXPECT_THAT(grown_names(before, {{"plain", {true, {}}}}), ElementsAre("plain"));
  EXPECT_THAT(grown_names(before, {{"new", {false, {"a"}}}}), ElementsAre("new"));
}

}  // namespace
}  // namespace regsync
