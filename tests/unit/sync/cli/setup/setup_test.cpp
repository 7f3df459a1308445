#include "sync/cli/setup/setup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"
#include "sync/cli/setup/containers_config.hpp"
#include "sync/cli/setup/foreign_helper.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Hands out one store again and again, as the keyring is one.
class Shared final : public CredentialStore {
 public:
  explicit Shared(CredentialStore& store) : store_(store) {}
  void store(const Credential& credential) override { store_.store(credential); }
  std::optional<Credential> get(std::string_view server) override { return store_.get(server); }
  bool erase(std::string_view server) override { return store_.erase(server); }
  std::vector<Login> list() override { return store_.list(); }
  StoreReading load(std::set<RegistryKey> asked) override { return store_.load(std::move(asked)); }

 private:
  CredentialStore& store_;
};

// Takes a login and gives something else back.
class ForgetfulStore final : public CredentialStore {
 public:
  void store(const Credential&) override {}
  std::optional<Credential> get(std::string_view) override { return std::nullopt; }
  bool erase(std::string_view) override { return false; }
  std::vector<Login> list() override { return {}; }
  StoreReading load(std::set<RegistryKey>) override { return {}; }
};

class Setup : public testing::Test {
 protected:
  Setup() {
    // No user manager of the person's own, and only the helpers that a test puts here.
    unsetenv("XDG_RUNTIME_DIR");
    setenv("HOME", dir_.path().c_str(), 1);
    for (const char* name : {"XDG_CONFIG_HOME", "HELM_CONFIG_HOME", "HELM_REGISTRY_CONFIG"}) {
      unsetenv(name);
    }
    setenv("PATH", ((dir_ / "bin").string() + ":/usr/bin:/bin").c_str(), 1);
    program("docker-credential-regsync", "exit 1");
    options_.docker_config = dir_ / "docker/config.json";
    options_.open_store = [this](Prompt) { return std::make_unique<Shared>(store_); };
  }

  void program(const std::string& name, const std::string& script) {
    const auto path = dir_.write("bin/" + name, "#!/bin/sh\n" + script + "\n");
    fs::permissions(path, fs::perms(0755));
  }

  void config(const std::string& text) { dir_.write("docker/config.json", text); }
  [[nodiscard]] json config() const { return json::parse(test::read_file(options_.docker_config)); }

  int setup() { return run_setup(options_, out_, err_); }
  int import() {
    options_.import_logins = true;
    return setup();
  }
  int undo() {
    options_.undo = true;
    return setup();
  }

  std::string secret(const std::string& server) {
    const auto kept = store_.get(server);
    return kept ? kept->login.username + ":" + std::string(kept->secret.reveal()) : "";
  }

  test::TempDir dir_;
  test::MemoryStore store_;
  SetupOptions options_;
  std::ostringstream out_;
  std::ostringstream err_;
};

constexpr const char* one_plain_login = R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"}},"psFormat":"x"})";

TEST_F(Setup, MakesDockerUseTheHelperForEverything) {
  config(R"({"psFormat":"x"})");
  EXPECT_EQ(setup(), 0);
  EXPECT_EQ(config(), (json{{"psFormat", "x"}, {"credsStore", "regsync"}}));
}

TEST_F(Setup, MakesDockerUseTheHelperForNamedRegistries) {
  config(R"({"credsStore":"pass","credHelpers":{"ecr.example":"ecr-login"}})");
  options_.registries = {"ghcr.io"};
  EXPECT_EQ(setup(), 0);
  EXPECT_EQ(config(),
            (json{{"credsStore", "pass"}, {"credHelpers", {{"ecr.example", "ecr-login"}, {"ghcr.io", "regsync"}}}}));
}

TEST_F(Setup, ADryRunSaysWhatItWouldDoAndChangesNothing) {
  const std::string before = R"({"auths": {"ghcr.io": {"auth": "amRvZTpodW50ZXIy"}}})";
  config(before);
  options_.dry_run = true;
  EXPECT_EQ(import(), 0);
  EXPECT_NE(out_.str().find("would import ghcr.io (jdoe)"), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("docker would keep all logins in the keyring"), std::string::npos) << out_.str();
  EXPECT_EQ(undo(), 0);
  EXPECT_EQ(test::read_file(options_.docker_config), before);
  EXPECT_TRUE(store_.list().empty());
}

TEST_F(Setup, ImportsPlainLoginsAndLeavesNoSecretOnTheDisk) {
  config(one_plain_login);
  EXPECT_EQ(import(), 0);
  EXPECT_EQ(secret("ghcr.io"), "alice:canary");
  EXPECT_EQ(config(), (json{{"auths", {{"ghcr.io", json::object()}}}, {"psFormat", "x"}, {"credsStore", "regsync"}}));
  for (const auto& entry : fs::recursive_directory_iterator(dir_ / "docker")) {
    if (entry.is_regular_file()) {
      EXPECT_THAT(test::read_file(entry), AllOf(Not(HasSubstr("canary")), Not(HasSubstr("YWxpY2U6Y2FuYXJ5"))));
    }
  }
  EXPECT_THAT(out_.str() + err_.str(), Not(HasSubstr("canary")));
}

