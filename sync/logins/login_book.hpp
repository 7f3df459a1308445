// LoginBook collects the logins that the targets need from both sources: readings of the store (keyring and login
// files), and the other credential helpers that Docker's config.json and config.yaml name.
//
// A failed reading changes only the reported problem. Lives on the io_context thread; owned by the Engine.
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

// The error for a keyring that has not answered in this time.
Error keyring_is_silent(std::chrono::milliseconds time);

class LoginBook {
 public:
  struct Hooks {
    std::function<void(const std::set<RegistryKey>&)> on_wanted;  // the registries to read from the store from now on
    std::function<void()> on_change;                              // known() differs
    std::function<void()> read_again = {};                        // read the store again now; may be empty
    // A login of the store is in use, and another one is about to replace it; may be empty.
    LoginHealth::OnReplaced on_replaced = {};
    // A login ends in 14, 3 or 1 days, or has ended: called once for each; may be empty.
    std::function<void(const Error& notice)> on_ending = {};
  };

  // The files that keep state across restarts; empty for none.
  struct Memory {
    std::filesystem::path places = {};  // where logins were
    std::filesystem::path denied = {};  // which logins their registries denied
    // The delay after a reading before the times of changed logins are written.
    std::chrono::milliseconds save_after = std::chrono::seconds(10);
  };

  // metrics may be null. settle: how long a login must be missing to count as gone.
  LoginBook(const asio::any_io_executor& executor, Metrics* metrics, Memory memory, std::chrono::milliseconds settle,
            Hooks hooks, LoginHealth::Try try_one = try_login);

  // Sets the wanted registries to those of these targets.
  void want(const TargetFiles& targets);
  // See other_helpers.hpp; takes effect with the next want().
  void set_cred_helpers(HelperNames helpers) { cred_helpers_ = std::move(helpers); }

  // Settings from config.yaml; takes effect with the next want(). expires: by registry as written.
  void set_login_settings(bool verify, std::map<std::string, std::chrono::sys_days> expires);

  // Takes a reading of the store.
  void take(StoreReading logins);
  // The user asked: another reading will arrive, for which complete() waits, and denied logins may be tried again.
  void expect_reading();

  // Returns when every wanted login is known or unavailable, at the latest after `time`. The default suits a waiting
  // user: the keyring answers in milliseconds, a cloud's helper in seconds. A store that did not answer by then is a
  // store_problem() until it does.
  asio::awaitable<void> complete(std::chrono::milliseconds time = std::chrono::seconds(10));

  // The logins that may be used now. Starts to try new ones.
  [[nodiscard]] KnownLogins known();
  // What the user should know about logins in use: untried ones, and those that end soon. ends: wanted_ends(), which is
  // slow to compute.
  [[nodiscard]] std::vector<Error> notices(const std::map<RegistryKey, LoginEnd>& ends,
                                           std::chrono::system_clock::time_point now) const;
  // Logins that have ended, and state files that cannot be used.
  [[nodiscard]] std::vector<Error> problems(const std::map<RegistryKey, LoginEnd>& ends,
                                            std::chrono::system_clock::time_point now) const;
  // The registries whose current login is denied or not tried yet.
  [[nodiscard]] std::set<RegistryKey> in_doubt() const { return health_.in_doubt(); }
  // When the logins that targets want end, if known.
  [[nodiscard]] std::map<RegistryKey, LoginEnd> wanted_ends() const;
  // Every login of the store, according to its last reading.
  [[nodiscard]] const std::vector<Login>& all() const { return all_; }
  // The same and those of credential helpers, with their state.
  [[nodiscard]] std::vector<LoginStatus> statuses() const;
  // Why the store cannot be read now; nothing if no target needs it.
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
  std::set<RegistryKey> wanted_;       // registries to read from the store
  std::set<RegistryKey> tried_;        // registries whose new logins are tried first
  LoginEnds ends_;                     // as declared in files
  std::map<RegistryKey, int> warned_;  // how urgent the end was when last warned about
  asio::steady_timer warn_again_;
  KnownLogins store_;
  LoginMarks marks_;  // marks of the logins in store_
  std::vector<Login> all_;
  std::size_t readings_ = 0;
  std::size_t expected_ = 0;
  bool stopping_ = false;
  AsyncEvent changed_;
  LoginPlaces places_;
  CoalescedCall saving_places_;
  asio::steady_timer recheck_;
  bool rechecking_ = false;  // a login may be gone; the next reading decides
  CredentialHelpers helpers_;
  LoginHealth health_;
};

}  // namespace regsync
