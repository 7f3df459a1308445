// When a service whose state folder cannot be used at first begins, and when not; and what it refuses.
#include "daemon/service.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "helper/base/guarded.hpp"
#include "sync/base/paths.hpp"
#include "sync/control/control_client.hpp"
#include "sync/control/requests.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

class ServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string notify = (home_ / "notify").string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(notify, std::begin(address.sun_path));
    EXPECT_EQ(::bind(systemd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    for (const auto& [name, value] : {std::pair("HOME", home_.path().string()),
                                      {"NOTIFY_SOCKET", notify},
                                      {"XDG_CONFIG_HOME", (home_ / "config").string()},
                                      {"XDG_STATE_HOME", (home_ / "state").string()},
                                      {"XDG_RUNTIME_DIR", (home_ / "run").string()},
                                      {"DBUS_SESSION_BUS_ADDRESS", "unix:path=" + (home_ / "no-bus").string()}}) {
      ::setenv(name, value.c_str(), 1);
    }
    ::unsetenv("REGSYNC_OWNER");
    home_.write("state/regsync", "");  // a file in place of the folder
  }
  void TearDown() override { ::close(systemd_); }

  [[nodiscard]] DaemonOptions without_keyring() const {
    DaemonOptions options;
    options.kubeconfig = home_.write("kubeconfig", "{}");
    options.logins = {home_.write("config.json", "{}")};
    return options;
  }

  // The folder is mended, and `what` happens, when the service's own try is due too but has not been made.
  void before_a_due_try(const std::function<void()>& what) {
    asio::steady_timer sooner(io_, 1s);
    sooner.async_wait([&](const asio::error_code&) {
      std::filesystem::remove(home_ / "state/regsync");
      what();
    });
    std::this_thread::sleep_for(2100ms);
    io_.poll();
  }

  // Why the service on io_ does not answer this.
  std::optional<Error> refusal_of(std::string_view method, const char* params) {
    auto asked = std::async(std::launch::async, [method, params = nlohmann::json::parse(params)] {
      return guarded([&] { ControlClient(paths::control_socket()).call(method, params, 10s); });
    });
    while (asked.wait_for(0s) != std::future_status::ready) {
      io_.run_one_for(10ms);
    }
    return asked.get();
  }

  // What systemd was told last of what the service does.
  [[nodiscard]] std::string last_status() const {
    std::string last;
    std::array<char, 4096> bytes{};
    for (ssize_t size = 0; (size = ::recv(systemd_, bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0;) {
      last.assign(bytes.data(), static_cast<std::size_t>(size));
    }
    return last;
  }

  test::TempDir home_;
  int systemd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  asio::io_context io_{1};
};

TEST_F(ServiceTest, AReloadThatBeginsIsNotFollowedByTheTryThatWasDue) {
  Service service(io_.get_executor(), without_keyring());
  EXPECT_NE(last_status().find("nothing is synced"), std::string::npos);
  before_a_due_try([&] { service.reload(); });
  EXPECT_EQ(last_status(), "STATUS=Following the keyring and the clusters");
  test::run(io_, service.stop());
}

TEST_F(ServiceTest, NothingBeginsAfterTheStop) {
  Service service(io_.get_executor(), without_keyring());
  EXPECT_NE(last_status().find("nothing is synced"), std::string::npos);
  before_a_due_try([&] { asio::co_spawn(io_, service.stop(), asio::detached); });
  EXPECT_EQ(last_status(), "");
}

TEST_F(ServiceTest, ARequestThatCannotBeReadIsAProtocolErrorAndChangesNothing) {
  std::filesystem::remove(home_ / "state/regsync");
  home_.write("config/regsync/targets/web.yaml", "registries: [ghcr.io]\nsecret: web\ncontexts: [\"*\"]\n");
  Service service(io_.get_executor(), without_keyring());
  for (const auto& [method, params] : std::vector<std::pair<std::string_view, const char*>>{
           {"no such method", "{}"},
           {control::methods::sync, R"({"adopt":1})"},
           {control::methods::remove, "{}"},
           {control::methods::remove, R"({"target":"web","keepSecrets":1})"},
           {control::methods::declare, R"({"target":null})"},
           {control::methods::forgettable_contexts, "{}"},
           {control::methods::forget_contexts, R"({"contexts":"a"})"},
           {control::methods::trust_context, "[]"},
           {control::methods::pause_context, R"({"context":"a"})"}}) {
    const std::optional<Error> refusal = refusal_of(method, params);
    ASSERT_TRUE(refusal) << method << " takes " << params;
    EXPECT_EQ(refusal->code(), ErrorCode::protocol) << method << " of " << params << ": " << refusal->message();
  }
  EXPECT_TRUE(std::filesystem::exists(home_ / "config/regsync/targets/web.yaml"));
  test::run(io_, service.stop());
}

}  // namespace
}  // namespace regsync
