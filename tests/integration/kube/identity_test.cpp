// Who the API server takes us for, by each of the ways that a kubeconfig knows; and what happens when that, or the
// server, changes meanwhile. All against a real API server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sync/kube/kube_client.hpp"
#include "sync/kube/watcher.hpp"
#include "tests/support/kube_server.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/wait.hpp"

namespace regsync::kube {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::error_of;
using test::run;
using test::run_until;
using ::testing::HasSubstr;

class RealServer : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (test::KubeServer::available()) {
      server_ = std::make_unique<test::KubeServer>();
    }
  }
  static void TearDownTestSuite() { server_.reset(); }

  void SetUp() override {
    if (!server_) {
      SKIP_OR_FAIL("no kube-apiserver");
    }
    admin_ = Kubeconfig::load(server_->kubeconfig()).resolve("a");
    static int count = 0;
    name_space_ = "identity-" + std::to_string(++count);
    kubectl({"create", "namespace", name_space_});
  }

  static void kubectl(std::vector<std::string> arguments, std::string in = {}) {
    const test::Outcome outcome = server_->kubectl(std::move(arguments), std::move(in));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  }

  // The admin's context without what makes it the admin's.
  [[nodiscard]] ResolvedContext nobody() const {
    ResolvedContext context = admin_.clone();
    context.client_certificate_data.clear();
    context.client_key_data = SecretString();
    return context;
  }
  KubeClient client(ResolvedContext context) { return {loop_.get_executor(), std::move(context)}; }

  // Whom the server takes the client for: it says so when it refuses. Waits for nothing.
  std::string name_of(KubeClient& client) {
    const ObjectPath secrets{"secrets", "kube-system", ""};
    return user_in(error_of(loop_, client.list(secrets, {})).message());
  }
  static std::string user_in(const std::string& message) {
    const auto at = message.find("User \"");
    return at == std::string::npos ? message : message.substr(at + 6, message.find('"', at + 6) - at - 6);
  }

  static std::unique_ptr<test::KubeServer> server_;
  test::TempDir temp_;
  asio::io_context loop_;
  ResolvedContext admin_;
  std::string name_space_;
};

std::unique_ptr<test::KubeServer> RealServer::server_;

TEST_F(RealServer, ATokenIsItsUser) {
  ResolvedContext context = nobody();
  context.token = SecretString(server_->token("alice"));
  KubeClient alice = client(std::move(context));
  EXPECT_EQ(name_of(alice), "alice");
}

TEST_F(RealServer, AMissingRightIsNamedWithItsRemedy) {
  ResolvedContext context = nobody();
  context.token = SecretString(server_->token("alice"));
  KubeClient alice = client(std::move(context));
  const ObjectPath secret{"secrets", name_space_, "x"};
  const Error error = error_of(
      loop_, alice.apply(secret, R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"x"}})", ApplyOptions{}));
  EXPECT_EQ(error.code(), ErrorCode::forbidden);
  EXPECT_THAT(error.message(), HasSubstr("User \"alice\" cannot patch resource \"secrets\""));
  EXPECT_THAT(error.remedy(), HasSubstr("regsync rbac"));
}

TEST_F(RealServer, AWrongTokenIsUnauthorized) {
  ResolvedContext context = nobody();
  context.token = SecretString("wrong");
  KubeClient stranger = client(std::move(context));
  EXPECT_EQ(error_of(loop_, stranger.version()).code(), ErrorCode::unauthorized);
}

TEST_F(RealServer, AnAuthorityThatDidNotSignIsATlsError) {
  server_->issue("other", temp_ / "crt", temp_ / "key");
  ResolvedContext context = nobody();
  context.ca_data = test::read_file(temp_ / "crt");
  KubeClient distrustful = client(std::move(context));
  EXPECT_EQ(error_of(loop_, distrustful.version()).code(), ErrorCode::tls);
}

TEST_F(RealServer, TheSystemsAuthoritiesAreNotTrustedBesideTheContextsOwn) {
  ResolvedContext context = admin_.clone();
  context.ca_data.clear();
  KubeClient client_without = client(std::move(context));
  EXPECT_EQ(error_of(loop_, client_without.version()).code(), ErrorCode::tls);
}

TEST_F(RealServer, InsecureSkipsTheCheckOfTheServerOnly) {
  ResolvedContext context = admin_.clone();
  context.ca_data.clear();
  context.insecure_skip_tls_verify = true;
  KubeClient careless = client(std::move(context));
  EXPECT_TRUE(run(loop_, careless.version()).contains("gitVersion"));
}