// As Docker looks it up; the other one stays in the file, which Docker does not read it from.
TEST_F(Setup, OfSeveralSpellingsOfARegistryTheOneThatDockerUsesIsImported) {
  const std::string used = R"({"auth":"YWxpY2U6Y2FuYXJ5"})";
  const std::string stale = R"({"auth":"Ym9iOm9sZA=="})";
  for (const auto& [key, other] : std::map<std::string, std::string>{{"quay.io", "https://quay.io/v1/"},
                                                                     {"https://index.docker.io/v1/", "docker.io"}}) {
    for (const bool used_first : {true, false}) {
      const std::string a = '"' + key + "\":" + used;
      const std::string b = '"' + other + "\":" + stale;
      config(R"({"auths":{)" + (used_first ? a + "," + b : b + "," + a) + "}}");
      const json before = config();
      store_.erase(key);
      options_.undo = false;
      options_.dry_run = true;
      EXPECT_EQ(import(), 0);
      EXPECT_THAT(out_.str(), AllOf(HasSubstr("would import " + key + " (alice)"),
                                    HasSubstr("would not import " + other + " (bob)")));
      options_.dry_run = false;
      EXPECT_EQ(import(), 0) << err_.str();
      EXPECT_EQ(secret(key), "alice:canary");
      EXPECT_EQ(config()["auths"], (json{{key, json::object()}, {other, before["auths"][other]}}));
      EXPECT_THAT(err_.str(), HasSubstr("note: another login of " + other + " (bob) stays in " +
                                        options_.docker_config.string() + ": docker uses that of " + key + " (alice)"));
      EXPECT_EQ(undo(), 0);
      EXPECT_EQ(config(), before);
    }
  }
}

// It asks the helper alone.
TEST_F(Setup, WhereAHelperAndTheFileHaveALoginTheOneThatDockerUsesIsImported) {
  config(R"({"auths":{"quay.io":{"auth":"Ym9iOm9sZA=="}},"credsStore":"old"})");
  program("docker-credential-old", R"(case $1 in
list) echo '{"https://quay.io":"carol","quay.io":"alice"}' ;;
get) case $(cat) in
  quay.io) echo '{"ServerURL":"quay.io","Username":"alice","Secret":"canary"}' ;;
  *) echo '{"ServerURL":"https://quay.io","Username":"carol","Secret":"other"}' ;;
  esac ;;
esac)");
  EXPECT_EQ(import(), 0) << err_.str();
  EXPECT_EQ(secret("quay.io"), "alice:canary");
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("(carol) stays in docker-credential-old"),
                                HasSubstr("(bob) stays in " + options_.docker_config.string())));
  EXPECT_EQ(config()["auths"]["quay.io"]["auth"], "Ym9iOm9sZA==");
}

TEST_F(Setup, WhereTheLoginThatDockerUsesCannotBeHadNoOtherTakesItsPlace) {
  config(R"({"auths":{"quay.io":{"auth":"Ym9iOm9sZA=="}},"credsStore":"old"})");
  program("docker-credential-old", R"(case $1 in
list) echo '{"quay.io":"alice"}' ;;
get) echo 'gpg: it is locked'; exit 1 ;;
esac)");
  EXPECT_EQ(import(), 1);
  EXPECT_EQ(secret("quay.io"), "");
  EXPECT_THAT(err_.str(), HasSubstr("not imported: quay.io: the login that docker uses there could not be had"));
  EXPECT_EQ(config()["auths"]["quay.io"]["auth"], "Ym9iOm9sZA==");
}

TEST_F(Setup, SaysWhichPlainLoginsDockerWillNoLongerSee) {
  config(one_plain_login);
  EXPECT_EQ(setup(), 0);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("ghcr.io"), HasSubstr("regsync setup --import")));
  EXPECT_EQ(config()["auths"]["ghcr.io"]["auth"], "YWxpY2U6Y2FuYXJ5");
}

TEST_F(Setup, TheBackupHoldsNoSecretWithoutAnImportEither) {
  config(R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"}},"HttpHeaders":{"X-Token":"canary"},"credsStore":"pass"})");
  EXPECT_EQ(setup(), 0);
  const std::string backup = test::read_file(options_.docker_config.string() + ".before-regsync");
  EXPECT_EQ(json::parse(backup), (json{{"credsStore", "pass"}}));
  ASSERT_EQ(undo(), 0);
  EXPECT_EQ(config()["credsStore"], "pass");
  EXPECT_EQ(config()["auths"]["ghcr.io"]["auth"], "YWxpY2U6Y2FuYXJ5");
}

TEST_F(Setup, ALoginThatAFailingHelperPrintsIsNotRepeated) {
  config(R"({"credsStore":"old"})");
  program("docker-credential-old", R"(case $1 in
list) echo '{"ghcr.io":"alice"}' ;;
get) echo '{"ServerURL":"ghcr.io","Username":"alice","Secret":"canary"}'; exit 1 ;;
esac)");
  EXPECT_EQ(import(), 1);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("ghcr.io"), Not(HasSubstr("canary"))));
}

TEST_F(Setup, RegistriesAreWrittenAsDockerLooksThemUp) {
  options_.registries = {"https://ghcr.io", "GHCR.IO", "ghcr.io/", "http://host:5000", "docker.io", "[::1]:5000"};
  EXPECT_EQ(setup(), 0);
  EXPECT_EQ(config()["credHelpers"], (json{{"ghcr.io", "regsync"},
                                           {"GHCR.IO", "regsync"},  // docker keeps a login as it was typed
                                           {"host:5000", "regsync"},
                                           {"[::1]:5000", "regsync"},
                                           {"https://index.docker.io/v1/", "regsync"}}));
}

