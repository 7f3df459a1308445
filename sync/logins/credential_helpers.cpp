#include "sync/logins/credential_helpers.hpp"

#include <algorithm>
#include <array>
#include <asio/cancellation_signal.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "helper/base/go_json.hpp"
#include "helper/base/secret_string.hpp"
#include "helper/base/shell_word.hpp"
#include "helper/base/text.hpp"
#include "sync/base/backoff.hpp"
#include "sync/base/base64.hpp"
#include "sync/base/boottime_timer.hpp"
#include "sync/base/child_process.hpp"
#include "sync/base/disclosure.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/limiter.hpp"
#include "sync/base/log.hpp"
#include "sync/base/random_time.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/model/docker_config_json.hpp"

namespace regsync {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// Cloud helpers contact their cloud, which can take seconds. Docker itself waits forever.
constexpr auto helper_timeout = 30s;
constexpr std::size_t max_answer = 256UL * 1024;
constexpr Backoff::Pauses retry_pauses{.first = 5s, .longest = 5min};
// The limit over the helpers of all registries.
constexpr std::size_t most_at_once = 4;

// All helpers are run from one thread.
Limiter& turns() {
  static thread_local Limiter limiter(most_at_once);
  return limiter;
}

std::string_view name_of_host(const RegistryKey& registry) {
  return registry.host().substr(0, registry.host().find(':'));
}

// Azure, including its sovereign clouds.
bool is_acr(const RegistryKey& registry) {
  constexpr std::array<std::string_view, 4> clouds{".azurecr.io", ".azurecr.cn", ".azurecr.us", ".azurecr.de"};
  return std::ranges::any_of(clouds, [host = name_of_host(registry)](auto cloud) { return host.ends_with(cloud); });
}

Error failed(const CredentialHelper& source, const std::string& why, const std::string& remedy = {}) {
  const auto program = "docker-credential-" + source.helper;
  return {ErrorCode::credential_plugin, program + " gives no login for " + source.server + ": " + why,
          remedy.empty() ? "try it: echo " + shell_word(source.server) + " | " + shell_word(program) + " get" : remedy};
}

}  // namespace

Credential parse_helper_answer(const CredentialHelper& source, std::string_view output) {
  const auto answer = parse_json(output).value_or(nlohmann::json());
  std::string_view username = text_as_go(answer, "Username");
  const std::string_view secret = text_as_go(answer, "Secret");
  if (username.empty() || secret.empty()) {
    throw failed(source, "its answer is not a login");
  }
  if (username == "<token>" && is_acr(RegistryKey(source.server))) {
    username = acr_token_user;
  }
  std::string server = source.account.empty() ? source.server : source.account + "@" + source.server;
  return {{std::move(server), std::string(username)}, SecretString(secret)};
}

struct CredentialHelpers::Follower {
  Follower(const asio::any_io_executor& executor, CredentialHelper from) : source(std::move(from)), timer(executor) {
    reading.program = "docker-credential-" + source.helper;
  }

  CredentialHelper source;
  Reading reading;
  BoottimeTimer timer;
  asio::cancellation_signal cancel;
  bool wanted = true;
};

