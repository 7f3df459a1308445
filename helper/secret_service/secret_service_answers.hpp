// Decodes the answers of the Secret Service. A provider may answer anything: these functions throw Error with code
// store_unavailable if an answer does not have the form that the specification demands. One thread at a time per
// message.
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

// The schemas of a login of an account (see RegistryKey) and of a login that has been replaced. A search by attributes
// also finds items with additional attributes, so only a schema of their own hides these from Docker's other helpers,
// which search for login_schema. An account's item also has the attribute `account`.
inline constexpr const char* account_schema = "dev.regsync.AccountLogin";
inline constexpr const char* replaced_schema = "dev.regsync.ReplacedLogin";

// The attributes with which an item of this schema is stored.
std::vector<std::pair<const char*, std::string>> attributes_of(const char* schema, const Login& login);

// An item of one of our schemas, without its secret.
struct StoredItem {
  std::string path;
  std::string collection;
  const char* schema = nullptr;  // one of the above; null: another program's, or unknown
  Login login;
  bool locked = false;         // the item or its collection
  std::uint64_t modified = 0;  // seconds since 1970
};

// Converts a provider's time in seconds since 1970, which may be any number.
std::chrono::sys_seconds time_of(std::uint64_t seconds);

// The answer of OpenSession: the path of the session.
std::string read_session(sd_bus_message* answer);

// Answers of Properties.Get.
bool read_boolean_property(sd_bus_message* answer);
std::string read_string_property(sd_bus_message* answer);
std::vector<std::string> read_paths_property(sd_bus_message* answer);
StoredItem read_item_login(sd_bus_message* answer);  // an item's attributes; `login` and `schema` alone are set

// The answers of Properties.GetAll for an item found by a search for logins, and for any item. In all three, `login`
// may be empty; in the first two only if the attributes name one of our schemas but no server.
StoredItem read_item(sd_bus_message* answer);
StoredItem read_any_item(sd_bus_message* answer);

// The creation time of a collection, from the answer of Properties.GetAll; zero if unknown. Needs both times from one
// answer, because gnome-keyring (seen: 42.1) swaps them each time it reads its file.
std::chrono::sys_seconds read_time_made(sd_bus_message* answer);

// From the answer of GetSecret: (session, parameters, value, content type). The message is wiped when it is freed.
SecretString read_secret(sd_bus_message* answer);

}  // namespace regsync