TEST_F(RealServer, TlsServerNameIsWhatTheCertificateMustSay) {
  ResolvedContext context = admin_.clone();
  context.tls_server_name = "kubernetes";
  KubeClient named = client(context.clone());
  EXPECT_TRUE(run(loop_, named.version()).contains("gitVersion"));
  context.tls_server_name = "elsewhere";
  KubeClient misnamed = client(std::move(context));
  EXPECT_EQ(error_of(loop_, misnamed.version()).code(), ErrorCode::tls);
}

TEST_F(RealServer, ATokenFileThatChangesIsTakenUp) {
  ResolvedContext context = nobody();
  context.token_file = temp_.write("token", server_->token("alice") + "\n");
  KubeClient changing = client(std::move(context));
  EXPECT_EQ(name_of(changing), "alice");
  temp_.write("token", server_->token("bob"));
  EXPECT_TRUE(run_until(
      loop_, [&] { return name_of(changing) == "bob"; }, std::chrono::seconds(5)));
  temp_.write("token", "");
  run_until(
      loop_, [] { return false; }, std::chrono::milliseconds(1200));
  EXPECT_EQ(name_of(changing), "bob") << "an unusable file keeps the last good token";
}

TEST_F(RealServer, ARefusedTokenIsReadAgainAtOnce) {
  ResolvedContext context = nobody();
  context.token_file = temp_.write("token", "stale");
  KubeClient late = client(std::move(context));
  EXPECT_EQ(error_of(loop_, late.version()).code(), ErrorCode::unauthorized);
  temp_.write("token", server_->token("alice"));
  EXPECT_EQ(name_of(late), "alice");
}

TEST_F(RealServer, ClientCertificatesRotateWithoutDroppingWhatRuns) {
  server_->issue("first", temp_ / "crt", temp_ / "key");
  ResolvedContext context = nobody();
  context.client_certificate_file = temp_ / "crt";
  context.client_key_file = temp_ / "key";
  KubeClient rotating = client(std::move(context));
  EXPECT_EQ(name_of(rotating), "first");
  server_->issue("second", temp_ / "crt", temp_ / "key");
  EXPECT_TRUE(run_until(
      loop_, [&] { return name_of(rotating) == "second"; }, std::chrono::seconds(5)));
  temp_.write("key", "half a k");
  run_until(
      loop_, [] { return false; }, std::chrono::milliseconds(1200));
  EXPECT_EQ(name_of(rotating), "second") << "a certificate without its key keeps the last good pair";
}

TEST_F(RealServer, ImpersonationIsAsked) {
  ResolvedContext context = admin_.clone();
  context.impersonation.user = "jane";
  context.impersonation.groups = {"team"};
  context.impersonation.extra = {{"example.com/scope", {"view"}}};
  KubeClient jane = client(std::move(context));
  EXPECT_EQ(name_of(jane), "jane");
}

TEST_F(RealServer, AnExecPluginMintsTheToken) {
  const auto plugin = temp_.write("plugin", "#!/bin/sh\necho run >> " + (temp_ / "runs").string() +
                                                "\nprintf '{\"kind\":\"ExecCredential\",\"apiVersion\":"
                                                "\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"%s\"}}' "
                                                "\"$(cat " +
                                                (temp_ / "minted").string() + ")\"\n");
  fs::permissions(plugin, fs::perms::owner_all);
  temp_.write("minted", server_->token("alice"));
  ResolvedContext context = nobody();
  context.exec = ExecConfig{};
  context.exec->command = plugin;
  context.exec->api_version = "client.authentication.k8s.io/v1";
  context.exec->interactive_mode = "Never";
  KubeClient minted = client(std::move(context));
  EXPECT_EQ(name_of(minted), "alice");
  EXPECT_EQ(name_of(minted), "alice");
  EXPECT_EQ(test::read_file(temp_ / "runs"), "run\n") << "cached";
}

TEST_F(RealServer, A401RunsTheExecPluginOnceMore) {
  const auto plugin = temp_.write("plugin", "#!/bin/sh\necho run >> " + (temp_ / "runs").string() +
                                                "\nprintf '{\"kind\":\"ExecCredential\",\"apiVersion\":"
                                                "\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"%s\"}}' "
                                                "\"$(cat " +
                                                (temp_ / "minted").string() + ")\"\n");
  fs::permissions(plugin, fs::perms::owner_all);
  temp_.write("minted", "revoked");
  ResolvedContext context = nobody();
  context.exec = ExecConfig{};
  context.exec->command = plugin;
  context.exec->api_version = "client.authentication.k8s.io/v1";
  context.exec->interactive_mode = "Never";
  KubeClient minted = client(std::move(context));
  EXPECT_EQ(error_of(loop_, minted.version()).code(), ErrorCode::unauthorized);
  EXPECT_EQ(test::read_file(temp_ / "runs"), "run\nrun\n") << "once more, and no more";
  temp_.write("minted", server_->token("alice"));
  EXPECT_TRUE(run_until(loop_, [&] {
    const ObjectPath secrets{"secrets", "kube-system", ""};
    return error_of(loop_, minted.list(secrets, {})).code() == ErrorCode::forbidden;
  }));
}