namespace {

// Verbatim, or in base64 as in Docker's "auth".
bool holds(std::string_view output, const Credential& login) {
  std::string encoded = base64_encode(login.secret.reveal());
  const WipedAtEnd wiped(encoded);
  return output.find(login.secret.reveal()) != std::string_view::npos ||
         output.find(encoded) != std::string_view::npos ||
         output.find(auth_of(login.login.username, login.secret).reveal()) != std::string_view::npos;
}

// USER:PASSWORD on its own line.
bool has_bare_login(std::string_view output) {
  while (!output.empty()) {
    const std::string_view line = output.substr(0, output.find('\n'));
    output.remove_prefix(std::min(line.size() + 1, output.size()));
    const std::string_view word = trim(line);
    const auto colon = word.find(':');
    if (colon != std::string_view::npos && colon > 0 && colon + 1 < word.size() &&
        word.find_first_of(" \t") == std::string_view::npos && word.find("://") == std::string_view::npos) {
      return true;
    }
  }
  return false;
}

bool may_hold_login(std::string_view output, const Credential* known) {
  return output.find_first_of("{[") != std::string_view::npos || may_disclose(output) || has_bare_login(output) ||
         (known != nullptr && holds(output, *known));
}

std::string_view first_line(std::string_view output) { return output.substr(0, output.find('\n')); }

std::string quoted(std::string_view line) {
  constexpr std::size_t longest = 200;
  return "it printed \"" + presentable(line.substr(0, longest)) + "\"";
}

// From docker-credential-helpers, credentials/error.go and pass/pass.go, and gpg's answers to `pass`.
constexpr std::array<std::string_view, 6> known_sentences{"credentials not found in native keychain",
                                                          "no credentials server URL",
                                                          "no credentials username",
                                                          "pass not initialized",
                                                          "pass store is uninitialized",
                                                          "gpg: decryption failed: No secret key"};

bool is_word_of_prose(std::string_view word) {
  constexpr std::size_t shortest_secret = 6;
  const bool may_be_secret =
      word.size() >= shortest_secret && word.find_first_of("0123456789") != std::string_view::npos;
  const auto colon = word.find(':');
  const bool is_pair =
      colon != std::string_view::npos && colon + 1 < word.size() && !word.substr(colon).starts_with("://");
  return !is_pair && !may_be_secret;
}

// Whether a line is a sentence that does not look like markup or an assignment and does not mention a secret.
bool is_prose(std::string_view line) {
  constexpr std::size_t least_words = 4;
  constexpr std::array<std::string_view, 4> telling{"secret", "token", "pass", "pwd"};
  const std::string lowered = to_lower(line);
  if (line.find_first_of("<>{}[]=&|") != std::string_view::npos ||
      std::ranges::any_of(telling, [&](std::string_view word) { return lowered.find(word) != std::string::npos; })) {
    return false;
  }
  std::size_t words = 0;
  for (line = trim(line); !line.empty(); line = trim(line)) {
    const std::string_view word = line.substr(0, line.find_first_of(" \t"));
    if (!is_word_of_prose(word)) {
      return false;
    }
    ++words;
    line.remove_prefix(word.size());
  }
  return words >= least_words;
}

}  // namespace

bool is_helper_name(std::string_view name) { return !name.empty() && name.find('/') == std::string_view::npos; }

std::string quotable(std::string_view errors, const Credential* known) {
  if (may_hold_login(errors, known)) {
    return "its output is not shown, because it may hold the login";
  }
  const std::string_view line = trim(first_line(errors));
  return line.empty() ? "it printed nothing" : quoted(line);
}

std::string quotable_answer(std::string_view output, int exit_code, const Credential* known) {
  const std::string_view line = trim(first_line(output));
  if (is_prose(line) && !may_hold_login(output, known)) {
    return quoted(line);
  }
  const auto* sentence = std::ranges::find_if(
      known_sentences, [&](std::string_view one) { return line.find(one) != std::string_view::npos; });
  if (sentence != known_sentences.end()) {
    return quoted(*sentence);
  }
  const std::string ended = "it ended with exit code " + std::to_string(exit_code);
  return trim(output).empty() ? ended + " and printed nothing"
                              : ended + ", and its output is not shown, because it may hold the login";
}

std::optional<std::chrono::seconds> known_lifetime(const RegistryKey& registry) {
  const std::string_view host = name_of_host(registry);
  if (host.find(".dkr.ecr.") != std::string_view::npos || host.ends_with(".dkr-ecr.aws") || host == "public.ecr.aws") {
    return 12h;
  }
  if (is_acr(registry)) {
    return 3h;
  }
  if (host == "gcr.io" || host.ends_with(".gcr.io") || host.ends_with(".pkg.dev")) {
    return 1h;
  }
  return std::nullopt;
}

std::chrono::seconds default_refresh(const RegistryKey& registry) { return known_lifetime(registry).value_or(1h) / 2; }

CredentialHelpers::CredentialHelpers(asio::any_io_executor executor, std::function<void()> on_change)
    : executor_(executor), on_change_(std::move(on_change)), tasks_(executor) {}

CredentialHelpers::~CredentialHelpers() = default;

