// LoginBook collects the logins that the targets need from both of their sources: readings of the keyring, and
// the other credential helpers that Docker's config.json names.
//
// A reading that failed changes nothing but the problem that is reported. Lives on the io_context thread; owned by the
// Engine.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "helper/store/store_reading.hpp"
#include "sync/base/async_event.hpp"
#include "sync/base/coalesced_call.hpp"
#include "sync/base/metrics.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/logins/credential_helpers.hpp"
#include "sync/logins/login_end.hpp"
#include "sync/logins/login_health.hpp"
#include "sync/logins/login_places.hpp"
#include "sync/logins/other_helpers.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/fleet_report.hpp"

namespace regsync {

// Of a keyring that was waited for so long.
Error keyring_is_silent(std::chrono::milliseconds time);

class LoginBook {
 public:
  struct Hooks {
    std::function<void(const std::set<RegistryKey>&)> on_wanted;  // the registries to read from the store from now on
    std::function<void()> on_change;                              // known() differs
    std::function<void()> read_again = {};                        // read the store again now; may be empty
    // A login of the store is in force, and another one is to take its place; may be empty.
    LoginHealth::OnReplaced on_replaced = {};
    // A login ends in 14, 3 or 1 days, or has ended: told once for each; may be empty.
    std::function<void(const Error& notice)> on_ending = {};
  };

  // What is remembered over restarts, each in a file; empty for none.
  struct Memory {
    std::filesystem::path places = {};  // where logins were
    std::filesystem::path denied = {};  // which logins their registries denied
    // How long after a reading it is written down when logins were changed.
    std::chrono::milliseconds save_after = std::chrono::seconds(10);
  };

  // metrics may be null. settle: how long a login must be missing to be gone.
  LoginBook(const asio::any_io_executor& executor, Metrics* metrics, Memory memory, std::chrono::milliseconds settle,
            Hooks hooks, LoginHealth::Try try_one = try_login);

  // The registries of these targets are wanted.
  void want(const TargetFiles& targets);
  // See other_helpers.hpp; takes effect with the next want().
  void set_cred_helpers(HelperNames helpers) { cred_helpers_ = std::move(helpers); }

  // Of config.yaml; takes effect with the next want(). expires: by registry as written.
  void set_login_settings(bool verify, std::map<std::string, std::chrono::sys_days> expires);

  // A reading of the store has arrived.
  void take(StoreReading logins);
  // A person asked: another reading is on its way, for which complete() waits, and denied logins may be tried again.
  void expect_reading();

  // Returns when every wanted login is known, or cannot be had now; at the latest after `time`. The default suits a
  // person who waits: the keyring answers in milliseconds, a cloud's helper in seconds. A store that did not answer by
  // then is a store_problem() until it does.
  asio::awaitable<void> complete(std::chrono::milliseconds time = std::chrono::seconds(10));

  // What may be used now. Starts to try what is new.
  [[nodiscard]] KnownLogins known();
  // What a person should know of logins that are in use: untried ones, and those that end soon.
  // ends: wanted_ends(), which takes a while to make.
  [[nodiscard]] std::vector<Error> notices(const std::map<RegistryKey, LoginEnd>& ends,
                                           std::chrono::system_clock::time_point now) const;
  // Logins that have ended, and files about logins that cannot be used.
  [[nodiscard]] std::vector<Error> problems(const std::map<RegistryKey, LoginEnd>& ends,
                                            std::chrono::system_clock::time_point now) const;
  // The registries whose present login is denied, or not tried yet.
  [[nodiscard]] std::set<RegistryKey> in_doubt() const { return health_.in_doubt(); }
  // When those logins end that targets want, where it is known.
  [[nodiscard]] std::map<RegistryKey, LoginEnd> wanted_ends() const;
  // Every login of the store, as its last reading has them.
  [[nodiscard]] const std::vector<Login>& all() const { return all_; }
  // The same, and those of credential helpers, with how they are.
  [[nodiscard]] std::vector<LoginStatus> statuses() const;
  // Why the store cannot be read now; nothing where no target needs it.
  [[nodiscard]] std::optional<Error> store_problem() const;

  asio::awaitable<void> stop();

 private:
  [[nodiscard]] bool is_complete() const;
  std::map<RegistryKey, CredentialHelper> take_helper_sources(const TargetFiles& targets,
                                                              std::set<RegistryKey>& wanted) const;
  void want_tried(const TargetFiles& targets);
  void tell_ends();
  void add_endings(const std::map<RegistryKey, LoginEnd>& ends, std::chrono::system_clock::time_point now, bool over,
                   std::vector<Error>& errors) const;
  [[nodiscard]] LoginKeeper keeper_of(const RegistryKey& registry) const;
  [[nodiscard]] bool is_store_read() const;
  [[nodiscard]] KnownLogins known_untried() const;
  void take_logins(StoreReading& reading);
  void save_places();
  void note_place(const RegistryKey& registry, const KeptLogin* kept, const StoreReading& reading);
  void read_again_at(std::optional<LoginPlaces::Clock::time_point> time);
  void changed();

  Metrics* metrics_;
  Hooks hooks_;
  HelperNames cred_helpers_;
  bool verify_ = true;
  std::map<std::string, std::chrono::sys_days> settings_expire_;
  std::set<RegistryKey> wanted_;       // of the store
  std::set<RegistryKey> tried_;        // whose new logins are tried first
  LoginEnds ends_;                     // as files say
  std::map<RegistryKey, int> warned_;  // of its end: how urgent it was then
  asio::steady_timer warn_again_;
  KnownLogins store_;
  LoginMarks marks_;  // of the logins of store_
  std::vector<Login> all_;
  std::size_t readings_ = 0;
  std::size_t expected_ = 0;
  bool stopping_ = false;
  AsyncEvent changed_;
  LoginPlaces places_;
  CoalescedCall saving_places_;
  asio::steady_timer recheck_;
  bool rechecking_ = false;  // a login may be gone, and the next reading tells
  CredentialHelpers helpers_;
  LoginHealth health_;
};

}  // namespace regsync
