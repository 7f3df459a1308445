// The client against a real API server and our fake one: what the sync engine stands on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "sync/kube/api/kube_client.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "tests/support/fake_api_server.hpp"
#include "tests/support/kube_server.hpp"
#include "tests/support/listed.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/wait.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;
using test::error_of;
using test::run;
using ::testing::HasSubstr;

const test::KubeServer& server() {
  static const test::KubeServer instance({.audit = true, .contexts = "a,b"});
  return instance;
}

std::string secret_body(const std::string& name, const std::string& value, json metadata = json::object()) {
  metadata["name"] = name;
  return json{{"apiVersion", "v1"},
              {"kind", "Secret"},
              {"type", "Opaque"},
              {"metadata", std::move(metadata)},
              {"data", {{"key", value}}}}
      .dump();
}

// The same questions to a real API server and to the fake one that other tests rely on: their answers agree.
class ApiServerTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    static int count = 0;
    name_space_ = "client-" + std::to_string(++count);
    std::filesystem::path config;
    if (is_real()) {
      if (!test::KubeServer::available()) {
        SKIP_OR_FAIL("no kube-apiserver");
      }
      ASSERT_EQ(server().kubectl({"create", "namespace", name_space_}).exit_code, 0);
      config = server().kubeconfig();
    } else {
      fake_ = std::make_unique<test::FakeApiServer>();
      fake_->make_namespace(name_space_);
      config = temp_.write("fake.kubeconfig", fake_->kubeconfig({"a"}));
    }
    client_ = std::make_unique<KubeClient>(context_.get_executor(), Kubeconfig::load(config).resolve("a"));
  }

  [[nodiscard]] static bool is_real() { return std::string_view(GetParam()) == "real"; }
  [[nodiscard]] ObjectPath secret(const std::string& name) const { return {"secrets", name_space_, name}; }
  [[nodiscard]] ObjectPath secrets() const { return {"secrets", name_space_, ""}; }

  // Writes a Secret in the name of the field manager "other".
  void write_as_other(const std::string& name, const std::string& value) const {
    if (is_real()) {
      ASSERT_EQ(server()
                    .kubectl({"-n", name_space_, "apply", "--server-side", "--field-manager=other", "-f", "-"},
                             secret_body(name, value))
                    .exit_code,
                0);
    } else {
      fake_->put({"secrets", name_space_, name}, json::parse(secret_body(name, value)), "other");
    }
  }

  void terminate_namespace() const {
    if (is_real()) {
      ASSERT_EQ(server().kubectl({"delete", "namespace", name_space_, "--wait=false"}).exit_code, 0);
    } else {
      fake_->terminate_namespace(name_space_);
    }
  }

  test::TempDir temp_;
  asio::io_context context_;
  std::string name_space_;
  std::unique_ptr<test::FakeApiServer> fake_;
  std::unique_ptr<KubeClient> client_;
};

INSTANTIATE_TEST_SUITE_P(Real, ApiServerTest, ::testing::Values("real"));
INSTANTIATE_TEST_SUITE_P(Fake, ApiServerTest, ::testing::Values("fake"));

TEST_P(ApiServerTest, VersionProvesTheCredentials) {
  EXPECT_TRUE(run(context_, client_->version()).contains("gitVersion"));
}

TEST_P(ApiServerTest, AnApplyWithVersionOneCreatesWhatIsMissing) {
  const json made =
      json::parse(run(context_, client_->apply(secret("x"), secret_body("x", "YQ==", {{"resourceVersion", "1"}}), {})));
  EXPECT_EQ(made.at("data").at("key"), "YQ==");
}

TEST_P(ApiServerTest, AnApplyWithVersionOneLeavesWhatExists) {
  run(context_, client_->apply(secret("x"), secret_body("x", "YQ=="), {}));
  const Error error = error_of(
      context_, client_->apply(secret("x"), secret_body("x", "Yg==", {{"resourceVersion", "1"}}), {.force = true}));
  EXPECT_EQ(error.code(), ErrorCode::stale) << describe(error);
  EXPECT_EQ(run(context_, client_->get(secret("x"))).at("data").at("key"), "YQ==");
}

