#include "sync/model/places.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

TEST(PlacesOf, OnlyAPatternOrASelectorMeansAnyNamespace) {
  Target target;
  target.secret = "cred";
  EXPECT_EQ(places_of(target, "own").secrets.at("cred"), (Scope{false, {"own"}}));
  target.namespaces = {"a", "b"};
  EXPECT_EQ(places_of(target, "own").secrets.at("cred"), (Scope{false, {"a", "b"}}));
  target.namespaces = {"a", "team-*"};
  EXPECT_EQ(places_of(target, "own").secrets.at("cred"), (Scope{true, {"a"}}));
  target.namespaces = {};
  target.namespace_selector = LabelSelector::parse("env=prod");
  EXPECT_EQ(places_of(target, "own").secrets.at("cred"), (Scope{true, {}}));
}

TEST(PlacesOf, ManyPlainNamesAreWideButStayPlain) {
  Target target;
  target.secret = "cred";
  for (int i = 0; i < 40; ++i) {
    target.namespaces.push_back("n" + std::to_string(i));
  }
  const auto scope = places_of(target, "own").secrets.at("cred");
  EXPECT_FALSE(scope.any);
  EXPECT_TRUE(scope.is_wide());
  EXPECT_TRUE(scope.covers("n39"));
  EXPECT_FALSE(scope.covers("n40"));
  EXPECT_FALSE((Scope{false, {"a", "b"}}).is_wide());
  EXPECT_TRUE((Scope{true, {}}).is_wide());
}

}  // namespace
}  // namespace regsync
