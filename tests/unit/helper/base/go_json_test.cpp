#include "helper/base/go_json.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

using nlohmann::json;

TEST(GoJson, TheCaseOfANameDoesNotCount) {
  const json object{{"userNAME", "alice"}, {"n", 1}};
  EXPECT_EQ(text_as_go(object, "Username"), "alice");
  EXPECT_EQ(text_as_go(object, "N"), "") << "no text";
  EXPECT_EQ(text_as_go(object, "user"), "");
  EXPECT_EQ(find_as_go(object, "N"), &object.at("n"));
  EXPECT_EQ(find_as_go(json::array({1}), "n"), nullptr);
}

}  // namespace
}  // namespace regsync
