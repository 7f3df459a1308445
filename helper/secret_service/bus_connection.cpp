#include "helper/secret_service/bus_connection.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <system_error>

namespace regsync {
namespace {

using std::chrono::steady_clock;

// When sd-bus wants to be called though nothing comes: a call's time limit, or a message that has come already.
steady_clock::time_point own_time(sd_bus* bus) {
  std::uint64_t microseconds = 0;  // of CLOCK_MONOTONIC, as steady_clock is
  if (sd_bus_get_timeout(bus, &microseconds) < 0) {
    return steady_clock::time_point::min();
  }
  return microseconds == UINT64_MAX ? steady_clock::time_point::max()
                                    : steady_clock::time_point(std::chrono::microseconds(microseconds));
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
  const bool has_address = std::getenv("DBUS_SESSION_BUS_ADDRESS") != nullptr;
  std::string message = has_address ? "cannot reach the D-Bus session bus: " + reason
                                    : "no D-Bus session bus, and so no Secret Service to keep logins in";
  return {ErrorCode::store_unavailable, std::move(message),
          "log in with a user session (loginctl enable-linger, dbus-user-session), or on a machine without a desktop "
          "run `regsync setup --headless`; `regsync doctor` tells more"};
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
    throw Error(ErrorCode::store_unavailable, "the Secret Service gave an answer that makes no sense",
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

bool BusConnection::process() {
  while (is_open()) {
    const int result = sd_bus_process(bus_.get(), nullptr);
    if (result == 0) {
      return true;
    }
    if (result < 0) {
      sd_bus_close(bus_.get());  // what it cannot read once it never will
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
