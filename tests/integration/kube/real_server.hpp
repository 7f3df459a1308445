// A real API server for a suite of tests, and what they ask it for.
#pragma once

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sync/kube/api/kube_client.hpp"
#include "sync/kube/api/watcher.hpp"
#include "tests/support/kube_server.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/wait.hpp"

namespace regsync::kube {

// Each test has a namespace of its own.
class RealServer : public ::testing::Test {
 protected:
  // One server for all suites of the executable that take it as it is.
  static void SetUpTestSuite() {
    if (!server_) {
      boot({});
    }
  }
  // One of the suite's own, in place of the one that is there.
  static void boot(const test::KubeServer::Options& options);

  void SetUp() override;

  static void kubectl(std::vector<std::string> arguments, std::string in = {});

  // The admin's context without what makes it the admin's.
  [[nodiscard]] ResolvedContext nobody() const;
  [[nodiscard]] ResolvedContext with_token_of(const std::string& user) const;
  KubeClient client(ResolvedContext context) { return {loop_.get_executor(), std::move(context)}; }

  // Whom the server takes the client for: it says so when it refuses.
  std::string name_of(KubeClient& client);

  // Runs the loop for a while: nothing is waited for.
  void let_pass(std::chrono::milliseconds time) {
    test::run_until(loop_, [] { return false; }, time);
  }

  static std::unique_ptr<test::KubeServer> server_;
  test::TempDir temp_;
  asio::io_context loop_;
  ResolvedContext admin_;
  std::string name_space_;
};

// What a watcher of the Secrets of one namespace knows: names with versions.
class Known {
 public:
  Known(KubeClient& client, const std::string& name_space, int page_size = 500);
  asio::awaitable<void> run() { return watcher_.run(); }

  [[nodiscard]] bool has(const std::string& name) const { return objects.contains(name); }
  // Whether it was said that the server cannot be watched, in this way.
  [[nodiscard]] bool told(ErrorCode code) const;

  std::map<std::string, std::string> objects;
  std::vector<std::optional<Error>> health;
  int restarts = 0;  // lists
  int events = 0;    // of the watch
  bool synced = false;

 private:
  void on_event(const WatchEvent& event);
  Watcher watcher_;
};

}  // namespace regsync::kube
