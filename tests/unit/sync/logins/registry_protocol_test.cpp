#include "sync/logins/registry_protocol.hpp"

#include <gtest/gtest.h>

#include <string>

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
  EXPECT_EQ(parse_challenge(R"(Basic realm="x", Bearer realm="y", Bearer realm="z")").parameters.at("realm"), "y")
      << "who has no login can answer it too";
  EXPECT_EQ(parse_challenge("").scheme, "");
  EXPECT_EQ(parse_challenge("Digest realm=\"x\"").scheme, "");
}

TEST(Realm, IsAPlainUrlOrNothing) {
  EXPECT_EQ(parse_realm("https://auth.docker.io/token?a=b")->target(), "/token?a=b");
  for (const char* bad : {"", "auth.docker.io/token", "https://user:pass@auth.test/", "https://a b/",
                          "ftp://auth.test/", "https://auth.test/\r\nX: y", "https://"}) {
    EXPECT_FALSE(parse_realm(bad)) << bad;
  }
}

TEST(Realm, TakesALoginOverPlainHttpOnThisMachineOnly) {
  EXPECT_TRUE(may_carry_login(*parse_realm("https://auth.test/"), "registry.test"));
  EXPECT_TRUE(may_carry_login(*parse_realm("http://127.0.0.1:5000/"), "localhost"));
  EXPECT_FALSE(may_carry_login(*parse_realm("http://127.0.0.1:5000/"), "registry.test")) << "who listens there?";
  for (const char* elsewhere : {"http://auth.test/", "http://localhost.evil.test/", "http://127.0.0.1.evil.test/"}) {
    EXPECT_FALSE(may_carry_login(*parse_realm(elsewhere), "localhost")) << elsewhere;
  }
}

TEST(Location, IsAPathOrAPlainUrlThatALoginMightGoTo) {
  const kube::Url registry = *parse_realm("https://registry.test:5000");
  EXPECT_EQ(parse_location("/v2/a?b=c", registry)->origin(), "https://registry.test:5000");
  EXPECT_EQ(parse_location("/v2/a?b=c", registry)->target(), "/v2/a?b=c");
  EXPECT_EQ(parse_location("https://mirror.test/v2/a", registry)->host, "mirror.test");
  for (const char* bad : {"", "//mirror.test/", "v2/a", "http://mirror.test/", "http://127.0.0.1:80/", "/a b",
                          "https://u:p@mirror.test/", "/\r\nX: y"}) {
    EXPECT_FALSE(parse_location(bad, registry)) << bad;
  }
}

TEST(Related, AreHostsOfOneDomain) {
  EXPECT_TRUE(are_related("registry-1.docker.io", "auth.docker.io"));
  EXPECT_TRUE(are_related("docker.io", "auth.docker.io"));
  EXPECT_TRUE(are_related("localhost", "localhost"));
  EXPECT_TRUE(are_related("r.shop.co.uk", "auth.shop.co.uk"));
  EXPECT_TRUE(are_related("shop.com.au", "auth.shop.com.au"));
  EXPECT_TRUE(are_related("10.1.0.1", "10.1.0.1"));
  EXPECT_TRUE(are_related("docker.psi.ch", "gitlab.psi.ch"));
  EXPECT_TRUE(are_related("eu.gcr.io", "gcr.io"));
  EXPECT_FALSE(are_related("ghcr.io", "evil.io"));
  EXPECT_FALSE(are_related("shop.co.uk", "evil.co.uk"));
  EXPECT_FALSE(are_related("r.shop.com.au", "r.evil.com.au"));
  EXPECT_FALSE(are_related("10.1.0.1", "203.0.0.1")) << "an address has no domain";
  EXPECT_FALSE(are_related("::ffff:10.1.0.1", "::ffff:203.0.0.1"));
  EXPECT_FALSE(are_related("", "ghcr.io"));
}

TEST(TokenAnswer, IsOneWordOrNone) {
  EXPECT_EQ(parse_token_answer(R"({"token":"abc","access_token":"def"})").token, "abc");
  EXPECT_EQ(parse_token_answer(R"({"token":"","access_token":"def"})").token, "def");
  for (const char* bad : {"", "null", "[]", R"({"token":1})", R"({"token":["a"]})", R"({"token":"a b"})",
                          R"({"token":"a\r\nX: y"})", R"({"token":"\u00e9"})", "<html>"}) {
    EXPECT_EQ(parse_token_answer(bad).token, "") << bad;
    EXPECT_NE(parse_token_answer(bad).problem, "") << bad;
  }
  EXPECT_EQ(parse_token_answer(std::string(1'000'000, '[')).token, "");
}

}  // namespace
}  // namespace regsync
