#include "sync/model/places.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

TEST(PlacesOf, FewPlainNamesAreListedTheRestIsEverywhere) {
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

}  // namespace
}  // namespace regsync
