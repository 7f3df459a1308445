#include "sync/config/settings.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "helper/base/error.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

Settings load(const std::string& yaml) {
  const test::TempDir root;
  std::ofstream(root.path() / "config.yaml") << yaml;
  return load_settings(root.path() / "config.yaml");
}

// What the error for this file says: message; remedy.
std::string fault(const std::string& yaml) {
  try {
    load(yaml);
    return "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_input);
    return describe(error);
  }
}

TEST(Settings, WithoutAFileEveryKeyHasItsDefault) {
  EXPECT_EQ(load_settings("/nonexistent/config.yaml"), Settings{});
  EXPECT_EQ(load(""), Settings{});
  EXPECT_EQ(load("# nothing yet\n"), Settings{});
}

TEST(Settings, ThatCannotBeReadAreTheLastGoodOnesOrTheDefaults) {
  const test::TempDir root;
  const auto now = [&](const std::string& yaml) {
    root.write("config.yaml", yaml);
    return load_settings_or_last_good(root / "config.yaml", root / "last-good.yaml");
  };
  const auto unknown = now("owner: [");
  EXPECT_TRUE(unknown.problem);
  EXPECT_TRUE(unknown.by_default);
  EXPECT_EQ(unknown.settings, Settings{});

  EXPECT_FALSE(now("owner: team").by_default);
  const auto known = now("owner: [");
  EXPECT_TRUE(known.problem);
  EXPECT_FALSE(known.by_default);
  EXPECT_EQ(known.settings.owner, "team");

  root.write("last-good.yaml", "owner: [");
  EXPECT_TRUE(now("owner: [").by_default);
}

// As where the home of the dotfiles is not mounted yet.
TEST(Settings, ALinkToNothingDoesNotMeanThatThereAreNone) {
  const test::TempDir root;
  const auto file = root / "config.yaml";
  const auto last_good = root / "last-good.yaml";
  root.write("dotfiles/config.yaml", "owner: team\n");
  std::filesystem::create_symlink("dotfiles/config.yaml", file);
  EXPECT_FALSE(load_settings_or_last_good(file, last_good).problem);
  std::filesystem::remove_all(root / "dotfiles");
  const auto in_force = load_settings_or_last_good(file, last_good);
  ASSERT_TRUE(in_force.problem);
  EXPECT_FALSE(in_force.by_default);
  EXPECT_EQ(in_force.settings.owner, "team");
  EXPECT_EQ(test::read_file(last_good), "owner: team\n");
  EXPECT_THROW(load_settings(file), Error);
}

TEST(Settings, ReadsEveryKey) {
  const Settings settings = load(
      "kubeconfig: /etc/kube/config\nlogLevel: debug\nconcurrency: 8\n"
      "loginFiles: [/run/user/1000/containers/auth.json, /etc/logins]\n"
      "metrics:\n  listen: 127.0.0.1:9464\n  textfile: /var/lib/node_exporter/regsync.prom\n");
  EXPECT_EQ(settings.kubeconfig, "/etc/kube/config");
  EXPECT_EQ(settings.log_level, log::Level::debug);
  EXPECT_EQ(settings.concurrency, 8);
  EXPECT_EQ(settings.login_files,
            (std::vector<std::filesystem::path>{"/run/user/1000/containers/auth.json", "/etc/logins"}));
  EXPECT_EQ(settings.metrics_listen, "127.0.0.1:9464");
  EXPECT_EQ(settings.metrics_file, "/var/lib/node_exporter/regsync.prom");
}

TEST(Settings, ATypoIsAnErrorWithItsPlaceAndWhatWasMeant) {
  const std::string text = fault("concurrency: 8\nloglevel: debug\n");
  EXPECT_NE(text.find("config.yaml:2:1: unknown key \"loglevel\""), std::string::npos) << text;
  EXPECT_NE(text.find("did you mean \"logLevel\"?"), std::string::npos) << text;
}

TEST(Settings, ValuesThatCannotBeMeantAreErrorsWithTheirPlace) {
  EXPECT_NE(fault("logLevel: loud").find(":1:11: unknown log level: \"loud\"; use debug"), std::string::npos);
  EXPECT_NE(fault("concurrency: many").find("from 1 to 1000"), std::string::npos);
  EXPECT_NE(fault("concurrency: 0").find("from 1 to 1000"), std::string::npos);
  EXPECT_NE(fault("concurrency: 8 requests").find("from 1 to 1000"), std::string::npos);
  EXPECT_NE(fault("kubeconfig: config").find("absolute path"), std::string::npos);
  EXPECT_NE(fault("loginFiles: auth.json").find("absolute path"), std::string::npos);
  EXPECT_NE(fault("kubeconfig: [a, b]").find("one value"), std::string::npos);
  EXPECT_NE(fault("metrics: 9464").find("mapping"), std::string::npos);
  EXPECT_NE(fault("- a\n").find("mapping"), std::string::npos);
  EXPECT_NE(fault("a: [").find("config.yaml:"), std::string::npos);
}

TEST(Settings, MetricsAreOnlyServedOnLoopback) {
  for (const char* ok : {"127.0.0.1:9464", "127.8.8.8:1", "'[::1]:9464'", "localhost:0"}) {
    EXPECT_NO_THROW(load(std::string("metrics: {listen: ") + ok + "}")) << ok;
  }
  for (const char* bad : {"0.0.0.0:9464", "'[::]:9464'", "192.168.1.2:9464", "'127.0.0.1'", "':9464'", "9464",
                          "'127.0.0.1:1,0.0.0.0:2'", "127.0.0.1:80s", "127.0.0.1:70000", "'127.0.0.1:'"}) {
    EXPECT_NE(fault(std::string("metrics: {listen: ") + bad + "}").find("loopback"), std::string::npos) << bad;
  }
}

}  // namespace
}  // namespace regsync
