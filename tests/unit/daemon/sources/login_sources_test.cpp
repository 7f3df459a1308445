#include "daemon/sources/login_sources.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <memory>
#include <stdexcept>
#include <utility>

#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using Helpers = std::map<std::string, std::string>;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr const char* alice = R"({"auths": {"ghcr.io": {"auth": "YWxpY2U6c2VjcmV0"}}})";
constexpr const char* bob = R"({"auths": {"ghcr.io": {"auth": "Ym9iOnNlY3JldA=="}}})";

// What a keyring would be asked; it reads when the test says so.
class FakeStore final : public LoginSource {
 public:
  struct Asked {
    std::set<RegistryKey> wanted;
    int refreshes = 0;
    Handler on_reading;
  };

  explicit FakeStore(std::shared_ptr<Asked> asked) : asked_(std::move(asked)) {}
  void want(std::set<RegistryKey> registries) override { asked_->wanted = std::move(registries); }
  void refresh() override { ++asked_->refreshes; }

 private:
  std::shared_ptr<Asked> asked_;
};

class LoginSourcesTest : public testing::Test {
 protected:
  explicit LoginSourcesTest(bool with_store = false)
      : sources_(
            io_.get_executor(), with_store ? make_store() : nullptr,
            [this](StoreReading reading) { readings_.push_back(std::move(reading)); },
            [this](Helpers helpers) { helpers_.push_back(std::move(helpers)); }) {}

  // Who the last reading says is logged in there.
  [[nodiscard]] std::string user(const std::string& server = "ghcr.io") const {
    if (readings_.empty()) {
      return "";
    }
    const auto& logins = readings_.back().credentials;
    const auto found = std::ranges::find(logins, server, [](const Credential& each) { return each.login.server; });
    return found == logins.end() ? "" : found->login.username;
  }
  // The last reading, once there is one more.
  const StoreReading& next_reading() {
    const auto before = readings_.size();
    if (!test::run_until(io_, [&] { return readings_.size() > before; })) {
      throw std::runtime_error("no reading came");
    }
    return readings_.back();
  }

  test::TempDir dir_;
  asio::io_context io_;
  std::shared_ptr<FakeStore::Asked> store_ = std::make_shared<FakeStore::Asked>();
  std::vector<StoreReading> readings_;
  std::vector<Helpers> helpers_;
  LoginSources sources_;

 private:
  LoginSources::MakeStore make_store() {
    return [this](LoginSource::Handler on_reading) {
      store_->on_reading = std::move(on_reading);
      return std::make_unique<FakeStore>(store_);
    };
  }
};

TEST_F(LoginSourcesTest, OtherFilesAreReadForWhatWasWantedBefore) {
  sources_.want({RegistryKey("ghcr.io")});
  sources_.set_files({dir_.write("a.json", alice)});
  ASSERT_TRUE(test::run_until(io_, [&] { return user() == "alice"; }));
  sources_.set_files({dir_.write("b.json", bob)});
  EXPECT_TRUE(test::run_until(io_, [&] { return user() == "bob"; }));
  EXPECT_FALSE(sources_.problem());
}

TEST_F(LoginSourcesTest, WithoutFilesNoHelperIsNamedAnyMore) {
  sources_.set_files({dir_.write("a.json", R"({"credHelpers": {"ecr.example": "ecr-login"}})")});
  ASSERT_TRUE(test::run_until(io_, [&] { return !helpers_.empty(); }));
  EXPECT_THAT(helpers_.back(), ElementsAre(Pair("ecr.example", "ecr-login")));
  sources_.set_files({});
  EXPECT_THAT(helpers_.back(), IsEmpty());
  const auto told = helpers_.size();
  sources_.set_files({});
  EXPECT_EQ(helpers_.size(), told);
}

TEST_F(LoginSourcesTest, ARefreshReadsAgain) {
  sources_.want({RegistryKey("ghcr.io")});
  sources_.set_files({dir_.write("a.json", alice)});
  ASSERT_TRUE(test::run_until(io_, [&] { return user() == "alice"; }));
  const auto before = readings_.size();
  sources_.refresh();
  EXPECT_TRUE(test::run_until(io_, [&] { return readings_.size() > before; }));
}

// With a store too.
class LoginSourcesWithStore : public LoginSourcesTest {
 protected:
  LoginSourcesWithStore() : LoginSourcesTest(/*with_store=*/true) {
    sources_.want({RegistryKey("ghcr.io"), RegistryKey("quay.io")});
  }

  // The store's reading: carol is logged in at quay.io.
  void read_store() {
    StoreReading reading;
    reading.asked = store_->wanted;
    reading.credentials.push_back({{"quay.io", "carol"}, SecretString("secret")});
    reading.all = {{.login = {"quay.io", "carol"}, .collection = "/login"}};
    reading.provider = StoreProvider{.program = "memory", .pid = 1, .bus_name = ":1.1"};
    reading.collections = {{.path = "/login", .label = "Login", .is_default = true}};
    store_->on_reading(std::move(reading));
  }
};

TEST_F(LoginSourcesWithStore, TheStoreIsAskedForWhatIsWanted) {
  EXPECT_EQ(store_->wanted, (std::set<RegistryKey>{RegistryKey("ghcr.io"), RegistryKey("quay.io")}));
  sources_.refresh();
  EXPECT_EQ(store_->refreshes, 1);
}

TEST_F(LoginSourcesWithStore, FilesBeforeTheStoreProveNoLoginGone) {
  sources_.set_files({dir_.write("a.json", alice)});
  const StoreReading& reading = next_reading();
  EXPECT_EQ(user(), "alice");
  EXPECT_TRUE(reading.only_changes);
  EXPECT_FALSE(reading.asked.contains(RegistryKey("quay.io"))) << "the store may have it";
}

TEST_F(LoginSourcesWithStore, AReadingOfTheStoreBecomesOneWithThatOfTheFiles) {
  sources_.set_files({dir_.write("a.json", alice)});
  next_reading();
  read_store();
  const StoreReading& reading = next_reading();
  EXPECT_EQ(user("ghcr.io"), "alice");
  EXPECT_EQ(user("quay.io"), "carol");
  EXPECT_FALSE(reading.only_changes);
  EXPECT_EQ(reading.provider->program, "memory");
}

TEST_F(LoginSourcesWithStore, ChangedFilesMakeNoNewReadingOfTheStore) {
  const auto file = dir_.write("a.json", alice);
  sources_.set_files({file});
  next_reading();
  read_store();
  EXPECT_FALSE(next_reading().only_changes);
  dir_.write("a.json", bob);
  ASSERT_TRUE(test::run_until(io_, [&] { return user() == "bob"; }));
  EXPECT_EQ(user("quay.io"), "carol");
  EXPECT_TRUE(readings_.back().only_changes) << "the store has not said again that it has all";
}

TEST_F(LoginSourcesWithStore, WithoutFilesTheStoresReadingIsTheWholeOne) {
  sources_.set_files({dir_.write("a.json", alice)});
  next_reading();
  sources_.set_files({});
  EXPECT_EQ(store_->refreshes, 2) << "once with the files, once without them";
  read_store();
  EXPECT_EQ(user("ghcr.io"), "");
  EXPECT_EQ(user("quay.io"), "carol");
  EXPECT_FALSE(readings_.back().only_changes);
  EXPECT_THAT(readings_.back().collections, testing::SizeIs(1));
}

}  // namespace
}  // namespace regsync
