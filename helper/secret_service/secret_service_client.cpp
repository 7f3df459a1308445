#include "helper/secret_service/secret_service_client.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "helper/secret_service/signal_watch.hpp"

namespace regsync {
namespace {

constexpr const char* bus_name = "org.freedesktop.DBus";
constexpr const char* service_interface = "org.freedesktop.Secret.Service";
constexpr const char* prompt_interface = "org.freedesktop.Secret.Prompt";
constexpr const char* prompter_lock = "dev.regsync.Prompter";
// A bus may refuse more than 128 unanswered calls of one connection (max_replies_per_connection of dbus-daemon).
constexpr std::size_t max_in_flight = 64;
// gnome-keyring (seen: 42.1; Debian bug 1147303) looks its clients up on two threads, and among many that come and go
// now and then does not find the one that calls: then the method "is not implemented". It has done nothing by then.
constexpr int max_attempts = 4;
constexpr std::uint64_t call_limit_microseconds = 25'000'000;

constexpr const char* see_doctor = "`regsync doctor` tells more";

// An answer's place, which sd-bus fills in.
struct Pending {
  BusMessagePtr answer;
  BusSlotPtr slot;
  std::size_t* answered = nullptr;

  static int on_answer(sd_bus_message* answer, void* self, sd_bus_error* /*unused*/) noexcept {
    auto& pending = *static_cast<Pending*>(self);
    pending.answer.reset(sd_bus_message_ref(answer));
    ++*pending.answered;
    return 0;
  }
};

bool is_named(const BusError& error, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, error.name) != names.end();
}

bool is_unknown_method(const BusError& error) { return is_named(error, {SD_BUS_ERROR_UNKNOWN_METHOD}); }

bool a_provider_is_installed() {
  const char* data_dirs = std::getenv("XDG_DATA_DIRS");
  std::string_view rest = data_dirs != nullptr && *data_dirs != '\0' ? data_dirs : "/usr/local/share:/usr/share";
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    std::error_code ignored;
    if (std::filesystem::exists(std::string(folder) + "/dbus-1/services/org.freedesktop.secrets.service", ignored)) {
      return true;
    }
  }
  return false;
}

}  // namespace

Error no_provider_error() {
  return {ErrorCode::store_unavailable, "no program provides the Secret Service (org.freedesktop.secrets)",
          std::string(a_provider_is_installed()
                          ? "start the one that is installed, or on a machine without a desktop run `regsync setup "
                            "--headless`; "
                          : "install one (apt install gnome-keyring) or enable it in KeePassXC or KWallet; ") +
              std::string(see_doctor)};
}

Error locked_error() {
  return {ErrorCode::locked, "the keyring is locked, so its logins cannot be read or changed",
          "unlock it (answer its prompt, or log in to the desktop; on a machine without one run `regsync setup "
          "--headless`); " +
              std::string(see_doctor)};
}

Error no_default_collection_error() {
  return {ErrorCode::store_unavailable, "the Secret Service has no default collection to keep logins in",
          "create a keyring (seahorse, or KeePassXC's settings), or on a machine without a desktop run `regsync setup "
          "--headless`; " +
              std::string(see_doctor)};
}

Error secret_service_error(const BusError& error) {
  if (is_named(error, {"org.freedesktop.Secret.Error.IsLocked"})) {
    return locked_error();
  }
  if (is_named(error, {SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                       "org.freedesktop.DBus.Error.Spawn.ServiceNotFound"})) {
    return no_provider_error();
  }
  if (is_named(error, {bus_cancelled_name})) {
    return bus_cancelled_error();
  }
  if (is_named(error, {SD_BUS_ERROR_DISCONNECTED})) {
    return no_bus_error(error.message);
  }
  return {ErrorCode::store_unavailable, "the Secret Service failed: " + error.message, std::string(see_doctor)};
}

