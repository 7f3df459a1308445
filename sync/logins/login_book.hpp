// What is known of the logins that the targets need, from both places they come from: readings of the secret store, and
// the other credential helpers that Docker's config.json names.
//
// A reading that failed changes nothing but the problem that is reported. Lives on the io_context thread; owned by the
// Engine.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "helper/store/store_reading.hpp"
#include "sync/base/async_event.hpp"
#include "sync/base/metrics.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/logins/credential_helpers.hpp"
#include "sync/model/desired_state.hpp"

namespace regsync {

class LoginBook {
 public:
  // metrics may be null. on_wanted: the registries to read from the store from now on. on_change: known() differs.
  LoginBook(const asio::any_io_executor& executor, Metrics* metrics,
            std::function<void(const std::set<RegistryKey>&)> on_wanted, std::function<void()> on_change);

  // The registries of these targets are wanted.
  void want(const TargetFiles& targets);
  // credHelpers of Docker's config.json; takes effect with the next want().
  void set_cred_helpers(std::map<std::string, std::string> helpers) { cred_helpers_ = std::move(helpers); }

  // A reading of the store has arrived.
  void take(StoreReading logins);
  // Another one is on its way, because a person asked: complete() waits for it.
  void expect_reading() { expected_ = readings_ + 1; }

  // Returns when every wanted login is known, or cannot be had now; at the latest after `time`. The default suits a
  // person who waits: the keyring answers in milliseconds, a cloud's helper in seconds.
  asio::awaitable<void> complete(std::chrono::milliseconds time = std::chrono::seconds(10));

  [[nodiscard]] KnownLogins known() const;
  [[nodiscard]] const std::vector<Login>& all() const { return all_; }
  [[nodiscard]] const std::optional<Error>& store_problem() const { return store_.store_problem; }

  asio::awaitable<void> stop();

 private:
  [[nodiscard]] bool is_complete() const;
  std::map<RegistryKey, CredentialHelper> take_helper_sources(const TargetFiles& targets,
                                                              std::set<RegistryKey>& wanted) const;
  void take_logins(StoreReading& reading);
  void changed();

  Metrics* metrics_;
  std::function<void(const std::set<RegistryKey>&)> on_wanted_;
  std::function<void()> on_change_;
  std::map<std::string, std::string> cred_helpers_;
  std::set<RegistryKey> wanted_;  // of the store
  KnownLogins store_;
  std::vector<Login> all_;
  std::size_t readings_ = 0;
  std::size_t expected_ = 0;
  bool stopping_ = false;
  AsyncEvent changed_;
  CredentialHelpers helpers_;
};

}  // namespace regsync
