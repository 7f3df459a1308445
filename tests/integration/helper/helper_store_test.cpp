// SecretServiceStore on a real gnome-keyring.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "helper/secret_service/secret_service_store.hpp"
#include "tests/integration/helper/helper_collections.hpp"
#include "tests/support/keyring.hpp"

namespace regsync::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Credential credential(std::string server, std::string username, std::string_view secret) {
  return {{std::move(server), std::move(username)}, SecretString(secret)};
}

template <typename Call>
std::optional<ErrorCode> failure(Call call) {
  try {
    call();
    return std::nullopt;
  } catch (const Error& error) {
    return error.code();
  }
}

class SecretServiceStoreTest : public testing::Test {
 protected:
  void expect_every_call_fails_with(ErrorCode code) {
    EXPECT_EQ(failure([&] { store_.get("ghcr.io"); }), code);
    EXPECT_EQ(failure([&] { store_.get("never-stored.example"); }), code);
    EXPECT_EQ(failure([&] { store_.erase("ghcr.io"); }), code);
    EXPECT_EQ(failure([&] { store_.list(); }), code);
    const StoreReading reading = store_.load({RegistryKey("ghcr.io")});
    ASSERT_TRUE(reading.problem);
    EXPECT_EQ(reading.problem->code(), code);
    EXPECT_FALSE(reading.shows_everything());
    EXPECT_EQ(failure([&] { store_.store(credential("ghcr.io", "eve", "other")); }), code);
  }

  SecretServiceStore store_{Prompt::never};
};

TEST_F(SecretServiceStoreTest, KeepsReadsAndErasesALogin) {
  EXPECT_EQ(store_.get("ghcr.io"), std::nullopt);
  store_.store(credential("ghcr.io", "alice", "s3cret"));
  EXPECT_EQ(store_.get("ghcr.io"), credential("ghcr.io", "alice", "s3cret"));
  EXPECT_TRUE(store_.erase("ghcr.io"));
  EXPECT_FALSE(store_.erase("ghcr.io"));
  EXPECT_EQ(store_.get("ghcr.io"), std::nullopt);
}

TEST_F(SecretServiceStoreTest, EverySpellingOfARegistryFindsItsLogin) {
  store_.store(credential("https://ghcr.io", "alice", "s3cret"));
  EXPECT_TRUE(store_.get("ghcr.io"));
  store_.store(credential("docker.io", "bob", "s3cret"));
  EXPECT_TRUE(store_.get("https://index.docker.io/v1/"));
  EXPECT_EQ(store_.get("ghcr.io/team/app"), std::nullopt);
  EXPECT_EQ(store_.get("ghcr.io:5000"), std::nullopt);
  EXPECT_TRUE(store_.erase("http://ghcr.io/"));
  EXPECT_THAT(store_.list(), ElementsAre(Login{"docker.io", "bob"}));
}

// As nerdctl stores it.
TEST_F(SecretServiceStoreTest, TheDefaultPortIsASpellingOfNone) {
  store_.store(credential("ghcr.io:443", "alice", "1"));
  EXPECT_EQ(store_.get("ghcr.io"), credential("ghcr.io:443", "alice", "1"));
  EXPECT_EQ(store_.load({RegistryKey("ghcr.io")}).credentials.size(), 1U);
  store_.store(credential("ghcr.io", "alice", "2"));
  EXPECT_EQ(store_.get("ghcr.io:443"), credential("ghcr.io", "alice", "2"));
  EXPECT_EQ(store_.get("ghcr.io:80"), std::nullopt);
  EXPECT_EQ(store_.get("ghcr.io:8443"), std::nullopt);
  EXPECT_TRUE(store_.erase("https://ghcr.io:443"));
  EXPECT_EQ(store_.get("ghcr.io"), std::nullopt);
}