// Docker looks it up under this name, and finds neither the helper nor the login of the other one.
TEST_F(Setup, ARegistryWithThePort443IsAnotherThanTheOneWithout) {
  const json other = {{"auths", {{"ghcr.io:443", {{"auth", "YWxpY2U6Y2FuYXJ5"}}}}}};
  config(other.dump());
  options_.registries = {"ghcr.io"};
  EXPECT_EQ(setup(), 0);
  EXPECT_EQ(import(), 0);
  EXPECT_EQ(err_.str(), "");
  EXPECT_EQ(config()["auths"], other["auths"]);
  options_.registries = {"https://GHCR.io:443"};
  EXPECT_EQ(import(), 0);
  EXPECT_EQ(config(), json::parse(R"({"auths":{"ghcr.io:443":{}},"credHelpers":{
                                      "ghcr.io":"regsync","ghcr.io:443":"regsync","GHCR.io:443":"regsync"}})"));
  EXPECT_EQ(secret("ghcr.io:443"), "alice:canary");
  EXPECT_EQ(undo(), 0);
  EXPECT_EQ(config(), other);
}

TEST_F(Setup, ALoginWithThePort443IsImportedWhateverHelperTheRegistryWithoutHas) {
  config(R"({"auths":{"ghcr.io:443":{"auth":"YWxpY2U6Y2FuYXJ5"}},"credHelpers":{"ghcr.io":"other"}})");
  EXPECT_EQ(import(), 0);
  EXPECT_EQ(secret("ghcr.io:443"), "alice:canary");
  EXPECT_EQ(config()["credHelpers"], (json{{"ghcr.io", "other"}}));
}

TEST_F(Setup, ALoginAtAnyNameOfDockerHubLandsInTheKeyring) {
  const std::string pulled = "https://index.docker.io/v1/";
  for (const auto& [typed, looked_up] : std::map<std::string, std::string>{
           {"docker.io", pulled},
           {"https://index.docker.io/v1/", pulled},
           {"index.docker.io", "index.docker.io"},
           {"https://registry-1.docker.io/v2/", "registry-1.docker.io"},
           {"registry.hub.docker.com", "registry.hub.docker.com"},
       }) {
    config("{}");
    options_.registries = {typed};
    EXPECT_EQ(setup(), 0);
    EXPECT_EQ(config()["credHelpers"], (json{{pulled, "regsync"}, {looked_up, "regsync"}})) << typed;
    options_.undo = true;
    EXPECT_EQ(setup(), 0);
    EXPECT_FALSE(config().contains("credHelpers")) << typed;
    options_.undo = false;
  }
}

TEST_F(Setup, WhatDockerKeepsNoLoginForIsRefused) {
  for (const char* registry : {"ghcr.io/acme", "ghcr.io/acme/app:1", "", "a b", "user@ghcr.io", "ftp://ghcr.io"}) {
    options_.registries = {registry};
    EXPECT_THROW(setup(), Error) << registry;
  }
  EXPECT_FALSE(fs::exists(options_.docker_config));
}

TEST_F(Setup, ALoginThatDockerReadsFromTheFileStaysThere) {
  config(R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"}},"credHelpers":{"ghcr.io":""}})");
  EXPECT_EQ(import(), 0);
  EXPECT_EQ(config()["auths"]["ghcr.io"]["auth"], "YWxpY2U6Y2FuYXJ5");
  EXPECT_EQ(secret("ghcr.io"), "");
}

