// A proxy whose URL names no port is at the port of its scheme (net/http, portMap): 80 is free in a network of one's
// own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <string>

#include "sync/kube/http/http_client.hpp"
#include "tests/support/own_network.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/wait.hpp"

namespace regsync::kube {
namespace {

using ::testing::HasSubstr;
using tcp = asio::ip::tcp;

TEST(ProxyPort, OfHttpIs80) {
  if (!test::enter_own_network()) {
    SKIP_OR_FAIL("no network of one's own can be had here");
  }
  asio::io_context loop;
  const auto error = [&](const char* proxy) {
    HttpClient client(loop.get_executor(), {.server = "https://k.example", .tls_server_name = "", .proxy_url = proxy});
    HttpRequest request;
    request.target = "/";
    return test::error_of(loop, client.send(request));
  };
  const Error refused = error("http://127.0.0.1");
  EXPECT_EQ(refused.code(), ErrorCode::unreachable);
  EXPECT_EQ(refused.message(), "cannot reach the proxy http://127.0.0.1:80 of https://k.example: connection refused");

  tcp::acceptor proxy(loop, {asio::ip::make_address("127.0.0.1"), 80});
  bool called = false;
  proxy.async_accept([&](std::error_code failure, const tcp::socket& /*closed at once*/) { called = !failure; });
  EXPECT_THAT(error("http://user:hunter2@127.0.0.1").message(), HasSubstr("(through the proxy http://127.0.0.1:80)"));
  EXPECT_TRUE(called);
}

}  // namespace
}  // namespace regsync::kube
