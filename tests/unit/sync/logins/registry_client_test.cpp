#include "sync/logins/registry_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <asio/io_context.hpp>
#include <string>
#include <vector>

#include "tests/support/run_coroutine.hpp"
#include "tests/support/scripted_registry.hpp"

namespace regsync {
namespace {

using test::page;
using test::ScriptedRegistry;
using testing::HasSubstr;
using testing::Not;

PullAnswer log_in_at(const std::string& host) {
  asio::io_context io;
  return test::run(io, try_login(host, {"jdoe", SecretString("canary")}));
}

std::string challenge(const std::string& realm) {
  return "401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Bearer realm=\"" + realm + R"(",service="x")";
}

PullAnswer answer_with_realm(const std::string& realm) {
  ScriptedRegistry registry([&](const std::string&) { return challenge(realm); });
  return log_in_at(registry.address());
}

TEST(RegistryClient, APasswordGoesToNoTokenServerWithoutTls) {
  for (const char* realm : {"http://127.0.0.1@evil.test/token", "http://user@127.0.0.1/token", "ftp://127.0.0.1/",
                            "/token", "https://evil test/token"}) {
    EXPECT_THAT(answer_with_realm(realm).detail, HasSubstr("names no token server")) << realm;
  }
  for (const char* realm :
       {"http://localhost.evil.test/token", "http://127.0.0.1.evil.test/token", "http://10.0.0.1/"}) {
    EXPECT_THAT(answer_with_realm(realm).detail, HasSubstr("is not https")) << realm;
  }
}

TEST(RegistryClient, ATokenCannotAddHeaders) {
  std::string realm;
  ScriptedRegistry registry([&](const std::string& request) {
    if (request.find("/token?") != std::string::npos) {
      const std::string body = R"({"token":"a\r\nX-Injected: 1"})";
      return "200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    return challenge(realm);
  });
  realm = "http://" + registry.address() + "/token";
  const PullAnswer answer = log_in_at(registry.address());
  EXPECT_EQ(answer.verdict, PullVerdict::unreachable);
  EXPECT_THAT(registry.received(), Not(HasSubstr("X-Injected")));
}

TEST(RegistryClient, ARedirectIsNotFollowedAndProvesNothing) {
  ScriptedRegistry elsewhere([](const std::string&) { return "200 OK\r\nContent-Length: 0"; });
  std::string realm;
  ScriptedRegistry registry([&](const std::string& request) {
    return request.find("/token?") != std::string::npos
               ? "307 Temporary Redirect\r\nContent-Length: 0\r\nLocation: http://" + elsewhere.address() + "/"
               : challenge(realm);
  });
  realm = "http://" + registry.address() + "/token";
  EXPECT_EQ(log_in_at(registry.address()).verdict, PullVerdict::unreachable);
  EXPECT_EQ(elsewhere.received(), "");
}

// As docker and containerd; some token servers refuse a service that is empty.
TEST(RegistryClient, ATokenIsAskedForWithWhatTheChallengeNamesOnly) {
  for (const auto& [query, parameters, asked] :
       std::vector<std::array<std::string, 3>>{{"", "", "GET /token HTTP"},
                                               {"", R"(,service="x y")", "GET /token?service=x%20y HTTP"},
                                               {"?a=1", "", "GET /token?a=1 HTTP"},
                                               {"?a=1", R"(,service="x")", "GET /token?a=1&service=x HTTP"}}) {
    std::string realm;
    ScriptedRegistry registry([&](const std::string& request) {
      return request.find("GET /token") != std::string::npos ? page("200 OK", R"({"token":"t"})") : realm;
    });
    realm = "401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Bearer realm=\"http://" + registry.address() +
            "/token" + query + "\"" + parameters;
    log_in_at(registry.address());
    EXPECT_THAT(registry.received(), HasSubstr(asked));
  }
}

// Answers the login; the token server of the registry gives everybody a token.
PullAnswer answer_to_login(const std::string& said) {
  std::string realm;
  ScriptedRegistry registry([&](const std::string& request) {
    if (request.find("/token?") != std::string::npos) {
      return page("200 OK", R"({"token":"t"})");
    }
    return request.find("Bearer t") != std::string::npos ? said : challenge(realm);
  });
  realm = "http://" + registry.address() + "/token";
  return log_in_at(registry.address());
}

// Only what is said of the login keeps it from the clusters.
TEST(RegistryClient, TroubleOfARegistryIsNoDenial) {
  for (const std::string& said :
       {page("429 Too Many Requests", R"({"errors":[]})"), page("500 Oops", ""),
        page("503 Service Unavailable", "<html>"),
        page("403 Forbidden", "\n<!DOCTYPE html><html>Blocked by the firewall</html>"), page("404 Not Found", ""),
        page("423 Locked", ""), page("407 Proxy Authentication Required", ""),
        page("302 Found", "", "Location: /login"),
        page("401 Unauthorized", "", R"(WWW-Authenticate: Bearer realm="x",error="insufficient_scope")")}) {
    const PullAnswer answer = answer_to_login(said);
    EXPECT_NE(answer.verdict, PullVerdict::denied) << said;
    EXPECT_NE(answer.verdict, PullVerdict::can_pull) << said;
    EXPECT_THAT(answer.detail, HasSubstr("answered HTTP " + said.substr(0, 3)));
  }
}

TEST(RegistryClient, ADenialIsOneWithAnyBodyOfARegistry) {
  for (const std::string& said :
       {page("401 Unauthorized", "<html>401 Authorization Required</html>"), page("401 Unauthorized", ""),
        page("403 Forbidden", R"({"errors":[{"code":"DENIED"}]})"), page("403 Forbidden", "")}) {
    EXPECT_EQ(answer_to_login(said).verdict, PullVerdict::denied) << said;
  }
  EXPECT_EQ(answer_to_login(page("200 OK", "{}")).verdict, PullVerdict::can_pull);
}

// Quay calls its answer so.
TEST(RegistryClient, AnAnswerThatIsNoPageIsGoodWhateverItsType) {
  EXPECT_EQ(answer_to_login(page("200 OK", "true", "Content-Type: text/html; charset=utf-8")).verdict,
            PullVerdict::can_pull);
}

constexpr const char* html = "Content-Type: text/html; charset=utf-8";
constexpr const char* manifest = "Content-Type: application/vnd.oci.image.index.v1+json";

// A denial would keep it from every cluster, and a success would let a wrong one in.
TEST(RegistryClient, NothingIsKnownOfALoginThatWasNotAskedFor) {
  for (const std::string& said :
       {page("403 Forbidden", R"({"errors":[{"code":"DENIED"}]})"), page("403 Forbidden", ""), page("200 OK", "{}"),
        page("200 OK", "<html>Log in</html>", html), page("302 Found", "", "Location: /login"),
        page("404 Not Found", ""), page("401 Unauthorized", "", "WWW-Authenticate: Negotiate"),
        page("401 Unauthorized", "", "WWW-Authenticate: Digest realm=x"), page("401 Unauthorized", "")}) {
    ScriptedRegistry registry([&](const std::string&) { return said; });
    const PullAnswer answer = log_in_at(registry.address());
    EXPECT_EQ(answer.verdict, PullVerdict::unreachable) << said;
    EXPECT_THAT(answer.detail, HasSubstr(registry.address()));
    EXPECT_THAT(registry.received(), Not(HasSubstr("Authorization")));
  }
}

PullAnswer pull_from(const std::string& host, const std::string& user) {
  asio::io_context io;
  return test::run(io, try_pull({host, "team/app", "1"}, {user, SecretString("canary")}));
}

PullAnswer answer_to_pull(const std::string& said, const std::string& user) {
  ScriptedRegistry registry([&](const std::string&) { return said; });
  return pull_from(registry.address(), user);
}

TEST(RegistryClient, WhoeverAsksMayPullWhatTheRegistryAnswersWithoutALogin) {
  for (const char* user : {"", "jdoe"}) {
    EXPECT_EQ(answer_to_pull(page("200 OK", "", manifest), user).verdict, PullVerdict::can_pull);
    EXPECT_EQ(answer_to_pull(page("404 Not Found", ""), user).verdict, PullVerdict::no_such_image);
  }
  EXPECT_EQ(answer_to_pull(page("403 Forbidden", ""), "").verdict, PullVerdict::denied);
  EXPECT_EQ(answer_to_pull(page("403 Forbidden", ""), "jdoe").verdict, PullVerdict::unreachable) << "it was not sent";
}

// HEAD has no body to see it by.
TEST(RegistryClient, APageProvesNothingOfAnImage) {
  for (const char* status : {"200 OK", "403 Forbidden", "404 Not Found"}) {
    for (const char* user : {"", "jdoe"}) {
      const PullAnswer answer = answer_to_pull(page(status, "", html), user);
      EXPECT_EQ(answer.verdict, PullVerdict::unreachable) << status;
      EXPECT_THAT(answer.detail, HasSubstr("with a web page"));
    }
  }
  ScriptedRegistry firewall([](const std::string& request) {
    return request.find("Basic") == std::string::npos ? page("401 Unauthorized", "", "WWW-Authenticate: Basic realm=x")
                                                      : page("403 Forbidden", "", html);
  });
  EXPECT_EQ(pull_from(firewall.address(), "jdoe").verdict, PullVerdict::unreachable);
}

// As registry.k8s.io has its images elsewhere, and a proxy the page at which a person logs in.
TEST(RegistryClient, WhereAnImageIsElsewhereItIsAskedForThereWithoutALogin) {
  const auto redirected_to = [](const std::string& said) {
    ScriptedRegistry elsewhere([&](const std::string&) { return said; });
    ScriptedRegistry registry([&](const std::string&) {
      return page("307 Temporary Redirect", "", "Location: http://" + elsewhere.address() + "/v2/other");
    });
    const PullVerdict verdict = pull_from(registry.address(), "jdoe").verdict;
    EXPECT_THAT(elsewhere.received(), HasSubstr("HEAD /v2/other"));
    EXPECT_THAT(elsewhere.received() + registry.received(), Not(HasSubstr("Authorization")));
    return verdict;
  };
  EXPECT_EQ(redirected_to(page("200 OK", "", manifest)), PullVerdict::can_pull);
  EXPECT_EQ(redirected_to(page("404 Not Found", "")), PullVerdict::no_such_image);
  EXPECT_EQ(redirected_to(page("200 OK", "", html)), PullVerdict::unreachable);
  EXPECT_EQ(redirected_to(page("401 Unauthorized", "", "WWW-Authenticate: Basic realm=x")), PullVerdict::unreachable);
  EXPECT_EQ(answer_to_pull(page("302 Found", "", "Location: /again"), "").verdict, PullVerdict::unreachable);
}

TEST(RegistryClient, WithoutALoginTheChallengeIsAnsweredThatNeedsNone) {
  std::string realm;
  ScriptedRegistry registry([&](const std::string& request) {
    if (request.find("/token?") != std::string::npos) {
      return page("200 OK", R"({"token":"t"})");
    }
    return request.find("Bearer t") != std::string::npos
               ? page("200 OK", "", manifest)
               : page("401 Unauthorized", "", "WWW-Authenticate: Basic realm=x, Bearer realm=\"" + realm + "\"");
  });
  realm = "http://" + registry.address() + "/token";
  EXPECT_EQ(pull_from(registry.address(), "").verdict, PullVerdict::can_pull);
}

TEST(RegistryClient, AnAnswerIsToldFromNoAnswer) {
  EXPECT_EQ(answer_to_pull(page("500 Oops", ""), "").status, 500);
  EXPECT_EQ(pull_from("127.0.0.1:1", "").status, 0);
}

TEST(RegistryClient, WhatIsNoHostIsNotAsked) {
  for (const char* host : {"127.0.0.1@evil.test", "a b", "ghcr.io\r\nX: y", ""}) {
    EXPECT_THAT(log_in_at(host).detail, HasSubstr("is not a registry")) << host;
  }
}

}  // namespace
}  // namespace regsync