// The three scopes that the sync engine falls back through.
TEST_F(RealServer, RightsDecideWhichScopeCanBeWatched) {
  kubectl({"-n", name_space_, "create", "role", "one", "--verb=get,list,watch,create,patch", "--resource=secrets",
           "--resource-name=mine"});
  kubectl({"-n", name_space_, "create", "rolebinding", "one", "--role=one", "--user=alice"});
  ResolvedContext context = nobody();
  context.token = SecretString(server_->token("alice"));
  KubeClient alice = client(std::move(context));
  const auto refused = [&](WatchScope scope) {
    Watcher watcher(
        alice, std::move(scope), [](const WatchEvent&) {}, [](const std::optional<Error>&) {});
    return error_of(loop_, watcher.run()).code();
  };
  EXPECT_EQ(refused({.collection = {"secrets", "", ""}, .field_selector = ""}), ErrorCode::forbidden);
  EXPECT_EQ(refused({.collection = {"secrets", name_space_, ""}, .field_selector = ""}), ErrorCode::forbidden);
  bool synced = false;
  int applied = 0;
  Watcher watcher(
      alice, {.collection = {"secrets", name_space_, ""}, .field_selector = "metadata.name=mine"},
      [&](const WatchEvent& event) {
        synced = synced || event.kind == WatchEvent::Kind::synced;
        applied += event.kind == WatchEvent::Kind::applied ? 1 : 0;
      },
      [](const std::optional<Error>&) {});
  const test::Background background(loop_, watcher.run());
  ASSERT_TRUE(run_until(loop_, [&] { return synced; }));
  const ObjectPath mine{"secrets", name_space_, "mine"};
  run(loop_, alice.apply(mine, R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"mine"}})", ApplyOptions{}));
  EXPECT_TRUE(run_until(loop_, [&] { return applied == 1; })) << "an apply that creates can be limited to a name";
}

// What a watcher of one namespace knows: names with versions.
class Known {
 public:
  Known(KubeClient& client, const std::string& name_space)
      : watcher_(
            client, {.collection = {"secrets", name_space, ""}, .field_selector = ""},
            [this](const WatchEvent& event) { on_event(event); }, [](const std::optional<Error>&) {}) {}
  asio::awaitable<void> run() { return watcher_.run(); }

  std::map<std::string, std::string> objects;
  int restarts = 0;
  bool synced = false;

 private:
  void on_event(const WatchEvent& event) {
    if (event.kind == WatchEvent::Kind::restarted) {
      ++restarts;
      objects.clear();
    } else if (event.kind == WatchEvent::Kind::synced) {
      synced = true;
    } else {
      const json& metadata = event.object->at("metadata");
      if (event.kind == WatchEvent::Kind::applied) {
        objects[metadata.at("name")] = metadata.at("resourceVersion");
      } else {
        objects.erase(metadata.at("name"));
      }
    }
  }
  Watcher watcher_;
};

TEST_F(RealServer, AWatcherSurvivesARestartOfTheServer) {
  KubeClient watching = client(admin_.clone());
  Known known(watching, name_space_);
  const test::Background background(loop_, known.run());
  kubectl({"-n", name_space_, "create", "secret", "generic", "before"});
  ASSERT_TRUE(run_until(loop_, [&] { return known.objects.contains("before"); }));
  server_->kill();
  run_until(
      loop_, [] { return false; }, std::chrono::milliseconds(500));
  server_->start_again();
  kubectl({"-n", name_space_, "create", "secret", "generic", "after"});
  kubectl({"-n", name_space_, "delete", "secret", "before"});
  EXPECT_TRUE(run_until(
      loop_, [&] { return known.objects.contains("after") && !known.objects.contains("before"); },
      std::chrono::seconds(40)));
}

TEST_F(RealServer, AWatcherSurvivesAStandstillOfEtcd) {
  KubeClient watching = client(admin_.clone());
  Known known(watching, name_space_);
  const test::Background background(loop_, known.run());
  ASSERT_TRUE(run_until(loop_, [&] { return known.synced; }));
  const pid_t etcd = std::atoi(test::read_file(server_->dir() / "etcd.pid").c_str());
  ::kill(etcd, SIGSTOP);
  run_until(
      loop_, [] { return false; }, std::chrono::seconds(2));
  ::kill(etcd, SIGCONT);
  kubectl({"-n", name_space_, "create", "secret", "generic", "after"});
  EXPECT_TRUE(run_until(
      loop_, [&] { return known.objects.contains("after"); }, std::chrono::seconds(40)));
}