// Docker looks for the helper under the host's name, and in the file under any spelling.
TEST_F(Setup, ALoginThatDockerReadsFromTheFileStaysThereHoweverItIsSpelled) {
  config(R"({"auths":{"https://ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"}},"credHelpers":{"ghcr.io":""}})");
  ASSERT_EQ(import(), 0);
  EXPECT_EQ(config()["auths"]["https://ghcr.io"]["auth"], "YWxpY2U6Y2FuYXJ5");
  EXPECT_EQ(secret("https://ghcr.io"), "");
}

// Docker reads it there, whatever helper keeps the login.
TEST_F(Setup, ARegistryTokenStaysInTheFile) {
  config(R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5","registrytoken":"t"}}})");
  ASSERT_EQ(import(), 0);
  EXPECT_EQ(config()["auths"], (json{{"ghcr.io", {{"registrytoken", "t"}}}}));
  EXPECT_EQ(import(), 0) << err_.str();
  ASSERT_EQ(undo(), 0);
  EXPECT_EQ(config()["auths"], (json{{"ghcr.io", {{"auth", "YWxpY2U6Y2FuYXJ5"}, {"registrytoken", "t"}}}}));
}

TEST_F(Setup, WhenEveryImportFailedDockerGoesOnAsBefore) {
  const std::string before = R"({"auths":{"bad.example":{"auth":"%%%"}}})";
  config(before);
  EXPECT_EQ(import(), 1);
  EXPECT_EQ(test::read_file(options_.docker_config), before);
}

TEST_F(Setup, PodmanAndItsLikeAreSetUpOnRequestAndUndone) {
  ASSERT_EQ(setup(), 0);
  EXPECT_FALSE(containers_use_regsync());
  options_.containers = true;
  ASSERT_EQ(setup(), 0);
  EXPECT_TRUE(containers_use_regsync());
  options_.dry_run = true;
  ASSERT_EQ(undo(), 0);
  EXPECT_THAT(out_.str(), HasSubstr("podman, skopeo and buildah would keep logins as before\n"));
  EXPECT_TRUE(containers_use_regsync());
  options_.dry_run = false;
  dir_.write(".config/regsync/environment", "PATH=\"/bin\"\n");
  ASSERT_EQ(undo(), 0);
  EXPECT_FALSE(containers_use_regsync());
  EXPECT_THAT(out_.str(), HasSubstr(".config/regsync/environment stay, for a regsyncd that is started again\n"));
  dir_.write(".config/containers/registries.conf", "credential-helpers = [\"regsync\"]\n");
  EXPECT_TRUE(containers_use_regsync());
}

TEST_F(Setup, HelmIsSetUpOnRequestWithTheLoginsOfItsOwnFileAndUndone) {
  const auto helm = [&] { return json::parse(test::read_file(dir_ / ".config/helm/registry/config.json")); };
  dir_.write(".config/helm/registry/config.json", one_plain_login);
  const json before = helm();
  ASSERT_EQ(import(), 0);
  EXPECT_EQ(helm(), before);
  options_.helm = true;
  ASSERT_EQ(import(), 0);
  EXPECT_EQ(helm()["credsStore"], "regsync");
  EXPECT_EQ(helm()["auths"]["ghcr.io"], json::object());
  EXPECT_EQ(secret("ghcr.io"), "alice:canary");
  options_.helm = false;
  ASSERT_EQ(undo(), 0);
  EXPECT_EQ(helm(), before);
}

TEST_F(Setup, HelmWithDockersFileIsSetUpAndUndoneWithDocker) {
  config(one_plain_login);
  const json before = config();
  const auto link = dir_ / "helm.json";
  fs::create_symlink(options_.docker_config, link);
  for (const auto& file : {options_.docker_config, link}) {
    setenv("HELM_REGISTRY_CONFIG", file.c_str(), 1);
    options_.helm = options_.containers = true;
    options_.undo = false;
    ASSERT_EQ(import(), 0);
    EXPECT_EQ(config()["credsStore"], "regsync");
    EXPECT_EQ(undo(), 0);
    EXPECT_EQ(config(), before);
    EXPECT_FALSE(is_set_up_for_containers());
    EXPECT_EQ(err_.str(), "");
  }
}

TEST_F(Setup, AFileOfHelmThatMakesNoSenseIsNamedBeforeAnythingChanges) {
  config(one_plain_login);
  dir_.write(".config/helm/registry/config.json", "[");
  options_.helm = true;
  EXPECT_THROW(import(), Error);
  EXPECT_EQ(config(), json::parse(one_plain_login));
  options_.helm = false;
  EXPECT_EQ(import(), 0);
  EXPECT_EQ(undo(), 0);
}

TEST_F(Setup, ImportsTheLoginOfANamedRegistryFromTheHelperThatKeptIt) {
  const char* pass = R"sh(case $1 in
list) echo '{"ghcr.io":"alice","quay.io":"bob"}' ;;
get) echo '{"ServerURL":"ghcr.io","Username":"alice","Secret":"canary"}' ;;
esac)sh";
  program("docker-credential-pass", pass);
  options_.registries = {"ghcr.io"};
  for (const char* text : {R"({"credHelpers":{"ghcr.io":"pass"}})", R"({"credsStore":"pass"})"}) {
    config(text);
    options_.import_logins = false;
    store_.erase("ghcr.io");
    err_.str("");
    EXPECT_EQ(setup(), 0);
    EXPECT_THAT(err_.str(),
                HasSubstr("will not see the logins that docker-credential-pass keeps for these registries"));
    config(text);
    EXPECT_EQ(import(), 0) << text;
    EXPECT_EQ(secret("ghcr.io"), "alice:canary");
    EXPECT_EQ(config()["credHelpers"]["ghcr.io"], "regsync");
  }
  EXPECT_FALSE(store_.get("quay.io")) << "pass goes on keeping it";
}

TEST_F(Setup, UndoRestoresEveryThing) {
  config(R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"},"quay.io":{"identitytoken":"tok"}},"credsStore":"pass",
             "credHelpers":{"ghcr.example":"old"}})");
  program("docker-credential-pass", "echo '{}'");
  const json before = config();
  ASSERT_EQ(import(), 0);
  ASSERT_EQ(undo(), 0);
  EXPECT_EQ(config(), before);
  EXPECT_FALSE(fs::exists(options_.docker_config.string() + ".before-regsync"));
  EXPECT_EQ(secret("ghcr.io"), "alice:canary") << "undo takes nothing from the keyring";
}

TEST_F(Setup, UndoRestoresThePasswordThatWasRotatedSince) {
  config(one_plain_login);
  ASSERT_EQ(import(), 0);
  store_.store({{"ghcr.io", "alice"}, SecretString("new")});
  ASSERT_EQ(undo(), 0);
  EXPECT_EQ(config()["auths"]["ghcr.io"]["auth"], "YWxpY2U6bmV3");
}

TEST_F(Setup, UndoRestoresLoginsAlsoWhereAPersonTookTheHelperOut) {
  config(one_plain_login);
  ASSERT_EQ(import(), 0);
  config(R"({"auths":{"ghcr.io":{}},"psFormat":"x"})");
  ASSERT_EQ(undo(), 0);
  EXPECT_THAT(out_.str(), HasSubstr("restored ghcr.io (alice)"));
  EXPECT_EQ(config(), json::parse(one_plain_login));
}

TEST_F(Setup, UndoWritesNoPasswordWhereAnotherHelperKeepsThemNow) {
  config(one_plain_login);
  ASSERT_EQ(import(), 0);
  const json chosen = {{"auths", {{"ghcr.io", json::object()}}}, {"credsStore", "pass"}};
  config(chosen.dump());
  ASSERT_EQ(undo(), 0);
  EXPECT_EQ(config(), chosen);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("does not use regsync"), Not(HasSubstr("restored"))));
  EXPECT_FALSE(fs::exists(options_.docker_config.string() + ".before-regsync"));
}

