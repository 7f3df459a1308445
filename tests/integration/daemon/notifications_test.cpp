// Desktop notifications, received by a server of the test's own on its session bus.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <systemd/sd-bus.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "tests/integration/daemon/daemon_fixture.hpp"

namespace regsync::test {
namespace {

using testing::HasSubstr;

// org.freedesktop.Notifications, which keeps what it is to show.
class NotificationServer {
 public:
  NotificationServer() {
    sd_bus_open_user(&bus_);
    sd_bus_add_object_vtable(bus_, nullptr, "/org/freedesktop/Notifications", "org.freedesktop.Notifications", vtable,
                             this);
    named_ = sd_bus_request_name(bus_, "org.freedesktop.Notifications", 0) >= 0;
    thread_ = std::thread([this] {
      while (!ended_) {
        sd_bus_process(bus_, nullptr);
        sd_bus_wait(bus_, 20'000);
      }
    });
  }
  ~NotificationServer() {
    ended_ = true;
    thread_.join();
    sd_bus_flush_close_unref(bus_);
  }
  NotificationServer(const NotificationServer&) = delete;
  NotificationServer& operator=(const NotificationServer&) = delete;
  NotificationServer(NotificationServer&&) = delete;
  NotificationServer& operator=(NotificationServer&&) = delete;

  [[nodiscard]] bool named() const { return named_; }
  [[nodiscard]] std::vector<std::string> shown() const {
    const std::scoped_lock lock(mutex_);
    return shown_;
  }

 private:
  static int notify(sd_bus_message* call, void* self, sd_bus_error* /*error*/) {
    auto& server = *static_cast<NotificationServer*>(self);
    const char* title = "";
    const char* text = "";
    sd_bus_message_read(call, "susss", nullptr, nullptr, nullptr, &title, &text);
    {
      const std::scoped_lock lock(server.mutex_);
      server.shown_.push_back(std::string(title) + ": " + text);
    }
    return sd_bus_reply_method_return(call, "u", 1U);
  }

  static const sd_bus_vtable vtable[];

  sd_bus* bus_ = nullptr;
  bool named_ = false;
  mutable std::mutex mutex_;
  std::vector<std::string> shown_;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

const sd_bus_vtable NotificationServer::vtable[] = {
    SD_BUS_VTABLE_START(0), SD_BUS_METHOD("Notify", "susssasa{sv}i", "u", NotificationServer::notify, 0),
    SD_BUS_VTABLE_END};

class Notifications : public DaemonFixture {
 protected:
  void begin() {
    const std::chrono::year_month_day tomorrow(std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()) +
                                               std::chrono::days(1));
    write_target("good", "expires: {ghcr.io: " + std::to_string(static_cast<int>(tomorrow.year())) + "-" +
                             two_digits(static_cast<unsigned>(tomorrow.month())) + "-" +
                             two_digits(static_cast<unsigned>(tomorrow.day())) + "}\nverifyLogins: false\n");
    person_.start_daemon();
    ASSERT_TRUE(in_sync("good"));
    ASSERT_TRUE(wait_until([&] { return person_.daemon().err().find("expires in 1 d") != std::string::npos; }));
  }

  static std::string two_digits(unsigned number) { return (number < 10 ? "0" : "") + std::to_string(number); }

  NotificationServer desktop_;
};

TEST_F(Notifications, ALoginThatEndsSoonIsToldOnce) {
  ASSERT_TRUE(desktop_.named());
  begin();
  ASSERT_TRUE(wait_until([&] { return !desktop_.shown().empty(); }));
  person_.store_login("quay.io", "me", "another reading");
  ASSERT_EQ(person_.regsync({"sync"}).exit_code, 0);
  ASSERT_EQ(desktop_.shown().size(), 1U);
  EXPECT_THAT(desktop_.shown().front(), HasSubstr("the login for ghcr.io expires in 1 d\nlog in again"));
}

TEST_F(Notifications, AreOffWhereTheSettingsSaySo) {
  person_.home().write(".config/regsync/config.yaml", "notifications: false\n");
  begin();
  ASSERT_EQ(person_.regsync({"sync"}).exit_code, 0);
  EXPECT_TRUE(desktop_.shown().empty());
}

}  // namespace
}  // namespace regsync::test
