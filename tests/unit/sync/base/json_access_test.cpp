#include "sync/base/json_access.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

namespace regsync {
namespace {

using nlohmann::json;

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(ParseJson, RefusesWhatNestsTooDeep) {
  EXPECT_TRUE(parse_json(nested(100)));
  EXPECT_FALSE(parse_json(nested(101)));
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')));
  EXPECT_TRUE(parse_json("[\"" + std::string(1000, '[') + "\\\"[\"]"));  // brackets in a string
}

TEST(ParseJson, RefusesWhatIsNoJson) {
  for (const char* bad : {"", "{", "{\"a\":}", "\"\\", "\xff", "nul"}) {
    EXPECT_FALSE(parse_json(bad)) << bad;
  }
}

TEST(JsonAccess, FindsWhatIsThere) {
  const json object =
      json::parse(R"({"metadata":{"name":"a","labels":{"x":"y"},"finalizers":["f"]},"immutable":true})");
  EXPECT_EQ(text_at(object, {"metadata", "name"}), "a");
  EXPECT_EQ(map_at(object, {"metadata", "labels"}).size(), 1U);
  EXPECT_EQ(list_at(object, {"metadata", "finalizers"}).size(), 1U);
  EXPECT_TRUE(flag_at(object, {"immutable"}));
  EXPECT_EQ(find_at(object, {}), &object);
}

// Every shape of JSON at every step of a path is answered, and none by an exception.
TEST(JsonAccess, WhatIsMissingOrOfAnotherTypeIsNotThere) {
  const std::vector<json> shapes{
      nullptr, true, 1, -1.5, "text", json::array(), json::array({nullptr}), json::object(), json::binary({1, 2})};
  for (const json& shape : shapes) {
    for (const json& object : {shape, json{{"metadata", shape}}, json{{"metadata", {{"name", shape}}}}}) {
      EXPECT_EQ(text_at(object, {"metadata", "name"}),
                shape == "text" && object != shape && object["metadata"] != shape ? "text" : "");
      EXPECT_TRUE(list_at(object, {"metadata", "name"}).is_array());
      EXPECT_TRUE(map_at(object, {"metadata", "name"}).is_object());
      flag_at(object, {"metadata", "name"});
      EXPECT_EQ(find_at(object, {"metadata", "name", "deeper"}), nullptr);
    }
  }
}

TEST(JsonAccess, ATimeBeyondTheClockIsNotInThePast) {
  const auto now = std::chrono::system_clock::now();
  for (const json& later : {json(253'402'300'799), json(9'223'372'037), json(1e11)}) {
    EXPECT_GT(time_at({{"t", later}}, {"t"}), now) << later;
  }
  for (const json& absurd :
       {json(-1), json(1e300), json(std::numeric_limits<std::int64_t>::max()), json("1"), json()}) {
    EXPECT_FALSE(time_at({{"t", absurd}}, {"t"})) << absurd;
  }
}

}  // namespace
}  // namespace regsync