TEST_F(Setup, UndoKeepsALoginThatIsNewerThanThatOfTheKeyring) {
  config(one_plain_login);
  ASSERT_EQ(import(), 0);
  const json newer = {{"auths", {{"ghcr.io", {{"auth", "Ym9iOm5ldw=="}}}}}};
  config(newer.dump());
  ASSERT_EQ(undo(), 0);
  EXPECT_EQ(config(), newer);
}

TEST_F(Setup, UndoKeepsWhatChangedSinceAndTheFirstState) {
  config(R"({"credHelpers":{"ghcr.io":"old"}})");
  options_.registries = {"ghcr.io", "quay.io"};
  ASSERT_EQ(setup(), 0);
  options_.registries = {};
  ASSERT_EQ(setup(), 0);
  json changed = config();
  changed["psFormat"] = "mine";
  config(changed.dump());
  ASSERT_EQ(undo(), 0);
  EXPECT_EQ(config(), (json{{"credHelpers", {{"ghcr.io", "old"}}}, {"psFormat", "mine"}}));
}

TEST_F(Setup, UndoGivesBackTheHelpersThatALaterSetupReplaced) {
  options_.registries = {"ghcr.io"};
  ASSERT_EQ(setup(), 0);
  json changed = config();
  changed["credHelpers"]["gcr.io"] = "gcloud";
  changed["credsStore"] = "desktop";
  config(changed.dump());
  options_.registries = {"gcr.io"};
  ASSERT_EQ(setup(), 0);
  options_.registries = {};
  ASSERT_EQ(setup(), 0);
  EXPECT_EQ(config()["credsStore"], "regsync");
  ASSERT_EQ(undo(), 0);
  EXPECT_EQ(config(), (json{{"credHelpers", {{"gcr.io", "gcloud"}}}, {"credsStore", "desktop"}}));
}

// The restored password would not be read by Docker.
TEST_F(Setup, UndoLeavesOurHelperNowhereThoughAPersonNamedItBefore) {
  config(R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"}},"credsStore":"regsync",
             "credHelpers":{"quay.io":"regsync","gcr.io":"gcloud"}})");
  ASSERT_EQ(import(), 0);
  ASSERT_EQ(undo(), 0);
  EXPECT_EQ(config(), json::parse(R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"}},
                                      "credHelpers":{"gcr.io":"gcloud"}})"));
}

TEST_F(Setup, UndoLeavesOurHelperNowhereThoughTheFirstBackupIsLost) {
  config(R"({"psFormat":"x"})");
  options_.registries = {"ghcr.io"};
  ASSERT_EQ(setup(), 0);
  options_.registries = {};
  ASSERT_EQ(setup(), 0);
  fs::remove(options_.docker_config.string() + ".before-regsync");
  ASSERT_EQ(setup(), 0);
  ASSERT_EQ(undo(), 0);
  EXPECT_EQ(config(), (json{{"psFormat", "x"}}));
}

// As earlier versions wrote it.
TEST_F(Setup, UndoLeavesOurHelperNowhereThoughTheBackupNamesIt) {
  config(R"({"psFormat":"x","credsStore":"regsync","credHelpers":{"gcr.io":"regsync"}})");
  dir_.write("docker/config.json.before-regsync", R"({"credsStore":"regsync","credHelpers":{"gcr.io":"regsync"}})");
  ASSERT_EQ(undo(), 0);
  EXPECT_EQ(config(), (json{{"psFormat", "x"}}));
}

TEST_F(Setup, UndoOfASetupThatMadeTheFileRemovesIt) {
  ASSERT_EQ(setup(), 0);
  ASSERT_EQ(undo(), 0);
  EXPECT_FALSE(fs::exists(options_.docker_config));
}

// People undo when the keyring is broken: docker must be able to log in again.
TEST_F(Setup, UndoWithoutTheKeyringUndoesAllElseAndRestoresTheLoginsLater) {
  config(R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"},"quay.io":{"auth":"YWxpY2U6Y2FuYXJ5"}}})");
  const json before = config();
  options_.containers = true;
  ASSERT_EQ(import(), 0);
  options_.containers = false;
  store_.problem = Error(ErrorCode::locked, "the keyring is locked", "unlock it");
  EXPECT_EQ(undo(), 1);
  EXPECT_FALSE(config().contains("credsStore"));
  EXPECT_FALSE(is_set_up_for_containers());
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("not restored: ghcr.io, quay.io: the keyring is locked; unlock it\n"),
                                HasSubstr("once that can be read: regsync setup --undo")));
  EXPECT_EQ(undo(), 1) << "it is locked still";
  store_.problem.reset();
  EXPECT_EQ(undo(), 0);
  EXPECT_EQ(config(), before);
  EXPECT_FALSE(fs::exists(options_.docker_config.string() + ".before-regsync"));
}

TEST_F(Setup, UndoRestoresTheLoginsThatTheKeyringGivesWhereItDoesNotGiveAnother) {
  config(R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"},"quay.io":{"auth":"YWxpY2U6Y2FuYXJ5"}}})");
  const json before = config();
  ASSERT_EQ(import(), 0);
  options_.open_store = [this](Prompt) { return std::make_unique<test::AskingStore>(store_, "ghcr.io"); };
  EXPECT_EQ(undo(), 1);
  EXPECT_EQ(config(), (json{{"auths", {{"ghcr.io", json::object()}, {"quay.io", before["auths"]["quay.io"]}}}}));
  EXPECT_THAT(err_.str(), HasSubstr("not restored: ghcr.io: KeePassXC asks before it gives"));
  options_.open_store = [this](Prompt) { return std::make_unique<Shared>(store_); };
  EXPECT_EQ(undo(), 0);
  EXPECT_EQ(config(), before);
}

