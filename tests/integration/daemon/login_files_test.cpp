// Logins from files alone, as in a container or on a CI runner: no session bus, no keyring.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "sync/base/base64.hpp"
#include "tests/support/fake_api_server.hpp"
#include "tests/support/person.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

std::string config_of(const std::string& server, const std::string& secret) {
  return json{{"auths", {{server, {{"auth", base64_encode("me:" + secret)}}}}}}.dump();
}

class LoginFilesTest : public testing::Test {
 protected:
  LoginFilesTest() {
    server_.make_namespace("team-a");
    const json config = {{"apiVersion", "v1"},
                         {"kind", "Config"},
                         {"current-context", "dev"},
                         {"clusters", {{{"name", "dev"}, {"cluster", {{"server", server_.url()}}}}}},
                         {"contexts", {{{"name", "dev"}, {"context", {{"cluster", "dev"}, {"user", "me"}}}}}},
                         {"users", {{{"name", "me"}, {"user", json::object()}}}}};
    person_.env["KUBECONFIG"] = person_.home().write("kubeconfig", config.dump()).string();
    person_.env.erase("DBUS_SESSION_BUS_ADDRESS");
    fs::remove(person_.home() / ".docker/config.json");
    write_target("pull", "ghcr.io");
  }

  void write_target(const std::string& name, const std::string& registry, const std::string& more = "") const {
    person_.home().write(".config/regsync/targets/" + name + ".yaml",
                         "registries: [" + registry + "]\ncontexts: [dev]\nnamespaces: [team-a]\n" + more);
  }

  // What kubelet would find for the registry in the target's Secret: "me:SECRET".
  [[nodiscard]] std::string auth_of(const std::string& secret, const std::string& registry) const {
    const auto object = server_.find({"secrets", "team-a", secret});
    if (!object) {
      return "no Secret";
    }
    const auto text = base64_decode(object->value("/data/.dockerconfigjson"_json_pointer, std::string()));
    const json document = json::parse(text.value_or(""), nullptr, false);
    const auto pointer = json::json_pointer() / "auths" / registry / "auth";
    return document.is_object() ? base64_decode(document.value(pointer, std::string())).value_or("") : "";
  }

  [[nodiscard]] std::string status() const { return person_.regsync({"status", "-o", "json"}).out; }

  FakeApiServer server_;
  Person person_;
};

// Replaces the content of a Secret's mount as kubelet does (pkg/volume/util/atomic_writer.go).
void swap(const fs::path& mount, const std::string& stamp, const std::string& file, const std::string& content,
          const TempDir& home) {
  const auto folder = fs::relative(mount, home.path()).string();
  home.write(folder + "/.." + stamp + "/" + file, content);
  fs::path old;
  if (fs::is_symlink(mount / "..data")) {
    old = fs::read_symlink(mount / "..data");
  }
  fs::create_directory_symlink(".." + stamp, mount / "..data_tmp");
  fs::rename(mount / "..data_tmp", mount / "..data");
  if (!fs::is_symlink(mount / file)) {
    fs::create_symlink("..data/" + file, mount / file);
  }
  if (!old.empty()) {
    fs::remove_all(mount / old);
  }
}

TEST_F(LoginFilesTest, AMountedSecretIsFollowedThroughItsSwaps) {
  const auto mount = person_.home() / "logins/ghcr";
  swap(mount, "2024_1", ".dockerconfigjson", config_of("ghcr.io", "one"), person_.home());
  person_.start_daemon({"--logins", (person_.home() / "logins").string()});
  ASSERT_TRUE(wait_until([&] { return auth_of("pull", "ghcr.io") == "me:one"; })) << status();
  for (const std::string secret : {"two", "three", "four"}) {
    swap(mount, "2024_" + secret, ".dockerconfigjson", config_of("ghcr.io", secret), person_.home());
    EXPECT_TRUE(wait_until([&] { return auth_of("pull", "ghcr.io") == "me:" + secret; })) << status();
  }
  EXPECT_EQ(person_.regsync({"status"}).exit_code, 0) << status();
}

