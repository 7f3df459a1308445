#include "sync/logins/login_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const RegistryKey ghcr("ghcr.io");
const RegistryKey hub("docker.io");
const std::set<RegistryKey> both{ghcr, hub};

// me:ghcr-1, me:hub-1, me:ghcr-2
constexpr const char* ghcr_1 = R"({"auths":{"ghcr.io":{"auth":"bWU6Z2hjci0x"}}})";
constexpr const char* ghcr_2 = R"({"auths":{"https://ghcr.io/v2/":{"auth":"bWU6Z2hjci0y"}}})";
constexpr const char* hub_1 = R"({"auths":{"https://index.docker.io/v1/":{"auth":"bWU6aHViLTE="}}})";

std::string secret_of(const StoreReading& reading, const RegistryKey& registry) {
  std::string found;
  for (const Credential& credential : reading.credentials) {
    if (RegistryKey(credential.login.server) == registry) {
      EXPECT_TRUE(found.empty()) << "two logins of " << registry.value();
      found = credential.secret.reveal();
    }
  }
  return found;
}

std::string said(const std::optional<Error>& problem) { return problem ? describe(*problem) : std::string(); }

class LoginFilesTest : public testing::Test {
 protected:
  test::TempDir root_;
};

TEST_F(LoginFilesTest, ReadsAFolderOfMountedSecretsAndAFile) {
  // As kubelet mounts a Secret: the file is a link through `..data`, which is swapped.
  root_.write("logins/ghcr/..2024_1/.dockerconfigjson", ghcr_1);
  fs::create_directory_symlink("..2024_1", root_ / "logins/ghcr/..data");
  fs::create_symlink("..data/.dockerconfigjson", root_ / "logins/ghcr/.dockerconfigjson");
  const auto auth = root_.write("auth.json", hub_1);
  LoginFiles files({root_ / "logins", auth});
  const StoreReading reading = files.read(both);
  EXPECT_EQ(said(reading.problem), "");
  EXPECT_EQ(secret_of(reading, ghcr), "ghcr-1");
  EXPECT_EQ(secret_of(reading, hub), "hub-1");
  EXPECT_TRUE(reading.shows_everything());
  EXPECT_EQ(reading.all.size(), 2U);
}

TEST_F(LoginFilesTest, AKeyMayNameAnAccount) {
  const auto auth = root_.write("auth.json", R"({"auths":{"ghcr.io":{"auth":"bWU6Z2hjci0x"},
                                                  "work@ghcr.io":{"auth":"bWU6Z2hjci0y"}}})");
  LoginFiles files({auth});
  const RegistryKey work("work@ghcr.io");
  const StoreReading reading = files.read({ghcr, work});
  EXPECT_EQ(secret_of(reading, ghcr), "ghcr-1");
  EXPECT_EQ(secret_of(reading, work), "ghcr-2");
}

