#include "sync/logins/registry_client.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

TEST(Challenge, BearerAndBasicAreReadAmongOthers) {
  const Challenge bearer =
      parse_challenge(R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="a:b,c")");
  EXPECT_EQ(bearer.scheme, "bearer");
  EXPECT_EQ(bearer.parameters.at("realm"), "https://auth.docker.io/token");
  EXPECT_EQ(bearer.parameters.at("scope"), "a:b,c");

  EXPECT_EQ(parse_challenge("Basic realm=regsync").parameters.at("realm"), "regsync");
  EXPECT_EQ(parse_challenge(R"(Negotiate, Basic realm="a \"quoted\" one")").parameters.at("realm"), "a \"quoted\" one");
  EXPECT_EQ(parse_challenge(R"(Negotiate, Basic realm="x")").scheme, "basic");
  EXPECT_EQ(parse_challenge("").scheme, "");
  EXPECT_EQ(parse_challenge("Digest realm=\"x\"").scheme, "");
}

}  // namespace
}  // namespace regsync
