// What is counted of an engine at work, as Prometheus reads it from a text file.
#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include "daemon/metrics_file.hpp"
#include "sync/config/target_yaml.hpp"
#include "sync/engine/engine.hpp"
#include "sync/engine/footprint.hpp"
#include "tests/support/fake_api_server.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

TEST(EngineMetrics, AreWrittenToAFile) {
  const test::TempDir dir;
  test::FakeApiServer server;
  server.make_namespace("good");
  server.make_namespace("bad");
  server.deny("patch", "secrets", "bad");
  asio::io_context io(1);
  Metrics metrics;
  FootprintStore footprints(dir / "footprints");
  Engine engine(
      io.get_executor(),
      {.cluster = {.owner = {"id", "id me@here"}, .concurrency = 8, .metrics = &metrics}, .state = dir.path()},
      footprints, {.on_wanted = [](const auto&) {}, .on_change = [] {}, .read_again = [] {}});
  const auto path = dir / "metrics/regsync.prom";
  MetricsFile file(io.get_executor(), [&] { return metrics.text(); }, [] {});

  engine.set_kubeconfig(kube::Kubeconfig::load(dir.write("kubeconfig", server.kubeconfig({"dev"}))));
  engine.set_targets(
      {{"t", {parse_target("t", "registries: ghcr.io\ncontexts: dev\nnamespaces: [good, bad]\n", "t"), {}}}});
  StoreReading logins;
  logins.asked = {RegistryKey("ghcr.io")};
  logins.provider = StoreProvider{.program = "keyring", .pid = 1, .bus_name = ":1.1"};
  logins.collections = {{.path = "/login", .label = "Login", .locked = false, .is_default = true}};
  logins.credentials.push_back({{"ghcr.io", "u"}, SecretString("canary-7f3a")});
  engine.set_logins(std::move(logins));
  test::run(io, engine.sync({}, false));
  // The event of the Secret that was written is looked at after the sync.
  const auto idle = [&] { return metrics.text().find("regsync_queue_depth{context=\"dev\"} 0") != std::string::npos; };
  EXPECT_TRUE(test::run_until(io, idle));
  file.configure(path);

  const auto text = test::read_file(path);
  EXPECT_NE(text.find("regsync_syncs_total{context=\"dev\"} 1"), std::string::npos) << text;
  EXPECT_NE(text.find("regsync_sync_failures_total{cause=\"forbidden\",context=\"dev\"}"), std::string::npos) << text;
  EXPECT_NE(text.find("regsync_sync_duration_seconds_count{context=\"dev\"} 1"), std::string::npos) << text;
  EXPECT_NE(text.find("regsync_queue_depth{context=\"dev\"} 0"), std::string::npos) << text;
  EXPECT_NE(text.find("regsync_login_changed_timestamp_seconds{registry=\"ghcr.io\"}"), std::string::npos) << text;
  EXPECT_EQ(text.find("canary-7f3a"), std::string::npos);
  test::run(io, engine.stop());
}

}  // namespace
}  // namespace regsync