// Another keyring may answer by now, which has none of them.
TEST_F(Setup, UndoRemembersTheLoginsThatTheKeyringDoesNotHaveUntilTheClientLogsOut) {
  config(R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"},"quay.io":{"auth":"YWxpY2U6Y2FuYXJ5"}}})");
  const json before = config();
  ASSERT_EQ(import(), 0);
  test::MemoryStore other;
  options_.open_store = [&other](Prompt) { return std::make_unique<Shared>(other); };
  EXPECT_EQ(undo(), 1);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("not restored: ghcr.io: the keyring has no login there now; "),
                                HasSubstr("if none has: docker logout quay.io\n")));
  EXPECT_FALSE(config().contains("credsStore"));

  config(R"({"auths":{"ghcr.io":{}}})");  // docker logout quay.io
  EXPECT_EQ(undo(), 1);
  options_.open_store = [this](Prompt) { return std::make_unique<Shared>(store_); };
  EXPECT_EQ(undo(), 0);
  EXPECT_EQ(config(), (json{{"auths", {{"ghcr.io", before["auths"]["ghcr.io"]}}}}));
  EXPECT_FALSE(fs::exists(options_.docker_config.string() + ".before-regsync"));
}

// What the undo left is only for its logins: the state before is the one that the next setup finds.
TEST_F(Setup, ASetupAfterAnUndoThatLeftLoginsIsUndoneToTheStateBeforeIt) {
  config(one_plain_login);
  ASSERT_EQ(import(), 0);
  store_.problem = Error(ErrorCode::locked, "the keyring is locked");
  ASSERT_EQ(undo(), 1);
  store_.problem.reset();
  options_.undo = options_.import_logins = false;
  config(R"({"auths":{"ghcr.io":{}},"credHelpers":{"quay.io":"old"}})");
  options_.registries = {"quay.io"};
  ASSERT_EQ(setup(), 0);
  ASSERT_EQ(undo(), 0);
  EXPECT_EQ(config(),
            (json{{"auths", {{"ghcr.io", {{"auth", "YWxpY2U6Y2FuYXJ5"}}}}}, {"credHelpers", {{"quay.io", "old"}}}}));
}

// Without the entry, docker asks pass, which has no login for it.
TEST_F(Setup, UndoRestoresAnEmptyHelperName) {
  config(R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"}},"credsStore":"pass","credHelpers":{"ghcr.io":""}})");
  const json before = config();
  options_.registries = {"ghcr.io"};
  ASSERT_EQ(import(), 0);
  ASSERT_EQ(undo(), 0);
  EXPECT_EQ(config(), before);
}

TEST_F(Setup, UndoWithoutASetupChangesNothing) {
  config(one_plain_login);
  EXPECT_EQ(undo(), 0);
  EXPECT_EQ(test::read_file(options_.docker_config), one_plain_login);
}

TEST_F(Setup, ALoginThatTheKeyringHasOtherwiseStaysWhereItIs) {
  config(one_plain_login);
  store_.store({{"https://ghcr.io", "bob"}, SecretString("other")});
  EXPECT_EQ(import(), 1);
  EXPECT_EQ(secret("ghcr.io"), "bob:other");
  EXPECT_EQ(config()["auths"]["ghcr.io"]["auth"], "YWxpY2U6Y2FuYXJ5");
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("ghcr.io"), HasSubstr("bob")));
}

// `docker login` writes to the file again until docker uses the keyring.
TEST_F(Setup, WhereTheKeyringHasAnotherLoginTheAdviceLeadsOut) {
  config(one_plain_login);
  store_.store({{"ghcr.io", "alice"}, SecretString("other")});
  options_.registries = {"ghcr.io"};
  EXPECT_EQ(import(), 1);
  const std::string words = " --registry ghcr.io --docker-config " + options_.docker_config.string();
  EXPECT_THAT(err_.str(), HasSubstr("to use what the keyring has: `regsync setup" + words +
                                    "`; to replace it after that: `docker login ghcr.io`\n"));
  options_.import_logins = false;
  EXPECT_EQ(setup(), 0);
  EXPECT_EQ(config()["credHelpers"]["ghcr.io"], "regsync");
  EXPECT_THAT(err_.str(), HasSubstr("to move it into the keyring: regsync setup --import" + words + "\n"));
  err_.str("");
  EXPECT_EQ(import(), 1);
  EXPECT_THAT(err_.str(), HasSubstr("to replace what the keyring has: `docker login ghcr.io`\n"));
}

TEST_F(Setup, WhereAnotherLoginWasImportedDockerUsesTheKeyringAndItsLoginReplaces) {
  config(R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"},"quay.io":{"auth":"YWxpY2U6Y2FuYXJ5"}}})");
  store_.store({{"ghcr.io", "bob"}, SecretString("other")});
  EXPECT_EQ(import(), 1);
  EXPECT_EQ(config()["credsStore"], "regsync");
  EXPECT_THAT(err_.str(), HasSubstr("to replace what the keyring has: `docker login ghcr.io`\n"));
}

