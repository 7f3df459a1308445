// StoreMonitor on a real gnome-keyring: what happens to the keyring arrives as a reading, without polling.
#include "daemon/sources/store_monitor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <chrono>
#include <csignal>
#include <deque>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "tests/integration/helper/helper_collections.hpp"
#include "tests/support/keyring.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class StoreMonitorTest : public testing::Test {
 protected:
  void start(std::set<RegistryKey> registries) {
    monitor_.emplace(io_.get_executor(), [this](StoreReading reading) {
      EXPECT_TRUE(std::this_thread::get_id() == thread_) << "the handler runs on the io_context thread";
      if (reading.asked == wanted_) {
        readings_.push_back(std::move(reading));
      }
    });
    wanted_ = registries;
    monitor_->want(std::move(registries));
  }

  // Runs the io_context until a reading like this has arrived; the test fails if none does.
  StoreReading wait_for(const std::function<bool(const StoreReading&)>& like,
                        milliseconds time = std::chrono::seconds(10)) {
    const auto deadline = steady_clock::now() + time;
    while (true) {
      while (!readings_.empty()) {
        StoreReading reading = std::move(readings_.front());
        readings_.pop_front();
        if (like(reading)) {
          return reading;
        }
      }
      if (steady_clock::now() > deadline) {
        ADD_FAILURE() << "no such reading came";
        return {};
      }
      io_.restart();
      io_.run_one_for(milliseconds(20));
    }
  }

  static auto problem(ErrorCode code) {
    return [code](const StoreReading& reading) { return reading.problem && reading.problem->code() == code; };
  }

  static auto secret(const std::string& secret) {
    return [secret](const StoreReading& reading) {
      return !reading.problem && reading.credentials.size() == 1 &&
             reading.credentials.front().secret.reveal() == secret;
    };
  }

  // How many readings come within this time.
  std::size_t count_for(milliseconds time) {
    io_.restart();
    io_.run_for(time);
    const std::size_t count = readings_.size();
    readings_.clear();
    return count;
  }

  static void login(const std::string& server, const std::string& username, const std::string& secret) {
    const nlohmann::json json{{"ServerURL", server}, {"Username", username}, {"Secret", secret}};
    const auto stored = run({HELPER, "store"}, json.dump());
    ASSERT_EQ(stored.exit_code, 0) << stored.out << stored.err;
  }

  asio::io_context io_;
  std::thread::id thread_ = std::this_thread::get_id();
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  std::set<RegistryKey> wanted_;
  std::deque<StoreReading> readings_;
  std::optional<StoreMonitor> monitor_;
};

const RegistryKey ghcr("ghcr.io");

TEST_F(StoreMonitorTest, ALoginArrivesWithinMilliseconds) {
  start({ghcr});
  wait_for([](const StoreReading& reading) { return !reading.problem; });
  const auto began = steady_clock::now();
  login("ghcr.io", "alice", "one");
  const auto stored = steady_clock::now();
  const StoreReading reading = wait_for(secret("one"));
  RecordProperty("milliseconds_after_store",
                 static_cast<int>(std::chrono::duration_cast<milliseconds>(steady_clock::now() - stored).count()));
  // As long as the command on this machine, and a second: a poll would take several.
  EXPECT_LT(steady_clock::now() - stored, stored - began + milliseconds(1000));
  EXPECT_EQ(reading.credentials.front().login, (Login{"ghcr.io", "alice"}));
  login("ghcr.io", "alice", "two");
  wait_for(secret("two"));
}

TEST_F(StoreMonitorTest, ALogoutIsACompleteReadingWithoutTheLogin) {
  login("ghcr.io", "alice", "one");
  start({ghcr});
  wait_for(secret("one"));
  ASSERT_EQ(run({HELPER, "erase"}, "ghcr.io").exit_code, 0);
  wait_for([](const StoreReading& reading) { return !reading.problem && reading.all.empty(); });
}

TEST_F(StoreMonitorTest, OfManyLoginsTheChangedOneAloneIsReadAgain) {
  login("ghcr.io", "alice", "one");
  login("quay.io", "bob", "kept");
  start({ghcr, RegistryKey("quay.io")});
  const auto with = [](const std::string& ghcr_secret, bool only_changes) {
    return [=](const StoreReading& reading) {
      const auto& logins = reading.credentials;
      return !reading.problem && reading.only_changes == only_changes && reading.all.size() == 2 &&
             logins.size() == 2 && logins[0].login.server == "ghcr.io" && logins[0].secret.reveal() == ghcr_secret &&
             logins[1].login == Login{"quay.io", "bob"} && logins[1].secret.reveal() == "kept";
    };
  };
  wait_for(with("one", false));
  login("ghcr.io", "alice", "two");
  wait_for(with("two", true));
  login("ghcr.io", "alice", "three");
  EXPECT_TRUE(wait_for(with("three", true)).shows_everything());
  login("ghcr.io", "mallory", "four");  // a new item, and the old one is deleted
  wait_for(with("four", false));
  monitor_->refresh();
  wait_for(with("four", false));
}