bool is_gone(const BusError& error) {
  return is_named(error, {"org.freedesktop.Secret.Error.NoSuchObject", SD_BUS_ERROR_UNKNOWN_OBJECT}) ||
         is_unknown_method(error);
}

std::vector<std::string> read_paths(sd_bus_message* message) {
  std::vector<std::string> paths;
  understood(sd_bus_message_enter_container(message, 'a', "o"));
  for (const char* path = nullptr; read_from(message, "o", &path);) {
    paths.emplace_back(path);
  }
  understood(sd_bus_message_exit_container(message));
  return paths;
}

std::string read_string(sd_bus_message* message) {
  const char* text = nullptr;
  return read_from(message, "s", &text) ? text : "";
}

std::string read_path(sd_bus_message* message) {
  const char* path = nullptr;
  return read_from(message, "o", &path) ? path : "";
}

SecretServiceClient::SecretServiceClient(int cancel_fd) : connection_(cancel_fd) {}

std::vector<BusReply> SecretServiceClient::call_all(const std::vector<BusCall>& calls) {
  std::vector<BusReply> replies = send_all(calls);
  for (int attempt = 1; attempt < max_attempts; ++attempt) {
    std::vector<BusCall> refused;
    std::vector<BusReply*> places;
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (replies[i].error && is_unknown_method(*replies[i].error)) {
        refused.push_back(calls[i]);
        places.push_back(&replies[i]);
      }
    }
    if (refused.empty()) {
      break;
    }
    std::vector<BusReply> again = send_all(refused);
    for (std::size_t i = 0; i < again.size(); ++i) {
      *places[i] = std::move(again[i]);
    }
  }
  return replies;
}

std::vector<BusReply> SecretServiceClient::send_all(const std::vector<BusCall>& calls) {
  std::size_t sent = 0;
  std::size_t answered = 0;
  std::vector<Pending> pending(calls.size());
  const auto send = [this, &answered](const BusCall& call, Pending& place) {
    sd_bus_message* raw = nullptr;
    written(sd_bus_message_new_method_call(connection_.get(), &raw, call.destination, call.path.c_str(), call.interface,
                                           call.method));
    const BusMessagePtr message(raw);
    if (call.arguments) {
      call.arguments(message.get());
    }
    place.answered = &answered;
    sd_bus_slot* slot = nullptr;
    const int result = sd_bus_call_async(connection_.get(), &slot, message.get(), &Pending::on_answer, &place,
                                         call_limit_microseconds);
    place.slot.reset(slot);
    if (connection_.is_open()) {  // else there will be no answer, and the wait ends at once
      written(result);
    }
  };
  bool waiting = true;
  while (waiting && answered < calls.size()) {
    for (; sent < calls.size() && sent - answered < max_in_flight; ++sent) {
      send(calls[sent], pending[sent]);
    }
    waiting = connection_.wait_until([&answered, before = answered] { return answered > before; });
  }
  const BusError unanswered = connection_.is_open() ? BusError{bus_cancelled_name, "cancelled"}
                                                    : BusError{SD_BUS_ERROR_DISCONNECTED, "the connection is lost"};
  std::vector<BusReply> replies;
  replies.reserve(pending.size());
  for (Pending& done : pending) {
    if (!done.answer) {
      replies.push_back({.value = nullptr, .error = unanswered});
    } else if (const sd_bus_error* error = sd_bus_message_get_error(done.answer.get())) {
      replies.push_back(
          {.value = nullptr, .error = BusError{error->name, error->message != nullptr ? error->message : error->name}});
    } else {
      replies.push_back({.value = std::move(done.answer), .error = {}});
    }
  }
  return replies;
}

BusMessagePtr SecretServiceClient::call(const BusCall& call) {
  BusReply reply = std::move(call_all({call}).front());
  if (reply.error) {
    throw secret_service_error(*reply.error);
  }
  return std::move(reply.value);
}

