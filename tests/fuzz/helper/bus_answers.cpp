// Any answer of a provider on D-Bus is read, or refused as an Error.
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "helper/base/error.hpp"
#include "helper/secret_service/bus_ptr.hpp"
#include "helper/secret_service/secret_service_answers.hpp"
#include "helper/secret_service/secret_service_client.hpp"
#include "tests/fuzz/helper/targets.hpp"

namespace regsync::fuzz {
namespace {

// A connection that nobody answers; a message needs one.
sd_bus* connection() {
  static const BusPtr bus = [] {
    std::array<int, 2> ends{};
    sd_bus* made = nullptr;
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0 && sd_bus_new(&made) >= 0 &&
                sd_bus_set_fd(made, ends[0], ends[0]) >= 0 && sd_bus_start(made) >= 0,
            "there is a connection");
    return BusPtr(made);
  }();
  return bus.get();
}

// Makes a message out of bytes; zeros when they are used up.
class Maker {
 public:
  explicit Maker(std::string_view bytes) : bytes_(bytes) {}

  // Values of this signature, or of another one.
  BusMessagePtr message(const char* expected) {
    sd_bus_message* raw = nullptr;
    require(sd_bus_message_new_signal(connection(), &raw, "/", "a.b", "C") >= 0, "there is a message");
    BusMessagePtr message(raw);
    const std::string signature = byte() % 4 == 0 ? any_type(0) : expected;
    std::string_view rest = signature;
    while (!rest.empty()) {
      append(raw, rest, 0);
    }
    require(sd_bus_message_seal(raw, 1, 0) >= 0 && sd_bus_message_rewind(raw, 1) >= 0, "it is complete");
    return message;
  }

 private:
  static constexpr int max_depth = 5;
  static constexpr std::string_view basic_types = "ybnqiuxtdso";

  std::size_t byte() {
    if (bytes_.empty()) {
      return 0;
    }
    const auto value = static_cast<unsigned char>(bytes_.front());
    bytes_.remove_prefix(1);
    return value;
  }

  std::string any_type(int depth) {
    const std::size_t kind = byte() % 16;
    if (depth < max_depth && kind == 11) {
      return "v";
    }
    if (depth < max_depth && kind == 12) {
      return "a" + any_type(depth + 1);
    }
    if (depth < max_depth && kind == 13) {
      return std::string("a{") + basic_types[byte() % basic_types.size()] + any_type(depth + 1) + "}";
    }
    if (depth < max_depth && kind >= 14) {
      std::string types;
      for (std::size_t i = 0; i <= kind - 14; ++i) {
        types += any_type(depth + 1);
      }
      return "(" + types + ")";
    }
    return {basic_types[kind % basic_types.size()]};
  }

  // What a variant of a property holds, in most cases.
  std::string variant_type(int depth) {
    constexpr std::array usual{"a{ss}", "b", "t", "s", "ao"};
    const std::size_t kind = byte() % (usual.size() + 2);
    return kind < usual.size() ? usual.at(kind) : any_type(depth);
  }

  std::string text() {
    constexpr std::array usual{"Attributes", "Locked", "Modified", "server", "username", "ghcr.io", ""};
    const std::size_t kind = byte() % (usual.size() + 1);
    if (kind < usual.size()) {
      return usual.at(kind);
    }
    std::string any;
    for (std::size_t left = byte() % 32; left > 0; --left) {
      any += static_cast<char>('!' + byte() % 90);
    }
    return any;
  }

  // The first complete type of `types`, which is taken off.
  static std::string_view take_type(std::string_view& types) {
    std::size_t end = 0;
    while (types[end] == 'a') {
      ++end;
    }
    int open = 0;
    do {
      open += types[end] == '(' || types[end] == '{' ? 1 : types[end] == ')' || types[end] == '}' ? -1 : 0;
      ++end;
    } while (open > 0);
    const std::string_view type = types.substr(0, end);
    types.remove_prefix(end);
    return type;
  }

  void append(sd_bus_message* message, std::string_view& types, int depth) {
    const std::string type(take_type(types));
    const std::string inner = type.size() > 1 ? type.substr(1) : "";
    const auto fill = [&](char kind, const std::string& contents, std::size_t times) {
      require(sd_bus_message_open_container(message, kind, contents.c_str()) >= 0, "a container opens");
      for (std::size_t i = 0; i < times; ++i) {
        for (std::string_view rest = contents; !rest.empty();) {
          append(message, rest, depth + 1);
        }
      }
      require(sd_bus_message_close_container(message) >= 0, "a container closes");
    };
    if (type.front() == 'a') {
      fill('a', inner, byte() % 6);
    } else if (type.front() == '(' || type.front() == '{') {
      fill(type.front() == '(' ? 'r' : 'e', inner.substr(0, inner.size() - 1), 1);
    } else if (type == "v") {
      fill('v', depth > 2 * max_depth ? "y" : variant_type(depth), 1);
    } else if (type == "s" || type == "o") {
      const std::string value = type == "s" ? text() : std::string("/o") + static_cast<char>('a' + byte() % 26);
      require(sd_bus_message_append_basic(message, type.front(), value.c_str()) >= 0, "a text fits");
    } else {
      std::array<std::uint64_t, 1> value{byte() * 0x0101010101010101U};
      int truth = static_cast<int>(value[0] & 1U);
      const void* const place = type == "b" ? static_cast<const void*>(&truth) : value.data();
      require(sd_bus_message_append_basic(message, type.front(), place) >= 0, "a number fits");
    }
  }

  std::string_view bytes_;
};

template <typename Read>
void read(std::string_view bytes, const char* expected, Read read) {
  const BusMessagePtr message = Maker(bytes).message(expected);
  try {
    read(message.get());
  } catch (const Error& odd) {
    require(odd.code() == ErrorCode::store_unavailable, "an odd answer is the provider's fault");
  }
}

}  // namespace

void bus_answers(std::string_view bytes) {
  if (bytes.empty()) {
    return;
  }
  const auto kind = static_cast<unsigned char>(bytes.front()) % 10;
  bytes.remove_prefix(1);
  const auto has_server = [](const StoredItem& item) {
    require(!item.login.server.empty() || item.schema != nullptr, "an item has a server, or is known as one of ours");
  };
  switch (kind) {
    case 0:
      read(bytes, "a{sv}", [&](sd_bus_message* answer) { has_server(read_item(answer)); });
      break;
    case 1:
      read(bytes, "v", [&](sd_bus_message* answer) { has_server(read_item_login(answer)); });
      break;
    case 2:
      read(bytes, "(oayays)", [](sd_bus_message* answer) { read_secret(answer); });
      break;
    case 3:
      read(bytes, "vo", [](sd_bus_message* answer) { read_session(answer); });
      break;
    case 4:
      read(bytes, "v", [](sd_bus_message* answer) { read_paths_property(answer); });
      break;
    case 5:
      read(bytes, "v", [](sd_bus_message* answer) { read_boolean_property(answer); });
      break;
    case 6:
      read(bytes, "v", [](sd_bus_message* answer) { read_string_property(answer); });
      break;
    case 7:
      read(bytes, "a{sv}", [](sd_bus_message* answer) { read_time_made(answer); });
      break;
    case 8:
      read(bytes, "aoo", [](sd_bus_message* answer) {
        read_paths(answer);
        read_path(answer);
      });
      break;
    default:
      read(bytes, "s", [](sd_bus_message* answer) { read_string(answer); });
      break;
  }
}

}  // namespace regsync::fuzz