TEST_F(SecretServiceStoreTest, AnAccountsLoginStandsBesideTheOneThatDockersClientsSee) {
  SecretServiceStore clients(Prompt::never, -1, Shelf::docker_clients);
  clients.store(credential("accounts.test", "alice", "1"));
  store_.store(credential("https://work@Accounts.test/", "bob", "2"));
  EXPECT_EQ(store_.get("work@accounts.test"), credential("work@accounts.test", "bob", "2"));
  EXPECT_EQ(store_.get("accounts.test"), credential("accounts.test", "alice", "1"));
  EXPECT_EQ(store_.get("home@accounts.test"), std::nullopt);
  // Whatever a client asks for, it gets the login that it stored.
  EXPECT_EQ(clients.get("accounts.test"), credential("accounts.test", "alice", "1"));
  EXPECT_EQ(clients.get("https://work@accounts.test"), credential("accounts.test", "alice", "1"));
  EXPECT_THAT(clients.list(), testing::Contains(Login{"accounts.test", "alice"}));
  EXPECT_THAT(clients.list(), testing::Not(testing::Contains(testing::Field(&Login::username, "bob"))));
  const Outcome searched =
      run({"secret-tool", "search", "--all", "xdg:schema", "io.docker.Credentials", "docker_cli", "1"});
  EXPECT_EQ((searched.out + searched.err).find("bob"), std::string::npos) << "another program of that schema";

  const StoreReading reading = store_.load({RegistryKey("work@accounts.test"), RegistryKey("accounts.test")});
  ASSERT_EQ(reading.credentials.size(), 2U);
  for (const Credential& read : reading.credentials) {
    const bool of_work = read.login.server == "work@accounts.test";
    EXPECT_EQ(read, of_work ? credential("work@accounts.test", "bob", "2") : credential("accounts.test", "alice", "1"));
  }
  // docker login and docker logout do not touch it.
  clients.store(credential("accounts.test", "alice", "3"));
  EXPECT_TRUE(clients.erase("work@accounts.test"));
  EXPECT_EQ(clients.get("accounts.test"), std::nullopt);
  EXPECT_EQ(store_.get("work@accounts.test"), credential("work@accounts.test", "bob", "2"));
  store_.store(credential("work@accounts.test", "bob", "4"));
  EXPECT_EQ(store_.get("work@accounts.test"), credential("work@accounts.test", "bob", "4"));
  EXPECT_TRUE(store_.erase("work@accounts.test"));
  EXPECT_FALSE(store_.erase("work@accounts.test"));
}

TEST_F(SecretServiceStoreTest, UserInfoThatAClientStoredIsNoAccount) {
  SecretServiceStore clients(Prompt::never, -1, Shelf::docker_clients);
  clients.store(credential("https://jdoe@userinfo.test", "jdoe", "1"));
  EXPECT_TRUE(store_.get("userinfo.test"));
  EXPECT_EQ(store_.get("jdoe@userinfo.test"), std::nullopt);
  EXPECT_THAT(clients.list(), testing::Contains(Login{"https://jdoe@userinfo.test", "jdoe"}));
  EXPECT_TRUE(clients.erase("userinfo.test"));
}

TEST_F(SecretServiceStoreTest, ARegistryHasOneLogin) {
  store_.store(credential("ghcr.io", "alice", "1"));
  store_.store(credential("ghcr.io", "bob", "2"));
  EXPECT_THAT(store_.list(), ElementsAre(Login{"ghcr.io", "bob"}));
  store_.store(credential("ghcr.io", "alice", "3"));
  EXPECT_THAT(store_.list(), ElementsAre(Login{"ghcr.io", "alice"}));
  EXPECT_EQ(store_.get("ghcr.io"), credential("ghcr.io", "alice", "3"));
  store_.store(credential("https://ghcr.io", "alice", "4"));
  EXPECT_THAT(store_.list(), ElementsAre(Login{"https://ghcr.io", "alice"}));
}

TEST_F(SecretServiceStoreTest, LoadsTheSecretsOfWhatIsWantedAndNothingElse) {
  store_.store(credential("ghcr.io", "alice", "1"));
  store_.store(credential("quay.io", "bob", "2"));
  const auto loaded = store_.load({RegistryKey("quay.io")});
  ASSERT_EQ(loaded.credentials.size(), 1U);
  EXPECT_EQ(loaded.credentials.front(), credential("quay.io", "bob", "2"));
  const std::string login = "/org/freedesktop/secrets/collection/login";
  EXPECT_THAT(loaded.all, ElementsAre(is_kept({"ghcr.io", "alice"}, login), is_kept({"quay.io", "bob"}, login)));
  EXPECT_FALSE(loaded.problem);
}