TEST_F(StoreMonitorTest, ANewLoginIsReadAlone) {
  login("quay.io", "bob", "kept");
  start({ghcr, RegistryKey("quay.io")});
  wait_for(secret("kept"));
  login("ghcr.io", "alice", "one");
  const StoreReading reading = wait_for([](const StoreReading& seen) { return seen.credentials.size() == 2; });
  EXPECT_TRUE(reading.only_changes);
  EXPECT_EQ(reading.all.size(), 2U);
  EXPECT_EQ(reading.all.front().collection, reading.all.back().collection);
}

// gnome-keyring tells nobody that another collection is the default one.
TEST_F(StoreMonitorTest, AnotherDefaultCollectionIsNoticedWithTheNextChange) {
  const std::string work = add_collection("Work", "other password");
  login("ghcr.io", "alice", "one");
  secret_tool_store(work, "ghcr.io", "two");
  start({ghcr});
  wait_for(secret("one"));
  ASSERT_EQ(
      run({"dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets",
           "org.freedesktop.Secret.Service.SetAlias", "string:default", "objpath:" + work})
          .exit_code,
      0);
  EXPECT_EQ(count_for(milliseconds(100)), 0U);
  secret_tool_store(work, "quay.io", "other");
  wait_for(secret("two"));
}

TEST_F(StoreMonitorTest, AHandlerThatFailsIsNotTheEndOfTheLoop) {
  int calls = 0;
  StoreMonitor monitor(io_.get_executor(), [&](const StoreReading&) {
    ++calls;
    throw std::runtime_error("a defect");
  });
  EXPECT_NO_THROW({
    while (calls == 0) {
      io_.run_one_for(milliseconds(20));
    }
  });
}

TEST_F(StoreMonitorTest, WhatOtherProgramsKeepThereIsNoLogin) {
  login("ghcr.io", "alice", "one");
  start({ghcr});
  wait_for(secret("one"));
  ASSERT_EQ(run({"secret-tool", "store", "--label=other", "server", "ghcr.io", "username", "eve"}, "other").exit_code,
            0);
  const StoreReading reading = wait_for(secret("one"));
  EXPECT_TRUE(reading.only_changes);
  EXPECT_EQ(reading.all.size(), 1U);
}

TEST_F(StoreMonitorTest, OnlyTheSecretsThatAreWantedLeaveTheKeyring) {
  login("ghcr.io", "alice", "one");
  login("quay.io", "bob", "two");
  start({ghcr});
  const StoreReading reading = wait_for(secret("one"));
  EXPECT_EQ(reading.all.size(), 2U);
  wanted_ = {RegistryKey("quay.io")};
  monitor_->want(wanted_);
  wait_for(secret("two"));
}

TEST_F(StoreMonitorTest, ABurstOfChangesBecomesFewReadings) {
  start({ghcr});
  wait_for([](const StoreReading& reading) { return !reading.problem; });
  count_for(milliseconds(100));
  for (int i = 0; i < 50; ++i) {
    login("registry" + std::to_string(i) + ".example", "alice", "s");
  }
  wait_for([](const StoreReading& reading) { return reading.all.size() == 50; });
  const auto before = steady_clock::now();
  keyring({"lock"});
  keyring({"unlock"});  // emits a signal per item
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - before + milliseconds(300));
  EXPECT_LE(count_for(milliseconds(300)), static_cast<std::size_t>(took / milliseconds(20)) + 4);
}

TEST_F(StoreMonitorTest, ALockedKeyringIsAProblemAndNothingElse) {
  login("ghcr.io", "alice", "one");
  start({ghcr});
  wait_for(secret("one"));
  keyring({"lock"});
  const StoreReading locked = wait_for(problem(ErrorCode::locked));
  EXPECT_TRUE(locked.credentials.empty());
  EXPECT_FALSE(locked.shows_everything());
  keyring({"unlock"});
  wait_for(secret("one"));
}

TEST_F(StoreMonitorTest, AKeyringThatGoesIsAProblemAndItsReturnAReading) {
  login("ghcr.io", "alice", "one");
  start({ghcr});
  wait_for(secret("one"));
  keyring({"stop"});
  wait_for(problem(ErrorCode::store_unavailable));
  keyring({"start"});
  wait_for(secret("one"));
  keyring({"restart"});
  login("ghcr.io", "alice", "two");
  wait_for(secret("two"));
}

TEST_F(StoreMonitorTest, AKeyringMayComeLate) {
  keyring({"stop"});
  start({ghcr});
  wait_for(problem(ErrorCode::store_unavailable));
  keyring({"start"});
  wait_for([](const StoreReading& reading) { return !reading.problem; });
  login("ghcr.io", "alice", "one");
  wait_for(secret("one"));
}

