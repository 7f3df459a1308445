// Tries each new or changed login once at its registry before it is used, so that a mistyped password or a revoked
// token does not replace a good one in every cluster.
//
//   good                       used from then on
//   denied                     the login before it stays in use; a problem of the registry says what the registry said;
//                              remembered over restarts (see DeniedLogins)
//   unreachable, or no answer  used untried; a notice says so
//
// One try for each change, at the registry that the login is for and nowhere else, so that nobody is locked out; and
// another one when a person asks, ten minutes after the last at the earliest. Lives on the io_context thread; owned by
// the LoginBook.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/store/credential.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/base/task_group.hpp"
#include "sync/logins/denied_logins.hpp"
#include "sync/logins/registry_client.hpp"
#include "sync/model/desired_state.hpp"

namespace regsync {

class LoginHealth {
 public:
  // Empty: nobody is asked, and a login that is not remembered as denied is used. So a command knows what the daemon
  // found out.
  using Try = std::function<asio::awaitable<PullAnswer>(std::string host, RegistryLogin login)>;

  using OnReplaced = std::function<void(const std::shared_ptr<const Credential>&)>;

  // on_change: in_force() may answer otherwise now. on_replaced: another login is to take the place of this one, which
  // is in force. denied: the file in which it is remembered what was denied; empty for none.
  LoginHealth(const asio::any_io_executor& executor, Try try_login, std::function<void()> on_change,
              OnReplaced on_replaced, std::filesystem::path denied = {},
              std::chrono::milliseconds patience = std::chrono::seconds(5));

  // What may be used of the logins that are known now. Those of the `tried` registries are tried first. marks: of those
  // that are known again after a restart.
  KnownLogins in_force(KnownLogins known, const std::set<RegistryKey>& tried, const LoginMarks& marks = {});

  // A person asks: what was denied ten minutes ago, or before, is tried again by the next in_force().
  void try_denied_again(std::chrono::system_clock::time_point now);

  // Whether no try is under way.
  [[nodiscard]] bool settled() const { return tries_.empty(); }

  // The registries whose present login is denied, or not tried yet.
  [[nodiscard]] std::set<RegistryKey> in_doubt() const;

  // Logins that are used untried, and why.
  [[nodiscard]] std::vector<Error> notices() const;
  // What keeps a denial from being remembered.
  [[nodiscard]] const std::optional<Error>& problem() const { return denied_.problem(); }

  // Cancels the tries and waits for their end.
  asio::awaitable<void> stop();

 private:
  using Shared = std::shared_ptr<const Credential>;

  struct State {
    Shared in_force;
    Shared trying;
    Shared denied;
    DeniedLogins::Time denied_at;
    bool try_again = false;  // a person has asked since
    std::optional<Error> denial;
    std::optional<Error> notice;
    LoginMark mark;  // of the login that is known now
    LoginKeeper keeper;
  };

  void take_in(State& state, const RegistryKey& registry, const Shared& known, bool tried);
  void deny(State& state, const RegistryKey& registry, const Shared& login, DeniedLogins::Time tried,
            const std::string& said);
  void start(const RegistryKey& registry, const Shared& login);
  asio::awaitable<void> run(RegistryKey registry, Shared login);
  void conclude(const RegistryKey& registry, const Shared& login, const PullAnswer& answer);

  asio::any_io_executor executor_;
  Try try_login_;
  std::function<void()> on_change_;
  OnReplaced on_replaced_;
  std::chrono::milliseconds patience_;
  DeniedLogins denied_;
  DeniedLogins::Time try_again_before_;  // of a login that comes into sight: what was denied before this is tried again
  std::map<RegistryKey, State> states_;
  std::set<std::shared_ptr<asio::cancellation_signal>> tries_;  // under way
  bool stopping_ = false;
  TaskGroup tasks_;
};

}  // namespace regsync
