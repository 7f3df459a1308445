#include "sync/base/jwt.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sync/base/base64.hpp"

namespace regsync {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

std::string token_with(const std::string& claims) { return "e30." + base64_encode(claims) + ".sig"; }

TEST(Jwt, TellsWhenItExpires) {
  EXPECT_EQ(jwt_expiry(token_with(R"({"exp": 1700000000})")), system_clock::time_point(seconds(1700000000)));
  EXPECT_EQ(jwt_expiry(token_with(R"({"exp": 1700000000.5})")), system_clock::time_point(seconds(1700000000)));
}

// As client-go reads it.
TEST(Jwt, TheTimeMayStandInAText) {
  EXPECT_EQ(jwt_expiry(token_with(R"({"exp": "1700000000"})")), system_clock::time_point(seconds(1700000000)));
  EXPECT_EQ(jwt_expiry(token_with(R"({"exp": "1.7e9"})")), system_clock::time_point(seconds(1700000000)));
}

TEST(Jwt, WhatIsNoTokenSaysNothing) {
  for (const std::string& odd :
       {std::string(), std::string("password"), std::string("a.b"), std::string("a.b.c"), std::string("a.!!.c"),
        token_with("{\"exp\": 1}") + ".d", token_with("[]"), token_with("{}"), token_with(R"({"exp": "soon"})"),
        token_with(R"({"exp": ""})"), token_with(R"({"exp": "0x10"})"), token_with(R"({"exp": "\"5\""})"),
        token_with(R"({"exp": 1e300})"), token_with(R"({"exp": -1})")}) {
    EXPECT_EQ(jwt_expiry(odd), std::nullopt) << odd;
  }
}

}  // namespace
}  // namespace regsync
