// Real proxies between the client and a real API server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <asio/ip/tcp.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/integration/kube/real_server.hpp"
#include "tests/support/key_pair.hpp"
#include "tests/support/listed.hpp"
#include "tests/support/unpacked.hpp"

namespace regsync::kube {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::run;
using ::testing::HasSubstr;
using ::testing::Not;

class Proxied : public RealServer {
 protected:
  void TearDown() override {
    ::unsetenv("HTTPS_PROXY");
    ::unsetenv("NO_PROXY");
  }

  // Below the kernel's ephemeral range, so that no client's own port takes it before the program does.
  static int free_port() {
    static std::minstd_rand random(std::random_device{}());
    std::uniform_int_distribution<int> port(10000, 29999);
    for (;;) {
      asio::io_context context;
      asio::ip::tcp::acceptor acceptor(context, asio::ip::tcp::v4());
      std::error_code taken;
      const auto candidate = static_cast<std::uint16_t>(port(random));
      acceptor.bind({asio::ip::make_address("127.0.0.1"), candidate}, taken);
      if (!taken) {
        return candidate;
      }
    }
  }
  static bool answers(int port) {
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    std::error_code failure;
    socket.connect({asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(port)}, failure);
    return !failure;
  }

  // Starts a program and waits for its port; it ends with the test.
  test::Process& start(std::vector<std::string> argv, int port) {
    programs_.push_back(
        std::make_unique<test::Process>(test::Program{.argv = std::move(argv), .env = test::sandbox(temp_), .in = {}}));
    EXPECT_TRUE(test::wait_until([&] { return answers(port); })) << programs_.back()->err();
    return *programs_.back();
  }

  // An http proxy; its port. It logs to the file "log".
  int start_tinyproxy() {
    const int port = free_port();
    const auto config = temp_.write(
        "tinyproxy.conf", "Port " + std::to_string(port) + "\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\n" +
                              "LogFile \"" + (temp_ / "log").string() + "\"\nLogLevel Connect\n");
    start({tinyproxy(), "-d", "-c", config}, port);
    return port;
  }
  // An https proxy before an http one, which logs; its port.
  int start_nghttpx(const std::vector<std::string>& options = {}) {
    const int plain = start_tinyproxy();
    const int port = free_port();
    std::vector<std::string> argv = {nghttpx(),
                                     "--single-process",
                                     "--workers=1",
                                     "--http2-proxy",
                                     "--conf=/dev/null",
                                     "--frontend=127.0.0.1," + std::to_string(port),
                                     "--backend=127.0.0.1," + std::to_string(plain)};
    argv.insert(argv.end(), options.begin(), options.end());
    // The API server's certificate: any that the context's authority signed for the address will do.
    argv.insert(argv.end(), {server_->dir() / "serving.key", server_->dir() / "serving.crt"});
    start(std::move(argv), port);
    return port;
  }
  [[nodiscard]] std::string log() const { return test::read_file(temp_ / "log"); }

  static std::string tinyproxy() { return test::unpacked("tinyproxy-bin") / "usr/bin/tinyproxy"; }
  static std::string microsocks() { return test::unpacked("microsocks") / "usr/bin/microsocks"; }
  static std::string nghttpx() { return test::unpacked("nghttp2-proxy") / "usr/sbin/nghttpx"; }

  static std::string loopback(const char* scheme, int port) {
    return std::string(scheme) + "://127.0.0.1:" + std::to_string(port);
  }

