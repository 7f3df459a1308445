#include "helper/secret_service/secret_service_answers.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <string_view>

#include "helper/base/wall_time.hpp"
#include "helper/secret_service/secret_service_client.hpp"
#include "helper/store/registry_key.hpp"

namespace regsync {

std::vector<std::pair<const char*, std::string>> attributes_of(const char* schema, const Login& login) {
  std::vector<std::pair<const char*, std::string>> attributes{
      {"xdg:schema", schema}, {"server", login.server}, {"username", login.username}};
  if (schema == std::string_view(account_schema)) {
    attributes.emplace_back("account", RegistryKey(login.server).account());
  } else if (schema == std::string_view(login_schema)) {
    attributes.emplace_back("label", "Docker Credentials");
    attributes.emplace_back("docker_cli", "1");
  }
  return attributes;
}

std::chrono::sys_seconds time_of(std::uint64_t seconds) {
  const auto readable = std::min<std::uint64_t>(seconds, std::numeric_limits<std::int64_t>::max());
  return std::chrono::floor<std::chrono::seconds>(wall_time(static_cast<std::int64_t>(readable)));
}

std::string read_session(sd_bus_message* answer) {
  understood(sd_bus_message_skip(answer, "v"));
  return read_path(answer);
}

bool read_boolean_property(sd_bus_message* answer) {
  int value = 0;
  read_from(answer, "v", "b", &value);
  return value != 0;
}

std::string read_string_property(sd_bus_message* answer) {
  const char* value = nullptr;
  return read_from(answer, "v", "s", &value) ? value : "";
}

std::vector<std::string> read_paths_property(sd_bus_message* answer) {
  understood(sd_bus_message_enter_container(answer, 'v', "ao"));
  return read_paths(answer);
}

namespace {

// Our schema with this name; null if it is not ours.
const char* our_schema(std::string_view name) {
  for (const char* const schema : {login_schema, account_schema, replaced_schema}) {
    if (name == schema) {
      return schema;
    }
  }
  return nullptr;
}

// Sets the schema of `item` from its attributes: null for most items of a keyring.
void read_attributes(sd_bus_message* answer, StoredItem& item) {
  understood(sd_bus_message_enter_container(answer, 'v', "a{ss}"));
  understood(sd_bus_message_enter_container(answer, 'a', "{ss}"));
  item.schema = nullptr;
  const char* key = nullptr;
  const char* value = nullptr;
  while (read_from(answer, "{ss}", &key, &value)) {
    if (key == std::string_view("server")) {
      item.login.server = value;
    } else if (key == std::string_view("username")) {
      item.login.username = value;
    } else if (key == std::string_view("xdg:schema")) {
      item.schema = our_schema(value);
    }
  }
  understood(sd_bus_message_exit_container(answer));
  understood(sd_bus_message_exit_container(answer));
}

// Throws if an item shows neither a server nor one of our schemas: it may still be a login, because a locked item need
// not show its attributes.
void require_login(const StoredItem& item) {
  if (item.login.server.empty() && item.schema == nullptr) {
    understood(-EBADMSG);
  }
}

}  // namespace

StoredItem read_item_login(sd_bus_message* answer) {
  StoredItem item;
  read_attributes(answer, item);
  require_login(item);
  return item;
}

StoredItem read_item(sd_bus_message* answer) {
  StoredItem item = read_any_item(answer);
  require_login(item);
  return item;
}

StoredItem read_any_item(sd_bus_message* answer) {
  StoredItem item;
  bool has_attributes = false;
  understood(sd_bus_message_enter_container(answer, 'a', "{sv}"));
  while (understood(sd_bus_message_enter_container(answer, 'e', "sv")) > 0) {
    const std::string name = read_string(answer);
    if (name == "Attributes") {
      read_attributes(answer, item);
      has_attributes = true;
    } else if (name == "Locked") {
      item.locked = read_boolean_property(answer);
    } else if (name == "Modified" && sd_bus_message_verify_type(answer, 'v', "t") > 0) {
      read_from(answer, "v", "t", &item.modified);
    } else {
      understood(sd_bus_message_skip(answer, "v"));
    }
    understood(sd_bus_message_exit_container(answer));
  }
  if (!has_attributes) {
    understood(-EBADMSG);
  }
  return item;
}

std::chrono::sys_seconds read_time_made(sd_bus_message* answer) {
  std::uint64_t created = 0;
  std::uint64_t modified = 0;
  understood(sd_bus_message_enter_container(answer, 'a', "{sv}"));
  while (understood(sd_bus_message_enter_container(answer, 'e', "sv")) > 0) {
    const std::string name = read_string(answer);
    const bool is_number = sd_bus_message_verify_type(answer, 'v', "t") > 0;
    if (is_number && name == "Created") {
      read_from(answer, "v", "t", &created);
    } else if (is_number && name == "Modified") {
      read_from(answer, "v", "t", &modified);
    } else {
      understood(sd_bus_message_skip(answer, "v"));
    }
    understood(sd_bus_message_exit_container(answer));
  }
  // The earlier one, except zero, which gnome-keyring reports if the keyring itself was never changed.
  const auto [earlier, later] = std::minmax(created, modified);
  return time_of(earlier == 0 ? later : earlier);
}

SecretString read_secret(sd_bus_message* answer) {
  sd_bus_message_sensitive(answer);  // wiped when it is freed
  const void* bytes = nullptr;
  std::size_t size = 0;
  understood(sd_bus_message_enter_container(answer, 'r', "oayays"));
  understood(sd_bus_message_skip(answer, "oay"));
  understood(sd_bus_message_read_array(answer, 'y', &bytes, &size));
  return SecretString({static_cast<const char*>(bytes), size});
}

}  // namespace regsync
