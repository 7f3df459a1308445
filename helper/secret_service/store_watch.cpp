#include "helper/secret_service/store_watch.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "helper/base/event_fd.hpp"
#include "helper/base/guarded.hpp"
#include "helper/secret_service/bus_connection.hpp"
#include "helper/secret_service/provider.hpp"
#include "helper/secret_service/secret_service_client.hpp"
#include "helper/secret_service/secret_service_store.hpp"
#include "helper/secret_service/signal_watch.hpp"

namespace regsync {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// The first signal starts a reading at once; signals that follow within this time (a store emits two or three, an
// unlock one per item) cause one more reading at its end.
constexpr auto settle_time = milliseconds(20);

// The most changed items to remember: if more change, everything is read.
constexpr std::size_t most_items = 100;

// gnome-keyring emits no signal when it is unlocked over its control socket, which is how pam_gnome_keyring does it at
// login. So only a locked keyring is polled, with a single call.
constexpr auto locked_retry_time = milliseconds(2000);

// After a failed reading: we get no signal from a keyring that resumes after a freeze, from a restarted bus, or from
// KWallet when its default alias is set.
constexpr auto first_retry_time = milliseconds(2000);
constexpr auto last_retry_time = milliseconds(60'000);

}  // namespace

// Constructed and destroyed on the owner's thread; everything else runs on the store thread.
class StoreWatch::Impl {
 public:
  explicit Impl(Handler on_reading) : handler_(std::move(on_reading)), thread_([this] { run(); }) {}

