// SecretServiceStore on a Secret Service that fails as gnome-keyring was seen to: it answers that a method is unknown,
// or an item gone, and has both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <string_view>
#include <thread>

#include "helper/base/event_fd.hpp"
#include "helper/secret_service/bus_connection.hpp"
#include "helper/secret_service/secret_service_answers.hpp"
#include "helper/secret_service/secret_service_client.hpp"
#include "helper/secret_service/secret_service_store.hpp"
#include "tests/support/keyring.hpp"

namespace regsync::test {
namespace {

constexpr int always = 1'000'000;

// One login, of ghcr.io. `times` calls of `member` (a method, or a property) are answered with the error.
class FailingService {
 public:
  FailingService(std::string member, int times, const char* error = SD_BUS_ERROR_UNKNOWN_METHOD)
      : member_(std::move(member)), times_(times), error_(error) {
    EXPECT_GE(sd_bus_add_filter(
                  connection_.get(), nullptr,
                  [](sd_bus_message* message, void* self, sd_bus_error*) {
                    return sd_bus_message_is_method_call(message, nullptr, nullptr) > 0
                               ? static_cast<FailingService*>(self)->answer(message)
                               : 0;
                  },
                  this),
              0);
    EXPECT_GE(sd_bus_request_name(connection_.get(), secret_service_name, 0), 0);
    thread_ = std::thread([this] { connection_.wait_until([] { return false; }); });
  }
  ~FailingService() {
    end_.set();
    thread_.join();
  }
  FailingService(const FailingService&) = delete;
  FailingService& operator=(const FailingService&) = delete;
  FailingService(FailingService&&) = delete;
  FailingService& operator=(FailingService&&) = delete;

  [[nodiscard]] int times_left() const { return times_; }
  [[nodiscard]] int sessions() const { return sessions_; }

 private:
  static bool is_of_login(sd_bus_message* search) {
    const char* key = nullptr;
    const char* schema = nullptr;
    sd_bus_message_enter_container(search, 'a', "{ss}");
    return read_from(search, "{ss}", &key, &schema) && schema == std::string_view(login_schema);
  }

  int reply_as(std::string_view member, sd_bus_message* call) {
    return member == "OpenSession"   ? sd_bus_reply_method_return(call, "vo", "s", "", "/session")
           : member == "Collections" ? sd_bus_reply_method_return(call, "v", "ao", 1, "/collection")
           : member == "Label"       ? sd_bus_reply_method_return(call, "v", "s", "Login")
           : member == "SearchItems" ? sd_bus_reply_method_return(call, "ao", is_of_login(call) ? 1 : 0, "/item")
           : member == "ReadAlias"   ? sd_bus_reply_method_return(call, "o", "/collection")
           : member == "Locked"      ? sd_bus_reply_method_return(call, "v", "b", 0)
           : member == "Attributes"
               ? sd_bus_reply_method_return(call, "v", "a{ss}", 2, "server", "ghcr.io", "username", "alice")
           : member == "GetAll"     ? sd_bus_reply_method_return(call, "a{sv}", 1, "Attributes", "a{ss}", 2, "server",
                                                                 "ghcr.io", "username", "alice")
           : member == "CreateItem" ? sd_bus_reply_method_return(call, "oo", "/item", "/")
           : member == "GetSecret"  ? sd_bus_reply_method_return(call, "(oayays)", "/session", 0, 1, 's', "text/plain")
                                    : refuse(call);
  }
  int refuse(sd_bus_message* call) const { return sd_bus_reply_method_errorf(call, error_, "so it says"); }

  int answer(sd_bus_message* call) {
    std::string member = sd_bus_message_get_member(call);
    if (member == "Get") {
      const char* property = nullptr;
      read_from(call, "ss", nullptr, &property);
      member = property;
    }
    sessions_ += member == "OpenSession" ? 1 : 0;
    const bool fails = member == member_ && times_-- > 0;
    EXPECT_GE(fails ? refuse(call) : reply_as(member, call), 0);
    return 1;
  }

  const std::string member_;
  std::atomic<int> times_;
  const char* const error_;
  std::atomic<int> sessions_ = 0;
  EventFd end_;
  BusConnection connection_{end_.fd()};
  std::thread thread_;  // uses all of the above
};

class FailingMember : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { keyring({"stop"}); }
};

TEST_P(FailingMember, IsAskedAgain) {
  const FailingService service(GetParam(), 2);
  SecretServiceStore store(Prompt::never);
  const StoreReading reading = store.load({RegistryKey("ghcr.io")});
  ASSERT_EQ(reading.credentials.size(), 1U);
  EXPECT_EQ(reading.credentials.front(), (Credential{{"ghcr.io", "alice"}, SecretString("s")}));
  EXPECT_LT(service.times_left(), 1) << "it never failed";
}

TEST_P(FailingMember, IsNoLogoutHoweverOftenItFails) {
  const FailingService service(GetParam(), always);
  SecretServiceStore store(Prompt::never);
  try {
    const StoreReading reading = store.load({RegistryKey("ghcr.io")});
    EXPECT_TRUE(reading.problems.contains(RegistryKey("ghcr.io")) || !reading.shows_everything());
    EXPECT_EQ(reading.credentials.size(), 0U);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::store_unavailable) << error.message();
  }
}

TEST(FailingService, TheNamesOfAListAreAskedAgainAndNeverMissing) {
  keyring({"stop"});
  {
    const FailingService service("Attributes", 2);
    SecretServiceStore store(Prompt::never);
    EXPECT_EQ(store.list(), (std::vector<Login>{{"ghcr.io", "alice"}}));
    EXPECT_LT(service.times_left(), 1) << "it never failed";
  }
  const FailingService service("Attributes", always);
  SecretServiceStore store(Prompt::never);
  EXPECT_THROW(store.erase("ghcr.io"), Error);
}

TEST(FailingService, AnEraseThatFailsClaimsNothing) {
  keyring({"stop"});
  const FailingService service("Delete", always);
  SecretServiceStore store(Prompt::never);
  EXPECT_THROW(store.erase("ghcr.io"), Error);
}

// As oo7 does after an unlock.
TEST(ForgottenSession, IsOpenedAnewForReadingAndForWriting) {
  keyring({"stop"});
  for (const char* member : {"GetSecret", "CreateItem"}) {
    const FailingService service(member, 1, "org.freedesktop.Secret.Error.NoSession");
    SecretServiceStore store(Prompt::never);
    store.store(Credential{{"ghcr.io", "alice"}, SecretString("two")});
    EXPECT_LT(service.times_left(), 1) << "it never failed";
    EXPECT_EQ(service.sessions(), 3) << "one to read, one to write, and one more";
  }
}

INSTANTIATE_TEST_SUITE_P(SecretService, FailingMember,
                         testing::Values("OpenSession", "Collections", "SearchItems", "ReadAlias", "Locked", "GetAll",
                                         "GetSecret"),
                         [](const auto& member) { return std::string(member.param); });

}  // namespace
}  // namespace regsync::test
