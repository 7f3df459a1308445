// secret_service_floor get SERVER | list | store SERVER SECRET | erase SERVER: the D-Bus calls that no helper can do
// without, and nothing else, over the leanest client there is (sd-bus): what is left is the Secret Service's own time.
// A registry has many spellings, so `store` must see every name, as `list` does, before it may write.
#include <systemd/sd-bus.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

constexpr const char* service = "org.freedesktop.secrets";
constexpr const char* path = "/org/freedesktop/secrets";
constexpr const char* service_interface = "org.freedesktop.Secret.Service";
constexpr const char* item_interface = "org.freedesktop.Secret.Item";

int check(int result) {
  if (result < 0) {
    std::cerr << "secret_service_floor: " << std::generic_category().message(-result) << "\n";
    std::exit(1);
  }
  return result;
}

std::vector<std::string> search(sd_bus* bus, const char* server) {
  sd_bus_message* call = nullptr;
  sd_bus_message* reply = nullptr;
  check(sd_bus_message_new_method_call(bus, &call, service, path, service_interface, "SearchItems"));
  check(server == nullptr
            ? sd_bus_message_append(call, "a{ss}", 1, "xdg:schema", "io.docker.Credentials")
            : sd_bus_message_append(call, "a{ss}", 2, "xdg:schema", "io.docker.Credentials", "server", server));
  check(sd_bus_call(bus, call, 0, nullptr, &reply));
  check(sd_bus_message_enter_container(reply, 'a', "o"));
  std::vector<std::string> items;
  for (const char* item = nullptr; check(sd_bus_message_read(reply, "o", &item)) > 0;) {
    items.emplace_back(item);
  }
  sd_bus_message_unref(call);
  sd_bus_message_unref(reply);
  return items;
}

void read_names(sd_bus* bus, const std::vector<std::string>& items) {
  std::size_t answered = 0;
  const auto on_answer = [](sd_bus_message*, void* count, sd_bus_error*) {
    ++*static_cast<std::size_t*>(count);
    return 0;
  };
  for (const std::string& item : items) {
    check(sd_bus_call_method_async(bus, nullptr, service, item.c_str(), "org.freedesktop.DBus.Properties", "Get",
                                   on_answer, &answered, "ss", item_interface, "Attributes"));
  }
  while (answered < items.size()) {
    if (check(sd_bus_process(bus, nullptr)) == 0) {
      check(sd_bus_wait(bus, UINT64_MAX));
    }
  }
}

std::string open_session(sd_bus* bus) {
  sd_bus_message* reply = nullptr;
  check(sd_bus_call_method(bus, service, path, service_interface, "OpenSession", nullptr, &reply, "sv", "plain", "s",
                           ""));
  const char* session = nullptr;
  check(sd_bus_message_skip(reply, "v"));
  check(sd_bus_message_read(reply, "o", &session));
  std::string result = session;
  sd_bus_message_unref(reply);
  return result;
}

void get(sd_bus* bus, const char* server) {
  const std::string session = open_session(bus);
  for (const std::string& item : search(bus, server)) {
    check(sd_bus_call_method(bus, service, item.c_str(), item_interface, "GetSecret", nullptr, nullptr, "o",
                             session.c_str()));
  }
}

void store(sd_bus* bus, const char* server, std::string_view secret) {
  const std::string session = open_session(bus);
  sd_bus_message* call = nullptr;
  check(sd_bus_message_new_method_call(bus, &call, service, "/org/freedesktop/secrets/collection/login",
                                       "org.freedesktop.Secret.Collection", "CreateItem"));
  check(sd_bus_message_append(call, "a{sv}", 2, "org.freedesktop.Secret.Item.Label", "s", server,
                              "org.freedesktop.Secret.Item.Attributes", "a{ss}", 5, "xdg:schema",
                              "io.docker.Credentials", "label", "Docker Credentials", "server", server, "username",
                              "alice", "docker_cli", "1"));
  check(sd_bus_message_open_container(call, 'r', "oayays"));
  check(sd_bus_message_append(call, "o", session.c_str()));
  check(sd_bus_message_append_array(call, 'y', nullptr, 0));
  check(sd_bus_message_append_array(call, 'y', secret.data(), secret.size()));
  check(sd_bus_message_append(call, "s", "text/plain"));
  check(sd_bus_message_close_container(call));
  check(sd_bus_message_append(call, "b", 1));
  check(sd_bus_call(bus, call, 0, nullptr, nullptr));
  sd_bus_message_unref(call);
}

void erase(sd_bus* bus, const char* server) {
  for (const std::string& item : search(bus, server)) {
    check(sd_bus_call_method(bus, service, item.c_str(), item_interface, "Delete", nullptr, nullptr, nullptr));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<const char*> arguments(argv + 1, argv + argc);
  const std::string_view action = arguments.empty() ? "" : arguments[0];
  sd_bus* bus = nullptr;
  check(sd_bus_open_user(&bus));
  if (action == "get" && arguments.size() == 2) {
    get(bus, arguments[1]);
  } else if (action == "list") {
    read_names(bus, search(bus, nullptr));
  } else if (action == "store" && arguments.size() == 3) {
    read_names(bus, search(bus, nullptr));
    store(bus, arguments[1], arguments[2]);
  } else if (action == "erase" && arguments.size() == 2) {
    read_names(bus, search(bus, nullptr));
    erase(bus, arguments[1]);
  } else {
    return 2;
  }
  sd_bus_flush_close_unref(bus);
  return 0;
}