TEST_F(RealServer, ManyRequestsAndAWatchShareOneConnection) {
  KubeClient one = client(admin_.clone());
  Known known(one, name_space_);
  const test::Background watching(loop_, known.run());
  ASSERT_TRUE(run_until(loop_, [&] { return known.synced; }));
  std::size_t most = 0;
  int done = 0;
  const auto sockets = [] {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
      std::error_code ignored;
      count += fs::read_symlink(entry.path(), ignored).string().starts_with("socket:") ? 1 : 0;
    }
    return count;
  };
  const std::size_t before = sockets();
  std::vector<std::unique_ptr<test::Background>> requests;
  for (int i = 0; i < 64; ++i) {
    const auto ask = [](KubeClient& client, int& count) -> asio::awaitable<void> {
      co_await client.version();
      ++count;
    };
    requests.push_back(std::make_unique<test::Background>(loop_, ask(one, done)));
  }
  EXPECT_TRUE(run_until(loop_, [&] {
    most = std::max(most, sockets());
    return done == 64;
  }));
  EXPECT_EQ(most, before) << "no connection was added";
}

// A proxy of a test's own, ended with it.
class Proxied : public RealServer {
 protected:
  static std::string unpacked(const std::string& path) {
    const char* cache = std::getenv("REGSYNC_CACHE");
    const char* xdg = std::getenv("XDG_CACHE_HOME");
    const fs::path base = cache != nullptr ? fs::path(cache)
                          : xdg != nullptr ? fs::path(xdg) / "regsync"
                                           : fs::path(std::getenv("HOME")) / ".cache" / "regsync";
    return (base / "unpacked" / path).string();
  }
  static int free_port() {
    asio::io_context context;
    const asio::ip::tcp::acceptor acceptor(context, {asio::ip::make_address("127.0.0.1"), 0});
    return acceptor.local_endpoint().port();
  }
  static bool answers(int port) {
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    std::error_code failure;
    socket.connect({asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(port)}, failure);
    return !failure;
  }
};

TEST_F(Proxied, AnHttpProxyCarriesTheConnection) {
  const std::string tinyproxy = unpacked("tinyproxy-bin/usr/bin/tinyproxy");
  if (!fs::exists(tinyproxy)) {
    SKIP_OR_FAIL("no tinyproxy");
  }
  const int port = free_port();
  const auto config = temp_.write("tinyproxy.conf", "Port " + std::to_string(port) +
                                                        "\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nLogFile \"" +
                                                        (temp_ / "log").string() + "\"\nLogLevel Connect\n");
  const test::Process proxy({.argv = {tinyproxy, "-d", "-c", config.string()}, .env = test::sandbox(temp_), .in = {}});
  ASSERT_TRUE(test::wait_until([&] { return answers(port); }));
  ResolvedContext context = admin_.clone();
  context.proxy_url = "http://127.0.0.1:" + std::to_string(port);
  KubeClient through = client(std::move(context));
  EXPECT_TRUE(run(loop_, through.version()).contains("gitVersion"));
  EXPECT_THAT(test::read_file(temp_ / "log"), HasSubstr("CONNECT 127.0.0.1"));
}

TEST_F(Proxied, ASocks5ProxyCarriesTheConnection) {
  const std::string microsocks = unpacked("microsocks/usr/bin/microsocks");
  if (!fs::exists(microsocks)) {
    SKIP_OR_FAIL("no microsocks");
  }
  const int port = free_port();
  const test::Process proxy(
      {.argv = {microsocks, "-i", "127.0.0.1", "-p", std::to_string(port)}, .env = test::sandbox(temp_), .in = {}});
  ASSERT_TRUE(test::wait_until([&] { return answers(port); }));
  ResolvedContext context = admin_.clone();
  context.proxy_url = "socks5://127.0.0.1:" + std::to_string(port);
  KubeClient through = client(std::move(context));
  EXPECT_TRUE(run(loop_, through.version()).contains("gitVersion"));
  EXPECT_THAT(proxy.err() + proxy.out(), HasSubstr("connected to 127.0.0.1"));
}

TEST_F(Proxied, AProxyThatIsNotThereIsUnreachable) {
  ResolvedContext context = admin_.clone();
  context.proxy_url = "http://127.0.0.1:" + std::to_string(free_port());
  KubeClient through = client(std::move(context));
  EXPECT_EQ(error_of(loop_, through.version()).code(), ErrorCode::unreachable);
}

}  // namespace
}  // namespace regsync::kube
