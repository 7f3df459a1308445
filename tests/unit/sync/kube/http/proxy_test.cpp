#include "sync/kube/http/proxy.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

namespace regsync::kube {
namespace {

struct Case {
  const char* why;
  std::map<std::string, std::string, std::less<>> environment;
  const char* server;
  const char* proxy;
};

void PrintTo(const Case& given, std::ostream* out) { *out << given.why; }

class ProxyTest : public ::testing::TestWithParam<Case> {};

TEST_P(ProxyTest, IsTheOneThatGoWouldUse) {
  const Case& given = GetParam();
  const auto environment = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = given.environment.find(name);
    return found == given.environment.end() ? std::nullopt : std::optional(found->second);
  };
  EXPECT_EQ(proxy_from_environment(given.server, environment).url, given.proxy);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, ProxyTest,
    ::testing::Values(
        Case{"none set", {}, "https://k.example", ""},
        Case{"upper case", {{"HTTPS_PROXY", "http://p:1"}}, "https://k.example", "http://p:1"},
        Case{"lower case", {{"https_proxy", "http://p:1"}}, "https://k.example", "http://p:1"},
        Case{"upper case first",
             {{"HTTPS_PROXY", "http://u:1"}, {"https_proxy", "http://l:1"}},
             "https://k.example",
             "http://u:1"},
        Case{"by the scheme of the server", {{"HTTP_PROXY", "http://p:1"}}, "https://k.example", ""},
        Case{"ALL_PROXY is not Go's", {{"ALL_PROXY", "http://p:1"}}, "https://k.example", ""},
        Case{"a bare host is http", {{"HTTPS_PROXY", "p:1"}}, "https://k.example", "http://p:1"},
        Case{"socks5 stays", {{"HTTPS_PROXY", "socks5://p:1"}}, "https://k.example", "socks5://p:1"},
        Case{"localhost never", {{"HTTPS_PROXY", "http://p:1"}}, "https://localhost:6443", ""},
        Case{"loopback never", {{"HTTPS_PROXY", "http://p:1"}}, "https://127.1.2.3:6443/x", ""},
        Case{"loopback of v6 never", {{"HTTPS_PROXY", "http://p:1"}}, "https://[::1]:6443", ""},
        Case{"NO_PROXY *", {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "*"}}, "https://k.example", ""},
        Case{"NO_PROXY host", {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "a, K.example"}}, "https://k.example:6443", ""},
        Case{"NO_PROXY parent", {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "example"}}, "https://k.example", ""},
        Case{"NO_PROXY suffix is not parent",
             {{"HTTPS_PROXY", "p"}, {"no_proxy", "ample"}},
             "https://k.example",
             "http://p"},
        Case{"NO_PROXY dot", {{"HTTPS_PROXY", "p"}, {"NO_PROXY", ".example"}}, "https://k.example", ""},
        Case{"NO_PROXY dot spares the host itself",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", ".k.example"}},
             "https://k.example",
             "http://p"},
        Case{"NO_PROXY port", {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "k.example:443"}}, "https://k.example", ""},
        Case{"NO_PROXY other port",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "k.example:444"}},
             "https://k.example",
             "http://p"},
        Case{"NO_PROXY address", {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "10.1.2.3"}}, "https://10.1.2.3", ""},
        Case{"NO_PROXY address that is mapped",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "10.1.2.3"}},
             "https://[::ffff:10.1.2.3]:6443",
             ""},
        Case{"mapped loopback never", {{"HTTPS_PROXY", "p"}}, "https://[::ffff:127.0.0.1]:6443", ""},
        Case{"capitals", {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "k.example"}}, "HTTPS://K.example", ""},
        Case{"NO_PROXY network", {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "10.0.0.0/8"}}, "https://10.1.2.3", ""},
        Case{"NO_PROXY other network",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "10.0.0.0/16"}},
             "https://10.1.2.3",
             "http://p"},
        Case{"NO_PROXY network of v6", {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "fd00::/8"}}, "https://[fd00::1]:6443", ""},
        Case{
            "an IPv4-mapped loopback address never", {{"HTTPS_PROXY", "http://p:1"}}, "https://[::ffff:127.0.0.1]", ""},
        Case{"localhost by more than its beginning",
             {{"HTTPS_PROXY", "http://p:1"}},
             "https://localhost.example",
             "http://p:1"},
        Case{"the scheme in capitals", {{"HTTPS_PROXY", "http://p:1"}}, "HTTPS://k.example", "http://p:1"},
        Case{"NO_PROXY address, IPv4-mapped",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "10.1.2.3"}},
             "https://[::ffff:10.1.2.3]",
             ""},
        Case{"NO_PROXY network, IPv4-mapped",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "10.0.0.0/8"}},
             "https://[::ffff:10.1.2.3]",
             ""},
        Case{"NO_PROXY suffix is not for addresses",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "*.3,.3,3"}},
             "https://10.1.2.3",
             "http://p"},
        Case{"NO_PROXY brackets without a port",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "[fd00::1],[k.example]"}},
             "https://[fd00::1]:6443",
             "http://p"},
        Case{"NO_PROXY name in brackets",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "[k.example]"}},
             "https://k.example",
             "http://p"},
        Case{"NO_PROXY brackets with the port",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "[fd00::1]:6443"}},
             "https://[fd00::1]:6443",
             ""},
        Case{"NO_PROXY address with a zone",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "fd00::1%eth0"}},
             "https://[fd00::1]:6443",
             "http://p"},
        Case{"NO_PROXY address without the server's zone",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "fe80::1"}},
             "https://[fe80::1%25lo]:6443",
             ""},
        Case{"NO_PROXY network without the server's zone",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "fe80::/10"}},
             "https://[fe80::1%25lo]:6443",
             ""},
        Case{"NO_PROXY address with the server's zone is a name",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "fe80::1%lo,fe80::%lo/10"}},
             "https://[fe80::1%25lo]:6443",
             "http://p"},
        Case{"NO_PROXY network with leading zeros",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "010.000.0.0/8"}},
             "https://10.1.2.3",
             ""},
        Case{"NO_PROXY network that is IPv4-mapped",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "::ffff:10.0.0.0/104"}},
             "https://10.1.2.3",
             ""},
        Case{"NO_PROXY network is not for names",
             {{"HTTPS_PROXY", "p"}, {"NO_PROXY", "10.0.0.0/8"}},
             "https://k.example",
             "http://p"}));

