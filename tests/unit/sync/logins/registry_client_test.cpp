#include "sync/logins/registry_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/run_coroutine.hpp"

namespace regsync {
namespace {

using testing::HasSubstr;
using testing::Not;

// A registry on a loopback port that answers each request line with what the test says, and notes what it was sent.
class ScriptedRegistry {
 public:
  using Script = std::function<std::string(const std::string& request)>;

  explicit ScriptedRegistry(Script script) : script_(std::move(script)), thread_([this] { serve(); }) {}
  ~ScriptedRegistry() {
    stopping_ = true;
    asio::ip::tcp::socket last(io_);
    asio::error_code ignored;
    last.connect(acceptor_.local_endpoint(), ignored);
    last.close(ignored);
    thread_.join();
  }
  ScriptedRegistry(const ScriptedRegistry&) = delete;
  ScriptedRegistry& operator=(const ScriptedRegistry&) = delete;
  ScriptedRegistry(ScriptedRegistry&&) = delete;
  ScriptedRegistry& operator=(ScriptedRegistry&&) = delete;

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  [[nodiscard]] std::string received() const { return received_; }

 private:
  void serve() {
    while (!stopping_) {
      asio::ip::tcp::socket socket = acceptor_.accept();
      std::string request;
      asio::error_code failed;
      while (!failed && request.find("\r\n\r\n") == std::string::npos && !request.starts_with('\x16')) {
        std::array<char, 4096> piece{};
        request.append(piece.data(), socket.read_some(asio::buffer(piece), failed));
      }
      if (!failed && !request.starts_with('\x16')) {  // who begins with TLS is hung up on
        received_ += request;
        asio::write(socket, asio::buffer("HTTP/1.1 " + script_(request) + "\r\nConnection: close\r\n\r\n"), failed);
      }
    }
  }

  Script script_;
  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_{io_, {asio::ip::address_v4::loopback(), 0}};
  std::string received_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

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

std::string page(const std::string& status, const std::string& body, const std::string& header = "X-None: 1") {
  return status + "\r\n" + header + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
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

TEST(RegistryClient, WhatIsNoHostIsNotAsked) {
  for (const char* host : {"127.0.0.1@evil.test", "a b", "ghcr.io\r\nX: y", ""}) {
    EXPECT_THAT(log_in_at(host).detail, HasSubstr("is not a registry")) << host;
  }
}

}  // namespace
}  // namespace regsync