TEST_F(SecretServiceStoreTest, ReadsMoreLoginsThanABusTakesCallsAtOnce) {
  for (int i = 0; i < 200; ++i) {
    store_.store(credential("registry" + std::to_string(i) + ".example", "alice", "s"));
  }
  EXPECT_EQ(store_.list().size(), 200U);
  EXPECT_EQ(store_.load({RegistryKey("registry7.example")}).all.size(), 200U);
}

TEST_F(SecretServiceStoreTest, ALockedKeyringIsNotAnEmptyOne) {
  store_.store(credential("ghcr.io", "alice", "s3cret"));
  keyring({"lock"});
  expect_every_call_fails_with(ErrorCode::locked);
  keyring({"unlock"});
  EXPECT_EQ(store_.get("ghcr.io"), credential("ghcr.io", "alice", "s3cret"));
}

TEST_F(SecretServiceStoreTest, AKeyringThatWasNeverUnlockedIsNotAnEmptyOne) {
  store_.store(credential("ghcr.io", "alice", "s3cret"));
  keyring({"restart", "--without-collection"});  // gnome-keyring shows only hashes of the attributes now
  expect_every_call_fails_with(ErrorCode::locked);
}

TEST_F(SecretServiceStoreTest, ARestartedKeyringIsFoundAgain) {
  store_.store(credential("ghcr.io", "alice", "s3cret"));
  keyring({"restart"});
  EXPECT_EQ(store_.get("ghcr.io"), credential("ghcr.io", "alice", "s3cret"));
  keyring({"restart"});
  EXPECT_EQ(store_.load({RegistryKey("ghcr.io")}).credentials.size(), 1U);
  keyring({"restart"});
  store_.store(credential("ghcr.io", "bob", "new"));
  EXPECT_EQ(store_.get("ghcr.io"), credential("ghcr.io", "bob", "new"));
}

TEST_F(SecretServiceStoreTest, NoProviderIsNotAnEmptyKeyring) {
  keyring({"stop"});
  EXPECT_EQ(failure([&] { store_.get("ghcr.io"); }), ErrorCode::store_unavailable);
  EXPECT_EQ(failure([&] { store_.list(); }), ErrorCode::store_unavailable);
  EXPECT_EQ(failure([&] { store_.load({}); }), ErrorCode::store_unavailable);
  keyring({"start"});
  EXPECT_THAT(store_.list(), IsEmpty());
}

TEST_F(SecretServiceStoreTest, AMachineWithoutAKeyringIsEmptyAndItsReadingSaysNothingOfLogouts) {
  keyring({"stop"});
  std::filesystem::remove_all(std::filesystem::path(own_environment().at("XDG_DATA_HOME")) / "keyrings");
  keyring({"start", "--without-collection"});
  EXPECT_EQ(store_.get("ghcr.io"), std::nullopt);
  EXPECT_FALSE(store_.erase("ghcr.io"));
  EXPECT_THAT(store_.list(), IsEmpty());
  EXPECT_FALSE(store_.load({RegistryKey("ghcr.io")}).shows_everything());
  EXPECT_EQ(failure([&] { store_.store(credential("ghcr.io", "eve", "other")); }), ErrorCode::store_unavailable);
}

TEST_F(SecretServiceStoreTest, RefusesWhatCannotBeKept) {
  EXPECT_EQ(failure([&] { store_.store(credential("ghcr.io", "alice", "")); }), ErrorCode::invalid_input);
  EXPECT_EQ(failure([&] { store_.store(credential("ghcr.io", "alice", {"a\0b", 3})); }), ErrorCode::invalid_input);
  EXPECT_EQ(failure([&] { store_.store(credential("ghcr.io", "al\xff", "s")); }), ErrorCode::invalid_input);
  EXPECT_EQ(failure([&] { store_.get(std::string_view("g\0", 2)); }), ErrorCode::invalid_input);
  EXPECT_THAT(store_.list(), IsEmpty());
}

}  // namespace
}  // namespace regsync::test
