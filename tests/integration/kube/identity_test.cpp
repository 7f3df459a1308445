// Whom the API server takes us for, by each of the ways that a kubeconfig knows, and when that changes meanwhile.
// All against a real API server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sync/kube/config/kubeconfig.hpp"
#include "tests/integration/kube/real_server.hpp"
#include "tests/support/listed.hpp"

namespace regsync::kube {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::error_of;
using test::run;
using test::run_until;
using ::testing::HasSubstr;

TEST_F(RealServer, ATokenIsItsUser) {
  KubeClient alice = client(with_token_of("alice"));
  EXPECT_EQ(name_of(alice), "alice");
}

TEST_F(RealServer, AMissingRightIsNamedWithItsRemedy) {
  KubeClient alice = client(with_token_of("alice"));
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
  EXPECT_TRUE(run_until(loop_, [&] { return name_of(changing) == "bob"; }));
  temp_.write("token", "");
  let_pass(std::chrono::milliseconds(1200));
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
  EXPECT_TRUE(run_until(loop_, [&] { return name_of(rotating) == "second"; }));
  temp_.write("key", "half a k");
  let_pass(std::chrono::milliseconds(1200));
  EXPECT_EQ(name_of(rotating), "second") << "a certificate without its key keeps the last good pair";
}

TEST_F(RealServer, AnAuthoritysFileThatChangesIsTakenUpWithoutDroppingWhatRuns) {
  server_->issue("other", temp_ / "other.crt", temp_ / "other.key");
  ResolvedContext context = admin_.clone();
  context.ca_data.clear();
  context.ca_file = temp_.write("ca.crt", test::read_file(temp_ / "other.crt"));
  KubeClient trusting = client(context.clone());
  EXPECT_EQ(error_of(loop_, trusting.version()).code(), ErrorCode::tls);
  temp_.write("ca.crt", test::read_file(server_->dir() / "ca.crt"));
  Known known(trusting, name_space_);
  const test::Background watching(loop_, known.run());
  ASSERT_TRUE(run_until(loop_, [&] { return known.synced; }));

  temp_.write("ca.crt", "-----BEGIN CERT");
  let_pass(std::chrono::milliseconds(1200));
  EXPECT_TRUE(run(loop_, trusting.version()).contains("gitVersion")) << "half a file keeps the last good one";

  temp_.write("ca.crt", test::read_file(temp_ / "other.crt"));
  let_pass(std::chrono::milliseconds(1200));
  EXPECT_EQ(error_of(loop_, trusting.version()).code(), ErrorCode::tls) << "on a new connection";
  kubectl({"-n", name_space_, "create", "secret", "generic", "x"});
  EXPECT_TRUE(run_until(loop_, [&] { return known.has("x"); }));
  EXPECT_EQ(known.restarts, 1);
}

TEST_F(RealServer, APodsServiceAccountIsFollowed) {
  temp_.write("account/token", server_->token("alice"));
  temp_.write("account/ca.crt", test::read_file(server_->dir() / "ca.crt"));
  temp_.write("account/namespace", "team-a");
  const std::string port = server_->url().substr(server_->url().rfind(':') + 1);
  ::setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1", 1);
  ::setenv("KUBERNETES_SERVICE_PORT", port.c_str(), 1);
  const auto pod = Kubeconfig::in_cluster(temp_ / "account");
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  ::unsetenv("KUBERNETES_SERVICE_PORT");
  ASSERT_TRUE(pod);
  KubeClient inside = client(pod->resolve(pod->current_context()));
  EXPECT_EQ(name_of(inside), "alice");
  EXPECT_EQ(inside.context().default_namespace, "team-a");
  temp_.write("account/token", server_->token("bob"));  // kubelet rotates it
  EXPECT_TRUE(run_until(loop_, [&] { return name_of(inside) == "bob"; }));
}

TEST_F(RealServer, ImpersonationIsAsked) {
  ResolvedContext context = admin_.clone();
  context.impersonation.user = "jane";
  context.impersonation.groups = {"team"};
  context.impersonation.extra = {{"example.com/scope", {"view"}}};
  KubeClient jane = client(std::move(context));
  EXPECT_EQ(name_of(jane), "jane");
}

// A plugin that counts its runs and prints the token in the file "minted".
class PluginOnRealServer : public RealServer {
 protected:
  [[nodiscard]] ResolvedContext with_plugin() const {
    const auto plugin = temp_.write("plugin", "#!/bin/sh\necho run >> " + (temp_ / "runs").string() +
                                                  "\nprintf '{\"kind\":\"ExecCredential\",\"apiVersion\":"
                                                  "\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"%s\"}}' "
                                                  "\"$(cat " +
                                                  (temp_ / "minted").string() + ")\"\n");
    fs::permissions(plugin, fs::perms::owner_all);
    ResolvedContext context = nobody();
    context.exec = ExecConfig{};
    context.exec->command = plugin;
    context.exec->api_version = "client.authentication.k8s.io/v1";
    context.exec->interactive_mode = "Never";
    return context;
  }
};

TEST_F(PluginOnRealServer, AnExecPluginMintsTheToken) {
  temp_.write("minted", server_->token("alice"));
  KubeClient minted = client(with_plugin());
  EXPECT_EQ(name_of(minted), "alice");
  EXPECT_EQ(name_of(minted), "alice");
  EXPECT_EQ(test::read_file(temp_ / "runs"), "run\n") << "cached";
}

// As kubectl: who has a certificate in the kubeconfig is whom it names.
TEST_F(PluginOnRealServer, IsNotAskedWhereTheKubeconfigHasACertificate) {
  server_->issue("certified", temp_ / "crt", temp_ / "key");
  ResolvedContext context = with_plugin();
  context.client_certificate_file = temp_ / "crt";
  context.client_key_file = temp_ / "key";
  KubeClient certified = client(std::move(context));
  EXPECT_EQ(name_of(certified), "certified");
  EXPECT_FALSE(fs::exists(temp_ / "runs"));
}

TEST_F(PluginOnRealServer, A401RunsTheExecPluginOnceMore) {
  temp_.write("minted", "revoked");
  KubeClient minted = client(with_plugin());
  EXPECT_EQ(error_of(loop_, minted.version()).code(), ErrorCode::unauthorized);
  EXPECT_EQ(test::read_file(temp_ / "runs"), "run\nrun\n") << "once more, and no more";
  temp_.write("minted", server_->token("alice"));
  EXPECT_TRUE(run_until(loop_, [&] {
    const ObjectPath secrets{"secrets", "kube-system", ""};
    return error_of(loop_, test::list(minted, secrets)).code() == ErrorCode::forbidden;
  }));
}

// The three scopes that the sync engine falls back through.
TEST_F(RealServer, RightsDecideWhichScopeCanBeWatched) {
  kubectl({"-n", name_space_, "create", "role", "one", "--verb=get,list,watch,create,patch", "--resource=secrets",
           "--resource-name=mine"});
  kubectl({"-n", name_space_, "create", "rolebinding", "one", "--role=one", "--user=alice"});
  KubeClient alice = client(with_token_of("alice"));
  const auto refused = [&](WatchScope scope) {
    Watcher watcher(alice, std::move(scope), [](const WatchEvent&) {}, [](const std::optional<Error>&) {});
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
  // The server acts on a new Role some milliseconds after it has stored it.
  const ObjectPath mine{"secrets", name_space_, "mine"};
  ASSERT_TRUE(run_until(loop_, [&] { return error_of(loop_, alice.get(mine)).code() == ErrorCode::not_found; }));
  const test::Background background(loop_, watcher.run());
  ASSERT_TRUE(run_until(loop_, [&] { return synced; }));
  run(loop_, alice.apply(mine, R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"mine"}})", ApplyOptions{}));
  EXPECT_TRUE(run_until(loop_, [&] { return applied == 1; })) << "an apply that creates can be limited to a name";
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

}  // namespace
}  // namespace regsync::kube
