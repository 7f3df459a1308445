// SecretServiceStore on a Secret Service that fails as gnome-keyring was seen to: it answers that a method is unknown,
// or an item gone, and has both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "helper/base/event_fd.hpp"
#include "helper/secret_service/bus_connection.hpp"
#include "helper/secret_service/secret_service_answers.hpp"
#include "helper/secret_service/secret_service_client.hpp"
#include "helper/secret_service/secret_service_store.hpp"
#include "tests/support/keyring.hpp"

namespace regsync::test {
namespace {

constexpr int always = 1'000'000;

// What it does at a call that it fails.
struct Failure {
  const char* error = SD_BUS_ERROR_UNKNOWN_METHOD;  // answers this
  const char* type = nullptr;                       // or a value of this type: "u", "o", "oo", "" for none at all
  bool ends = false;                                // or leaves the bus
  std::optional<bool> locked = {};                  // or tells all of an item but its server, and whether it is locked
};

// One login, of ghcr.io. `times` calls of `member` (a method, or a property) fail.
class FailingService {
 public:
  FailingService(std::string member, int times, Failure failure = {})
      : member_(std::move(member)), times_(times), failure_(failure) {
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
  [[nodiscard]] int deletions() const { return deletions_; }

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
  static int refuse(sd_bus_message* call, const char* error = SD_BUS_ERROR_UNKNOWN_METHOD) {
    return sd_bus_reply_method_errorf(call, error, "so it says");
  }

  int fail(sd_bus_message* call) {
    if (failure_.ends) {
      sd_bus_close(connection_.get());
      return 0;
    }
    if (failure_.locked) {
      return sd_bus_reply_method_return(call, "a{sv}", 2, "Attributes", "a{ss}", 1, "xdg:schema", login_schema,
                                        "Locked", "b", *failure_.locked ? 1 : 0);
    }
    const std::string_view type = failure_.type != nullptr ? failure_.type : "-";
    return type == "-"    ? refuse(call, failure_.error)
           : type == "u"  ? sd_bus_reply_method_return(call, "u", 7U)
           : type == "o"  ? sd_bus_reply_method_return(call, "o", "/")
           : type == "oo" ? sd_bus_reply_method_return(call, "oo", "/", "/")
           : type == "v"  ? sd_bus_reply_method_return(call, "v", "a{sv}", 0)
                          : sd_bus_reply_method_return(call, "");
  }

  int answer(sd_bus_message* call) {
    std::string member = sd_bus_message_get_member(call);
    if (member == "Get") {
      const char* property = nullptr;
      read_from(call, "ss", nullptr, &property);
      member = property;
    }
    sessions_ += member == "OpenSession" ? 1 : 0;
    deletions_ += member == "Delete" ? 1 : 0;
    const bool fails = member == member_ && times_-- > 0;
    EXPECT_GE(fails ? fail(call) : reply_as(member, call), 0);
    return 1;
  }

  const std::string member_;
  std::atomic<int> times_;
  const Failure failure_;
  std::atomic<int> sessions_ = 0;
  std::atomic<int> deletions_ = 0;
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

TEST(FailingService, AnItemThatWasMadeNowhereReplacesNone) {
  keyring({"stop"});
  for (const Prompt prompt : {Prompt::allowed, Prompt::never}) {
    const FailingService service("CreateItem", always, {.type = "oo"});
    SecretServiceStore store(prompt);
    EXPECT_THROW(store.store(Credential{{"ghcr.io", "alice"}, SecretString("two")}), Error);
    EXPECT_LT(service.times_left(), always) << "it never failed";
    EXPECT_EQ(service.deletions(), 0);
  }
}

// As a provider that compares a part of the attributes finds it.
TEST(FailingService, AnItemOfAnotherServerIsNoAnswer) {
  keyring({"stop"});
  const FailingService service("none", 0);
  SecretServiceStore store(Prompt::never);
  EXPECT_EQ(store.get("quay.io"), std::nullopt);
  EXPECT_TRUE(store.get("ghcr.io").has_value());
}

TEST(FailingService, AnItemThatNamesNoServerIsALoginOnlyWhereItIsLocked) {
  keyring({"stop"});
  for (const bool locked : {true, false}) {
    const FailingService service("GetAll", always, {.locked = locked});
    SecretServiceStore store(Prompt::never);
    const StoreReading reading = store.load({RegistryKey("ghcr.io")});
    EXPECT_TRUE(reading.all.empty());
    EXPECT_EQ(reading.unreadable, locked ? 1U : 0U);
    EXPECT_EQ(reading.shows_everything(), !locked);
    EXPECT_EQ(reading.problems.contains(RegistryKey("ghcr.io")), locked);
  }
}

// As oo7 does after an unlock.
TEST(ForgottenSession, IsOpenedAnewForReadingAndForWriting) {
  keyring({"stop"});
  for (const char* member : {"GetSecret", "CreateItem"}) {
    for (const Prompt prompt : {Prompt::allowed, Prompt::never}) {
      const FailingService service(member, 1, {.error = "org.freedesktop.Secret.Error.NoSession"});
      SecretServiceStore store(prompt);
      store.store(Credential{{"ghcr.io", "alice"}, SecretString("two")});
      EXPECT_LT(service.times_left(), 1) << "it never failed";
      EXPECT_EQ(service.sessions(), prompt == Prompt::never ? 2 : 3) << "one to read, libsecret's, and one more";
    }
  }
}

// Everything that the helper and the daemon do with a store.
const std::vector<std::function<void(SecretServiceStore&)>>& actions() {
  static const std::vector<std::function<void(SecretServiceStore&)>> all{
      [](SecretServiceStore& store) { store.get("ghcr.io"); },
      [](SecretServiceStore& store) { store.get("HTTPS://ghcr.io/"); },
      [](SecretServiceStore& store) { store.list(); },
      [](SecretServiceStore& store) { store.load({RegistryKey("ghcr.io")}); },
      [](SecretServiceStore& store) { store.default_lock(); },
      [](SecretServiceStore& store) { store.store(Credential{{"ghcr.io", "alice"}, SecretString("two")}); },
      [](SecretServiceStore& store) { store.erase("ghcr.io"); }};
  return all;
}

class OddAnswer : public FailingMember {};

TEST_P(OddAnswer, OfAnyTypeIsAnErrorForPeople) {
  for (const char* type : {"u", "o", "v", ""}) {
    const FailingService service(GetParam(), always, {.type = type});
    for (const auto& action : actions()) {
      SecretServiceStore store(Prompt::never);
      try {
        action(store);
      } catch (const Error& error) {
        EXPECT_NE(error.code(), ErrorCode::internal) << error.message();
        EXPECT_NE(error.remedy(), "") << error.message();
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(SecretService, OddAnswer,
                         testing::Values("OpenSession", "Collections", "SearchItems", "ReadAlias", "Locked", "GetAll",
                                         "Attributes", "GetSecret", "CreateItem", "Delete", "Unlock"),
                         [](const auto& member) { return std::string(member.param); });

TEST(EndingProvider, IsToldAsOneThatEnded) {
  keyring({"stop"});
  for (const char* member : {"ReadAlias", "SearchItems", "CreateItem"}) {
    const FailingService service(member, 1, {.ends = true});
    SecretServiceStore store(Prompt::never);
    try {
      store.store(Credential{{"ghcr.io", "alice"}, SecretString("two")});
      ADD_FAILURE() << member << ": stored";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::store_unavailable);
      EXPECT_THAT(error.message(), testing::HasSubstr("ended before it answered")) << member;
      EXPECT_THAT(error.remedy(), testing::HasSubstr("start")) << member;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(SecretService, FailingMember,
                         testing::Values("OpenSession", "Collections", "SearchItems", "ReadAlias", "Locked", "GetAll",
                                         "GetSecret"),
                         [](const auto& member) { return std::string(member.param); });

}  // namespace
}  // namespace regsync::test
