#include "helper/secret_service/bus_connection.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "helper/base/guarded.hpp"
#include "helper/base/text.hpp"

namespace regsync {
namespace {

using std::chrono::steady_clock;

// When sd-bus must be called even without input: at the time limit of a call, or because a message is already queued.
steady_clock::time_point own_time(sd_bus* bus) {
  std::uint64_t microseconds = 0;  // of CLOCK_MONOTONIC, as steady_clock is
  if (sd_bus_get_timeout(bus, &microseconds) < 0) {
    return steady_clock::time_point::min();
  }
  return microseconds == UINT64_MAX ? steady_clock::time_point::max()
                                    : steady_clock::time_point(std::chrono::microseconds(microseconds));
}

// Where sd_bus_open_user(3) looks for the session bus.
struct BusPlace {
  std::string variable;          // the variable that names the place; empty: none
  std::string value;             // the address, or the path of systemd's socket
  std::filesystem::path socket;  // empty: the address is not a socket file
};

BusPlace place_of_bus() {
  if (const char* address = std::getenv("DBUS_SESSION_BUS_ADDRESS"); address != nullptr) {
    constexpr std::string_view kind = "unix:path=";
    std::string_view rest = address;  // "unix:path=/run/user/1000/bus,guid=…"
    rest = rest.starts_with(kind) ? rest.substr(kind.size()) : std::string_view();
    return {"DBUS_SESSION_BUS_ADDRESS", address, rest.substr(0, rest.find_first_of(",;"))};
  }
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime != '\0') {
    const std::filesystem::path socket = std::filesystem::path(runtime) / "bus";
    return {"XDG_RUNTIME_DIR", socket.string(), socket};
  }
  return {};
}

// The owner of the socket, or of the folder that denies us access to it. Nullopt if there is none.
std::optional<uid_t> owner_of(std::filesystem::path socket) {
  struct stat status{};
  while (!socket.empty()) {
    if (stat(socket.c_str(), &status) == 0) {
      return status.st_uid;
    }
    if (errno != EACCES || socket == socket.parent_path()) {
      break;
    }
    socket = socket.parent_path();
  }
  return std::nullopt;
}

std::string text_of(int error_number) { return std::generic_category().message(error_number); }

}  // namespace

bool wait_for_input(sd_bus* bus, int other_fd, steady_clock::time_point until) {
  std::array<pollfd, 2> sources{pollfd{.fd = other_fd, .events = POLLIN, .revents = 0},
                                pollfd{.fd = -1, .events = 0, .revents = 0}};
  if (bus != nullptr) {
    const int events = sd_bus_get_events(bus);
    if (events < 0) {
      return false;  // closed
    }
    sources[1].fd = sd_bus_get_fd(bus);
    sources[1].events = static_cast<short>(events);
    until = std::min(until, own_time(bus));
  }
  timespec left{};
  if (until != steady_clock::time_point::max()) {
    const auto nanoseconds = until > steady_clock::now() ? (until - steady_clock::now()).count() : 0;
    left = {.tv_sec = nanoseconds / 1'000'000'000, .tv_nsec = nanoseconds % 1'000'000'000};
  }
  const int ready =
      ppoll(sources.data(), sources.size(), until == steady_clock::time_point::max() ? nullptr : &left, nullptr);
  return ready > 0 && sources[0].revents != 0;
}

Error no_bus_error(const std::string& reason) {
  const BusPlace place = place_of_bus();
  const std::optional<uid_t> owner = owner_of(place.socket);
  if (owner && *owner != geteuid()) {
    return {ErrorCode::store_unavailable,
            "the D-Bus session bus that " + place.variable + " names is that of another user (uid " +
                std::to_string(*owner) + "): " + reason,
            "run this as that user, without sudo or su"};
  }
  std::string message = "there is no D-Bus session bus, and so no Secret Service to keep logins in";
  std::string remedy;
  const bool by_address = place.variable == "DBUS_SESSION_BUS_ADDRESS";
  if (by_address && place.value.empty()) {
    message = "DBUS_SESSION_BUS_ADDRESS is set and empty, so the D-Bus session bus cannot be found";
    remedy = "unset DBUS_SESSION_BUS_ADDRESS; or ";
  } else if (by_address || owner) {  // systemd's folder may lack a socket
    message = "cannot reach the D-Bus session bus that " + place.variable + " names (\"" + presentable(place.value) +
              "\"): " + reason;
  }
  return {ErrorCode::store_unavailable, message,
          remedy +
              "log in with a user session (loginctl enable-linger, dbus-user-session), or on a machine without a "
              "desktop run `regsync setup --headless`; `regsync doctor` tells more"};
}

std::optional<Error> session_bus_problem(std::chrono::milliseconds patience) {
  return guarded([&] {
    BusConnection bus;
    if (bus.wait_until([&] { return bus.is_ready(); }, BusConnection::Clock::now() + patience) !=
        BusConnection::Waited::held) {
      throw no_bus_error("it does not answer");
    }
  });
}

Error bus_cancelled_error() { return {ErrorCode::cancelled, "the call to the Secret Service was cancelled"}; }

int written(int result) {
  if (result < 0) {
    throw Error(ErrorCode::internal, "a D-Bus message cannot be made: " + text_of(-result));
  }
  return result;
}

int understood(int result) {
  if (result < 0) {
    throw Error(ErrorCode::store_unavailable, "the Secret Service gave an invalid answer",
                "`regsync doctor` tells more");
  }
  return result;
}

BusConnection::BusConnection(int cancel_fd) : cancel_fd_(cancel_fd) {
  sd_bus* bus = nullptr;
  const int opened = sd_bus_open_user(&bus);
  bus_.reset(bus);
  if (opened < 0) {
    throw no_bus_error(text_of(-opened));
  }
}

void BusConnection::call(const Method& method, const std::function<void(sd_bus_message*)>& write,
                         std::chrono::microseconds patience) {
  sd_bus_message* made = nullptr;
  written(sd_bus_message_new_method_call(bus_.get(), &made, method.destination, method.path, method.interface,
                                         method.name));
  const BusMessagePtr message(made);
  write(made);
  // sd_bus_call ignores its timeout while it waits for a silent bus.
  if (wait_until([this] { return is_ready(); }, Clock::now() + patience) != Waited::held) {
    throw no_bus_error("it does not answer");
  }
  const int result = sd_bus_call(bus_.get(), made, static_cast<std::uint64_t>(patience.count()), nullptr, nullptr);
  if (result < 0) {
    throw Error(ErrorCode::store_unavailable, text_of(-result), {});
  }
}

bool BusConnection::process() {
  while (is_open()) {
    const int result = sd_bus_process(bus_.get(), nullptr);
    if (result == 0) {
      return true;
    }
    if (result < 0) {
      sd_bus_close(bus_.get());  // it would fail to read the same message for ever
    }
  }
  return false;
}

BusConnection::Waited BusConnection::wait_until(const std::function<bool()>& holds, Clock::time_point deadline) {
  while (true) {
    const bool connected = process();
    if (holds()) {
      return Waited::held;
    }
    if (!connected) {
      return Waited::disconnected;
    }
    if (Clock::now() >= deadline) {
      return Waited::late;
    }
    if (wait_for_input(bus_.get(), cancel_fd_, deadline)) {
      return Waited::cancelled;
    }
  }
}

}  // namespace regsync
