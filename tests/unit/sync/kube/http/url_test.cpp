#include "sync/kube/http/url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "helper/base/error.hpp"

namespace regsync::kube {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Url, IsTakenApart) {
  const auto url = parse_url("HTTPS://K.Example:6443/a/b?x=y#f");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "k.example");
  EXPECT_EQ(url->port, "6443");
  EXPECT_EQ(url->path, "/a/b");
  EXPECT_EQ(url->query, "x=y");
  EXPECT_FALSE(url->has_userinfo);
  EXPECT_EQ(url->origin(), "https://k.example:6443");
  EXPECT_EQ(url->target(), "/a/b?x=y");
}

TEST(Url, KnowsTheDefaultsOfItsScheme) {
  EXPECT_EQ(parse_url("https://k")->authority(), "k:443");
  EXPECT_EQ(parse_url("http://k")->authority(), "k:80");
  EXPECT_EQ(parse_url("https://k:443")->origin(), "https://k:443");
  EXPECT_EQ(parse_url("https://k")->target(), "/");
  EXPECT_EQ(parse_url("https://k?x")->target(), "/?x");
}

TEST(Url, AnIpv6AddressHasBracketsOnlyInTheUrl) {
  const auto url = parse_url("https://[FE80::1%25eth0]:6443/");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "fe80::1%eth0");
  EXPECT_EQ(url->origin(), "https://[fe80::1%25eth0]:6443");
}

TEST(Url, AnIpv4AddressMayHaveBracketsToo) {
  EXPECT_EQ(parse_url("https://[127.0.0.1]:6443/x")->base(), "https://127.0.0.1:6443/x");
  EXPECT_FALSE(parse_url("https://[k.example]:6443"));
  EXPECT_EQ(parse_url("https://k/[127.0.0.1]")->host, "k");
}

TEST(Url, HasOneSpellingAsABase) {
  EXPECT_EQ(parse_url("https://k.example:443/prefix/")->base(), "https://k.example:443/prefix");
  EXPECT_EQ(parse_url("https://k.example/a?timeout=1#b")->base(), "https://k.example/a");
  EXPECT_EQ(parse_url("https://user:password@k.example")->base(), "https://k.example");
}

TEST(Url, KnowsWhetherItNamesAUser) {
  EXPECT_TRUE(parse_url("https://user@k.example")->has_userinfo);
  EXPECT_TRUE(parse_url("https://:password@k.example")->has_userinfo);
  EXPECT_FALSE(parse_url("https://k.example/a@b")->has_userinfo);
}

