#include "helper/secret_service/provider.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "tests/support/process.hpp"
#include "tests/support/wait.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

std::optional<StoreProvider> provider(const std::string& program, int pid = 0) {
  return StoreProvider{.program = program, .pid = pid, .bus_name = ":1.7"};
}

StoreCollection collection(const std::string& label, bool locked = true) {
  return {.path = "/c/1", .label = label, .locked = locked};
}

TEST(Provider, IsCalledByTheNameThatPeopleKnow) {
  EXPECT_EQ(describe(provider("gnome-keyring-daemon", 12)), "gnome-keyring (process 12)");
  EXPECT_EQ(describe(provider("kwalletd6")), "KWallet");
  EXPECT_EQ(describe(provider("ksecretd")), "KWallet");
  EXPECT_EQ(describe(provider("pass-secret-service", 7)), "pass-secret-service (process 7)");
  EXPECT_EQ(describe(provider("", 7)), "the Secret Service (process 7)");
  EXPECT_EQ(describe(std::nullopt), "the Secret Service");
  EXPECT_TRUE(is_known(*provider("keepassxc")));
  EXPECT_FALSE(is_known(*provider("KeePassXC"))) << "that is its name, not its program's";
}

TEST(Provider, AnOddProgramMovesNoCursor) {
  EXPECT_THAT(describe(provider("evil\x1b[2J\nprogram")), Not(HasSubstr("\x1b")));
  EXPECT_THAT(describe(provider("evil\x1b[2J\nprogram")), Not(HasSubstr("\n")));
}

TEST(Provider, OnlyLockedCollectionsAreNamed) {
  EXPECT_EQ(locked_labels({}), "");
  EXPECT_EQ(locked_labels({collection("Open", false)}), "");
  EXPECT_EQ(locked_labels({collection("Login")}), "\"Login\"");
  EXPECT_EQ(locked_labels({collection("Login"), collection("Open", false), collection("")}), "\"Login\" and \"/c/1\"");
  EXPECT_EQ(locked_labels({collection("A"), collection("B"), collection("C")}), "\"A\", \"B\" and \"C\"");
}

TEST(Provider, ALockedOneIsOpenedInItsOwnWay) {
  const Error keepassxc = locked_error(provider("keepassxc"), {collection("Work")});
  EXPECT_EQ(keepassxc.code(), ErrorCode::locked);
  EXPECT_THAT(keepassxc.message(), HasSubstr("(\"Work\" in KeePassXC)"));
  EXPECT_THAT(keepassxc.remedy(), HasSubstr("unlock the database in its window"));
  EXPECT_THAT(locked_error(provider("keepassxc"), {}).message(), HasSubstr("(KeePassXC)"));
  EXPECT_THAT(locked_error(std::nullopt, {collection("Work")}).message(), HasSubstr("(\"Work\"),"));
  const Error unknown = locked_error(std::nullopt, {});
  EXPECT_THAT(unknown.message(), HasSubstr("the keyring is locked, so"));
  EXPECT_THAT(unknown.remedy(), HasSubstr("setup --headless"));
}

TEST(Provider, EachProblemSaysWhatToDoWithThisOne) {
  EXPECT_THAT(no_default_collection_error(provider("kwalletd5")).remedy(), HasSubstr("create a wallet in KWallet"));
  EXPECT_THAT(no_default_collection_error(provider("other")).message(), HasSubstr("other has no default collection"));
  EXPECT_THAT(silent_provider_error(provider("kwalletd5", 4)).message(), HasSubstr("KWallet (process 4) does not"));
  EXPECT_THAT(silent_provider_error(provider("kwalletd5")).remedy(), HasSubstr("kquitapp5"));
  EXPECT_THAT(silent_provider_error(std::nullopt).remedy(), HasSubstr("restart it"));
  EXPECT_THAT(consent_needed_error(provider("keepassxc"), "ghcr.io").message(), HasSubstr("the login of ghcr.io"));
  EXPECT_STREQ(first_collection_label(provider("ksecretd")), "kdewallet");
  EXPECT_STREQ(first_collection_label(provider("gnome-keyring-daemon")), "Default keyring");
  EXPECT_STREQ(first_collection_label(std::nullopt), "Default keyring");
}

TEST(Provider, WhereNoneAnswersOneIsStartedOrInstalled) {
  const test::TempDir dir;
  setenv("XDG_DATA_DIRS", ((dir / "a").string() + "::" + (dir / "b").string()).c_str(), 1);
  EXPECT_THAT(no_provider_error().remedy(), HasSubstr("install one"));
  dir.write("b/dbus-1/services/org.freedesktop.secrets.service", "[D-BUS Service]\n");
  EXPECT_THAT(no_provider_error().remedy(), HasSubstr("start the one that is installed"));
}

TEST(Provider, AProgramIsRecognisedByItsFileEvenWhenAnUpgradeReplacedIt) {
  EXPECT_EQ(program_of(::getpid()), fs::read_symlink("/proc/self/exe").filename());
  EXPECT_EQ(program_of(-1), "");
  const test::TempDir dir;
  const fs::path program = dir / "keepassxc";
  fs::copy_file("/usr/bin/sleep", program);
  test::Process running({.argv = {program.string(), "60"}, .env = test::sandbox(dir), .in = {}});
  ASSERT_TRUE(test::wait_until([&] { return program_of(running.pid()) == "keepassxc"; }));
  fs::remove(program);
  EXPECT_THAT(fs::read_symlink("/proc/" + std::to_string(running.pid()) + "/exe").string(), EndsWith(" (deleted)"));
  EXPECT_EQ(program_of(running.pid()), "keepassxc");
}

}  // namespace
}  // namespace regsync
