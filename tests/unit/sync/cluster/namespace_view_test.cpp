#include "sync/cluster/namespace_view.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace regsync {
namespace {

using nlohmann::json;

json with(const char* field, const json& value) { return {{"metadata", {{"name", "team"}, {field, value}}}}; }

TEST(NamespaceView, HasTheLabelsButTheOneOfItsName) {
  const auto view = view_namespace(with("labels", {{"env", "prod"}, {"kubernetes.io/metadata.name", "team"}}));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->labels, (Labels{{"env", "prod"}}));
  EXPECT_FALSE(view->terminating);
}

TEST(NamespaceView, IsTerminatingWhereADeletionHasBegun) {
  EXPECT_TRUE(view_namespace(with("deletionTimestamp", "2026-01-31T12:00:00Z"))->terminating);
  EXPECT_FALSE(view_namespace(with("deletionTimestamp", nullptr))->terminating);
}

TEST(NamespaceView, MayHaveNoLabels) {
  for (const json& object : {with("labels", nullptr), with("labels", json::object()), with("other", 1), json(), json(7),
                             json({{"metadata", "odd"}}), json::array()}) {
    EXPECT_EQ(view_namespace(object), NamespaceView()) << object;
  }
}

TEST(NamespaceView, IsNotKnownWhereTheLabelsAreNotWhatAnApiServerWrites) {
  for (const json& labels : {json("env=prod"), json(7), json({"env"}), json({{"env", nullptr}}), json({{"env", 1}}),
                             json({{"a", "b"}, {"env", {{"x", "y"}}}}), json({{"env", std::string(64, 'x')}}),
                             json({{std::string(318, 'x'), "prod"}})}) {
    EXPECT_FALSE(view_namespace(with("labels", labels))) << labels;
  }
  json many;
  for (int i = 0; i < 1001; ++i) {
    many["label-" + std::to_string(i)] = "x";
  }
  EXPECT_FALSE(view_namespace(with("labels", many)));
}

}  // namespace
}  // namespace regsync
