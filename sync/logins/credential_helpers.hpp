// Logins that other credential helpers mint: a registry which Docker's config.json gives to a helper of its own
// in `credHelpers` (ecr-login, gcloud, acr-env, …) is read through that helper, as docker does, and renewed before the
// token expires.
//
// A helper that fails, hangs or prints nonsense costs nothing but its own registry: what it said last stays in force,
// and it is asked again after a growing delay. Only a few run at once, and those that began together part: with the
// logins of thirty registries, each would else be a process at the same time, again and again. Lives on the io_context
// thread; owned by the LoginBook.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "helper/base/error.hpp"
#include "helper/store/credential.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/base/task_group.hpp"

namespace regsync {

// Which helper answers for a registry, and how often it is asked.
struct CredentialHelper {
  std::string helper;            // "ecr-login": the program is docker-credential-ecr-login
  std::string server;            // as credHelpers spells it, which is what the helper is asked for
  std::chrono::seconds every{};  // at the latest; mostly a little earlier
  std::string account = {};      // whose login the answer is; mostly none

  bool operator==(const CredentialHelper&) const = default;
};

// The user whose password is a token of ACR, as `az acr login` has it.
inline constexpr std::string_view acr_token_user = "00000000-0000-0000-0000-000000000000";

// How long a token of the cloud lives whose registry this is: ECR 12 h, Google 1 h, ACR 3 h. Nothing for other
// registries.
std::optional<std::chrono::seconds> known_lifetime(const RegistryKey& registry);

// How often a registry's short-lived token is renewed: at half of its known lifetime, so that one failed try is never
// the last; an hour's lifetime is assumed of a registry we do not know.
std::chrono::seconds default_refresh(const RegistryKey& registry);

// Whether docker-credential-NAME is a program to be looked for on the PATH, and not a file somewhere else.
bool is_helper_name(std::string_view name);

// What people may be shown of what a helper that failed wrote to stderr: its first line, or why that is not shown. Some
// helpers print the login and fail all the same, so nothing is quoted that looks like JSON or holds `known`'s secret
// (null: no login is known).
std::string quotable(std::string_view errors, const Credential* known = nullptr);
// The same of stdout, where the login itself has its place: quoted only where it is plainly prose, or what Docker's own
// helpers say.
std::string quotable_answer(std::string_view output, int exit_code, const Credential* known = nullptr);

// The login in the output of a helper's `get` (docker-credential-helpers, credentials/credentials.go). ACR takes its
// identity token, of which kubelet makes nothing, as the password of acr_token_user too. Throws
// Error(credential_plugin) where there is none. Pure.
Credential parse_helper_answer(const CredentialHelper& source, std::string_view output);

class CredentialHelpers {
 public:
  struct Reading {
    std::shared_ptr<const Credential> credential;        // the last good one; null before the first
    std::optional<Error> problem;                        // why the last try failed
    bool answered = false;                               // since it was asked for, or asked again by retry_failed()
    std::string program;                                 // "docker-credential-ecr-login"
    std::chrono::system_clock::time_point taken;         // when `credential` was; epoch before the first
    std::chrono::system_clock::time_point changed = {};  // when it became another one
  };

  CredentialHelpers(asio::any_io_executor executor, std::function<void()> on_change);
  ~CredentialHelpers();
  CredentialHelpers(const CredentialHelpers&) = delete;
  CredentialHelpers& operator=(const CredentialHelpers&) = delete;
  CredentialHelpers(CredentialHelpers&&) = delete;
  CredentialHelpers& operator=(CredentialHelpers&&) = delete;

  // The registries to read, from now on. What stays the same goes on undisturbed.
  void set_sources(const std::map<RegistryKey, CredentialHelper>& sources);

  [[nodiscard]] std::map<RegistryKey, Reading> readings() const;
  // Whether every source has answered, well or badly.
  [[nodiscard]] bool all_answered() const;
  // Asks those again that failed (a person asked).
  void retry_failed();

  asio::awaitable<void> stop();

 private:
  struct Follower;

  asio::awaitable<void> follow(std::shared_ptr<Follower> follower);
  asio::awaitable<void> read(Follower& follower);

  asio::any_io_executor executor_;
  std::function<void()> on_change_;
  std::map<RegistryKey, std::shared_ptr<Follower>> followers_;
  TaskGroup tasks_;
};

}  // namespace regsync
