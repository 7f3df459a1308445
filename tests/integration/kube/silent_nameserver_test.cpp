// A nameserver that never answers: a network that drops packets, a VPN that is down.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <asio/io_context.hpp>
#include <chrono>

#include "sync/kube/http/http_client.hpp"
#include "tests/support/own_network.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync::kube {
namespace {

using namespace std::chrono_literals;

class SilentNameserver : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const test::TempDir folder;
    const std::string file = folder.write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:20 attempts:1\n");
    silent_ = test::enter_own_network() && ::unshare(CLONE_NEWNS) == 0 &&
              ::mount(file.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr) == 0 && listen_and_say_nothing();
  }
  void SetUp() override {
    if (!silent_) {
      SKIP_OR_FAIL("no network and no mounts of one's own can be had here");
    }
  }

  // What reads nothing from its socket is as silent as a network that drops packets.
  static bool listen_and_say_nothing() {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);  // until the process ends
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(53);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  asio::io_context loop_;
  static bool silent_;
};

bool SilentNameserver::silent_ = false;

TEST_F(SilentNameserver, KeepsTheLoopFromNothing) {
  HttpClient client(loop_.get_executor(),
                    {.server = "https://api.cluster.example", .tls_server_name = "", .proxy_url = ""});
  HttpRequest request;
  request.target = "/";
  request.timeout = 500ms;
  const auto begin = std::chrono::steady_clock::now();
  const Error late = test::error_of(loop_, client.send(request));
  EXPECT_TRUE(late.code() == ErrorCode::timeout || late.code() == ErrorCode::unreachable) << describe(late);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s) << "it waited for the thread that asks the nameserver";
}

}  // namespace
}  // namespace regsync::kube
