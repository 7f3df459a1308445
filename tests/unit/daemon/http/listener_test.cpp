#include "daemon/http/listener.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <chrono>
#include <future>
#include <string_view>
#include <vector>

#include "tests/support/wait.hpp"

namespace regsync {
namespace {

// The event loop, which closes them, goes on: the requests may be waiting for it.
TEST(Listener, NobodyWaitsForServersThatAreHeldUp) {
  asio::io_context io;
  std::promise<void> release;
  const auto released = release.get_future().share();
  std::atomic<int> asked = 0;
  std::atomic<int> answered = 0;
  std::vector<asio::ip::tcp::socket> clients;
  Listener listener(
      io.get_executor(),
      [&](const HttpRequest&) {
        ++asked;
        released.wait_for(std::chrono::minutes(1));
        ++answered;
        return HttpAnswer();
      },
      [] {});
  for (int server = 1; server <= 3; ++server) {
    listener.listen("127.0.0.1:0");
    clients.emplace_back(io).connect(
        {asio::ip::address_v4::loopback(), static_cast<asio::ip::port_type>(listener.port())});
    asio::write(clients.back(), asio::buffer(std::string_view("GET / HTTP/1.1\r\nHost: a\r\n\r\n")));
    ASSERT_TRUE(test::wait_until([&] { return asked == server; }));
    listener.close();
  }
  EXPECT_EQ(answered, 0);
  release.set_value();
  EXPECT_TRUE(test::wait_until([&] { return answered == 3; })) << "who asked gets an answer";
}

}  // namespace
}  // namespace regsync
