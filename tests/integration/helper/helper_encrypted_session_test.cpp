// The credential helper on a Secret Service that refuses `plain` sessions: a real gnome-keyring behind a bus of its own
// whose provider hands on every call but that one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <string_view>
#include <thread>

#include "helper/base/event_fd.hpp"
#include "helper/secret_service/bus_connection.hpp"
#include "helper/secret_service/secret_service_client.hpp"
#include "tests/integration/helper/helper_program.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

// Beside that of the sandbox, and like it.
class OtherBus {
 public:
  OtherBus() {
    const Environment sandbox = own_environment();
    const std::string listen = sandbox.at("DBUS_SESSION_BUS_ADDRESS");
    std::string config = read_file(std::filesystem::path(sandbox.at("XDG_RUNTIME_DIR")).parent_path() / "bus.conf");
    config.replace(config.find(listen), listen.size(), address());
    dir_.write("bus.conf", config);
    daemon_ = std::make_unique<Process>(Program{.argv = {"dbus-daemon", "--config-file=" + (dir_ / "bus.conf").string(),
                                                         "--nofork", "--nopidfile", "--print-address=1"},
                                                .env = own_environment(),
                                                .in = {},
                                                .directory = {}});
    EXPECT_TRUE(wait_until([this] { return !daemon_->out().empty(); })) << daemon_->err();
  }
  [[nodiscard]] std::string address() const { return "unix:path=" + socket(); }

 private:
  [[nodiscard]] std::string socket() const { return (dir_ / "bus").string(); }

  TempDir dir_;
  std::unique_ptr<Process> daemon_;
};

class RefusingProvider {
 public:
  explicit RefusingProvider(const OtherBus& bus) {
    sd_bus* front = nullptr;
    EXPECT_GE(sd_bus_new(&front), 0);
    front_.reset(front);
    EXPECT_GE(sd_bus_set_address(front, bus.address().c_str()), 0);
    EXPECT_GE(sd_bus_set_bus_client(front, 1), 0);
    EXPECT_GE(sd_bus_start(front), 0);
    EXPECT_GE(sd_bus_add_filter(
                  front, nullptr,
                  [](sd_bus_message* message, void* self, sd_bus_error*) {
                    return sd_bus_message_is_method_call(message, nullptr, nullptr) > 0
                               ? static_cast<RefusingProvider*>(self)->answer(message)
                               : 0;
                  },
                  this),
              0);
    EXPECT_GE(sd_bus_request_name(front, secret_service_name, 0), 0);
    thread_ = std::thread([this] {
      while (!wait_for_input(front_.get(), end_.fd())) {
        while (sd_bus_process(front_.get(), nullptr) > 0) {
        }
      }
    });
  }
  ~RefusingProvider() {
    end_.set();
    thread_.join();
  }
  RefusingProvider(const RefusingProvider&) = delete;
  RefusingProvider& operator=(const RefusingProvider&) = delete;
  RefusingProvider(RefusingProvider&&) = delete;
  RefusingProvider& operator=(RefusingProvider&&) = delete;

  [[nodiscard]] int refused() const { return refused_; }

 private:
  int answer(sd_bus_message* call) {
    if (sd_bus_message_get_member(call) == std::string_view("OpenSession")) {
      const char* algorithm = "";
      read_from(call, "s", &algorithm);
      if (algorithm == std::string_view("plain")) {
        ++refused_;
        return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_NOT_SUPPORTED, "no plain sessions");
      }
    }
    sd_bus_message* raw = nullptr;
    EXPECT_GE(sd_bus_message_new_method_call(back_.get(), &raw, secret_service_name, sd_bus_message_get_path(call),
                                             sd_bus_message_get_interface(call), sd_bus_message_get_member(call)),
              0);
    const BusMessagePtr handed_on(raw);
    EXPECT_GE(sd_bus_message_rewind(call, 1), 0);
    EXPECT_GE(sd_bus_message_copy(handed_on.get(), call, 1), 0);
    sd_bus_error error{};
    sd_bus_message* received = nullptr;
    if (sd_bus_call(back_.get(), handed_on.get(), 0, &error, &received) < 0) {
      EXPECT_GE(sd_bus_reply_method_error(call, &error), 0);
      sd_bus_error_free(&error);
      return 1;
    }
    const BusMessagePtr reply(received);
    sd_bus_message* made = nullptr;
    EXPECT_GE(sd_bus_message_new_method_return(call, &made), 0);
    const BusMessagePtr answer(made);
    EXPECT_GE(sd_bus_message_copy(answer.get(), reply.get(), 1), 0);
    EXPECT_GE(sd_bus_send(front_.get(), answer.get(), nullptr), 0);
    return 1;
  }

  std::atomic<int> refused_ = 0;
  EventFd end_;
  BusPtr front_;
  BusConnection back_;  // to the real one
  std::thread thread_;  // uses all of the above
};

TEST(PlainSessionRefused, TheHelperReadsAndWritesInAnEncryptedOne) {
  const OtherBus bus;
  const RefusingProvider provider(bus);
  Environment environment = own_environment();
  environment["DBUS_SESSION_BUS_ADDRESS"] = bus.address();
  const auto helper = [&](const char* action, const std::string& input) {
    return run_program({.argv = {HELPER, action}, .env = environment, .in = input});
  };
  for (const char* secret : {"one", "two", "two"}) {
    const Outcome stored = helper("store", login_json("ghcr.io", "alice", secret));
    EXPECT_EQ(stored.exit_code, 0) << stored.out;
    EXPECT_EQ(run({"secret-tool", "lookup", "server", "ghcr.io"}).out, secret) << "in the real keyring";
  }
  EXPECT_EQ(helper("list", "").out, "{\"ghcr.io\":\"alice\"}\n");
  EXPECT_THAT(helper("get", "ghcr.io").out, testing::HasSubstr(R"("Username":"alice","Secret":"two")"));
  EXPECT_THAT(helper("get", "https://GHCR.IO/").out, testing::HasSubstr(R"("Secret":"two")"));
  EXPECT_EQ(helper("erase", "ghcr.io").exit_code, 0);
  EXPECT_EQ(list(HELPER), nlohmann::json::object());
  EXPECT_GT(provider.refused(), 4);
}

}  // namespace
}  // namespace regsync::test
