// SecretServiceStore on a Secret Service that fails as gnome-keyring was seen to: it answers that a method is unknown,
// or an item gone, and has both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>

#include "helper/glib_ptr.hpp"
#include "helper/secret_service_bus.hpp"
#include "helper/secret_service_store.hpp"
#include "tests/integration/keyring.hpp"

namespace regsync::test {
namespace {

constexpr int always = 1'000'000;

// One login, of ghcr.io. `times` calls of `member` (a method, or a property) are answered with UnknownMethod.
class FailingService {
 public:
  FailingService(std::string member, int times) : member_(std::move(member)), times_(times) {
    GError* error = nullptr;
    connection_.reset(g_dbus_connection_new_for_address_sync(
        std::getenv("DBUS_SESSION_BUS_ADDRESS"),
        static_cast<GDBusConnectionFlags>(G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                          G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION),
        nullptr, nullptr, &error));
    const GErrorPtr owned(error);
    if (!connection_) {
      throw std::runtime_error(owned->message);
    }
    g_dbus_connection_add_filter(
        connection_.get(),
        [](GDBusConnection*, GDBusMessage* message, gboolean incoming, gpointer self) -> GDBusMessage* {
          if (incoming == FALSE || g_dbus_message_get_message_type(message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL) {
            return message;
          }
          static_cast<FailingService*>(self)->answer(message);
          g_object_unref(message);
          return nullptr;
        },
        this, nullptr);
    const GVariantPtr reply(g_dbus_connection_call_sync(
        connection_.get(), "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
        g_variant_new("(su)", secret_service_name, 0), nullptr, G_DBUS_CALL_FLAGS_NONE, -1, nullptr, nullptr));
    EXPECT_TRUE(reply);
  }
  ~FailingService() { g_dbus_connection_close_sync(connection_.get(), nullptr, nullptr); }
  FailingService(const FailingService&) = delete;
  FailingService& operator=(const FailingService&) = delete;
  FailingService(FailingService&&) = delete;
  FailingService& operator=(FailingService&&) = delete;

  [[nodiscard]] int times_left() const { return times_; }

 private:
  static const char* answer_to(std::string_view member) {
    return member == "OpenSession"   ? "(<''>, objectpath '/session')"
           : member == "SearchItems" ? "([objectpath '/item'], @ao [])"
           : member == "ReadAlias"   ? "(objectpath '/collection',)"
           : member == "Locked"      ? "(<false>,)"
           : member == "Attributes"  ? "(<{'server': 'ghcr.io', 'username': 'alice'}>,)"
           : member == "GetSecret"   ? "((objectpath '/session', @ay [], [byte 0x73], 'text/plain'),)"
                                     : nullptr;
  }

  void answer(GDBusMessage* call) {
    std::string member = g_dbus_message_get_member(call);
    if (member == "Get") {
      const char* property = nullptr;
      g_variant_get_child(g_dbus_message_get_body(call), 1, "&s", &property);
      member = property;
    }
    const char* body = answer_to(member);
    const bool fails = body == nullptr || (member == member_ && times_-- > 0);
    const GObjectPtr<GDBusMessage> reply(
        fails ? g_dbus_message_new_method_error_literal(call, "org.freedesktop.DBus.Error.UnknownMethod", "so it says")
              : g_dbus_message_new_method_reply(call));
    if (!fails) {
      g_dbus_message_set_body(reply.get(), g_variant_new_parsed(body));
    }
    g_dbus_connection_send_message(connection_.get(), reply.get(), G_DBUS_SEND_MESSAGE_FLAGS_NONE, nullptr, nullptr);
  }

  const std::string member_;
  std::atomic<int> times_;
  GObjectPtr<GDBusConnection> connection_;
};

class FailingMember : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { keyring({"stop"}); }
};

TEST_P(FailingMember, IsAskedAgain) {
  const FailingService service(GetParam(), 2);
  SecretServiceStore store(Prompt::never);
  const Logins reading = store.load({RegistryKey("ghcr.io")});
  ASSERT_EQ(reading.credentials.size(), 1U);
  EXPECT_EQ(reading.credentials.front(), (Credential{{"ghcr.io", "alice"}, SecretString("s")}));
  EXPECT_LT(service.times_left(), 1) << "it never failed";
}

TEST_P(FailingMember, IsNoLogoutHoweverOftenItFails) {
  const FailingService service(GetParam(), always);
  SecretServiceStore store(Prompt::never);
  try {
    const Logins reading = store.load({RegistryKey("ghcr.io")});
    ADD_FAILURE() << "a reading with " << reading.credentials.size() << " logins";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::store_unavailable) << error.message();
  }
}

TEST(FailingService, AnEraseThatFailsClaimsNothing) {
  keyring({"stop"});
  const FailingService service("Delete", always);
  SecretServiceStore store(Prompt::never);
  EXPECT_THROW(store.erase("ghcr.io"), Error);
}

INSTANTIATE_TEST_SUITE_P(SecretService, FailingMember,
                         testing::Values("OpenSession", "SearchItems", "ReadAlias", "Locked", "Attributes",
                                         "GetSecret"),
                         [](const auto& member) { return std::string(member.param); });

}  // namespace
}  // namespace regsync::test