  std::vector<std::unique_ptr<test::Process>> programs_;
};

TEST_F(Proxied, AnHttpProxyCarriesRequestsAndWatches) {
  if (!fs::exists(tinyproxy())) {
    SKIP_OR_FAIL("no tinyproxy");
  }
  ResolvedContext context = admin_.clone();
  context.proxy_url = loopback("http", start_tinyproxy());
  KubeClient through = client(std::move(context));
  Known known(through, name_space_);
  const test::Background watching(loop_, known.run());
  ASSERT_TRUE(test::run_until(loop_, [&] { return known.synced; }));
  kubectl({"-n", name_space_, "create", "secret", "generic", "x"});
  EXPECT_TRUE(test::run_until(loop_, [&] { return known.has("x"); }));
  EXPECT_THAT(log(), HasSubstr("CONNECT 127.0.0.1"));
}

TEST_F(Proxied, AnHttpsProxyIsSpokenToInTlsAndVerified) {
  if (!fs::exists(tinyproxy()) || !fs::exists(nghttpx())) {
    SKIP_OR_FAIL("no tinyproxy or nghttpx");
  }
  ResolvedContext context = admin_.clone();
  context.proxy_url = loopback("https", start_nghttpx());
  KubeClient through = client(context.clone());
  EXPECT_TRUE(run(loop_, through.version()).contains("gitVersion"));
  EXPECT_THAT(log(), HasSubstr("CONNECT 127.0.0.1"));

  server_->issue("stranger", temp_ / "crt", temp_ / "key");
  context.ca_data = test::read_file(temp_ / "crt");
  KubeClient distrustful = client(std::move(context));
  EXPECT_EQ(error_of(loop_, distrustful.version()).code(), ErrorCode::tls);
}

// Go has one TLS configuration for the proxy and for the server.
TEST_F(Proxied, AnHttpsProxyThatAsksForAClientCertificateIsShownTheContexts) {
  if (!fs::exists(tinyproxy()) || !fs::exists(nghttpx())) {
    SKIP_OR_FAIL("no tinyproxy or nghttpx");
  }
  const std::string authority = temp_.write("ca.crt", admin_.ca_data);
  ResolvedContext context = admin_.clone();
  context.proxy_url = loopback("https", start_nghttpx({"--verify-client", "--verify-client-cacert=" + authority}));
  KubeClient through = client(context.clone());
  EXPECT_TRUE(run(loop_, through.version()).contains("gitVersion"));
  EXPECT_THAT(log(), HasSubstr("CONNECT 127.0.0.1"));

  const test::KeyPair stranger = test::make_key_pair();
  context.client_certificate_data = stranger.certificate;
  context.client_key_data = SecretString(stranger.key);
  const Error error = error_of(loop_, client(std::move(context)).version());
  EXPECT_EQ(error.code(), ErrorCode::tls);
  EXPECT_THAT(error.message(), HasSubstr("the proxy " + loopback("https", 0).substr(0, 16)));
}

TEST_F(Proxied, ASocks5ProxyCarriesTheConnection) {
  if (!fs::exists(microsocks())) {
    SKIP_OR_FAIL("no microsocks");
  }
  const int port = free_port();
  const test::Process& proxy = start({microsocks(), "-i", "127.0.0.1", "-p", std::to_string(port)}, port);
  ResolvedContext context = admin_.clone();
  context.proxy_url = loopback("socks5", port);
  KubeClient through = client(std::move(context));
  EXPECT_TRUE(run(loop_, through.version()).contains("gitVersion"));
  EXPECT_THAT(proxy.err() + proxy.out(), HasSubstr("connected to 127.0.0.1"));
}

TEST_F(Proxied, TheEnvironmentsProxyIsUsedUnlessItExcludesTheServer) {
  if (!fs::exists(tinyproxy())) {
    SKIP_OR_FAIL("no tinyproxy");
  }
  // Go sends no loopback address to a proxy; this one reaches the loopback and is none.
  ResolvedContext context = admin_.clone();
  context.server = "https://0.0.0.0" + context.server.substr(context.server.rfind(':'));
  context.tls_server_name = "kubernetes";
  ::setenv("HTTPS_PROXY", loopback("http", start_tinyproxy()).c_str(), 1);
  ::setenv("NO_PROXY", "0.0.0.0/8", 1);
  KubeClient direct = client(context.clone());
  EXPECT_TRUE(run(loop_, direct.version()).contains("gitVersion"));
  EXPECT_THAT(log(), Not(HasSubstr("CONNECT 0.0.0.0")));

  ::setenv("NO_PROXY", "10.0.0.0/8,.example", 1);
  KubeClient through = client(std::move(context));
  EXPECT_TRUE(run(loop_, through.version()).contains("gitVersion"));
  EXPECT_THAT(log(), HasSubstr("CONNECT 0.0.0.0"));
}

TEST_F(Proxied, TheContextsProxyBeatsTheEnvironments) {
  if (!fs::exists(tinyproxy())) {
    SKIP_OR_FAIL("no tinyproxy");
  }
  ResolvedContext context = admin_.clone();
  context.server = "https://0.0.0.0" + context.server.substr(context.server.rfind(':'));
  context.tls_server_name = "kubernetes";
  context.proxy_url = loopback("http", start_tinyproxy());
  ::setenv("HTTPS_PROXY", loopback("http", free_port()).c_str(), 1);
  KubeClient through = client(std::move(context));
  EXPECT_TRUE(run(loop_, through.version()).contains("gitVersion"));
}

// A server that is a proxy itself, as of a platform with many clusters, and takes in little at a time.
TEST_F(Proxied, AServerWithSmallWindowsGetsEveryBodyOfACrowd) {
  if (!fs::exists(nghttpx())) {
    SKIP_OR_FAIL("no nghttpx");
  }
  const int port = free_port();
  const std::string behind = admin_.server.substr(std::string("https://").size());
  start(
      {nghttpx(), "--single-process", "--workers=1", "--conf=/dev/null", "--frontend=127.0.0.1," + std::to_string(port),
       "--backend=" + behind.substr(0, behind.find(':')) + "," + behind.substr(behind.find(':') + 1) + ";;proto=h2;tls",
       "--insecure", "--frontend-http2-window-size=16383", "--frontend-http2-connection-window-size=65535",
       server_->dir() / "serving.key", server_->dir() / "serving.crt"},
      port);
  ResolvedContext context = with_token_of("admin");
  context.server = loopback("https", port);
  KubeClient through = client(std::move(context));
  Known known(through, name_space_);
  const test::Background watching(loop_, known.run());
  ASSERT_TRUE(test::run_until(loop_, [&] { return known.synced; }));

  constexpr int requests = 48;
  constexpr int writes = 3;  // of each: one of them is larger than both windows
  const auto write = [&](int of) -> asio::awaitable<void> {
    for (int i = 0; i < writes; ++i) {
      ObjectPath path;
      path.resource = "configmaps";
      path.name_space = name_space_;
      path.name = "c" + std::to_string(of);
      const nlohmann::json body = {
          {"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", path.name}}},
          {"data", {{"x", std::string((of + i) % 3 == 0 ? 100'000 : 500, static_cast<char>('a' + i))}}}};
      co_await through.apply(std::move(path), body.dump(), {});
    }
  };
  std::vector<std::unique_ptr<test::Background>> writers;
  for (int of = 0; of < requests; ++of) {
    writers.push_back(std::make_unique<test::Background>(loop_, write(of)));
  }
  const auto all_done = [&] {
    return std::all_of(writers.begin(), writers.end(), [](const auto& writer) { return writer->done(); });
  };
  ASSERT_TRUE(test::run_until(loop_, all_done, std::chrono::seconds(60)));
  for (const auto& writer : writers) {
    EXPECT_FALSE(writer->failure()) << describe(*writer->failure());
  }
  ObjectPath all;
  all.resource = "configmaps";
  all.name_space = name_space_;
  int right = 0;
  const auto list = run(loop_, test::list(through, all));
  for (const auto& item : list.items) {
    const bool written_last = item.contains("data") && item["data"].value("x", "").starts_with('a' + writes - 1);
    right += written_last ? 1 : 0;
  }
  EXPECT_EQ(right, requests);
}

TEST_F(Proxied, AProxyThatIsNotThereIsUnreachable) {
  ResolvedContext context = admin_.clone();
  context.proxy_url = loopback("http", free_port());
  KubeClient through = client(std::move(context));
  EXPECT_EQ(error_of(loop_, through.version()).code(), ErrorCode::unreachable);
}

}  // namespace
}  // namespace regsync::kube