TEST_F(Setup, ADryRunSaysWhatTheKeyringWouldNotTake) {
  config(one_plain_login);
  options_.dry_run = true;
  store_.store({{"https://ghcr.io", "alice"}, SecretString("other")});
  EXPECT_EQ(import(), 0);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("would import ghcr.io (alice)"),
                                HasSubstr(", if the keyring has the same password there\n")));
  out_.str("");
  store_.store({{"ghcr.io", "bob"}, SecretString("other")});
  EXPECT_EQ(import(), 0);
  EXPECT_THAT(
      out_.str(),
      AllOf(HasSubstr("would not import ghcr.io (alice)"), HasSubstr("the keyring has another login there (bob)"),
            HasSubstr("docker's configuration would not be changed\n"), Not(HasSubstr("would keep all logins"))));
  EXPECT_THAT(err_.str(), HasSubstr("to use what the keyring has: `regsync setup"));
}

TEST_F(Setup, ADryRunAsksNobodyToUnlockTheKeyring) {
  config(one_plain_login);
  options_.dry_run = true;
  options_.open_store = [](Prompt prompt) -> std::unique_ptr<CredentialStore> {
    EXPECT_EQ(prompt, Prompt::never);
    throw Error(ErrorCode::store_unavailable, "there is no keyring");
  };
  EXPECT_EQ(import(), 0);
  EXPECT_THAT(out_.str(), HasSubstr("would import ghcr.io (alice)"));
  EXPECT_THAT(err_.str(), HasSubstr("cannot be seen: there is no keyring"));
  err_.str("");
  options_.headless = true;
  EXPECT_EQ(import(), 0);
  EXPECT_EQ(err_.str(), "") << "one would be made";
}

// `setup --import` does not ask the helper that docker does not use any more.
TEST_F(Setup, TheLoginsOfTheFormerHelperAreCopiedAsTheNoteSays) {
  config(R"({"credsStore":"old"})");
  program("docker-credential-old", R"(case $1 in
list) echo '{"ghcr.io":"alice"}' ;;
get) echo '{"ServerURL":"ghcr.io","Username":"alice","Secret":"canary"}' ;;
esac)");
  EXPECT_EQ(setup(), 0);
  EXPECT_THAT(err_.str(), HasSubstr("to copy them into the keyring: regsync setup --undo"));
  EXPECT_THAT(err_.str(), HasSubstr(", then regsync setup --import"));
  ASSERT_EQ(undo(), 0);
  options_.undo = false;
  ASSERT_EQ(import(), 0);
  EXPECT_EQ(secret("ghcr.io"), "alice:canary");
}

// What cannot be edited is told before a login is moved.
TEST_F(Setup, AFileOfOddTypesIsRefusedBeforeAnythingChanges) {
  for (const auto& [text, member] : std::map<std::string, std::string>{
           {R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"}},"credHelpers":[]})", "\"credHelpers\""},
           {R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"}},"credHelpers":{"a":1}})", R"("a" of "credHelpers")"},
           {R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"},"b":"canary"}})", R"("b" of "auths")"},
           {R"({"auths":["ghcr.io"]})", "\"auths\""},
           {R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"}},"credsStore":{}})", "\"credsStore\""},
       }) {
    config(text);
    options_.registries = {"ghcr.io"};
    try {
      import();
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_input) << text;
      EXPECT_THAT(error.message(),
                  AllOf(HasSubstr(member + " in " + options_.docker_config.string()), Not(HasSubstr("canary"))));
    }
    EXPECT_EQ(test::read_file(options_.docker_config), text);
    EXPECT_TRUE(store_.list().empty());
  }
}

TEST_F(Setup, MembersThatAreNullAreLeftOut) {
  config(R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"},"quay.io":null},"credHelpers":null,"credsStore":null})");
  options_.registries = {"ghcr.io"};
  EXPECT_EQ(import(), 0);
  EXPECT_EQ(config()["credHelpers"]["ghcr.io"], "regsync");
  EXPECT_EQ(undo(), 0);
  EXPECT_EQ(config()["auths"]["ghcr.io"]["auth"], "YWxpY2U6Y2FuYXJ5");
}

TEST_F(Setup, AFileThatIsNullIsAFileWithoutMembers) {
  config("null\n");
  EXPECT_EQ(setup(), 0);
  EXPECT_EQ(config(), (json{{"credsStore", "regsync"}}));
}

TEST_F(Setup, AMemberOfOurNameInDockersFileIsNoNoteOfOurs) {
  config(R"({"auths":{"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"}},"regsync":"x"})");
  const json before = config();
  EXPECT_EQ(import(), 0);
  EXPECT_EQ(config()["regsync"], "x");
  EXPECT_EQ(undo(), 0);
  EXPECT_EQ(config(), before);
}

TEST_F(Setup, AnEntryThatCannotBeReadStaysWhereItIs) {
  config(R"({"auths":{"bad.example":{"auth":"%%%"},"ghcr.io":{"auth":"YWxpY2U6Y2FuYXJ5"}}})");
  EXPECT_EQ(import(), 1);
  EXPECT_EQ(config()["auths"]["bad.example"]["auth"], "%%%");
  EXPECT_EQ(secret("ghcr.io"), "alice:canary");
  EXPECT_THAT(err_.str(), HasSubstr("bad.example"));
}

TEST_F(Setup, NothingIsRemovedBeforeTheStoreGivesItBack) {
  config(one_plain_login);
  options_.open_store = [](Prompt) { return std::make_unique<ForgetfulStore>(); };
  EXPECT_THROW(import(), Error);
  EXPECT_EQ(test::read_file(options_.docker_config), one_plain_login);
}

TEST_F(Setup, ALockedStoreChangesNothing) {
  config(one_plain_login);
  store_.problem = Error(ErrorCode::locked, "the keyring is locked");
  EXPECT_THROW(import(), Error);
  EXPECT_EQ(test::read_file(options_.docker_config), one_plain_login);
}