TEST_F(LoginFilesTest, ATornOrVanishedFileIsAProblemAndNoLogout) {
  write_target("pull", "ghcr.io", "onLogout: remove\n");
  const auto file = person_.home().write("auth.json", config_of("ghcr.io", "one"));
  person_.start_daemon({"--logins", file.string()});
  ASSERT_TRUE(wait_until([&] { return auth_of("pull", "ghcr.io") == "me:one"; })) << status();
  person_.home().write("auth.json", R"({"auths":{"ghcr.io":)");
  EXPECT_TRUE(wait_until([&] { return status().find("is not valid JSON") != std::string::npos; })) << status();
  fs::remove(file);
  EXPECT_TRUE(wait_until([&] { return status().find("there is no login file") != std::string::npos; })) << status();
  // Long enough for two readings of a logout and the grace of a target's file.
  EXPECT_FALSE(wait_until([&] { return auth_of("pull", "ghcr.io") != "me:one"; }, std::chrono::seconds(6)));
  person_.stop_daemon(SIGTERM);
  person_.start_daemon({"--logins", file.string()});
  EXPECT_FALSE(wait_until([&] { return auth_of("pull", "ghcr.io") != "me:one"; }, std::chrono::seconds(6)));
  // A whole file without the login is a logout.
  person_.home().write("auth.json", R"({"auths":{}})");
  EXPECT_TRUE(wait_until([&] { return auth_of("pull", "ghcr.io") == "no Secret"; })) << status();
}

TEST_F(LoginFilesTest, CredentialHelpersThatAFileNamesAreAsked) {
  write_target("aws", "1.dkr.ecr.eu-west-1.amazonaws.com");
  person_.home().write("bin/docker-credential-ecr-login",
                       "#!/bin/sh\necho '{\"Username\":\"AWS\",\"Secret\":\"minted\"}'\n");
  fs::permissions(person_.home() / "bin/docker-credential-ecr-login", fs::perms::owner_all);
  person_.env["PATH"] = (person_.home() / "bin").string() + ":" + person_.env["PATH"];
  const auto file = person_.home().write("config.json", R"({"auths":{}})");
  person_.start_daemon({"--logins", file.string()});
  person_.home().write("config.json", R"({"credHelpers":{"1.dkr.ecr.eu-west-1.amazonaws.com":"ecr-login"}})");
  EXPECT_TRUE(wait_until([&] { return auth_of("aws", "1.dkr.ecr.eu-west-1.amazonaws.com") == "AWS:minted"; }))
      << status();
}

TEST_F(LoginFilesTest, SettingsNameFilesBesideTheKeyringWhichMayBeMissing) {
  person_.home().write("auth.json", config_of("ghcr.io", "one"));
  person_.start_daemon();
  EXPECT_TRUE(wait_until([&] { return status().find("no D-Bus session bus") != std::string::npos; })) << status();
  person_.home().write(".config/regsync/config.yaml", "verifyLogins: false\nloginFiles: [~/auth.json]\n");
  EXPECT_TRUE(wait_until([&] { return auth_of("pull", "ghcr.io") == "me:one"; })) << status();
  EXPECT_EQ(person_.regsync({"sync"}).exit_code, 0) << status();
  EXPECT_THAT(person_.regsync({"logins"}).out, HasSubstr("auth.json"));
}

TEST_F(LoginFilesTest, OneSyncOnARunnerWithoutADaemon) {
  const auto file = person_.home().write("config.json", config_of("ghcr.io", "one"));
  const auto synced = person_.regsync({"sync", "--once", "--logins", file.string()});
  EXPECT_EQ(synced.exit_code, 0) << synced.out << synced.err;
  EXPECT_EQ(auth_of("pull", "ghcr.io"), "me:one");
  EXPECT_EQ(person_.regsync({"sync", "--logins", file.string()}).exit_code, 2);
  fs::remove(file);
  const auto failed = person_.regsync({"sync", "--once", "--logins", file.string()});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_THAT(failed.out + failed.err, HasSubstr("there is no login file"));
  EXPECT_EQ(auth_of("pull", "ghcr.io"), "me:one");
}

}  // namespace
}  // namespace regsync::test