bool SecretServiceClient::unlock(const std::vector<std::string>& paths) {
  const SessionLock prompter(*this, prompter_lock);
  const BusMessagePtr reply = call({secret_service_path, service_interface, "Unlock", [&paths](sd_bus_message* call) {
                                      written(sd_bus_message_open_container(call, 'a', "o"));
                                      for (const std::string& path : paths) {
                                        write_to(call, "o", path);
                                      }
                                      written(sd_bus_message_close_container(call));
                                    }});
  std::size_t unlocked = read_paths(reply.get()).size();
  const std::string prompt_path = read_path(reply.get());
  if (prompt_path != "/" && !prompter.waited()) {
    if (const BusMessagePtr answer = prompt(prompt_path);
        answer && sd_bus_message_enter_container(answer.get(), 'v', "ao") > 0) {
      unlocked += read_paths(answer.get()).size();
    }
  }
  return unlocked >= paths.size();
}

BusMessagePtr SecretServiceClient::prompt(const std::string& prompt_path) {
  bool ended = false;
  BusMessagePtr completion;
  const SignalWatch completed(connection_,
                              {.sender = secret_service_name,
                               .interface = prompt_interface,
                               .signal = "Completed",
                               .path = prompt_path.c_str()},
                              [&](sd_bus_message* signal) {
                                ended = true;
                                completion.reset(sd_bus_message_ref(signal));
                              });
  // A service that ends takes its prompts with it.
  const SignalWatch gone(
      connection_,
      {.sender = bus_name, .interface = bus_name, .signal = "NameOwnerChanged", .first_argument = secret_service_name},
      [&](sd_bus_message*) { ended = true; });
  call({prompt_path, prompt_interface, "Prompt", arguments("s", "")});
  connection_.wait_until([&ended] { return ended; });
  if (completion) {
    understood(sd_bus_message_rewind(completion.get(), 1));
    int dismissed = 1;
    read_from(completion.get(), "b", &dismissed);
    if (dismissed != 0) {
      completion.reset();
    }
  }
  return completion;
}

bool SecretServiceClient::create_default_collection() {
  const BusMessagePtr reply =
      call({secret_service_path, service_interface, "CreateCollection",
            arguments("a{sv}s", 1, "org.freedesktop.Secret.Collection.Label", "s", "Default keyring", "default")});
  read_path(reply.get());  // the collection, if it was made at once
  const std::string prompt_path = read_path(reply.get());
  return prompt_path == "/" || prompt(prompt_path) != nullptr;
}

SessionLock::SessionLock(SecretServiceClient& bus, const char* name) : bus_(bus), name_(name) {
  bool acquired = false;
  const SignalWatch watch(
      bus_.connection(), {.sender = bus_name, .interface = bus_name, .signal = "NameAcquired", .first_argument = name_},
      [&acquired](sd_bus_message*) { acquired = true; });
  const BusReply reply = std::move(
      bus_.call_all({{"/org/freedesktop/DBus", bus_name, "RequestName", arguments("su", name_, 0U), bus_name}})
          .front());
  // A bus that lets nobody own names (a sandbox's proxy) leaves us without mutual exclusion, as all other clients are.
  constexpr std::uint32_t in_queue = 2;  // DBUS_REQUEST_NAME_REPLY_IN_QUEUE
  std::uint32_t answer = 0;
  if (reply.value) {
    read_from(reply.value.get(), "u", &answer);
  }
  waited_ = answer == in_queue;
  if (waited_) {
    bus_.connection().wait_until([&acquired] { return acquired; });
  }
}

// Nobody waits for the answer: the bus takes messages in order, and the end of the process would do as well.
SessionLock::~SessionLock() {
  sd_bus_call_method_async(bus_.connection().get(), nullptr, bus_name, "/org/freedesktop/DBus", bus_name, "ReleaseName",
                           nullptr, nullptr, "s", name_);
}

}  // namespace regsync
