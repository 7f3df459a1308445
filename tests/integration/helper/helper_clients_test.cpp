// The programs that call docker-credential-regsync, on a real registry and a real gnome-keyring; and the bytes that
// those send which are not installed here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/keyring.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/unpacked.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

constexpr const char* helper = HELPER;

class Client : public testing::Test {
 protected:
  void SetUp() override {
    env_ = own_environment();
    env_["PATH"] = fs::path(helper).parent_path().string() + ":" + env_.at("PATH");
    home_ = env_.at("HOME");
    set_password("s3cret");
  }

  // Starts the registry, or changes the login it accepts.
  void set_password(const std::string& password) {
    const Outcome outcome = run_here({SERVERS "/registry-up", (home_ / "registry").string(), "alice", password});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    registry_ = outcome.out.substr(0, outcome.out.find('\n'));
  }

  void write(const std::string& name, const std::string& content) const {
    fs::create_directories((home_ / name).parent_path());
    std::ofstream(home_ / name) << content;
  }

  Outcome run_here(std::vector<std::string> argv, std::string input = {}) {
    return run_program({.argv = std::move(argv), .env = env_, .in = std::move(input)});
  }

  json logins() { return json::parse(run_here({helper, "list"}).out); }

  std::string kept_secret() {
    const Outcome outcome = run_here({helper, "get"}, registry_);
    return outcome.exit_code == 0 ? json::parse(outcome.out)["Secret"].get<std::string>() : outcome.out;
  }

  Environment env_;
  fs::path home_;
  std::string registry_;
};

// NOLINTNEXTLINE(misc-multiple-inheritance): as GoogleTest wants it
class DockerClient : public Client, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    Client::SetUp();
    docker_ = std::string(GetParam()) == "debian" ? (unpacked("docker.io") / "usr/bin/docker").string() : "docker";
    if (run_here({docker_, "--version"}).exit_code != 0) {
      SKIP_OR_FAIL("no docker client: " + docker_);
    }
    write(".docker/config.json", R"({"credsStore":"regsync"})");
  }

  std::string docker_;
};

TEST_P(DockerClient, LogsInAgainWithAnotherPasswordAndOut) {
  const std::vector<std::string> login{docker_, "login", "-u", "alice", "--password-stdin", registry_};
  Outcome outcome = run_here(login, "s3cret");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_EQ(logins(), (json{{registry_, "alice"}}));
  EXPECT_EQ(kept_secret(), "s3cret");

  set_password("rotated");
  ASSERT_EQ(run_here(login, "rotated").exit_code, 0);
  EXPECT_EQ(kept_secret(), "rotated");

  // Without a password the client asks the helper first; then it wants an engine, which is not here.
  outcome = run_here({docker_, "login", registry_});
  EXPECT_THAT(outcome.out + outcome.err, HasSubstr("Authenticating with existing credentials"));

  ASSERT_EQ(run_here({docker_, "logout", registry_}).exit_code, 0);
  EXPECT_EQ(logins(), json::object());
  EXPECT_THAT(read_file(home_ / ".docker/config.json"), testing::Not(HasSubstr("\"auth\"")));
}

TEST_P(DockerClient, SaysThatTheKeyringIsLocked) {
  keyring({"lock"});
  const Outcome outcome = run_here({docker_, "login", "-u", "alice", "--password-stdin", registry_}, "s3cret");
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("locked"));
}

INSTANTIATE_TEST_SUITE_P(Docker, DockerClient, testing::Values("path", "debian"),
                         [](const auto& client) { return std::string(client.param); });