TEST_P(ApiServerTest, AnIdenticalApplyKeepsTheVersion) {
  const json first = json::parse(run(context_, client_->apply(secret("x"), secret_body("x", "YQ=="), {})));
  const json second = json::parse(run(context_, client_->apply(secret("x"), secret_body("x", "YQ=="), {})));
  EXPECT_EQ(first.at("metadata").at("resourceVersion"), second.at("metadata").at("resourceVersion"));
}

TEST_P(ApiServerTest, AForcedApplyGuardedByUidAndVersionIsStaleAfterAnotherWrite) {
  const json first = json::parse(run(context_, client_->apply(secret("x"), secret_body("x", "YQ=="), {})));
  const json guard = {{"uid", first.at("metadata").at("uid")},
                      {"resourceVersion", first.at("metadata").at("resourceVersion")}};
  run(context_, client_->apply(secret("x"), secret_body("x", "Yg=="), {}));
  const Error error = error_of(context_, client_->apply(secret("x"), secret_body("x", "Yw==", guard), {.force = true}));
  EXPECT_EQ(error.code(), ErrorCode::stale) << describe(error);
}

TEST_P(ApiServerTest, AForcedApplyWithMatchingGuardsWrites) {
  const json first = json::parse(run(context_, client_->apply(secret("x"), secret_body("x", "YQ=="), {})));
  const json guard = {{"uid", first.at("metadata").at("uid")},
                      {"resourceVersion", first.at("metadata").at("resourceVersion")}};
  const json second =
      json::parse(run(context_, client_->apply(secret("x"), secret_body("x", "Yw==", guard), {.force = true})));
  EXPECT_EQ(second.at("data").at("key"), "Yw==");
}

TEST_P(ApiServerTest, AUidOfAnObjectThatIsGoneIsStale) {
  const Error error = error_of(
      context_, client_->apply(secret("x"), secret_body("x", "YQ==", {{"uid", "5a4ba2b4-0000-4000-8000-000000000000"}}),
                               {.force = true}));
  EXPECT_EQ(error.code(), ErrorCode::stale) << describe(error);
}

TEST_P(ApiServerTest, AConflictNamesManagerAndField) {
  write_as_other("x", "YQ==");
  const Error error = error_of(context_, client_->apply(secret("x"), secret_body("x", "Yg=="), {}));
  EXPECT_EQ(error.code(), ErrorCode::field_conflict);
  EXPECT_THAT(error.message(), HasSubstr("\"other\""));
  EXPECT_THAT(error.message(), HasSubstr(".data.key"));
  EXPECT_THAT(error.remedy(), HasSubstr("--adopt"));
}

TEST_P(ApiServerTest, ATypeCannotBeChanged) {
  run(context_, client_->apply(secret("x"), secret_body("x", "YQ=="), {}));
  json other = json::parse(secret_body("x", "YQ=="));
  other["type"] = "kubernetes.io/basic-auth";
  other["data"] = {{"username", "YQ=="}};
  const Error error = error_of(context_, client_->apply(secret("x"), other.dump(), {}));
  EXPECT_EQ(error.code(), ErrorCode::immutable) << describe(error);
}

TEST_P(ApiServerTest, AnImmutableSecretCannotBeChanged) {
  json fixed = json::parse(secret_body("x", "YQ=="));
  fixed["immutable"] = true;
  run(context_, client_->apply(secret("x"), fixed.dump(), {}));
  fixed["data"]["key"] = "Yg==";
  const Error error = error_of(context_, client_->apply(secret("x"), fixed.dump(), {}));
  EXPECT_EQ(error.code(), ErrorCode::immutable) << describe(error);
}

