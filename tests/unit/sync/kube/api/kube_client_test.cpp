// How the client speaks the API, over a scripted transport.
#include "sync/kube/api/kube_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_transport.hpp"
#include "tests/support/listed.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const ObjectPath secrets{"secrets", "n", ""};
const ObjectPath secret{"secrets", "n", "x"};

ResolvedContext context_of_test() {
  ResolvedContext context;
  context.server = "https://k.example";
  return context;
}

class KubeClientOver : public ::testing::Test {
 protected:
  asio::io_context loop;
  test::FakeTransport server{loop.get_executor()};
  KubeClient client{context_of_test(), server.connect()};
};

HttpResponse redirect(long status, const std::string& location) {
  HttpResponse response = test::FakeTransport::respond(status, "");
  response.location = location;
  return response;
}

// A gateway that moves everything below another path, as kubectl follows it.
TEST_F(KubeClientOver, ARedirectToTheSameServerIsFollowed) {
  for (const char* location : {"/moved/x?a=b", "https://k.example/moved/x?a=b", "https://K.example:443/moved/x?a=b"}) {
    server.on("", "/api", [&](const HttpRequest&) { return redirect(307, location); });
    server.answer("", "/moved/x?a=b", 200, {{"kind", "Secret"}});
    EXPECT_EQ(test::run(loop, client.get(secret)).at("kind"), "Secret") << location;
    EXPECT_EQ(test::run(loop, client.json_patch(secret, "[]")).at("kind"), "Secret") << location;
  }
}

TEST_F(KubeClientOver, NoOtherRedirectIs) {
  for (const char* location : {"https://login.example/", "http://k.example/x", "https://k.example:8443/x",
                               "https://k.example@evil.example/x", "//evil.example/x", "", "x"}) {
    server.on("", "/api", [&](const HttpRequest&) { return redirect(307, location); });
    EXPECT_EQ(test::error_of(loop, client.get(secret)).code(), ErrorCode::unreachable) << location;
  }
  server.on("", "/api", [&](const HttpRequest&) { return redirect(302, "/moved"); });
  EXPECT_EQ(test::error_of(loop, client.json_patch(secret, "[]")).code(), ErrorCode::unreachable)
      << "Go would make it a GET";
  server.on("", "/api", [&](const HttpRequest&) { return redirect(307, "/api"); });
  EXPECT_EQ(test::error_of(loop, client.get(secret)).code(), ErrorCode::unreachable) << "round and round";
}

// A plugin that counts its runs; what it prints is refused at first, by an alert of TLS.
class KubeClientWithPlugin : public ::testing::Test {
 protected:
  KubeClient client_with(const std::string& script) {
    const auto path = temp_.write("plugin", "#!/bin/sh\necho run >> " + (temp_ / "runs").string() + "\n" + script);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    ResolvedContext context = context_of_test();
    context.exec = ExecConfig{};
    context.exec->command = path;
    context.exec->api_version = "client.authentication.k8s.io/v1";
    context.exec->interactive_mode = "Never";
    return {std::move(context), server.connect()};
  }
  [[nodiscard]] std::size_t runs() const { return test::read_file(temp_ / "runs").size() / 4; }

  static std::string mints(const std::string& more = "") {
    return R"(echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",)"
           R"("status":{"token":"'$$'")" +
           more + "}}'";
  }

  test::TempDir temp_;
  asio::io_context loop;
  test::FakeTransport server{loop.get_executor()};
};

TEST_F(KubeClientWithPlugin, ACertificateThatTlsRefusesIsMintedAnew) {
  KubeClient client = client_with(mints());
  bool refuses = true;
  server.on("", "/api", [&](const HttpRequest&) -> HttpResponse {
    if (std::exchange(refuses, false)) {
      throw CertificateRefused(ErrorCode::tls, "it is revoked");
    }
    return test::FakeTransport::respond(200, R"({"kind":"Secret"})");
  });
  EXPECT_EQ(test::run(loop, client.get(secret)).at("kind"), "Secret");
  EXPECT_EQ(runs(), 2U);
}