TEST_F(LoginFilesTest, ADockercfgHasTheLoginsWithoutAuthsAroundThem) {
  for (const char* name : {".dockercfg", "logins.json"}) {
    LoginFiles files({root_.write(name, R"({"ghcr.io":{"auth":"bWU6Z2hjci0x","email":"e"},
                                            "https://index.docker.io/v1/":{"Username":"me","Password":"hub-1"}})")});
    const StoreReading reading = files.read(both);
    EXPECT_EQ(said(reading.problem), "");
    EXPECT_EQ(secret_of(reading, ghcr), "ghcr-1");
    EXPECT_EQ(secret_of(reading, hub), "hub-1");
  }
  // As podman writes it, whatever the name is.
  LoginFiles wrapped({root_.write(".dockercfg", R"({"auths":{"ghcr.io":{"auth":"bWU6Z2hjci0x"}}})")});
  EXPECT_EQ(secret_of(wrapped.read({ghcr}), ghcr), "ghcr-1");
  LoginFiles other({root_.write("config.json", R"({"HttpHeaders":{"ghcr.io":{"auth":"bWU6Z2hjci0x"}}})")});
  EXPECT_TRUE(other.read(both).all.empty()) << "a file of Docker that holds no login";
}

TEST_F(LoginFilesTest, ARemedyIsACommandWhateverTheNames) {
  const auto file = root_.write("my logins/a.json", R"({"auths":{"x;`id`":{"auth":"%%%"}}})");
  LoginFiles files({file});
  const StoreReading reading = files.read({RegistryKey("x;`id`")});
  ASSERT_EQ(reading.problems.size(), 1U);
  EXPECT_EQ(reading.problems.begin()->second.remedy(),
            "write it again: podman login --authfile '" + file.string() + "' 'x;`id`'");
}

// Podman would leave that login alone in the file, and write it in another format.
TEST_F(LoginFilesTest, NobodyIsToldToWriteADockercfgWithPodman) {
  LoginFiles files({root_.write(".dockercfg", R"({"ghcr.io":{"auth":"bWU6Z2hjci0x"},"quay.io":{"auth":"%%%"}})")});
  const StoreReading reading = files.read({ghcr, RegistryKey("quay.io")});
  ASSERT_EQ(reading.problems.size(), 1U);
  EXPECT_EQ(reading.problems.begin()->second.remedy(), "correct its entry there");
}

TEST_F(LoginFilesTest, LoginsAreReadAsKubeletReadsThem) {
  LoginFiles files({root_.write("a.json", R"({"Auths":{"ghcr.io":{"Auth":"bWU6Z2hjci0xMQ"}},
                                              "auths":{"docker.io":{"auth":"bWU6aHViLTE="}}})")});
  const StoreReading reading = files.read(both);
  EXPECT_EQ(secret_of(reading, ghcr), "ghcr-11") << "neither padded nor in lower case";
  EXPECT_EQ(secret_of(reading, hub), "hub-1");
}

TEST_F(LoginFilesTest, AFileThatCannotBeReadIsAProblemOfTheLoginsThatAreNowhereElse) {
  root_.write("logins/a.json", ghcr_1);
  root_.write("logins/ca.crt", "-----BEGIN CERTIFICATE-----");
  LoginFiles files({root_ / "logins"});
  const StoreReading reading = files.read(both);
  EXPECT_EQ(secret_of(reading, ghcr), "ghcr-1");
  ASSERT_EQ(reading.problems.size(), 1U);
  EXPECT_EQ(reading.problems.begin()->first, hub);
  EXPECT_NE(reading.problems.begin()->second.message().find("ca.crt"), std::string::npos);
  EXPECT_FALSE(reading.shows_everything());
}

TEST_F(LoginFilesTest, OnlySecretsThatAreAskedForAreRead) {
  LoginFiles files({root_.write("a.json", ghcr_1)});
  const StoreReading reading = files.read({hub});
  EXPECT_TRUE(reading.credentials.empty());
  EXPECT_EQ(reading.all.size(), 1U);
}

TEST_F(LoginFilesTest, TheFirstFileWithALoginCounts) {
  const auto a = root_.write("a.json", ghcr_1);
  const auto b = root_.write("b.json", ghcr_2);
  EXPECT_EQ(secret_of(LoginFiles({a, b}).read(both), ghcr), "ghcr-1");
  EXPECT_EQ(secret_of(LoginFiles({b, a}).read(both), ghcr), "ghcr-2");
  EXPECT_EQ(secret_of(LoginFiles({root_.path()}).read(both), ghcr), "ghcr-1");
}

TEST_F(LoginFilesTest, OfSeveralSpellingsTheKeyOfKubeletCounts) {
  LoginFiles files({root_.write(
      "a.json", R"({"auths":{"https://ghcr.io/v2/":{"auth":"bWU6Z2hjci0y"},"ghcr.io":{"auth":"bWU6Z2hjci0x"}}})")});
  EXPECT_EQ(secret_of(files.read(both), ghcr), "ghcr-1");
}

// What a torn, emptied, unreadable or odd file held stays in force, whatever others say of the same registry.
TEST_F(LoginFilesTest, AFileThatIsNotWholeIsAProblemAndNoLogout) {
  for (const char* torn : {"", "  \n", R"({"auths":{"ghcr.io":{"au)", "[]", "null", R"({"auths":[]})", "\xff\xfe"}) {
    const auto file = root_.write("a.json", ghcr_1);
    const auto other = root_.write("b.json", ghcr_2);
    LoginFiles files({file, other});
    ASSERT_EQ(secret_of(files.read(both), ghcr), "ghcr-1");
    root_.write("a.json", torn);
    const StoreReading reading = files.read(both);
    EXPECT_THAT(said(reading.problem), HasSubstr("a.json")) << torn;
    EXPECT_EQ(secret_of(reading, ghcr), "ghcr-1") << torn;
    EXPECT_FALSE(reading.shows_everything()) << torn;
    root_.write("a.json", "{}");
    EXPECT_EQ(secret_of(files.read(both), ghcr), "ghcr-2");
  }
}

TEST_F(LoginFilesTest, AFileWithNoValueIsSaidToHoldNothing) {
  for (const char* text : {"", "null\n"}) {
    LoginFiles files({root_.write("a.json", text)});
    EXPECT_THAT(said(files.read(both).problem), HasSubstr("a.json holds nothing")) << text;
  }
}

TEST_F(LoginFilesTest, AProblemNeverQuotesTheFile) {
  LoginFiles files({root_.write("a.json", R"({"auths":{"ghcr.io":{"auth":"bWU6Z2hjci0x", s3cret)")});
  EXPECT_THAT(said(files.read(both).problem), testing::Not(HasSubstr("s3cret")));
}

TEST_F(LoginFilesTest, AFileThatVanishedIsAProblemAndNoLogout) {
  const auto folder = root_ / "logins";
  root_.write("logins/a.json", ghcr_1);
  const auto file = root_.write("auth.json", hub_1);
  LoginFiles files({folder, file});
  ASSERT_EQ(said(files.read(both).problem), "");
  fs::remove(file);
  fs::remove(folder / "a.json");
  StoreReading reading = files.read(both);
  EXPECT_THAT(said(reading.problem), HasSubstr("there is no login file"));
  EXPECT_THAT(said(reading.problem), HasSubstr("1 more"));
  EXPECT_EQ(secret_of(reading, ghcr), "ghcr-1");
  EXPECT_EQ(secret_of(reading, hub), "hub-1");
  fs::remove_all(folder);
  reading = files.read(both);
  EXPECT_EQ(secret_of(reading, ghcr), "ghcr-1");
  EXPECT_FALSE(reading.shows_everything());
}

TEST_F(LoginFilesTest, AHelperThatAVanishedFileNamedIsAskedFurther) {
  root_.write("auth.json", ghcr_1);
  root_.write("config.json", R"({"credHelpers":{"ecr.example":"ecr-login"}})");
  LoginFiles files({root_.path()});
  EXPECT_EQ(said(files.read({ghcr}).problem), "");
  ASSERT_TRUE(files.helpers().contains("ecr.example"));
  fs::remove(root_ / "config.json");
  EXPECT_THAT(said(files.read({ghcr}).problem), HasSubstr("config.json"));
  EXPECT_TRUE(files.helpers().contains("ecr.example"));
  root_.write("other.json", R"({"credHelpers":{"ecr.example":"other"}})");
  EXPECT_EQ(said(files.read({ghcr}).problem), "");
  EXPECT_EQ(files.helpers().at("ecr.example"), "other");
}

TEST_F(LoginFilesTest, AFileThatWasRenamedInAFolderLeavesNoProblem) {
  root_.write("a.json", ghcr_1);
  LoginFiles files({root_.path()});
  ASSERT_EQ(secret_of(files.read(both), ghcr), "ghcr-1");
  fs::remove(root_ / "a.json");
  root_.write("z.json", ghcr_2);
  const StoreReading reading = files.read(both);
  EXPECT_EQ(said(reading.problem), "");
  EXPECT_EQ(secret_of(reading, ghcr), "ghcr-2");
}

TEST_F(LoginFilesTest, OddEntriesAreProblemsOfTheirRegistries) {
  LoginFiles files(
      {root_.write("config.json",
                   R"({"auths":{"ghcr.io":{"auth":"%%%"},"docker.io":"text","quay.io":{}},"credsStore":"desktop",
          "credHelpers":{"1.dkr.ecr.eu-west-1.amazonaws.com":"ecr-login","own.test":"regsync"}})")});
  const StoreReading reading = files.read({ghcr, hub, RegistryKey("quay.io")});
  EXPECT_EQ(said(reading.problem), "");
  EXPECT_THAT(describe(reading.problems.at(ghcr)), HasSubstr("ghcr.io in "));
  EXPECT_TRUE(reading.problems.contains(hub));
  EXPECT_THAT(describe(reading.problems.at(RegistryKey("quay.io"))), HasSubstr("docker-credential-desktop"));
  EXPECT_EQ(files.helpers(), (std::map<std::string, std::string>{{"1.dkr.ecr.eu-west-1.amazonaws.com", "ecr-login"}}));
}

TEST_F(LoginFilesTest, WhatIsNoFileIsAProblemAndReadsNothingElseWorse) {
  root_.write("a.json", ghcr_1);
  ASSERT_EQ(::mkfifo((root_ / "fifo").c_str(), 0600), 0);
  fs::create_symlink("loop", root_ / "loop");
  LoginFiles files({root_.path()});
  const StoreReading reading = files.read(both);
  EXPECT_THAT(said(reading.problem), HasSubstr("fifo"));
  EXPECT_EQ(secret_of(reading, ghcr), "ghcr-1");
}

TEST_F(LoginFilesTest, AFolderWithoutFilesIsWholeAndHoldsNoLogin) {
  LoginFiles files({root_.path()});
  const StoreReading reading = files.read(both);
  EXPECT_EQ(said(reading.problem), "");
  EXPECT_TRUE(reading.shows_everything());
}

// The keyring beside them.
StoreReading of_store(const std::vector<std::pair<std::string, std::string>>& logins) {
  StoreReading reading;
  reading.asked = both;
  reading.provider = StoreProvider{"gnome-keyring-daemon", 1, ":1.1"};
  reading.collections = {{.path = "/login", .label = "Login", .locked = false, .is_default = true}};
  for (const auto& [server, secret] : logins) {
    reading.all.push_back({{server, "me"}, "/login"});
    reading.credentials.push_back({{server, "me"}, SecretString(secret)});
  }
  return reading;
}

TEST_F(LoginFilesTest, BesideTheStoreAFileComesFirst) {
  LoginFiles files({root_.write("a.json", ghcr_1)});
  const StoreReading merged = merge_readings(files.read(both), of_store({{"ghcr.io", "kept"}, {"docker.io", "kept"}}));
  EXPECT_EQ(secret_of(merged, ghcr), "ghcr-1");
  EXPECT_EQ(secret_of(merged, hub), "kept");
  EXPECT_EQ(merged.asked, both);
  EXPECT_EQ(merged.provider->program, "gnome-keyring-daemon");
  EXPECT_EQ(merged.collections.size(), 2U);
}

TEST_F(LoginFilesTest, AStoreThatCannotBeReadMattersWhereAFileDoesNotHelp) {
  LoginFiles files({root_.write("a.json", ghcr_1)});
  std::optional<StoreReading> store(std::in_place);
  store->asked = both;
  store->problem = Error(ErrorCode::store_unavailable, "no session bus");
  EXPECT_THAT(said(merge_readings(files.read(both), store).problem), HasSubstr("no session bus"));
  EXPECT_EQ(said(merge_readings(files.read({ghcr}), store).problem), "");
}

TEST_F(LoginFilesTest, AStoreThatHasNotAnsweredLeavesTheRestUnknown) {
  LoginFiles files({root_.write("a.json", ghcr_1)});
  EXPECT_EQ(merge_readings(files.read(both), std::nullopt).asked, std::set<RegistryKey>{ghcr});
}

}  // namespace
}  // namespace regsync