TEST_P(ApiServerTest, AnObjectThatIsTooLargeIsRejected) {
  const Error error =
      error_of(context_, client_->apply(secret("x"), secret_body("x", std::string(1'500'000, 'A')), {}));
  EXPECT_EQ(error.code(), ErrorCode::rejected) << describe(error);
  const Error larger =
      error_of(context_, client_->apply(secret("x"), secret_body("x", std::string(4'000'000, 'A')), {}));
  EXPECT_EQ(larger.code(), ErrorCode::rejected) << describe(larger);
}

TEST_P(ApiServerTest, AFaultyBodyIsNotEchoed) {
  const Error error = error_of(context_, client_->apply(secret("x"), secret_body("x", "c2VjcmV0!"), {}));
  EXPECT_EQ(error.message().find("c2VjcmV0"), std::string::npos) << describe(error);
}

TEST_P(ApiServerTest, AFieldThatTheServerDoesNotKnowIsRefused) {
  json odd = json::parse(secret_body("x", "YQ=="));
  odd["data2"] = {{"key", "YQ=="}};
  const Error error = error_of(context_, client_->apply(secret("x"), odd.dump(), {}));
  EXPECT_THAT(error.message(), HasSubstr(".data2: field not declared in schema"));
  EXPECT_EQ(error_of(context_, client_->get(secret("x"))).code(), ErrorCode::not_found);
}

TEST_P(ApiServerTest, AMissingNamespaceIsToldFromAMissingObject) {
  const Error nowhere = error_of(context_, client_->apply({"secrets", "nowhere", "x"}, secret_body("x", "YQ=="), {}));
  EXPECT_EQ(nowhere.code(), ErrorCode::namespace_missing) << describe(nowhere);
  const Error missing = error_of(context_, client_->get(secret("x")));
  EXPECT_EQ(missing.code(), ErrorCode::not_found) << describe(missing);
}

TEST_P(ApiServerTest, ATerminatingNamespaceIsNotAMissingRight) {
  terminate_namespace();
  const Error error = error_of(context_, client_->apply(secret("x"), secret_body("x", "YQ=="), {}));
  EXPECT_EQ(error.code(), ErrorCode::namespace_terminating) << describe(error);
}

TEST_P(ApiServerTest, ADeleteHonoursItsPreconditions) {
  const json made = json::parse(run(context_, client_->apply(secret("x"), secret_body("x", "YQ=="), {})));
  const Error stale = error_of(context_, client_->remove(secret("x"), {.uid = "other", .resource_version = ""}));
  EXPECT_EQ(stale.code(), ErrorCode::stale) << describe(stale);
  const Error old = error_of(context_, client_->remove(secret("x"), {.uid = "", .resource_version = "1"}));
  EXPECT_EQ(old.code(), ErrorCode::stale) << describe(old);
  const json& metadata = made.at("metadata");
  run(context_,
      client_->remove(secret("x"), {.uid = metadata.at("uid"), .resource_version = metadata.at("resourceVersion")}));
  EXPECT_EQ(error_of(context_, client_->remove(secret("x"), {})).code(), ErrorCode::not_found);
}

TEST_P(ApiServerTest, AJsonPatchWhoseTestFailsIsStale) {
  run(context_, client_->apply(secret("x"), secret_body("x", "YQ=="), {}));
  const json patch = {{{"op", "test"}, {"path", "/metadata/resourceVersion"}, {"value", "1"}},
                      {{"op", "add"}, {"path", "/data/other"}, {"value", "Yg=="}}};
  EXPECT_EQ(error_of(context_, client_->json_patch(secret("x"), patch.dump())).code(), ErrorCode::stale);
}

