// What a proxy is sent, and what is told where it refuses; and peers that do not speak TLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>
#include <string>
#include <thread>

#include "sync/kube/http/http_client.hpp"
#include "tests/support/run_coroutine.hpp"

namespace regsync::kube {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using tcp = asio::ip::tcp;

// Answers the first bytes of one connection, and closes it.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer)
      : thread_([this, answer = std::move(answer)] {
          tcp::socket peer(context_);
          std::error_code over;
          acceptor_.accept(peer, over);
          request_.resize(4096);
          request_.resize(peer.read_some(asio::buffer(request_), over));
          asio::write(peer, asio::buffer(answer), over);
          peer.shutdown(tcp::socket::shutdown_send, over);
          std::string rest(4096, ' ');
          while (!over) {
            peer.read_some(asio::buffer(rest), over);
          }
        }) {}
  ~OneAnswer() { thread_.join(); }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;
  OneAnswer(OneAnswer&&) = delete;
  OneAnswer& operator=(OneAnswer&&) = delete;

  [[nodiscard]] std::string place() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  [[nodiscard]] const std::string& request() const { return request_; }

 private:
  asio::io_context context_;
  tcp::acceptor acceptor_{context_, {asio::ip::make_address("127.0.0.1"), 0}};
  std::string request_;
  std::thread thread_;
};

Error error_of(const std::string& server, const std::string& proxy = {}) {
  asio::io_context loop;
  HttpClient client(loop.get_executor(), {.server = server,
                                          .tls_server_name = "",
                                          .proxy_url = proxy,
                                          .proxy_source = proxy.empty() ? "" : "HTTPS_PROXY"});
  HttpRequest request;
  request.target = "/";
  return test::error_of(loop, client.send(request));
}

constexpr const char* wants_password =
    "HTTP/1.1 407 no\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n";

TEST(ProxyAnswers, UserAndPasswordAreDecodedAndSentWhateverTheSchemeIsCalled) {
  for (const std::string scheme : {"http", "ftp", "htpp", "socks4", "socks5a"}) {
    const OneAnswer proxy(wants_password);
    const Error error = error_of("https://k.example", scheme + "://u@corp.com:hunter2%40@" + proxy.place());
    EXPECT_THAT(proxy.request(), HasSubstr("CONNECT k.example:443 "));
    EXPECT_THAT(proxy.request(), HasSubstr("Proxy-Authorization: Basic dUBjb3JwLmNvbTpodW50ZXIyQA=="));
    EXPECT_EQ(error.code(), ErrorCode::unreachable);
    EXPECT_THAT(error.message(),
                HasSubstr(scheme + "://" + proxy.place() + " of HTTPS_PROXY does not accept the user"));
    EXPECT_THAT(describe(error), Not(HasSubstr("hunter2")));
  }
}

TEST(ProxyAnswers, WhatTheProxyWantsIsSaid) {
  const OneAnswer proxy(wants_password);
  const Error error = error_of("https://k.example", "http://" + proxy.place());
  EXPECT_THAT(error.message(), HasSubstr("asks for a user and a password"));
  EXPECT_THAT(error.remedy(), HasSubstr("HTTPS_PROXY"));
}

TEST(ProxyAnswers, ARefusalIsTheProxysAndAFailureTheServers) {
  const OneAnswer refusing("HTTP/1.1 403 no\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(
      error_of("https://k.example", "http://" + refusing.place()).message(),
      "the proxy http://" + refusing.place() + " of HTTPS_PROXY refuses to connect to https://k.example (HTTP 403)");
  const OneAnswer failing("HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(error_of("https://k.example", "http://" + failing.place()).message(),
              HasSubstr("cannot reach https://k.example (HTTP 503)"));
}

TEST(PeersWithoutTls, AreToldAsWhatTheyAre) {
  const std::string plain = "HTTP/1.0 400 Bad Request\r\n\r\n";
  const OneAnswer server(plain);
  const Error of_server = error_of("https://" + server.place());
  EXPECT_EQ(of_server.code(), ErrorCode::tls);
  EXPECT_EQ(of_server.message(), "https://" + server.place() + " does not speak TLS");
  const OneAnswer proxy(plain);
  EXPECT_EQ(error_of("https://k.example", "https://" + proxy.place()).message(),
            "the proxy https://" + proxy.place() + " of HTTPS_PROXY does not speak TLS");
}

}  // namespace
}  // namespace regsync::kube