// podman, skopeo and buildah share containers/image.
// NOLINTNEXTLINE(misc-multiple-inheritance): as GoogleTest wants it
class ContainersClient : public Client, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    Client::SetUp();
    const std::string name = GetParam();
    const fs::path binary = name == "skopeo" ? fs::path("skopeo") : unpacked(name) / "usr/bin" / name;
    env_["LD_LIBRARY_PATH"] = (unpacked("libsubid4") / "usr/lib/x86_64-linux-gnu").string();
    env_["CONTAINERS_CONF"] = (home_ / "containers.conf").string();
    // podman looks for the programs that would run containers even when it only logs in.
    write("containers.conf", "[engine]\nconmon_path=[\"" + (unpacked("conmon") / "usr/bin/conmon").string() +
                                 "\"]\nruntime=\"none\"\n[engine.runtimes]\nnone=[\"/bin/true\"]\n");
    client_ = {binary.string()};
    if (name == "podman") {
      client_.insert(client_.end(), {"--root", (home_ / "storage").string(), "--runroot", (home_ / "runroot").string(),
                                     "--storage-driver", "vfs"});
    }
    if (run_here({binary.string(), "--version"}).exit_code != 0) {
      SKIP_OR_FAIL("no " + name + " (tests/tools/install unpack)");
    }
  }

  Outcome client(const std::vector<std::string>& arguments, std::string input = {}) {
    std::vector<std::string> argv = client_;
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run_here(argv, std::move(input));
  }

  void logs_in_and_out() {
    const Outcome login =
        client({"login", "--tls-verify=false", "-u", "alice", "--password-stdin", registry_}, "s3cret");
    ASSERT_EQ(login.exit_code, 0) << login.out << login.err;
    EXPECT_EQ(logins(), (json{{registry_, "alice"}}));
    EXPECT_THAT(client({"login", "--get-login", registry_}).out, HasSubstr("alice"));
    const Outcome logout = client({"logout", registry_});
    EXPECT_EQ(logout.exit_code, 0) << logout.out << logout.err;
    EXPECT_EQ(logins(), json::object());
  }

  std::vector<std::string> client_;
};

TEST_P(ContainersClient, LogsInAndOutThroughRegistriesConf) {
  write(".config/containers/registries.conf", "credential-helpers = [\"regsync\"]\n");
  logs_in_and_out();
}

TEST_P(ContainersClient, LogsInAndOutThroughCredHelpers) {
  // containers/image keeps its own auth.json, in Docker's format.
  write("auth.json", json{{"auths", json::object()}, {"credHelpers", {{registry_, "regsync"}}}}.dump());
  env_["REGISTRY_AUTH_FILE"] = (home_ / "auth.json").string();
  logs_in_and_out();
}

TEST_P(ContainersClient, FindsWhatDockerStored) {
  write(".config/containers/registries.conf", "credential-helpers = [\"regsync\"]\n");
  const json login{{"ServerURL", registry_}, {"Username", "alice"}, {"Secret", "s3cret"}};
  ASSERT_EQ(run_here({helper, "store"}, login.dump()).exit_code, 0);
  EXPECT_THAT(client({"login", "--get-login", registry_}).out, HasSubstr("alice"));
}

INSTANTIATE_TEST_SUITE_P(Containers, ContainersClient, testing::Values("skopeo", "buildah", "podman"),
                         [](const auto& client) { return std::string(client.param); });

