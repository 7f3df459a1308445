#include "sync/kube/http/url.hpp"

#include <gtest/gtest.h>

#include <string>

namespace regsync::kube {
namespace {

std::string spelled(std::string_view text) {
  const auto url = parse_url(text);
  return url ? url->text() : "no URL";
}

TEST(Url, HasOneSpelling) {
  EXPECT_EQ(spelled("https://k.example:6443"), "https://k.example:6443");
  EXPECT_EQ(spelled("HTTPS://k.example:6443/"), "https://k.example:6443");
  EXPECT_EQ(spelled("https://k.example:443/prefix/"), "https://k.example:443/prefix");
  EXPECT_EQ(spelled("http://k.example:443"), "http://k.example:443");
  EXPECT_EQ(spelled("https://k.example/a?timeout=1#b"), "https://k.example/a");
  EXPECT_EQ(spelled("https://[fd00::1]:6443"), "https://[fd00::1]:6443");
  EXPECT_EQ(spelled("https://[::ffff:127.0.0.1]:6443"), "https://127.0.0.1:6443");
  EXPECT_EQ(spelled("https://user:password@k.example"), "https://k.example");
}

TEST(Url, OtherThingsAreNone) {
  for (const char* text : {"", "k.example", "k.example:6443", "ftp://k.example", "https://", "https://a b", "://x"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

TEST(Url, KnowsWhetherItNamesAUser) {
  EXPECT_TRUE(parse_url("https://user@k.example")->has_userinfo);
  EXPECT_TRUE(parse_url("https://:password@k.example")->has_userinfo);
  EXPECT_FALSE(parse_url("https://k.example/a@b")->has_userinfo);
}

TEST(Url, LoopbackIsDecidedByTheHostAlone) {
  for (const char* host : {"localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(is_loopback(host)) << host;
  }
  for (const char* host : {"localhost.evil.test", "127.0.0.1.evil.test", "10.0.0.1", "::2", ""}) {
    EXPECT_FALSE(is_loopback(host)) << host;
  }
}

}  // namespace
}  // namespace regsync::kube
