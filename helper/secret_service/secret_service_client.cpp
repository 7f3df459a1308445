#include "helper/secret_service/secret_service_client.hpp"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <tuple>
#include <utility>

#include "helper/base/text.hpp"
#include "helper/secret_service/provider.hpp"

namespace regsync {
namespace {

// A bus may refuse more than 128 unanswered calls per connection (max_replies_per_connection of dbus-daemon).
constexpr std::size_t max_in_flight = 64;
// gnome-keyring (seen: 42.1; Debian bug 1147303) looks up its clients on two threads, and if many come and go, it
// sometimes misses the caller and answers that the method "is not implemented". It has not executed the call then.
constexpr int max_attempts = 4;

constexpr const char* is_locked_name = "org.freedesktop.Secret.Error.IsLocked";

bool is_named(const BusError& error, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, error.name) != names.end();
}

bool is_unknown_method(const BusError& error) { return is_named(error, {SD_BUS_ERROR_UNKNOWN_METHOD}); }

}  // namespace

bool is_gone(const BusError& error) {
  return is_named(error, {"org.freedesktop.Secret.Error.NoSuchObject", SD_BUS_ERROR_UNKNOWN_OBJECT}) ||
         is_unknown_method(error);
}

bool is_locked(const BusError& error) { return is_named(error, {is_locked_name}); }

BusError locked_item() { return {is_locked_name, "the item is locked"}; }

bool is_no_session(const BusError& error) { return is_named(error, {"org.freedesktop.Secret.Error.NoSession"}); }

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

Error SecretServiceClient::error_of(const BusError& error) {
  if (is_locked(error)) {
    return locked_error(provider(), {});
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
  if (is_named(error, {SD_BUS_ERROR_NO_REPLY})) {  // the bus, which has no timeout, reports a peer that left
    return ended_provider_error();
  }
  if (is_named(error, {bus_late_name, SD_BUS_ERROR_TIMEOUT})) {
    return connection_.is_ready() ? silent_provider_error(provider()) : no_bus_error("it does not answer");
  }
  return {ErrorCode::store_unavailable, describe(provider()) + " failed: " + presentable(error.message),
          "`regsync doctor` tells more"};
}

struct SecretServiceClient::Asked {
  BusMessagePtr answer;
  BusSlotPtr slot;
  std::size_t* answered = nullptr;

  static int on_answer(sd_bus_message* answer, void* self, sd_bus_error* /*unused*/) noexcept {
    auto& asked = *static_cast<Asked*>(self);
    asked.answer.reset(sd_bus_message_ref(answer));
    ++*asked.answered;
    return 0;
  }
};

void SecretServiceClient::ask(const std::vector<Question>& questions) {
  std::vector<const Question*> open;
  open.reserve(questions.size());
  for (const Question& question : questions) {
    open.push_back(&question);
  }
  for (int attempt = 1; !open.empty(); ++attempt) {
    const std::vector<Asked> asked = send(open);
    std::vector<const Question*> refused;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const Question& question = *open[i];
      sd_bus_message* answer = asked[i].answer.get();
      if (answer == nullptr) {
        continue;  // send() has said why
      }
      if (const sd_bus_error* error = sd_bus_message_get_error(answer)) {
        *question.error = BusError{error->name, error->message != nullptr ? error->message : error->name};
        if (is_unknown_method(**question.error) && attempt < max_attempts) {
          refused.push_back(&question);
        }
        continue;
      }
      question.error->reset();
      if (question.call.destination == std::string_view(secret_service_name)) {
        note_sender(answer);
      }
      try {
        question.on_value(answer);
      } catch (const Error& odd) {
        *question.error = BusError{bus_odd_answer_name, odd.message()};
      }
    }
    open = std::move(refused);
  }
}

void SecretServiceClient::note_sender(sd_bus_message* answer) {
  const char* sender = sd_bus_message_get_sender(answer);
  if (sender != nullptr && provider_name_ != sender) {
    provider_changes_ += provider_name_.empty() ? 0 : 1;
    provider_name_ = sender;
  }
}

std::vector<SecretServiceClient::Asked> SecretServiceClient::send(const std::vector<const Question*>& questions) {
  using Waited = BusConnection::Waited;
  std::size_t sent = 0;
  std::size_t answered = 0;
  std::vector<Asked> all(questions.size());
  const auto send_one = [this, &answered](const BusCall& call, Asked& place) {
    sd_bus_message* raw = nullptr;
    written(sd_bus_message_new_method_call(connection_.get(), &raw, call.destination, call.path.c_str(), call.interface,
                                           call.method));
    const BusMessagePtr message(raw);
    if (call.arguments) {
      call.arguments(message.get());
    }
    place.answered = &answered;
    sd_bus_slot* slot = nullptr;
    const int result =
        sd_bus_call_async(connection_.get(), &slot, message.get(), &Asked::on_answer, &place, UINT64_MAX);
    place.slot.reset(slot);
    if (connection_.is_open()) {  // otherwise no answer comes, and the wait ends at once
      written(result);
    }
  };
  auto waited = Waited::held;
  while (waited == Waited::held && answered < questions.size()) {
    for (; sent < questions.size() && sent - answered < max_in_flight; ++sent) {
      send_one(questions[sent]->call, all[sent]);
    }
    waited = connection_.wait_until([&answered, before = answered] { return answered > before; },
                                    std::min(progress_ + patience, deadline_));
    if (waited == Waited::held) {
      progress_ = BusConnection::Clock::now();
    }
  }
  const BusError unanswered = waited == Waited::disconnected
                                  ? BusError{SD_BUS_ERROR_DISCONNECTED, "the connection is lost"}
                              : waited == Waited::late ? BusError{bus_late_name, "no answer"}
                                                       : BusError{bus_cancelled_name, "cancelled"};
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].slot.reset();  // it points to `answered`
    if (!all[i].answer) {
      *questions[i]->error = unanswered;
    }
  }
  return all;
}

std::optional<StoreProvider> SecretServiceClient::owner_of(const std::string& bus_name) {
  // Does not count towards the budget, which may be used up: this call explains why.
  const auto kept = std::pair(progress_, deadline_);
  progress_ = BusConnection::Clock::now() + std::chrono::seconds(1) - patience;
  deadline_ = progress_ + budget;
  const auto ask_bus = [this](const char* method, const std::string& name, const auto read, auto& answer) {
    constexpr const char* bus = "org.freedesktop.DBus";
    ask({question(BusCall{"/org/freedesktop/DBus", bus, method, arguments("s", name), bus}, +read, answer)});
  };
  Answer<std::string> owner;
  ask_bus("GetNameOwner", bus_name, [](sd_bus_message* answer) { return read_string(answer); }, owner);
  std::optional<StoreProvider> provider;
  if (owner.value) {
    Answer<std::uint32_t> pid;
    ask_bus(
        "GetConnectionUnixProcessID", *owner.value,
        [](sd_bus_message* answer) {
          std::uint32_t value = 0;
          read_from(answer, "u", &value);
          return value;
        },
        pid);
    const int known_pid = static_cast<int>(pid.value.value_or(0));
    provider = StoreProvider{
        .program = known_pid != 0 ? program_of(known_pid) : "", .pid = known_pid, .bus_name = std::move(*owner.value)};
  }
  std::tie(progress_, deadline_) = kept;
  return provider;
}

}  // namespace regsync