TEST_F(KubeClientWithPlugin, ACertificateThatTlsRefusesAgainIsToldAndLeftAlone) {
  KubeClient client = client_with(mints());
  server.on("", "/api",
            [](const HttpRequest&) -> HttpResponse { throw CertificateRefused(ErrorCode::tls, "it is revoked"); });
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(test::error_of(loop, client.get(secret)).message(), "it is revoked");
  }
  EXPECT_EQ(runs(), 2U) << "the pause lasts";
}

// A ValidatingAdmissionPolicy whose reason is "Unauthorized".
TEST_F(KubeClientWithPlugin, APolicyThatDeniesWithA401DoesNotRefuseTheCredential) {
  KubeClient client = client_with(mints());
  json denial = test::FakeTransport::status_body(401, "Unauthorized", "x is forbidden: the label team is needed");
  denial["details"]["causes"] = {{{"message", "the label team is needed"}}};
  server.answer("PATCH", "/api", 401, denial);
  EXPECT_EQ(test::error_of(loop, client.json_patch(secret, "[]")).code(), ErrorCode::rejected);
  EXPECT_EQ(runs(), 1U);
}

// Its watch goes on for minutes. What it prints has expired, so that each run is one that was wanted.
TEST_F(KubeClientWithPlugin, AServerThatOpensAWatchTakesTheCredential) {
  KubeClient client = client_with(mints(R"(,"expirationTimestamp":"2020-01-01T00:00:00Z")"));
  server.answer("GET", "/api/v1/namespaces/n/secrets/x", 401,
                test::FakeTransport::status_body(401, "Unauthorized", "no"));
  EXPECT_EQ(test::error_of(loop, client.get(secret)).code(), ErrorCode::unauthorized);
  server.answer("GET", "/api/v1/namespaces/n/secrets/x", 200, {{"kind", "Secret"}});
  WatchOptions options;
  options.resource_version = "7";
  test::Background watch(loop, client.watch(secrets, options, [](const json&) {}));
  ASSERT_TRUE(test::run_until(loop, [&] { return server.open_streams() == 1; }));
  const std::size_t before = runs();
  test::run(loop, client.get(secret));
  EXPECT_EQ(runs(), before + 1) << "the pause is for those who are refused";
}

class BusyServer : public KubeClientOver {
 protected:
  void is_busy(int times, std::chrono::seconds wish) {
    server.on("", "/api", [times, wish](const HttpRequest&) mutable {
      HttpResponse response = test::FakeTransport::respond(times-- > 0 ? 429 : 200, R"({"kind":"Secret"})");
      response.retry_after = wish;
      return response;
    });
  }
};

TEST_F(BusyServer, IsAskedAgainByACommandWhenItSays) {
  client.repeat_until(std::chrono::steady_clock::now() + std::chrono::hours(1));
  is_busy(2, std::chrono::seconds(0));
  EXPECT_EQ(test::run(loop, client.get(secret)).at("kind"), "Secret");
  is_busy(2, std::chrono::seconds(0));
  EXPECT_EQ(test::run(loop, client.json_patch(secret, "[]")).at("kind"), "Secret");
}

TEST_F(BusyServer, IsNotAskedWithoutEndNorLaterThanTheCommandLasts) {
  client.repeat_until(std::chrono::steady_clock::now() + std::chrono::minutes(1));
  is_busy(1000, std::chrono::seconds(0));
  EXPECT_EQ(test::error_of(loop, client.get(secret)).code(), ErrorCode::overloaded);
  EXPECT_EQ(server.count("GET"), 11U);
  server.forget_requests();
  is_busy(1, std::chrono::minutes(2));
  EXPECT_EQ(test::error_of(loop, client.get(secret)).code(), ErrorCode::overloaded);
  EXPECT_EQ(server.count("GET"), 1U);
}

TEST_F(BusyServer, IsLeftAloneByAQueueThatRepeats) {
  is_busy(1, std::chrono::seconds(0));
  EXPECT_EQ(test::error_of(loop, client.get(secret)).code(), ErrorCode::overloaded);
}