  ~Impl() {
    cancel_.set();
    post([this] { ended_ = true; });
    thread_.join();
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  Impl(Impl&&) = delete;
  Impl& operator=(Impl&&) = delete;

  // Runs `work` on the store thread. It must not throw.
  void post(std::function<void()> work) {
    {
      const std::scoped_lock lock(mutex_);
      posted_.push_back(std::move(work));
    }
    wake_.set();
  }

  void want(std::set<RegistryKey> registries) {
    wanted_ = std::move(registries);
    read();
  }

  void read() {
    retry_time_.reset();
    failed_ = false;
    changed_ = false;
    changed_items_.clear();
    const auto problem = guarded([this] {
      connect();
      StoreReading reading = store_->load(wanted_);
      const auto kept = std::ranges::find_if(reading.collections, &StoreCollection::is_default);
      default_lock_ = kept == reading.collections.end() ? std::nullopt : std::optional(kept->locked);
      handler_(std::move(reading));
    });
    if (problem) {
      failed_ = true;
      deliver(*problem);
    }
    if (!failed_ && default_lock_ == false) {
      fruitless_ = 0;
    } else if (!failed_ || !will_be_told()) {
      retry_later();
    }
  }

 private:
  void run() {
    read();
    while (!ended_) {
      if (wait_for_input(connection_ ? connection_->get() : nullptr, wake_.fd(), next_time())) {
        run_posted();
      }
      if (connection_ && !connection_->process()) {
        read();  // reports the state of the bus
      }
      answer_signals();
      run_due();
    }
  }

  void run_posted() {
    wake_.reset();
    std::vector<std::function<void()>> all;
    {
      const std::scoped_lock lock(mutex_);
      all.swap(posted_);
    }
    for (const auto& work : all) {
      work();
    }
  }

  // Subscribes before the first reading, so that no change is missed. Uses another connection than the store, so that
  // signals wait during a call of the store.
  void connect() {
    if (store_ && connection_->is_open()) {
      return;
    }
    signals_.clear();
    store_.reset();
    connection_.reset();
    connection_.emplace(cancel_.fd());
    const auto waited = connection_->wait_until([this] { return connection_->is_ready(); },
                                                steady_clock::now() + SecretServiceClient::patience);
    if (waited != BusConnection::Waited::held) {
      connection_.reset();
      throw waited == BusConnection::Waited::cancelled ? bus_cancelled_error()
      : waited == BusConnection::Waited::late          ? no_bus_error("it does not answer")
                                                       : no_bus_error("it closes the connection");
    }
    signals_.emplace_back(*connection_,
                          SignalWatch::Match{.sender = "org.freedesktop.DBus",
                                             .interface = "org.freedesktop.DBus",
                                             .signal = "NameOwnerChanged",
                                             .first_argument = secret_service_name},
                          [this](sd_bus_message* signal) {
                            const char* new_owner = "";
                            sd_bus_message_read(signal, "sss", nullptr, nullptr, &new_owner);
                            provider_ended_ = *new_owner == '\0';
                            changed_ = !provider_ended_;
                          });
    for (const char* interface : {"org.freedesktop.Secret.Service", "org.freedesktop.Secret.Collection"}) {
      signals_.emplace_back(*connection_, SignalWatch::Match{.sender = secret_service_name, .interface = interface},
                            [this](sd_bus_message* signal) { note(signal); });
    }
    store_.emplace(Prompt::never, cancel_.fd());
  }

  // A new or changed item is read alone; for anything else, everything is read.
  void note(sd_bus_message* signal) {
    const std::string_view member = sd_bus_message_get_member(signal);
    const char* item = nullptr;
    if ((member == "ItemCreated" || member == "ItemChanged") && sd_bus_message_read(signal, "o", &item) > 0 &&
        changed_items_.size() < most_items) {
      changed_items_.emplace(item);
    } else {
      changed_ = true;
    }
  }

  void answer_signals() {
    if (std::exchange(provider_ended_, false)) {
      // Do not read: the call would start the provider that the user has just stopped.
      retry_time_.reset();
      changed_ = false;
      changed_items_.clear();
      deliver(no_provider_error());
    } else if ((changed_ || !changed_items_.empty()) && !settle_end_) {
      settle_end_ = steady_clock::now() + settle_time;
      if (changed_ || !read_changed_items()) {
        read();
      }
    }
  }

  // False if everything must be read.
  bool read_changed_items() {
    const auto items = std::exchange(changed_items_, {});
    std::optional<StoreReading> reading;
    const auto problem = guarded([&] {
      if (store_ && connection_->is_open()) {
        reading = store_->load_changes(items, wanted_);
      }
    });
    if (problem || !reading) {
      return false;
    }
    handler_(std::move(*reading));
    return true;
  }

  // Whether there is no provider; the bus sends a signal when that changes. Polling would start a provider that the
  // user stopped.
  bool will_be_told() {
    bool nobody = false;
    return !guarded([&] { nobody = store_ && connection_->is_open() && !store_->provider(); }) && nobody;
  }

  void retry_later() {
    if (!failed_ && default_lock_ == true) {
      retry_time_ = steady_clock::now() + locked_retry_time;
      return;
    }
    const auto pause = first_retry_time * (1 << std::min(fruitless_++, 10));
    retry_time_ = steady_clock::now() + std::min<steady_clock::duration>(pause, last_retry_time);
  }

  steady_clock::time_point next_time() const {
    constexpr auto never = steady_clock::time_point::max();
    return std::min(settle_end_.value_or(never), retry_time_.value_or(never));
  }

  void run_due() {
    if (settle_end_ && *settle_end_ <= steady_clock::now()) {
      settle_end_.reset();
      answer_signals();
    }
    if (retry_time_ && *retry_time_ <= steady_clock::now()) {
      if (!failed_ && default_is_as_it_was()) {
        retry_later();
      } else {
        read();
      }
    }
  }

  bool default_is_as_it_was() {
    bool same = false;  // otherwise a reading will find out
    return !guarded([&] { same = store_->default_lock() == default_lock_; }) && same;
  }

  void deliver(Error problem) {
    StoreReading reading{};
    reading.asked = wanted_;
    reading.problem = std::move(problem);
    handler_(std::move(reading));
  }

  // Constant after construction.
  const Handler handler_;

  // Used by both threads.
  EventFd cancel_;  // set once: no call waits after that
  EventFd wake_;    // `posted_` is not empty
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // under mutex_

  // Used by the store thread only.
  bool ended_ = false;
  std::optional<BusConnection> connection_;
  std::list<SignalWatch> signals_;  // of connection_
  std::optional<SecretServiceStore> store_;
  bool changed_ = false;                 // a signal reported a change without naming items
  std::set<std::string> changed_items_;  // the paths that signals named
  bool provider_ended_ = false;          // and no other has replaced it
  std::set<RegistryKey> wanted_;
  std::optional<steady_clock::time_point> settle_end_;  // until then, further signals wait for one common reading
  bool failed_ = false;                                 // the last reading failed
  std::optional<bool> default_lock_;                    // lock state of the default collection in the last reading
  int fruitless_ = 0;                                   // consecutive polls that found no open default collection
  std::optional<steady_clock::time_point> retry_time_;  // when to poll without a signal

  std::thread thread_;  // last: it uses all of the above
};

StoreWatch::StoreWatch(Handler on_reading) : impl_(std::make_unique<Impl>(std::move(on_reading))) {}

StoreWatch::~StoreWatch() = default;

void StoreWatch::want(std::set<RegistryKey> registries) {
  impl_->post(
      [impl = impl_.get(), registries = std::move(registries)]() mutable { impl->want(std::move(registries)); });
}

void StoreWatch::refresh() {
  impl_->post([impl = impl_.get()] { impl->read(); });
}

}  // namespace regsync