TEST(ProxyFromEnvironment, NamesTheVariable) {
  const auto variable = [](const char* server, const char* set) {
    return proxy_from_environment(
               server,
               [&](std::string_view name) { return name == set ? std::optional<std::string>("p:1") : std::nullopt; })
        .variable;
  };
  for (const char* const name : {"HTTPS_PROXY", "https_proxy"}) {
    EXPECT_EQ(variable("https://k.example", name), name);
  }
  for (const char* const name : {"HTTP_PROXY", "http_proxy"}) {
    EXPECT_EQ(variable("http://10.0.0.1", name), name);
  }
}

struct Parsed {
  const char* text;
  const char* url;
  const char* userinfo;
  const char* shown;
};

void PrintTo(const Parsed& given, std::ostream* out) { *out << given.text; }

class ParseProxy : public ::testing::TestWithParam<Parsed> {};

TEST_P(ParseProxy, TakesItApartAsGoDoes) {
  const auto proxy = parse_proxy(GetParam().text);
  ASSERT_TRUE(proxy);
  EXPECT_EQ(proxy->url, GetParam().url);
  EXPECT_EQ(proxy->userinfo, GetParam().userinfo);
  EXPECT_EQ(proxy->shown, GetParam().shown);
}

INSTANTIATE_TEST_SUITE_P(Texts, ParseProxy,
                         ::testing::Values(Parsed{"http://p", "http://p:80", "", "http://p:80"},
                                           Parsed{"p:3128", "http://p:3128", "", "http://p:3128"},
                                           Parsed{"HTTPS://P/x?y#z", "https://p", "", "https://p"},
                                           Parsed{"socks5://p:1", "socks5h://p:1", "", "socks5://p:1"},
                                           Parsed{"socks5h://p", "socks5h://p", "", "socks5h://p"},
                                           Parsed{"http://u:hunter2@p:1", "http://p:1", "u:hunter2", "http://p:1"},
                                           Parsed{"u:hunter2@p", "http://p:80", "u:hunter2", "http://p:80"},
                                           Parsed{"http://u@corp.com:p%40w%25@p:1", "http://p:1", "u@corp.com:p%40w%25",
                                                  "http://p:1"},
                                           Parsed{"http://p:1/@x", "http://p:1", "", "http://p:1"},
                                           // Whatever else it is named, it is spoken to in http.
                                           Parsed{"ftp://u:hunter2@p:21", "http://p:21", "u:hunter2", "ftp://p:21"},
                                           Parsed{"htpp://u:hunter2@p:21", "http://p:21", "u:hunter2", "htpp://p:21"},
                                           Parsed{"socks4://p:1080", "http://p:1080", "", "socks4://p:1080"},
                                           Parsed{"socks5a://p:1080", "http://p:1080", "", "socks5a://p:1080"}));

TEST(ParseProxyOf, WhatIsNoUrlOrCannotBeDecodedIsNone) {
  for (const char* const text : {"http://", "http://u:p@", "http://u:hunt/er2@p", "http://u:%00@p", "http://u:a%zz@p",
                                 "http://u:a%2@p", "http://u:a\nb@p", "http://p:port", "http:///p"}) {
    EXPECT_FALSE(parse_proxy(text)) << text;
  }
}

TEST(ShownProxy, HasNoUserNoPasswordAndItsPort) {
  EXPECT_EQ(shown_proxy("http://user:hunter2@proxy.corp/x"), "http://proxy.corp:80");
  EXPECT_EQ(shown_proxy("user:hunter2@proxy.corp:3128"), "http://proxy.corp:3128");
  EXPECT_EQ(shown_proxy("https://proxy.corp"), "https://proxy.corp");
  EXPECT_EQ(shown_proxy("socks5://user:hunter2@proxy.corp"), "socks5://proxy.corp");
  EXPECT_EQ(shown_proxy("http://user:hunt/er2@proxy.corp"), "one that is not a URL");
  EXPECT_EQ(shown_proxy(""), "");
}

}  // namespace
}  // namespace regsync::kube
