// Collections of a gnome-keyring beside its default one. Only inside tests/servers/with-keyring.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "helper/secret_service/secret_service_client.hpp"
#include "helper/secret_service/secret_service_reader.hpp"
#include "helper/store/store_reading.hpp"
#include "tests/support/keyring.hpp"

namespace regsync::test {

// A login of one collection, stored at any time.
inline testing::Matcher<const KeptLogin&> is_kept(const Login& login, const std::string& collection) {
  return testing::AllOf(testing::Field(&KeptLogin::login, login), testing::Field(&KeptLogin::collection, collection));
}

// A collection beside `login`, made without a prompt (gnome-keyring's own interface for that). Its path.
inline std::string add_collection(const char* label, const std::string& password) {
  SecretServiceClient client(-1);
  SecretServiceReader reader(client, {login_schema});
  return client.value_of(reader.in_session<std::string>([&](const std::string& session) {
    regsync::Answer<std::string> made;
    client.ask({question(BusCall{secret_service_path, "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface",
                                 "CreateWithMasterPassword",
                                 [&](sd_bus_message* call) {
                                   write_to(call, "a{sv}", 1, "org.freedesktop.Secret.Collection.Label", "s", label);
                                   written(sd_bus_message_open_container(call, 'r', "oayays"));
                                   write_to(call, "oay", session, 0);
                                   written(sd_bus_message_append_array(call, 'y', password.data(), password.size()));
                                   write_to(call, "s", "text/plain");
                                   written(sd_bus_message_close_container(call));
                                 }},
                         read_path, made)});
    return made;
  }));
}

inline void lock_collection(const std::string& path) {
  EXPECT_EQ(run({"dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets",
                 "/org/freedesktop/secrets", "org.freedesktop.Secret.Service.Lock", "array:objpath:" + path})
                .exit_code,
            0);
}

// An item as docker-credential-secretservice makes it.
inline void secret_tool_store(const std::string& collection, const std::string& server, const std::string& secret) {
  const Outcome stored = run(
      {"secret-tool", "store", "--label=" + server, "--collection=" + collection, "xdg:schema", "io.docker.Credentials",
       "label", "Docker Credentials", "docker_cli", "1", "server", server, "username", "alice"},
      secret);
  ASSERT_EQ(stored.exit_code, 0) << stored.err;
}

}  // namespace regsync::test
