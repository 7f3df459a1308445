// The clusters that Secrets of a hub describe, as they are handed on.
#include "sync/fleet/cluster_secrets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "sync/base/base64.hpp"
#include "tests/unit/sync/cluster/cluster_world.hpp"

namespace regsync {
namespace {

using nlohmann::json;
using test::FakeTransport;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* watch_of_secrets = "/api/v1/secrets";

json cluster_secret(const std::string& server, const std::string& label = "yes", const std::string& token = "t") {
  const std::string kubeconfig = "current-context: x\nclusters: [{name: c, cluster: {server: '" + server +
                                 "'}}]\nusers: [{name: u, user: {token: " + token +
                                 "}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n";
  return {{"metadata", {{"labels", {{"fleet", label}}}}}, {"data", {{"kubeconfig", base64_encode(kubeconfig)}}}};
}

class ClusterSecretsTest : public testing::Test {
 protected:
  ClusterSecretsTest() { kube_.make_namespace("fleet"); }
  void TearDown() override {
    if (secrets_) {
      test::run(loop_, secrets_->stop());
    }
  }

  static test::FakeKube::Key key(const std::string& name) { return {"secrets", "fleet", name}; }
  void put(const std::string& name, const std::string& server) { kube_.put(key(name), cluster_secret(server)); }

  void start() {
    secrets_.emplace(loop_.get_executor(), hub_, ClusterSecretsScope{.selector = "fleet=yes", .name_space = {}},
                     ClusterSecrets::Handlers{.on_clusters =
                                                  [this](kube::Kubeconfig clusters) {
                                                    ++told_;
                                                    clusters_ = std::move(clusters);
                                                  },
                                              .on_problem =
                                                  [this](Error problem) {
                                                    problems_.push_back(std::move(problem));
                                                    if (problem_handler_fails_) {
                                                      throw std::runtime_error("a defect");
                                                    }
                                                  }});
  }
  void start_and_list() {
    start();
    ASSERT_TRUE(test::run_until(loop_, [&] { return told_ > 0 && kube_.watches() > 0; }));
  }
  bool until_server(const std::string& context, const std::string& server) {
    return test::run_until(loop_, [&] { return clusters_.server(context) == server; });
  }