// Of several replicas, one that lost its lease while its request waited for a connection.
TEST_P(ApiServerTest, AWriteThatIsNotAllowedAnyMoreIsNotSent) {
  write_as_other("s", "djE=");
  int allowed = 0;  // so many times, the answer is yes
  client_->guard_writes([&] { return allowed-- > 0; });
  const auto change = [&] {
    const json patch = json::array({{{"op", "add"}, {"path", "/data/key"}, {"value", "djI="}}});
    return client_->json_patch(secret("s"), patch.dump());
  };
  EXPECT_EQ(error_of(context_, change()).code(), ErrorCode::stale);
  allowed = 1;  // when it is made, and no more when it could be sent
  EXPECT_EQ(error_of(context_, change()).code(), ErrorCode::stale);
  EXPECT_EQ(run(context_, client_->get(secret("s"))).at("data").at("key"), "djE=") << "reads are free";
  allowed = 2;
  EXPECT_EQ(run(context_, change()).at("data").at("key"), "djI=");
}

TEST_P(ApiServerTest, AListHonoursLimitSelectorAndContinue) {
  for (const char* name : {"a", "b", "c"}) {
    run(context_, client_->apply(secret(name), secret_body(name, "YQ=="), {}));
  }
  const auto first = run(context_, test::list(*client_, secrets(), {.limit = 2}));
  EXPECT_EQ(first.items.size(), 2U);
  const auto rest =
      run(context_, test::list(*client_, secrets(), {.continue_token = first.page.continue_token, .limit = 2}));
  EXPECT_EQ(rest.items.size(), 1U);
  const auto one = run(context_, test::list(*client_, {"secrets", "", ""}, {.field_selector = "metadata.name=b"}));
  std::set<std::string> found;
  for (const json& item : one.items) {
    found.insert(item.at("metadata").at("namespace").get<std::string>() + "/" +
                 item.at("metadata").at("name").get<std::string>());
  }
  EXPECT_THAT(found, ::testing::Contains(name_space_ + "/b"));
  EXPECT_THAT(found, ::testing::Each(::testing::EndsWith("/b")));
}

TEST_P(ApiServerTest, AMetadataListHasNoData) {
  run(context_, client_->apply(secret("a"), secret_body("a", "YQ=="), {}));
  const auto listed = run(context_, test::list(*client_, secrets(), {.metadata_only = true}));
  EXPECT_EQ(listed.items.at(0).at("metadata").at("name"), "a");
  EXPECT_FALSE(listed.items.at(0).contains("data"));
}

TEST_P(ApiServerTest, AWatchAcrossNamespacesByNameTellsWhatHappens) {
  const auto listed =
      run(context_, test::list(*client_, {"secrets", "", ""}, {.field_selector = "metadata.name=watched"}));
  std::vector<std::string> events;
  bool opened = false;
  WatchOptions options;
  options.field_selector = "metadata.name=watched";
  options.resource_version = listed.page.resource_version;
  options.metadata_only = true;
  options.on_open = [&] { opened = true; };
  test::Background watch(context_, client_->watch({"secrets", "", ""}, options, [&](const json& event) {
    EXPECT_FALSE(event.at("object").contains("data"));
    events.push_back(event.at("type").get<std::string>() + " " +
                     event.at("object").at("metadata").at("name").get<std::string>());
  }));
  ASSERT_TRUE(test::run_until(context_, [&] { return opened; }));
  run(context_, client_->apply(secret("other"), secret_body("other", "YQ=="), {}));
  run(context_, client_->apply(secret("watched"), secret_body("watched", "YQ=="), {}));
  run(context_, client_->apply(secret("watched"), secret_body("watched", "Yg=="), {}));
  run(context_, client_->remove(secret("watched"), {}));
  ASSERT_TRUE(test::run_until(context_, [&] { return events.size() >= 3; }));
  EXPECT_THAT(events, ::testing::ElementsAre("ADDED watched", "MODIFIED watched", "DELETED watched"));
  EXPECT_TRUE(watch.stop());
  EXPECT_EQ(watch.failure()->code(), ErrorCode::cancelled);
}