TEST_F(StoreMonitorTest, AKeyringUnlockedLaterIsRead) {
  login("ghcr.io", "alice", "one");
  keyring({"restart", "--without-collection"});
  start({ghcr});
  wait_for(problem(ErrorCode::locked));
  keyring({"unlock"});
  wait_for(secret("one"));
}

TEST_F(StoreMonitorTest, RefreshReadsAgain) {
  start({ghcr});
  wait_for([](const StoreReading& reading) { return !reading.problem; });
  count_for(milliseconds(100));
  monitor_->refresh();
  wait_for([](const StoreReading& reading) { return !reading.problem; });
}

TEST_F(StoreMonitorTest, NoSessionBusIsAProblemThatARefreshOvercomes) {
  const std::string address = own_environment().at("DBUS_SESSION_BUS_ADDRESS");
  ASSERT_EQ(setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1), 0);
  start({ghcr});
  wait_for(problem(ErrorCode::store_unavailable));
  ASSERT_EQ(setenv("DBUS_SESSION_BUS_ADDRESS", address.c_str(), 1), 0);
  monitor_->refresh();
  wait_for([](const StoreReading& reading) { return !reading.problem; });
}

TEST_F(StoreMonitorTest, ASessionBusThatDiesIsAProblemThatARefreshOvercomes) {
  start({ghcr});
  wait_for([](const StoreReading& reading) { return !reading.problem; });
  const std::string pid = run({"dbus-send", "--session", "--print-reply=literal", "--dest=org.freedesktop.DBus", "/",
                               "org.freedesktop.DBus.GetConnectionUnixProcessID", "string:org.freedesktop.DBus"})
                              .out;
  ASSERT_EQ(kill(std::stoi(pid.substr(pid.find("uint32") + 6)), SIGTERM), 0);
  wait_for(problem(ErrorCode::store_unavailable));
  const std::filesystem::path runtime = own_environment().at("XDG_RUNTIME_DIR");
  std::filesystem::remove(runtime / "bus");
  const Process bus(
      {.argv = {"dbus-daemon", "--config-file=" + (runtime.parent_path() / "bus.conf").string(), "--nofork"},
       .env = own_environment(),
       .in = {}});
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(runtime / "bus"); }));
  keyring({"start"});
  monitor_->refresh();
  wait_for([](const StoreReading& reading) { return !reading.problem; });
  login("ghcr.io", "alice", "one");
  wait_for(secret("one"));
}

TEST_F(StoreMonitorTest, EndsAtOnceWhileAKeyringDoesNotAnswer) {
  start({ghcr});
  wait_for([](const StoreReading& reading) { return !reading.problem; });
  keyring({"freeze"});
  monitor_->refresh();
  count_for(milliseconds(100));
  const auto before = steady_clock::now();
  monitor_.reset();
  EXPECT_LT(steady_clock::now() - before, std::chrono::seconds(9)) << "a call waits ten seconds for its answer";
}

TEST_F(StoreMonitorTest, EndsAtOnceWhileABusDoesNotAnswer) {
  const std::filesystem::path path = std::filesystem::path(own_environment().at("XDG_RUNTIME_DIR")) / "silent";
  asio::local::stream_protocol::acceptor silent(io_, path.string());  // takes connections, and that is all
  ASSERT_EQ(setenv("DBUS_SESSION_BUS_ADDRESS", ("unix:path=" + path.string()).c_str(), 1), 0);
  start({ghcr});
  count_for(milliseconds(100));
  const auto before = steady_clock::now();
  monitor_.reset();
  EXPECT_LT(steady_clock::now() - before, std::chrono::seconds(9)) << "a call waits ten seconds for its answer";
}

TEST_F(StoreMonitorTest, ABusThatHangsUpIsAProblemAndNoReasonToSpin) {
  const std::filesystem::path path = std::filesystem::path(own_environment().at("XDG_RUNTIME_DIR")) / "rude";
  asio::local::stream_protocol::acceptor rude(io_, path.string());
  int calls = 0;
  const std::function<void()> hang_up = [&] {
    rude.async_accept([&](asio::error_code error, const asio::local::stream_protocol::socket&) {
      if (!error) {
        ++calls;
        hang_up();
      }
    });
  };
  hang_up();
  ASSERT_EQ(setenv("DBUS_SESSION_BUS_ADDRESS", ("unix:path=" + path.string()).c_str(), 1), 0);
  start({ghcr});
  wait_for(problem(ErrorCode::store_unavailable));
  count_for(milliseconds(100));
  EXPECT_LE(calls, 2) << "one for each reading: the first, and that of want()";
}

TEST_F(StoreMonitorTest, NoHandlerRunsAfterTheEnd) {
  start({ghcr});
  monitor_->refresh();
  std::this_thread::sleep_for(milliseconds(100));  // readings are posted, and not yet handled
  monitor_.reset();
  EXPECT_EQ(count_for(milliseconds(50)), 0U);
}

}  // namespace
}  // namespace regsync::test