  asio::io_context loop_;
  test::FakeKube kube_{loop_.get_executor()};
  kube::KubeClient hub_{test::context_of_test(), kube_.transport.connect()};
  kube::Kubeconfig clusters_;
  int told_ = 0;
  std::vector<Error> problems_;
  bool problem_handler_fails_ = false;
  std::optional<ClusterSecrets> secrets_;
};

TEST_F(ClusterSecretsTest, AreToldOnceTheFirstListIsComplete) {
  put("dev", "https://dev.example");
  put("prod", "https://prod.example");
  kube_.put(key("other"), cluster_secret("https://other.example", "no"));
  kube_.transport.hold();
  start();
  loop_.poll();
  EXPECT_EQ(told_, 0);
  kube_.transport.release();
  ASSERT_TRUE(test::run_until(loop_, [&] { return told_ > 0; }));
  EXPECT_THAT(clusters_.contexts(), ElementsAre("fleet/dev", "fleet/prod"));
  EXPECT_EQ(clusters_.server("fleet/dev"), "https://dev.example");
  EXPECT_EQ(told_, 1);
}

TEST_F(ClusterSecretsTest, AnEmptyListIsToldToo) {
  start_and_list();
  EXPECT_THAT(clusters_.contexts(), IsEmpty());
}

TEST_F(ClusterSecretsTest, ChangesAreToldTogether) {
  put("dev", "https://dev.example");
  start_and_list();
  for (int i = 0; i < 20; ++i) {
    put("n" + std::to_string(i), "https://n.example");
  }
  put("dev", "https://moved.example");
  ASSERT_TRUE(until_server("fleet/dev", "https://moved.example"));
  EXPECT_EQ(clusters_.contexts().size(), 21U);
  EXPECT_LE(told_, 3) << "and not once for each";
  kube_.erase(key("dev"));
  EXPECT_TRUE(test::run_until(loop_, [&] { return clusters_.contexts().size() == 20; }));
}

TEST_F(ClusterSecretsTest, AnotherTokenIsToldAsThatAlone) {
  put("dev", "https://dev.example");
  put("prod", "https://prod.example");
  start_and_list();
  const int told = told_;
  const kube::Kubeconfig before = std::move(clusters_);
  kube_.put(key("dev"), cluster_secret("https://dev.example", "yes", "renewed"));
  ASSERT_TRUE(test::run_until(loop_, [&] { return told_ > told; }));
  EXPECT_EQ(clusters_.renewed_since(before), std::vector<std::string>{"fleet/dev"});
}

TEST_F(ClusterSecretsTest, AChangeThatMeansNothingIsNotTold) {
  put("dev", "https://dev.example");
  start_and_list();
  const int told = told_;
  kube_.edit(key("dev"), [](json& secret) { secret["metadata"]["annotations"]["seen"] = "now"; });
  EXPECT_FALSE(test::run_until(loop_, [&] { return told_ > told; }, std::chrono::milliseconds(100)));
  put("dev", "https://moved.example");
  EXPECT_TRUE(until_server("fleet/dev", "https://moved.example"));
}

TEST_F(ClusterSecretsTest, ANewListThatBringsTheSameRenewsNothing) {
  put("dev", "https://dev.example");
  start_and_list();
  const int told = told_;
  const kube::Kubeconfig before = std::move(clusters_);
  kube_.transport.send_event(watch_of_secrets, "ERROR", FakeTransport::status_body(410, "Expired", "too old"));
  ASSERT_TRUE(test::run_until(loop_, [&] { return told_ > told; }));
  EXPECT_EQ(clusters_.renewed_since(before), std::vector<std::string>{});
}

TEST_F(ClusterSecretsTest, ASecretThatIsNotUnderstoodIsAProblemOfItsOwnContext) {
  put("dev", "https://dev.example");
  kube_.put(key("bad"),
            {{"metadata", {{"labels", {{"fleet", "yes"}}}}}, {"data", {{"kubeconfig", base64_encode("[")}}}});
  kube_.put(key("key"), {{"metadata", {{"labels", {{"fleet", "yes"}}}}}, {"data", {{"tls.key", "eA=="}}}});
  start_and_list();
  EXPECT_THAT(clusters_.contexts(), ElementsAre("fleet/bad", "fleet/dev")) << "one describes no cluster";
  EXPECT_NO_THROW(static_cast<void>(clusters_.resolve("fleet/dev")));
  EXPECT_THROW(static_cast<void>(clusters_.resolve("fleet/bad")), Error);
}

// The name of a context goes into messages, metrics and files.
TEST_F(ClusterSecretsTest, ASecretWithANameThatKubernetesWouldNotAllowIsDropped) {
  start_and_list();
  for (const json& metadata : {json({{"name", "x\nerror: y"}, {"namespace", "fleet"}}), json({{"name", "x"}}),
                               json({{"namespace", "fleet"}}), json({{"name", "x"}, {"namespace", "../fleet"}})}) {
    json odd = cluster_secret("https://odd.example");
    odd["metadata"].update(metadata);
    kube_.transport.send_event(watch_of_secrets, "ADDED", odd);
  }
  put("dev", "https://dev.example");
  ASSERT_TRUE(until_server("fleet/dev", "https://dev.example"));
  EXPECT_THAT(clusters_.contexts(), ElementsAre("fleet/dev"));
}

TEST_F(ClusterSecretsTest, WhileTheyCannotBeListedNothingChanges) {
  put("dev", "https://dev.example");
  start_and_list();
  kube_.transport.answer("GET", watch_of_secrets, 500, FakeTransport::status_body(500, "InternalError", "no etcd"));
  kube_.transport.end_streams();
  ASSERT_TRUE(test::run_until(loop_, [&] { return !problems_.empty(); }));
  EXPECT_THAT(problems_.back().message(), HasSubstr("the Secrets of https://k.example labelled fleet=yes"));
  EXPECT_THAT(clusters_.contexts(), ElementsAre("fleet/dev"));
  const int told = told_;
  kube_.transport.forget_scripts("GET", watch_of_secrets);
  EXPECT_TRUE(test::run_until(loop_, [&] { return told_ > told; })) << "which ends the problem";
  EXPECT_THAT(clusters_.contexts(), ElementsAre("fleet/dev"));
}

// A handler's defect must not end the watch for ever.
TEST_F(ClusterSecretsTest, WhatAHandlerThrowsEndsNoWatch) {
  start_and_list();
  problem_handler_fails_ = true;
  kube_.transport.answer("GET", watch_of_secrets, 500, FakeTransport::status_body(500, "InternalError", "no etcd"));
  kube_.transport.end_streams();
  ASSERT_TRUE(test::run_until(loop_, [&] { return !problems_.empty(); }));
  kube_.transport.forget_scripts("GET", watch_of_secrets);
  put("dev", "https://dev.example");
  EXPECT_TRUE(until_server("fleet/dev", "https://dev.example"));
}

// `regsync rbac` prints the rights of targets, which this is none of.
TEST_F(ClusterSecretsTest, ARightThatIsMissingInTheHubIsNamed) {
  kube_.forbids = [](const test::ApiRequest& request) { return request.key.resource == "secrets"; };
  start();
  ASSERT_TRUE(test::run_until(loop_, [&] { return !problems_.empty(); }));
  EXPECT_EQ(problems_.back().code(), ErrorCode::forbidden);
  EXPECT_THAT(problems_.back().remedy(), HasSubstr("list and watch secrets in all namespaces of the hub"));
}

}  // namespace
}  // namespace regsync
