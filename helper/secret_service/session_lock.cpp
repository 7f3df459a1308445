#include "helper/secret_service/session_lock.hpp"

#include <chrono>
#include <cstdint>
#include <string>

#include "helper/base/process_state.hpp"
#include "helper/secret_service/provider.hpp"
#include "helper/secret_service/signal_watch.hpp"

namespace regsync {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr const char* bus_name = "org.freedesktop.DBus";
constexpr const char* bus_path = "/org/freedesktop/DBus";

constexpr auto poll_interval = seconds(1);
// How long to wait for a stopped holder, which may be about to continue.
constexpr auto stopped_limit = seconds(3);
// How long to wait for one holder: a user needs time to type a password. There is no limit while the queue advances.
constexpr auto holder_limit = seconds(60);

// Pings the service repeatedly during the wait for other processes.
class ProviderProbe {
 public:
  explicit ProviderProbe(sd_bus* bus) : bus_(bus) { ask(); }
  ~ProviderProbe() = default;
  ProviderProbe(const ProviderProbe&) = delete;
  ProviderProbe& operator=(const ProviderProbe&) = delete;
  ProviderProbe(ProviderProbe&&) = delete;
  ProviderProbe& operator=(ProviderProbe&&) = delete;

  // The time of the last answer, or of the first ping if there is none.
  steady_clock::time_point last_answer() {
    if (answered_) {
      last_ = steady_clock::now();
      ask();
    }
    return last_;
  }

 private:
  void ask() {
    answered_ = false;
    sd_bus_slot* slot = nullptr;
    sd_bus_call_method_async(
        bus_, &slot, secret_service_name, secret_service_path, "org.freedesktop.DBus.Peer", "Ping",
        [](sd_bus_message*, void* answered, sd_bus_error*) noexcept {
          *static_cast<bool*>(answered) = true;  // an error is an answer too
          return 0;
        },
        &answered_, nullptr);
    slot_.reset(slot);
  }

  sd_bus* const bus_;
  bool answered_ = false;
  steady_clock::time_point last_ = steady_clock::now();
  BusSlotPtr slot_;  // points to answered_
};

}  // namespace

SessionLock::SessionLock(SecretServiceClient& client, const char* name, IfHeld if_held) : client_(client), name_(name) {
  bool acquired = false;
  const SignalWatch watch(
      client_.connection(),
      {.sender = bus_name, .interface = bus_name, .signal = "NameAcquired", .first_argument = name_},
      [&acquired](sd_bus_message*) { acquired = true; });
  constexpr std::uint32_t do_not_queue = 4;  // DBUS_NAME_FLAG_DO_NOT_QUEUE
  Answer<std::uint32_t> answer;
  client_.ask({question(
      BusCall{bus_path, bus_name, "RequestName", arguments("su", name_, if_held == IfHeld::wait ? 0U : do_not_queue),
              bus_name},
      +[](sd_bus_message* message) {
        std::uint32_t result = 0;
        read_from(message, "u", &result);
        return result;
      },
      answer)});
  // A bus that denies ownership of names (a sandbox's proxy) leaves us without mutual exclusion, as all other clients.
  constexpr std::uint32_t in_queue = 2;  // DBUS_REQUEST_NAME_REPLY_IN_QUEUE
  constexpr std::uint32_t exists = 3;    // DBUS_REQUEST_NAME_REPLY_EXISTS
  gave_up_ = answer.value == exists;
  if (answer.value == in_queue) {
    wait(acquired);
  }
}

void SessionLock::wait(const bool& acquired) {
  std::string holder;
  auto since = steady_clock::now();
  const auto is_ours = [&acquired] { return acquired; };
  ProviderProbe provider(client_.connection().get());
  while (client_.connection().wait_until(is_ours, steady_clock::now() + poll_interval) == BusConnection::Waited::late) {
    if (steady_clock::now() - provider.last_answer() >= SecretServiceClient::patience) {
      release();
      throw silent_provider_error(client_.provider());
    }
    const auto owner = client_.owner_of(name_);
    if (!owner || owner->bus_name != holder) {
      holder = owner ? owner->bus_name : "";
      since = steady_clock::now();
      continue;
    }
    const auto held = steady_clock::now() - since;
    if (held >= stopped_limit && is_stopped(owner->pid)) {
      break;
    }
    if (held >= holder_limit) {
      release();
      throw Error(ErrorCode::store_unavailable,
                  describe(owner) + " has been changing or unlocking the keyring for more than a minute",
                  "answer the prompt that it shows, or end it: kill " + std::to_string(owner->pid));
    }
  }
  waited_ = acquired;
  client_.renew(provider.last_answer());
}

SessionLock::~SessionLock() { release(); }

// Does not wait for the answer: the bus processes messages in order, and the end of the process would release it, too.
void SessionLock::release() const {
  sd_bus_call_method_async(client_.connection().get(), nullptr, bus_name, bus_path, bus_name, "ReleaseName", nullptr,
                           nullptr, "s", name_);
}

}  // namespace regsync