TEST(Url, WhatHasNoSchemeOrHostIsNone) {
  for (const char* text :
       {"", "k.example", "k:6443", "https:", "https:/k", "https:///k", "https://", "https://:1", "https://k:x",
        "https://k:99999", "https://a b", "https://k:1 ", "://k", "https://[::1", "https://k\n"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
  EXPECT_FALSE(parse_url(std::string_view("https://k\0.evil", 15)));
}

TEST(Loopback, IsDecidedByTheAddress) {
  for (const char* host : {"localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(is_loopback(host)) << host;
  }
  for (const char* host : {"", "localhost.evil.test", "127.0.0.1.evil.test", "127.evil.test", "x.localhost",
                           "128.0.0.1", "::2", "::ffff:10.0.0.1", "0.0.0.0", "::", "[::1]"}) {
    EXPECT_FALSE(is_loopback(host)) << host;
  }
}

TEST(Loopback, IsThatOfTheHostAndNotOfWhatStandsBeforeIt) {
  EXPECT_FALSE(is_loopback(parse_url("http://127.0.0.1@evil.test")->host));
  EXPECT_FALSE(is_loopback(parse_url("http://localhost:80@evil.test")->host));
  EXPECT_FALSE(is_loopback(parse_url("http://127.0.0.1\\@evil.test")->host));
  EXPECT_TRUE(is_loopback(parse_url("http://evil.test@127.0.0.1")->host));
}

TEST(ServerBase, IsAsKubectlReadsIt) {
  EXPECT_EQ(server_base("https://k.example:6443"), "https://k.example:6443");
  EXPECT_EQ(server_base("HTTPS://k.example"), "https://k.example");
  EXPECT_EQ(server_base("https://k.example/k8s/c-1//"), "https://k.example/k8s/c-1");
  EXPECT_EQ(server_base("https://k.example/a//b/./c/../d"), "https://k.example/a/b/d");
  EXPECT_EQ(server_base("https://k.example/a%2Fb/c%20d/"), "https://k.example/a/b/c%20d");
  EXPECT_EQ(server_base("https://k.example/100%"), "https://k.example/100%25");
  EXPECT_EQ(server_base("https://k.example:6443?x=y#f"), "https://k.example:6443");
  EXPECT_EQ(server_base("https://[::ffff:127.0.0.1]:6443"), "https://127.0.0.1:6443") << "as a certificate has it";
  EXPECT_EQ(server_base("http://127.0.0.1:8001/"), "http://127.0.0.1:8001");
  EXPECT_EQ(server_base("http://[::1]:8001"), "http://[::1]:8001");
  EXPECT_EQ(server_base("http://localhost:8001"), "http://localhost:8001");
}

Error refusal_of(const std::string& server) {
  try {
    ADD_FAILURE() << server << " is taken for " << server_base(server);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kubeconfig);
    return error;
  }
  return {ErrorCode::internal, ""};
}

TEST(ServerBase, PlainHttpIsForThisMachineAlone) {
  for (const char* server : {"http://k.example", "http://10.0.0.1:8080", "http://localhost.evil.test",
                             "http://127.0.0.1.evil.test", "http://[::ffff:10.0.0.1]"}) {
    EXPECT_THAT(refusal_of(server).message(), HasSubstr("is plain http")) << server;
    EXPECT_THAT(refusal_of(server).remedy(), HasSubstr("https address"));
  }
}

TEST(ServerBase, ACredentialInItIsRefusedAndNotShown) {
  for (const char* server :
       {"https://jdoe:hunter2@k.example", "https://hunter2@k.example", "http://jdoe:hunter2@127.0.0.1",
        "https://jdoe:hunter2@k:x", "https://jdoe:hunter2@k.example ", "ftp://a:hunter2@k", "https://a:hunter2@",
        "jdoe:hunter2@k.example"}) {
    const Error error = refusal_of(server);
    EXPECT_THAT(describe(error), Not(HasSubstr("hunter2"))) << server;
  }
  EXPECT_THAT(refusal_of("https://jdoe:hunter2@k.example").message(), HasSubstr("has a user name or password in it"));
}

TEST(ServerBase, SaysWhatIsWrong) {
  EXPECT_THAT(refusal_of("https://k.example ").message(), HasSubstr("begins or ends with a space"));
  EXPECT_THAT(refusal_of("https:///x").message(), HasSubstr("must be a URL or a host:port pair"));
  EXPECT_THAT(refusal_of("ftp://k").message(), HasSubstr("must be an http or https URL"));
}

TEST(WithoutUserinfo, LeavesTheRest) {
  EXPECT_EQ(without_userinfo("https://k/x"), "https://k/x");
  EXPECT_EQ(without_userinfo("https://u:p@q@k"), "https://k");
  EXPECT_EQ(without_userinfo("u:p@k"), "k");
  EXPECT_EQ(without_userinfo("https://k/@"), "https://");
}

TEST(WithoutUserinfo, ShowsNoPasswordOfWhatIsNoUrl) {
  for (const char* text :
       {"https:/admin:hunter2@h:6443/", "//admin:hunter2@h:6443/", "https://admin:p/ hunter2@h:6443 ",
        "https://u:hunter2#w@h", "https:///u:hunter2@h", "https://u:hunter2?x@h", "u:hunter2@h", "/u:hunter2@h",
        "u:/hunter2@h", "https://u:p@q/hunter2@h", "u/x://hunter2@h"}) {
    EXPECT_THAT(without_userinfo(text), Not(HasSubstr("hunter2"))) << text;
    EXPECT_THAT(without_userinfo(text), HasSubstr("h")) << text;
  }
  EXPECT_EQ(without_userinfo("https:/admin:p@h:6443/"), "https:/h:6443/");
  EXPECT_EQ(without_userinfo("//admin:p@h:6443/"), "//h:6443/");
}

}  // namespace
}  // namespace regsync::kube
