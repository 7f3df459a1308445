// CredentialHelpers provides logins from other credential helpers: a registry that Docker's config.json or config.yaml
// assigns to its own helper in `credHelpers` (ecr-login, gcloud, acr-env, …) is read through that helper, as docker
// does, and renewed before the token expires.
//
// A helper that fails, hangs or prints nonsense affects only its own registry: its last login stays in force, and it is
// retried after a growing delay. Only a few run at once, and those that started together drift apart: otherwise thirty
// registries would mean thirty processes at the same time, again and again. Lives on the io_context thread; owned by
// the LoginBook.
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

// The helper that provides a registry's login, and how often it is run.
struct CredentialHelper {
  std::string helper;            // "ecr-login": the program is docker-credential-ecr-login
  std::string server;            // as spelled in credHelpers, which is what the helper is asked for
  std::chrono::seconds every{};  // at the latest; usually a little earlier
  std::string account = {};      // the account that the login is for; usually none

  bool operator==(const CredentialHelper&) const = default;
};

// The user name that goes with an ACR token as password, as in `az acr login`.
inline constexpr std::string_view acr_token_user = "00000000-0000-0000-0000-000000000000";

// The lifetime of a token of the registry's cloud: ECR 12 h, Google 1 h, ACR 3 h. Nothing for other registries.
std::optional<std::chrono::seconds> known_lifetime(const RegistryKey& registry);

// How often a registry's short-lived token is renewed: at half of its known lifetime, so that a failure leaves time for
// another try; for unknown registries, a lifetime of an hour is assumed.
std::chrono::seconds default_refresh(const RegistryKey& registry);

// Whether docker-credential-NAME is a program name to look up on the PATH, and not a file elsewhere.
bool is_helper_name(std::string_view name);

// The presentable part of a failed helper's stderr: its first line, or why that is not shown. Some helpers print the
// login and fail anyway, so nothing is quoted that looks like JSON or contains `known`'s secret (null: no login is
// known).
std::string quotable(std::string_view errors, const Credential* known = nullptr);
// The same for stdout, where the login itself belongs: quoted only if it is clearly prose, or a known message of
// Docker's own helpers.
std::string quotable_answer(std::string_view output, int exit_code, const Credential* known = nullptr);

// The login in the output of a helper's `get` (docker-credential-helpers, credentials/credentials.go). ACR also accepts
// its identity token, which kubelet cannot use, as the password of acr_token_user. Throws Error(credential_plugin) if
// there is none. Pure.
Credential parse_helper_answer(const CredentialHelper& source, std::string_view output);

class CredentialHelpers {
 public:
  struct Reading {
    std::shared_ptr<const Credential> credential;        // the last good one; null before the first
    std::optional<Error> problem;                        // why the last try failed
    bool answered = false;                               // since it was requested, or retried by retry_failed()
    std::string program;                                 // "docker-credential-ecr-login"
    std::chrono::system_clock::time_point taken;         // when `credential` was; epoch before the first
    std::chrono::system_clock::time_point changed = {};  // when it last changed
  };

  CredentialHelpers(asio::any_io_executor executor, std::function<void()> on_change);
  ~CredentialHelpers();
  CredentialHelpers(const CredentialHelpers&) = delete;
  CredentialHelpers& operator=(const CredentialHelpers&) = delete;
  CredentialHelpers(CredentialHelpers&&) = delete;
  CredentialHelpers& operator=(CredentialHelpers&&) = delete;

  // Sets the registries to read from now on. Unchanged sources continue undisturbed.
  void set_sources(const std::map<RegistryKey, CredentialHelper>& sources);

  [[nodiscard]] std::map<RegistryKey, Reading> readings() const;
  // Whether every source has answered, successfully or not.
  [[nodiscard]] bool all_answered() const;
  // Retries the failed ones (the user asked).
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