// gnome-keyring makes its keyring before it takes the name on the bus, which another program may have.
TEST_F(Setup, ThePasswordOfAKeyringThatWasMadeIsKeptWhereItsServiceFails) {
  const auto password = dir_ / ".config/regsync/keyring-password";
  const auto keyring = dir_ / ".local/share/keyrings/login.keyring";
  unsetenv("XDG_DATA_HOME");
  setenv("XDG_RUNTIME_DIR", dir_.path().c_str(), 1);
  dir_.write("systemd/private", "");
  program("gnome-keyring-daemon", "exit 1");
  program("systemctl", "exit 1");
  store_.problem = Error(ErrorCode::store_unavailable, "there is no keyring");
  options_.headless = true;
  EXPECT_THROW(setup(), Error);
  EXPECT_FALSE(fs::exists(password));
  program("systemctl", "mkdir -p '" + keyring.parent_path().string() + "' && touch '" + keyring.string() + "'; exit 1");
  EXPECT_THROW(setup(), Error);
  EXPECT_TRUE(fs::exists(password)) << "nothing else opens it";
}

TEST_F(Setup, AMissingHelperChangesNothing) {
  config(one_plain_login);
  fs::remove(dir_ / "bin/docker-credential-regsync");
  EXPECT_THROW(setup(), Error);
  EXPECT_EQ(test::read_file(options_.docker_config), one_plain_login);
}

TEST_F(Setup, AnInterruptedSetupIsFinishedByTheNext) {
  config(one_plain_login);
  ASSERT_EQ(import(), 0);
  config(one_plain_login);  // as if it had ended between the backup and the last write
  EXPECT_EQ(import(), 0);
  EXPECT_EQ(config()["credsStore"], "regsync");
  ASSERT_EQ(undo(), 0);
  EXPECT_EQ(config(), json::parse(one_plain_login));
}

TEST_F(Setup, ImportsTheLoginsOfTheHelperThatDockerUsedBefore) {
  config(R"({"credsStore":"old","credHelpers":{"ecr.example":"ecr-login"}})");
  program("docker-credential-old", R"(case $1 in
list) echo '{"ghcr.io":"alice","gone.example":"x","ecr.example":"y"}' ;;
get) case $(cat) in
  ghcr.io) echo '{"ServerURL":"ghcr.io","Username":"alice","Secret":"canary"}' ;;
  *) echo "credentials not found in native keychain"; exit 1 ;;
  esac ;;
esac)");
  EXPECT_EQ(import(), 0);
  EXPECT_EQ(secret("ghcr.io"), "alice:canary");
  EXPECT_EQ(store_.list().size(), 1U);
  EXPECT_EQ(config()["credsStore"], "regsync");
  EXPECT_EQ(config()["credHelpers"]["ecr.example"], "ecr-login");
}

TEST_F(Setup, ASilentOldHelperIsNotAwaitedForLong) {
  program("docker-credential-old", "exec sleep 1000");
  try {
    list_foreign_logins("docker-credential-old", std::chrono::milliseconds(200));
    ADD_FAILURE() << "it was awaited";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::timeout);
    EXPECT_THAT(error.remedy(), HasSubstr("try it: echo unused | docker-credential-old list"));
  }
}

// Of files and other helpers: whoever wrote the names may have meant the terminal.
TEST_F(Setup, NoNameSteersTheTerminal) {
  const std::string canary = "x\x1b]0;p\x07\u009b2J\x7f\u202e\u2066\u2028\u2029y";
  const auto expect_tame = [&](const char* step) {
    const std::string said = out_.str() + err_.str();
    EXPECT_NE(said, "") << step;
    for (std::string_view rest = said; !rest.empty();) {
      const auto point = take_code_point(rest);
      ASSERT_TRUE(point) << step;
      ASSERT_TRUE(*point == U'\n' || !changes_the_terminal(*point)) << step << ": " << static_cast<unsigned>(*point);
    }
    out_.str("");
    err_.str("");
    options_.dry_run = options_.undo = options_.import_logins = false;
  };
  const std::string plain =
      json({{"auths",
             {{canary + ".example", {{"username", canary}, {"password", "pw"}}}, {canary + "-odd", {{"auth", "%%%"}}}}},
            {"credsStore", canary}})
          .dump();
  config(plain);
  options_.dry_run = true;
  setup();
  expect_tame("dry run");
  options_.dry_run = true;
  import();
  expect_tame("dry run of an import");
  setup();
  expect_tame("setup");
  undo();
  expect_tame("undo");
  import();
  expect_tame("import");
  undo();
  expect_tame("undo of an import");
  config(plain);
  store_.store({{canary + ".example", canary + "2"}, SecretString("other")});
  import();
  expect_tame("another login");
}

TEST_F(Setup, APathIsNoHelperToImportFrom) {
  config(R"({"credsStore":"x/../docker-credential-old"})");
  program("docker-credential-old", "touch " + (dir_ / "started").string() + "; exit 1");
  import();
  EXPECT_THAT(err_.str(), HasSubstr("is a path, not the name of a credential helper"));
  EXPECT_FALSE(fs::exists(dir_ / "started"));
}

TEST_F(Setup, AFailingOldHelperIsReported) {
  config(R"({"credsStore":"old"})");
  program("docker-credential-old", R"(case $1 in
list) echo '{"ghcr.io":"alice"}' ;;
get) echo "gpg: decryption failed: No secret key"; exit 1 ;;
esac)");
  EXPECT_EQ(import(), 1);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("ghcr.io"), HasSubstr("gpg: decryption failed: No secret key")));
}

}  // namespace
}  // namespace regsync::cli
