// LoginHealth tries each new or changed login once at its registry before it is used, so that a mistyped password or a
// revoked token does not replace a good one in every cluster.
//
//   good                       used from then on
//   denied                     the previous login stays in use; a problem of the registry quotes its answer; remembered
//                              across restarts (see DeniedLogins)
//   unreachable, or no answer  used untried; a notice says so
//
// One try for each change, only at the registry that the login is for, so that no account is locked; and another when
// the user asks, ten minutes after the last at the earliest. Lives on the io_context thread; owned by the LoginBook.
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
  // Empty: no registry is asked, and a login that is not remembered as denied is used. Commands do this to use the
  // daemon's findings.
  using Try = std::function<asio::awaitable<PullAnswer>(std::string host, RegistryLogin login)>;

  using OnReplaced = std::function<void(const std::shared_ptr<const Credential>&)>;

  // on_change: the result of in_force() may have changed. on_replaced: another login is about to replace this one,
  // which is in use. denied: the file that remembers denials; empty for none.
  LoginHealth(const asio::any_io_executor& executor, Try try_login, std::function<void()> on_change,
              OnReplaced on_replaced, std::filesystem::path denied = {},
              std::chrono::milliseconds patience = std::chrono::seconds(5));

  // The known logins that may be used. Those of the `tried` registries are tried first. marks: for logins that are to
  // be recognized after a restart.
  KnownLogins in_force(KnownLogins known, const std::set<RegistryKey>& tried, const LoginMarks& marks = {});

  // The user asks: the next in_force() retries logins that were denied at least ten minutes ago.
  void try_denied_again(std::chrono::system_clock::time_point now);

  // Whether no try is in progress.
  [[nodiscard]] bool settled() const { return tries_.empty(); }

  // The registries whose current login is denied or not tried yet.
  [[nodiscard]] std::set<RegistryKey> in_doubt() const;

  // Logins that are used untried, and why.
  [[nodiscard]] std::vector<Error> notices() const;
  // Why a denial cannot be remembered.
  [[nodiscard]] const std::optional<Error>& problem() const { return denied_.problem(); }

  // Cancels the tries and waits until they have ended.
  asio::awaitable<void> stop();

 private:
  using Shared = std::shared_ptr<const Credential>;

  struct State {
    Shared in_force;
    Shared trying;
    Shared denied;
    DeniedLogins::Time denied_at;
    bool try_again = false;  // the user has asked since
    std::optional<Error> denial;
    std::optional<Error> notice;
    LoginMark mark;  // of the currently known login
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
  DeniedLogins::Time try_again_before_;  // for logins that appear: those denied before this are retried
  std::map<RegistryKey, State> states_;
  std::set<std::shared_ptr<asio::cancellation_signal>> tries_;  // in progress
  bool stopping_ = false;
  TaskGroup tasks_;
};

}  // namespace regsync
