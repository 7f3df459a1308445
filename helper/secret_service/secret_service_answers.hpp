// Reads the answers of the Secret Service as values. A provider may answer anything: of what has another form than the
// specification gives it, these throw Error with code store_unavailable. One thread at a time for each message.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "helper/base/secret_string.hpp"
#include "helper/secret_service/bus_connection.hpp"
#include "helper/store/credential.hpp"

namespace regsync {

// The schema that docker-credential-secretservice gives its items (attribute xdg:schema).
inline constexpr const char* login_schema = "io.docker.Credentials";

// That of a login of an account (see RegistryKey), and that of a login which another one has replaced. A search by
// attributes finds items that have more of them, so it takes another schema to keep these from Docker's other helpers:
// those look for the first one. An account's item also has the attribute `account`.
inline constexpr const char* account_schema = "dev.regsync.AccountLogin";
inline constexpr const char* replaced_schema = "dev.regsync.ReplacedLogin";

// The attributes that an item of this schema is stored with.
std::vector<std::pair<const char*, std::string>> attributes_of(const char* schema, const Login& login);

// An item of one of our schemas, without its secret.
struct StoredItem {
  std::string path;
  std::string collection;
  const char* schema = nullptr;  // one of the above; null: of another program, or not told
  Login login;
  bool locked = false;         // it, or its collection
  std::uint64_t modified = 0;  // seconds since 1970
};

// A time that a provider tells in seconds since 1970: it may be any number.
std::chrono::sys_seconds time_of(std::uint64_t seconds);

// The answer of OpenSession: the path of the session.
std::string read_session(sd_bus_message* answer);

// Answers of Properties.Get.
bool read_boolean_property(sd_bus_message* answer);
std::string read_string_property(sd_bus_message* answer);
std::vector<std::string> read_paths_property(sd_bus_message* answer);
StoredItem read_item_login(sd_bus_message* answer);  // an item's attributes; `login` and `schema` alone are set

// The answer of Properties.GetAll of an item that was found as a login; of any item. These three: `login` may be empty.
// That of an item which was found as a login is so only where its attributes show a schema of ours, and no server.
StoredItem read_item(sd_bus_message* answer);
StoredItem read_any_item(sd_bus_message* answer);

// From the answer of Properties.GetAll of a collection: when it was made; zero: it does not tell. Both of its times are
// of one answer, because gnome-keyring (seen: 42.1) exchanges them with each reading of its file.
std::chrono::sys_seconds read_time_made(sd_bus_message* answer);

// From the answer of GetSecret: (session, parameters, value, content type). The message is wiped when it is freed.
SecretString read_secret(sd_bus_message* answer);

}  // namespace regsync
