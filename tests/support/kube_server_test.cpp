#include "tests/support/kube_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

using testing::HasSubstr;

TEST(KubeServer, ServesAndRefusesAndComesBackWithItsData) {
  if (!KubeServer::available()) {
    SKIP_OR_FAIL("no kube-apiserver");
  }
  std::filesystem::path dir;
  {
    const KubeServer server({.audit = true, .contexts = "one,two"});
    dir = server.dir();
    EXPECT_EQ(server.kubectl({"create", "secret", "generic", "kept", "--context=two"}).exit_code, 0);
    EXPECT_EQ(server.get({"secret", "kept"}).at("metadata").at("name"), "kept");

    const TempDir other;
    const auto file = other.write("config", server.kubeconfig_of("alice", "mine"));
    const auto refused = server.kubectl({"--kubeconfig", file.string(), "get", "secrets"});
    EXPECT_THAT(refused.err, HasSubstr(R"(User "alice" cannot list resource "secrets")"));

    const auto requests = server.audit();
    EXPECT_TRUE(std::ranges::any_of(requests, [](const nlohmann::json& event) {
      return event.at("verb") == "create" && event.at("objectRef").at("resource") == "secrets";
    }));

    server.kill();
    EXPECT_TRUE(wait_until([&] { return server.kubectl({"get", "secrets"}).exit_code != 0; }));
    server.start_again();
    EXPECT_EQ(server.get({"secret", "kept"}).at("metadata").at("name"), "kept");
  }
  EXPECT_FALSE(std::filesystem::exists(dir));
}

TEST(KubeServer, EndsWithItsOwnerHoweverThatEnds) {
  if (!KubeServer::available()) {
    SKIP_OR_FAIL("no kube-apiserver");
  }
  const TempDir temp;
  const auto dir = temp / "kube";
  Process owner({.argv = {"sh", "-c", REGSYNC_SOURCE_DIR "/tests/servers/kube-up " + dir.string() + "; sleep 60"},
                 .env = own_environment(),
                 .in = {}});
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(dir / "admin.kubeconfig"); }, std::chrono::minutes(1)));
  const pid_t etcd = std::stoi(read_file(dir / "etcd.pid"));
  owner.signal(SIGKILL);
  EXPECT_TRUE(wait_until([&] { return !std::filesystem::exists(dir); }));
  EXPECT_TRUE(wait_until([&] { return !process_runs(etcd); }));
}

}  // namespace
}  // namespace regsync::test
