// The person before the windows of a provider, and the daemon's readings of it. Only inside tests/servers/with-keyring.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "helper/secret_service/store_watch.hpp"
#include "tests/support/process.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {

// Acts through tests/servers/PROVIDER, while programs wait for that.
class ProviderPerson {
 public:
  explicit ProviderPerson(const char* provider) : server_(std::string(SERVERS "/") + provider) {}

  // What the action prints; the test fails if the action does.
  [[nodiscard]] std::string does(std::vector<std::string> action) const {
    action.insert(action.begin(), server_);
    const Outcome outcome =
        run_program({.argv = std::move(action), .env = own_environment(), .in = {}}, std::chrono::seconds(90));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
    return outcome.out;
  }

  // Runs a program that needs the action to end.
  [[nodiscard]] Outcome run_while(std::vector<std::string> argv, const std::string& input,
                                  std::vector<std::string> action) const {
    Environment environment = own_environment();
    environment["PATH"] = std::filesystem::path(HELPER).parent_path().string() + ":" + environment.at("PATH");
    Process program({.argv = std::move(argv), .env = std::move(environment), .in = input});
    EXPECT_EQ(does(std::move(action)), "") << program.out();
    const auto exit_code = program.wait(std::chrono::seconds(30));
    EXPECT_TRUE(exit_code) << "it hangs";
    return {exit_code.value_or(-1), program.out(), program.err()};
  }

 private:
  const std::string server_;
};

// What the daemon reads, as it comes.
class DaemonReadings {
 public:
  explicit DaemonReadings(std::set<RegistryKey> registries) { watch_.want(std::move(registries)); }

  // Whether the last reading is like this in time.
  template <typename Like>
  bool last_is(const Like& like) {
    return wait_until(
        [&] {
          const std::scoped_lock lock(mutex_);
          return !readings_.empty() && like(readings_.back());
        },
        std::chrono::seconds(20));
  }

  // Stays while others come.
  [[nodiscard]] const StoreReading& last() const {
    const std::scoped_lock lock(mutex_);
    return readings_.back();
  }
  [[nodiscard]] std::size_t count() const {
    const std::scoped_lock lock(mutex_);
    return readings_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::deque<StoreReading> readings_;
  StoreWatch watch_{[this](StoreReading reading) {
    const std::scoped_lock lock(mutex_);
    readings_.push_back(std::move(reading));
  }};
};

}  // namespace regsync::test
