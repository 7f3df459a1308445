#include "daemon/sources/login_file_monitor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/io_context.hpp>

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

// Who a reading says is logged in at ghcr.io.
std::string user_in(const StoreReading& reading) {
  return reading.credentials.empty() ? "" : reading.credentials.front().login.username;
}

class LoginFileMonitorTest : public testing::Test {
 protected:
  void follow(std::vector<std::filesystem::path> paths) {
    monitor_ = std::make_unique<LoginFileMonitor>(
        io_.get_executor(), std::move(paths), [this](StoreReading reading) { readings_.push_back(std::move(reading)); },
        [this](Helpers helpers) { helpers_.push_back(std::move(helpers)); });
    monitor_->want({RegistryKey("ghcr.io")});
  }
  bool until_user(const std::string& user) {
    return test::run_until(io_, [&] { return !readings_.empty() && user_in(readings_.back()) == user; });
  }

  test::TempDir dir_;
  asio::io_context io_;
  std::vector<StoreReading> readings_;
  std::vector<Helpers> helpers_;
  std::unique_ptr<LoginFileMonitor> monitor_;
};

TEST_F(LoginFileMonitorTest, AChangeIsReadWhenItHappens) {
  const auto file = dir_.write("config.json", alice);
  follow({file});
  EXPECT_THAT(readings_, IsEmpty()) << "no handler is called before the loop runs";
  ASSERT_TRUE(until_user("alice"));
  dir_.write("config.json", bob);
  EXPECT_TRUE(until_user("bob"));
  EXPECT_FALSE(monitor_->problem());
}

TEST_F(LoginFileMonitorTest, AFileThatIsMadeLaterIsRead) {
  std::filesystem::create_directory(dir_ / "logins");
  follow({dir_ / "logins", dir_ / "auth.json"});
  ASSERT_TRUE(test::run_until(io_, [&] { return !readings_.empty(); }));
  dir_.write("logins/ghcr.json", alice);
  EXPECT_TRUE(until_user("alice"));
}

TEST_F(LoginFileMonitorTest, HelpersAreToldAtFirstAndWhenTheyChange) {
  const auto file = dir_.write("config.json", alice);
  follow({file});
  ASSERT_TRUE(until_user("alice"));
  EXPECT_THAT(helpers_, ElementsAre(IsEmpty()));
  dir_.write("config.json", R"({"credHelpers": {"ecr.example": "ecr-login"}})");
  ASSERT_TRUE(test::run_until(io_, [&] { return helpers_.size() == 2; }));
  EXPECT_THAT(helpers_.back(), ElementsAre(Pair("ecr.example", "ecr-login")));
  monitor_->refresh();
  const auto before = readings_.size();
  ASSERT_TRUE(test::run_until(io_, [&] { return readings_.size() > before; }));
  EXPECT_EQ(helpers_.size(), 2U);
}

TEST_F(LoginFileMonitorTest, OnceItIsGoneNobodyIsTold) {
  follow({dir_.write("config.json", alice)});
  monitor_.reset();
  io_.poll();
  EXPECT_THAT(readings_, IsEmpty());
  EXPECT_THAT(helpers_, IsEmpty());
}

}  // namespace
}  // namespace regsync