TEST_F(Client, SkopeoInspectsAnImageWithTheStoredLogin) {
  write(".config/containers/registries.conf", "credential-helpers = [\"regsync\"]\n");
  write(".config/containers/policy.json", R"({"default":[{"type":"insecureAcceptAnything"}]})");
  write("layout/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  const std::string config = R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}})";
  const auto digest = [&](const std::string& blob) {
    const std::string sum = run_here({"sha256sum"}, blob).out.substr(0, 64);
    write("layout/blobs/sha256/" + sum, blob);
    return "sha256:" + sum;
  };
  const json manifest{{"schemaVersion", 2},
                      {"mediaType", "application/vnd.oci.image.manifest.v1+json"},
                      {"config",
                       {{"mediaType", "application/vnd.oci.image.config.v1+json"},
                        {"digest", digest(config)},
                        {"size", config.size()}}},
                      {"layers", json::array()}};
  const json index{{"schemaVersion", 2},
                   {"manifests",
                    {{{"mediaType", "application/vnd.oci.image.manifest.v1+json"},
                      {"digest", digest(manifest.dump())},
                      {"size", manifest.dump().size()},
                      {"annotations", {{"org.opencontainers.image.ref.name", "latest"}}}}}}};
  write("layout/index.json", index.dump());
  const std::string image = "docker://" + registry_ + "/team/app:latest";
  EXPECT_NE(run_here({"skopeo", "inspect", "--tls-verify=false", image}).exit_code, 0);
  ASSERT_EQ(run_here({"skopeo", "login", "--tls-verify=false", "-u", "alice", "--password-stdin", registry_}, "s3cret")
                .exit_code,
            0);
  const Outcome copy =
      run_here({"skopeo", "copy", "--dest-tls-verify=false", "oci:" + (home_ / "layout").string() + ":latest", image});
  ASSERT_EQ(copy.exit_code, 0) << copy.err;
  const Outcome inspect = run_here({"skopeo", "inspect", "--tls-verify=false", image});
  EXPECT_EQ(inspect.exit_code, 0) << inspect.err;
  EXPECT_THAT(inspect.out, HasSubstr("team/app"));
}

// The bytes of clients that are not installed here, from their sources.

TEST(ClientBytes, GoContainerRegistryAsksForThePathAndThenForTheHost) {  // crane, ko: pkg/authn/keychain.go
  ASSERT_EQ(run({helper, "store"}, R"({"ServerURL":"ghcr.io","Username":"alice","Secret":"one"})"
                                   "\n")
                .exit_code,
            0);
  const Outcome path = run({helper, "get"}, "ghcr.io/team/app");
  EXPECT_EQ(path.exit_code, 1);
  EXPECT_EQ(path.out, "credentials not found in native keychain\n");
  EXPECT_EQ(path.err, "");
  EXPECT_EQ(json::parse(run({helper, "get"}, "ghcr.io").out)["Username"], "alice");
}

TEST(ClientBytes, OrasAndHelmStoreHubUnderItsV1Url) {  // oras-go: registry/remote/credentials
  const std::string hub = "https://index.docker.io/v1/";
  ASSERT_EQ(
      run({helper, "store"}, R"({"ServerURL":"https://index.docker.io/v1/","Username":"a","Secret":"\u003cp\u003e"})"
                             "\n")
          .exit_code,
      0);
  const Outcome answer = run({helper, "get"}, hub);
  // One document and nothing after it but white space, with the keys as they were given.
  EXPECT_EQ(answer.out, R"({"ServerURL":"https://index.docker.io/v1/","Username":"a","Secret":"<p>"})"
                        "\n");
  EXPECT_EQ(run({helper, "erase"}, hub).out, "");
}

TEST(ClientBytes, DockerPyEscapesWhatIsNotAscii) {  // docker-py: docker/credentials/store.py
  ASSERT_EQ(run({helper, "store"}, R"({"ServerURL": "ghcr.io", "Username": "jos\u00e9", "Secret": "\ud83d\udd11"})")
                .exit_code,
            0);
  const json answer = json::parse(run({helper, "get"}, "ghcr.io").out);
  EXPECT_EQ(answer["Username"], "josé");
  EXPECT_EQ(answer["Secret"], "🔑");
}

TEST(ClientBytes, DeviceCodeLoginKeepsThreeEntriesOfHub) {  // docker/cli: cli/command/registry/login.go
  for (const char* entry : {"", "access-token", "refresh-token"}) {
    const json login{{"ServerURL", std::string("https://index.docker.io/v1/") + entry},
                     {"Username", "alice"},
                     {"Secret", std::string("s-") + entry}};
    ASSERT_EQ(run({helper, "store"}, login.dump()).exit_code, 0);
  }
  EXPECT_EQ(json::parse(run({helper, "list"}).out).size(), 3U);
  EXPECT_EQ(json::parse(run({helper, "get"}, "https://index.docker.io/v1/").out)["Secret"], "s-");
  EXPECT_EQ(json::parse(run({helper, "get"}, "https://index.docker.io/v1/refresh-token").out)["Secret"],
            "s-refresh-token");
  ASSERT_EQ(run({helper, "erase"}, "https://index.docker.io/v1/").exit_code, 0);
  EXPECT_EQ(json::parse(run({helper, "list"}).out).size(), 2U);
}

}  // namespace
}  // namespace regsync::test