TEST_F(KubeClientOver, AListAsksForItsPageAndSelectors) {
  server.answer("GET", "/api/v1/namespaces/n/secrets", 200, {{"items", json::array()}});
  ListOptions options;
  options.field_selector = "metadata.name=x";
  options.limit = 5;
  options.continue_token = "a b";
  test::run(loop, test::list(client, secrets, options));
  ASSERT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(server.requests()[0].target,
            "/api/v1/namespaces/n/secrets?fieldSelector=metadata.name%3Dx&continue=a%20b&limit=5");
}

TEST_F(KubeClientOver, AWatchDeliversItsEventsInOrderAndEndsWithItsStream) {
  std::vector<std::string> names;
  WatchOptions options;
  options.resource_version = "7";
  test::Background watch(loop, client.watch(secrets, options, [&](const json& event) {
    names.push_back(event.at("object").at("metadata").at("name"));
  }));
  ASSERT_TRUE(test::run_until(loop, [&] { return server.open_streams() == 1; }));
  server.send_event("/api/v1/namespaces/n/secrets?watch=true", "ADDED", {{"metadata", {{"name", "a"}}}});
  server.send_event("/api/v1/namespaces/n/secrets?watch=true", "MODIFIED", {{"metadata", {{"name", "b"}}}});
  server.end_streams();
  ASSERT_TRUE(test::run_until(loop, [&] { return watch.done(); }));
  EXPECT_THAT(names, ElementsAre("a", "b"));
  EXPECT_FALSE(watch.failure());
}

// Whoever may write to a ServiceAccount can store one like this.
TEST_F(KubeClientOver, AnObjectWithoutMeasureIsToldInOutlineAndKeepsItsNeighboursFromNothing) {
  json large = {{"metadata", {{"name", "large"}, {"namespace", "n"}, {"resourceVersion", "7"}}}};
  large["imagePullSecrets"] = json(std::vector<json>(300'000, json::object()));
  const json small = {{"metadata", {{"name", "small"}}}};
  server.answer("GET", "/api/v1/namespaces/n/secrets", 200, {{"items", {small, large, small}}});
  const auto listed = test::run(loop, test::list(client, secrets));
  ASSERT_EQ(listed.items.size(), 3U);
  EXPECT_EQ(listed.items[1]["metadata"]["name"], "large");
  EXPECT_EQ(listed.items[2], small);

  std::vector<std::string> told;
  WatchOptions options;
  options.resource_version = "7";
  server.on("GET", "/api/v1/namespaces/n/secrets?watch",
            [](const HttpRequest&) { return test::FakeTransport::opened({}); });
  test::Background watch(loop, client.watch(secrets, options, [&](const json& event) {
    told.push_back(event["type"].get<std::string>() + " " + event["object"]["metadata"]["name"].get<std::string>());
  }));
  ASSERT_TRUE(test::run_until(loop, [&] { return server.open_streams() == 1; }));
  server.send_event("", "MODIFIED", large);
  server.send_event("", "ADDED", small);
  EXPECT_TRUE(test::run_until(loop, [&] { return told.size() == 2; }));
  EXPECT_THAT(told, ElementsAre("MODIFIED large", "ADDED small"));
}

TEST_F(KubeClientOver, AStatusBecomesItsError) {
  server.answer("GET", "", 404, test::FakeTransport::status_body(404, "NotFound", "secrets \"x\" not found"));
  const Error error = test::error_of(loop, client.get(secret));
  EXPECT_EQ(error.code(), ErrorCode::not_found);
  EXPECT_THAT(error.message(), HasSubstr("secrets \"x\" not found"));
}

TEST_F(KubeClientOver, ARequestThatIsHeldCanBeCancelled) {
  server.hold();
  test::Background get(loop, [](KubeClient& on) -> asio::awaitable<void> { co_await on.get(secret); }(client));
  ASSERT_TRUE(test::run_until(loop, [&] { return server.count("GET") == 1; }));
  EXPECT_TRUE(get.stop());
  ASSERT_TRUE(get.failure());
  EXPECT_EQ(get.failure()->code(), ErrorCode::cancelled);
}

}  // namespace
}  // namespace regsync::kube