TEST_P(ApiServerTest, AWatchEndsAtItsTimeout) {
  const auto listed = run(context_, test::list(*client_, secrets()));
  const auto begin = std::chrono::steady_clock::now();
  run(context_, client_->watch(secrets(), {.resource_version = listed.page.resource_version, .timeout_seconds = 1},
                               [](const json&) {}));
  const auto time = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(time, std::chrono::milliseconds(900));
  EXPECT_LT(time, std::chrono::seconds(10));
}

TEST_P(ApiServerTest, SixtyFourPatchesAtOnceAllArrive) {
  std::vector<std::unique_ptr<test::Background>> patches;
  for (int i = 0; i < 64; ++i) {
    const std::string name = "bulk-" + std::to_string(i);
    const auto apply = [](KubeClient& client, ObjectPath path, std::string text) -> asio::awaitable<void> {
      ApplyOptions options;
      const json answer = json::parse(co_await client.apply(std::move(path), std::move(text), options));
      EXPECT_TRUE(answer.contains("metadata"));
    };
    patches.push_back(
        std::make_unique<test::Background>(context_, apply(*client_, secret(name), secret_body(name, "YQ=="))));
  }
  ASSERT_TRUE(test::run_until(context_, [&] {
    return std::all_of(patches.begin(), patches.end(), [](const auto& patch) { return patch->done(); });
  }));
  for (const auto& patch : patches) {
    EXPECT_FALSE(patch->failure()) << describe(*patch->failure());
  }
  EXPECT_EQ(run(context_, test::list(*client_, secrets())).items.size(), 64U);
}

// As those of Rancher are: https://host/k8s/clusters/c-1.
TEST(Server, MayBeBelowAPath) {
  if (!test::KubeServer::available()) {
    SKIP_OR_FAIL("no kube-apiserver");
  }
  const auto asked = [](const std::string& uri) {
    const auto events = server().audit();
    return std::any_of(events.begin(), events.end(), [&](const json& event) { return event.at("requestURI") == uri; });
  };
  asio::io_context context;
  for (const std::string name : {"", "kubernetes"}) {
    auto resolved = Kubeconfig::load(server().kubeconfig()).resolve("a");
    resolved.server += "/k8s/clusters/c-1" + name;
    resolved.tls_server_name = name;
    KubeClient client(context.get_executor(), std::move(resolved));
    EXPECT_EQ(error_of(context, test::list(client, {"secrets", "n", ""}, {.limit = 1})).code(), ErrorCode::unreachable);
    EXPECT_TRUE(
        test::wait_until([&] { return asked("/k8s/clusters/c-1" + name + "/api/v1/namespaces/n/secrets?limit=1"); }));
  }
}

TEST(Apply, AsksTheServerToReadItsBodyOnce) {
  asio::io_context context;
  const test::TempDir temp;
  test::FakeApiServer fake;
  fake.make_namespace("n");
  KubeClient client(context.get_executor(),
                    Kubeconfig::load(temp.write("kubeconfig", fake.kubeconfig({"a"}))).resolve("a"));
  run(context, client.apply({"secrets", "n", "x"}, secret_body("x", "YQ=="), {}));
  EXPECT_EQ(fake.requests().back().query.at("fieldValidation"), "Ignore");
}

TEST(PlainHttp, AWatchThatHasNoAnswerYetHoldsNoOtherRequestUp) {
  asio::io_context context;
  const test::TempDir temp;
  test::FakeApiServer fake;
  fake.inject({.kind = test::Fault::Kind::half_open, .verb = "watch"});
  KubeClient client(context.get_executor(),
                    Kubeconfig::load(temp.write("kubeconfig", fake.kubeconfig({"a"}))).resolve("a"));
  const test::Background watch(context, client.watch({"namespaces", "", ""}, {}, [](const json&) {}));
  run(context, test::list(client, {"namespaces", "", ""}));
}

}  // namespace
}  // namespace regsync::kube