void CredentialHelpers::set_sources(const std::map<RegistryKey, CredentialHelper>& sources) {
  for (auto known = followers_.begin(); known != followers_.end();) {
    const auto source = sources.find(known->first);
    if (source != sources.end() && source->second == known->second->source) {
      ++known;
      continue;
    }
    const auto ending = std::move(known->second);
    known = followers_.erase(known);
    ending->wanted = false;
    ending->cancel.emit(asio::cancellation_type::all);
  }
  for (const auto& [registry, source] : sources) {
    if (followers_.contains(registry)) {
      continue;
    }
    auto follower = std::make_shared<Follower>(executor_, source);
    followers_[registry] = follower;
    tasks_.spawn(
        follow(follower),
        [this, follower](std::optional<Error> problem) {
          if (problem && follower->wanted) {
            follower->reading.problem = std::move(problem);
            follower->reading.answered = true;
            guarded_logged("credential helpers", on_change_);
          }
        },
        follower->cancel.slot());
  }
}

asio::awaitable<void> CredentialHelpers::follow(std::shared_ptr<Follower> follower) {
  Backoff retry(retry_pauses);
  while (follower->wanted) {
    co_await read(*follower);
    if (!follower->wanted) {
      break;
    }
    guarded_logged("credential helpers", on_change_);
    if (!follower->reading.problem) {
      retry.reset();
      const milliseconds every = follower->source.every;
      co_await follower->timer.wait_for(random_time(every - every / 4, every));  // random, so that helpers drift apart
      continue;
    }
    const bool in_time = co_await follower->timer.wait_for(retry.pause());
    if (in_time) {
      retry.grow();
    }
  }
}

asio::awaitable<void> CredentialHelpers::read(Follower& follower) {
  const auto& source = follower.source;
  const Credential* known = follower.reading.credential.get();
  const auto asked = std::chrono::system_clock::now();
  std::optional<Error> problem;
  try {
    if (!is_helper_name(source.helper)) {
      throw failed(source, "\"" + source.helper + "\" in credHelpers is a path, not the name of a helper",
                   "write the name: \"ecr-login\" is the program docker-credential-ecr-login on the PATH");
    }
    ChildCommand command;
    command.program = follower.reading.program;
    command.arguments = {"get"};
    command.input = source.server;
    command.timeout = helper_timeout;
    command.max_output = max_answer;
    const ChildResult result = co_await run_child_in_turn(turns(), std::move(command));
    if (result.exit_code != 0) {
      throw failed(source, !result.output.empty() ? quotable_answer(result.output, result.exit_code, known)
                           : result.errors_cut    ? "what it says is too long to be shown"
                                                  : quotable(result.errors, known));
    }
    Credential answer = parse_helper_answer(source, result.output);
    if (known == nullptr || *known != answer) {  // otherwise keeps the object, and what was derived from it
      follower.reading.credential = std::make_shared<const Credential>(std::move(answer));
      follower.reading.changed = asked;
    }
    follower.reading.taken = asked;
  } catch (const std::exception&) {
    const Error error = current_error();
    problem = error.code() == ErrorCode::not_found
                  ? failed(source, "it is not on the PATH of regsync", how_to_provide_program())
              : error.code() == ErrorCode::credential_plugin ? error
                                                             : failed(source, error.message());
    if (follower.wanted && (!follower.reading.problem || *follower.reading.problem != *problem)) {
      log::warning(describe(*problem));
    }
  }
  follower.reading.problem = std::move(problem);
  follower.reading.answered = true;
}

std::map<RegistryKey, CredentialHelpers::Reading> CredentialHelpers::readings() const {
  std::map<RegistryKey, Reading> readings;
  for (const auto& [registry, follower] : followers_) {
    readings[registry] = follower->reading;
  }
  return readings;
}

bool CredentialHelpers::all_answered() const {
  return std::all_of(followers_.begin(), followers_.end(),
                     [](const auto& item) { return item.second->reading.answered; });
}

void CredentialHelpers::retry_failed() {
  for (const auto& [registry, follower] : followers_) {
    if (follower->reading.answered && follower->reading.problem) {
      follower->reading.answered = false;
      follower->timer.cancel();
    }
  }
}

asio::awaitable<void> CredentialHelpers::stop() {
  set_sources({});
  co_await tasks_.ended();
}

}  // namespace regsync
