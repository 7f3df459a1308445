// What a reading of a real gnome-keyring tells of the provider, its collections, and what could not be read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "helper/secret_service/secret_service_store.hpp"
#include "tests/integration/helper/helper_collections.hpp"
#include "tests/integration/helper/helper_program.hpp"

namespace regsync::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Key;

const std::string login_path = "/org/freedesktop/secrets/collection/login";
const RegistryKey ghcr("ghcr.io");
const RegistryKey quay("quay.io");

const StoreCollection* find(const StoreReading& reading, const std::string& path) {
  for (const StoreCollection& collection : reading.collections) {
    if (collection.path == path) {
      return &collection;
    }
  }
  return nullptr;
}

class ReadingTest : public testing::Test {
 protected:
  SecretServiceStore store_{Prompt::never};
};

TEST_F(ReadingTest, NamesTheProviderAndTheCollections) {
  store(HELPER, "ghcr.io", "alice", "one");
  const StoreReading reading = store_.load({ghcr});
  ASSERT_TRUE(reading.provider);
  EXPECT_EQ(reading.provider->program, "gnome-keyring-daemon");
  EXPECT_GT(reading.provider->pid, 1);
  EXPECT_THAT(reading.provider->bus_name, HasSubstr(":"));
  const StoreCollection* login = find(reading, login_path);
  ASSERT_TRUE(login);
  EXPECT_TRUE(login->is_default);
  EXPECT_FALSE(login->locked);
  EXPECT_TRUE(reading.shows_everything());
  EXPECT_THAT(reading.all, ElementsAre(is_kept({"ghcr.io", "alice"}, login_path)));
}

TEST_F(ReadingTest, TellsWhenAKeyringWasMadeWhateverItsDaemonDoes) {
  const auto created = [this] {
    const StoreReading reading = store_.load({ghcr});
    const StoreCollection* login = find(reading, login_path);
    return login == nullptr ? std::chrono::sys_seconds() : login->created;
  };
  const auto made = created();
  EXPECT_NE(made, std::chrono::sys_seconds());
  ASSERT_EQ(run({"dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets", login_path,
                 "org.freedesktop.DBus.Properties.Set", "string:org.freedesktop.Secret.Collection", "string:Label",
                 "variant:string:Mine"})
                .exit_code,
            0);
  EXPECT_EQ(created(), made);
  store(HELPER, "ghcr.io", "alice", "one");
  EXPECT_EQ(created(), made);
  keyring({"restart"});
  EXPECT_EQ(created(), made);
  keyring({"restart", "--without-collection"});
  EXPECT_EQ(created(), made) << "locked";
  keyring({"unlock"});
  EXPECT_EQ(created(), made);
}

TEST_F(ReadingTest, ACollectionThatWasNotUnlockedSinceTheStartIsNotEmpty) {
  const std::string work = add_collection("Work", "other password");
  store(HELPER, "ghcr.io", "alice", "one");
  secret_tool_store(work, "quay.io", "two");
  EXPECT_THAT(store_.load({ghcr, quay}).all,
              ElementsAre(is_kept({"ghcr.io", "alice"}, login_path), is_kept({"quay.io", "alice"}, work)));

  keyring({"restart"});
  const StoreReading reading = store_.load({ghcr, quay});
  const StoreCollection* collection = find(reading, work);
  ASSERT_TRUE(collection);
  EXPECT_TRUE(collection->locked);
  EXPECT_FALSE(reading.shows_everything());
  EXPECT_FALSE(reading.problem) << "the default collection is open";
  ASSERT_EQ(reading.credentials.size(), 1U);
  EXPECT_EQ(reading.credentials.front().login.server, "ghcr.io");
  ASSERT_THAT(reading.problems, ElementsAre(Key(quay)));
  EXPECT_EQ(reading.problems.at(quay).code(), ErrorCode::locked);
  EXPECT_THAT(reading.problems.at(quay).message(), HasSubstr("Work"));

  EXPECT_EQ(list(HELPER), (nlohmann::json{{"ghcr.io", "alice"}})) << "names need no unlocking";
  EXPECT_THAT(user_and_secret(HELPER, "quay.io"), HasSubstr("locked"));
  EXPECT_EQ(user_and_secret(HELPER, "ghcr.io"), "alice:one");
}

TEST_F(ReadingTest, ASecretThatIsNoTextIsTheProblemOfItsLoginAlone) {
  store(HELPER, "ghcr.io", "alice", "one");
  secret_tool_store("login", "quay.io", "\xff");
  const StoreReading reading = store_.load({ghcr, quay});
  ASSERT_EQ(reading.credentials.size(), 1U);
  EXPECT_EQ(reading.credentials.front().login.server, "ghcr.io");
  ASSERT_THAT(reading.problems, ElementsAre(Key(quay)));
  EXPECT_EQ(reading.problems.at(quay).code(), ErrorCode::unusable_login);
  EXPECT_TRUE(reading.shows_everything());
}

TEST_F(ReadingTest, WithoutADefaultCollectionWhatIsThereIsRead) {
  store(HELPER, "https://ghcr.io", "alice", "one");
  ASSERT_EQ(run({"dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets",
                 "/org/freedesktop/secrets", "org.freedesktop.Secret.Service.SetAlias", "string:default", "objpath:/"})
                .exit_code,
            0);
  EXPECT_EQ(user_and_secret(HELPER, "ghcr.io"), "alice:one");
  EXPECT_EQ(list(HELPER), (nlohmann::json{{"https://ghcr.io", "alice"}}));
  const StoreReading reading = store_.load({ghcr});
  EXPECT_EQ(reading.credentials.size(), 1U);
  EXPECT_FALSE(reading.problem);
  EXPECT_EQ(run({HELPER, "erase"}, "ghcr.io").exit_code, 0);
  EXPECT_EQ(list(HELPER), nlohmann::json::object());
}

// Several items of one registry (as docker-credential-secretservice leaves them): the one of the default collection
// counts, then the one that was stored last, also within one second.
TEST_F(ReadingTest, OfSeveralLoginsOfOneRegistryTheLastOneOfTheDefaultCollectionCounts) {
  const std::string work = add_collection("Work", "other password");
  for (const std::string& server : {"ghcr.io/", "https://ghcr.io/", "http://ghcr.io/"}) {
    secret_tool_store("login", server, "of " + server);
  }
  secret_tool_store(work, "ghcr.io/v2/", "elsewhere");
  EXPECT_EQ(user_and_secret(HELPER, "ghcr.io"), "alice:of http://ghcr.io/");
  const StoreReading reading = store_.load({ghcr});
  ASSERT_EQ(reading.credentials.size(), 1U);
  EXPECT_EQ(reading.credentials.front().secret.reveal(), "of http://ghcr.io/");
  EXPECT_EQ(reading.all.size(), 4U);
}

}  // namespace
}  // namespace regsync::test
