#include "sync/logins/login_health.hpp"

#include <algorithm>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <cctype>
#include <utility>

#include "helper/base/text.hpp"
#include "sync/base/log.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync {

namespace {

bool same(const std::shared_ptr<const Credential>& a, const std::shared_ptr<const Credential>& b) {
  return a && b && *a == *b;
}

// Registries and directories lock an account after several failures in half an hour, never fewer than five.
constexpr auto time_between_tries = std::chrono::minutes(10);

// A login that was tried before this time may be tried again.
DeniedLogins::Time long_ago(std::chrono::system_clock::time_point now) {
  return std::chrono::floor<std::chrono::seconds>(now - time_between_tries);
}

// The log names the user; an Error, which the fleet's page also shows, does not.
void warn(const Error& problem, const Credential& credential) {
  log::warning(describe(problem.within("login of " + presentable(credential.login.username))));
}

// The registry's message without the user name, which some registries repeat.
std::string said_of(const PullAnswer& answer, const std::string& user) {
  std::string said = answer.detail;
  const auto is_of_a_word = [&](std::size_t at) {
    return at < said.size() && std::isalnum(static_cast<unsigned char>(said[at])) != 0;
  };
  for (auto at = said.find(user); at != std::string::npos && !user.empty(); at = said.find(user, at + 1)) {
    if (!is_of_a_word(at - 1) && !is_of_a_word(at + user.size())) {
      said.replace(at, user.size(), "…");
    }
  }
  return presentable(said);
}

// An identity token cannot be tried: no registry accepts it as a password, and kubelet does not use it.
bool can_be_tried(const Credential& credential) {
  return !credential.login.username.empty() && credential.login.username != "<token>";
}

}  // namespace

LoginHealth::LoginHealth(const asio::any_io_executor& executor, Try try_login, std::function<void()> on_change,
                         OnReplaced on_replaced, std::filesystem::path denied, std::chrono::milliseconds patience)
    : executor_(executor),
      try_login_(std::move(try_login)),
      on_change_(std::move(on_change)),
      on_replaced_(std::move(on_replaced)),
      patience_(patience),
      denied_(std::move(denied)),
      tasks_(executor) {}

KnownLogins LoginHealth::in_force(KnownLogins known, const std::set<RegistryKey>& tried, const LoginMarks& marks) {
  std::erase_if(states_, [&](const auto& item) { return !known.credentials.contains(item.first); });
  for (auto login = known.credentials.begin(); login != known.credentials.end();) {
    const RegistryKey& registry = login->first;
    State& state = states_[registry];
    const auto mark = marks.find(registry);
    state.mark = mark == marks.end() ? LoginMark() : mark->second;
    state.keeper = known.keeper_of(registry);
    take_in(state, registry, login->second, tried.contains(registry));
    if (state.denial) {
      known.problems.insert_or_assign(registry, *state.denial);
    }
    if (state.in_force) {
      login->second = state.in_force;
      ++login;
      continue;
    }
    if (state.trying) {
      known.asked.erase(registry);  // not known yet
    }
    login = known.credentials.erase(login);
  }
  return known;
}

void LoginHealth::take_in(State& state, const RegistryKey& registry, const Shared& known, bool tried) {
  if (same(state.trying, known) || (tried && same(state.denied, known) && !state.try_again)) {
    return;
  }
  if (state.in_force && !same(state.in_force, known) && !same(state.denied, known)) {
    guarded_logged("login health", [&] { on_replaced_(state.in_force); });
  }
  if (!tried || !can_be_tried(*known) || same(state.in_force, known)) {
    const std::optional<Error> notice = same(state.in_force, known) ? state.notice : std::nullopt;
    state = State{.in_force = known,
                  .trying = {},
                  .denied = {},
                  .denied_at = {},
                  .denial = {},
                  .notice = notice,
                  .mark = state.mark,
                  .keeper = state.keeper};
    return;
  }
  const bool is_first = !state.in_force && !state.trying && !state.denied;
  if (const auto* denial = is_first ? denied_.find(registry, state.mark) : nullptr; denial != nullptr) {
    deny(state, registry, known, denial->tried, denial->said);
    if (state.denied_at >= std::min(try_again_before_, long_ago(std::chrono::system_clock::now()))) {
      return;
    }
  }
  if (!try_login_) {
    state.in_force = known;
    return;
  }
  state.trying = known;
  state.try_again = false;
  if (!same(state.denied, known)) {
    state.denied.reset();
    state.denial.reset();
  }
  start(registry, known);
}

void LoginHealth::start(const RegistryKey& registry, const Shared& login) {
  const auto cancel = *tries_.insert(std::make_shared<asio::cancellation_signal>()).first;
  tasks_.spawn(
      run(registry, login),
      [this, registry, login, cancel](const std::optional<Error>& problem) {
        tries_.erase(cancel);
        if (problem && !stopping_) {
          PullAnswer answer;
          answer.detail = problem->message();
          conclude(registry, login, answer);
        }
        if (!stopping_) {
          guarded_logged("login health", on_change_);
        }
      },
      cancel->slot());
}

asio::awaitable<void> LoginHealth::run(RegistryKey registry, Shared login) {
  using asio::experimental::awaitable_operators::operator||;
  co_await asio::post(executor_, asio::use_awaitable);  // never from inside in_force()
  asio::steady_timer limit(executor_, patience_);
  std::string host(registry.host());
  RegistryLogin proof;
  proof.username = login->login.username;
  proof.password = login->secret.clone();
  // The timer's expiry is not an exception: it is the second operand, so it wins only when its time has come.
  const auto first = co_await (try_login_(std::move(host), std::move(proof)) || limit.async_wait(asio::use_awaitable));
  PullAnswer answer;
  if (const auto* answered = std::get_if<PullAnswer>(&first)) {
    answer = *answered;
  } else {
    answer.detail = "no answer in " + std::to_string(patience_.count() / 1000) + " s";
  }
  conclude(registry, login, answer);
}

void LoginHealth::conclude(const RegistryKey& registry, const Shared& login, const PullAnswer& answer) {
  const auto found = states_.find(registry);
  if (found == states_.end() || found->second.trying != login) {
    return;  // another login has replaced it in the meantime
  }
  State& state = found->second;
  state.trying.reset();
  const std::string said = said_of(answer, login->login.username);
  if (answer.verdict == PullVerdict::denied) {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    deny(state, registry, login, now, said);
    denied_.add(registry, {state.mark, now, said});
    return;
  }
  if (answer.verdict != PullVerdict::can_pull && same(state.denied, login)) {
    // It was denied before, and a missing answer does not prove that it is valid. Not retried for a while.
    state.denied_at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return;
  }
  denied_.drop(registry);
  state.denied.reset();
  state.denial.reset();
  state.in_force = login;
  state.notice.reset();
  if (answer.verdict != PullVerdict::can_pull) {
    state.notice =
        Error(ErrorCode::unreachable,
              "the login for " + registry.value() + " is in use although the registry could not check it: " + said,
              "see why the registry cannot be asked from here; or set verifyLogins: false");
    warn(*state.notice, *login);
  }
}

void LoginHealth::deny(State& state, const RegistryKey& registry, const Shared& login, DeniedLogins::Time tried,
                       const std::string& said) {
  state.denied = login;
  state.denied_at = std::min(tried, std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  state.denial = Error(
      ErrorCode::login_denied,
      registry.value() + " refuses the login for it: " + said +
          (state.in_force ? "; the login before it stays in use" : "; it is not written anywhere"),
      how_to_renew(registry, state.keeper) + "; or, if the registry accepts it again, have it tried: regsync sync");
  warn(*state.denial, *login);
}

// A denial dated in the future (the clock was set back since) counts as new. A request applies only once: if the clock
// that makes a denial look old is wrong, no later denial would look new.
void LoginHealth::try_denied_again(std::chrono::system_clock::time_point now) {
  try_again_before_ = long_ago(now);
  for (auto& [registry, state] : states_) {
    state.denied_at = std::min(state.denied_at, std::chrono::floor<std::chrono::seconds>(now));
    state.try_again = state.denied && !state.trying && state.denied_at < try_again_before_;
  }
}

std::set<RegistryKey> LoginHealth::in_doubt() const {
  std::set<RegistryKey> doubtful;
  for (const auto& [registry, state] : states_) {
    if (state.trying || state.denied) {
      doubtful.insert(registry);
    }
  }
  return doubtful;
}

std::vector<Error> LoginHealth::notices() const {
  std::vector<Error> notices;
  for (const auto& [registry, state] : states_) {
    if (state.notice) {
      notices.push_back(*state.notice);
    }
  }
  return notices;
}

asio::awaitable<void> LoginHealth::stop() {
  stopping_ = true;
  const auto tries = tries_;
  for (const auto& cancel : tries) {
    cancel->emit(asio::cancellation_type::all);
  }
  co_await tasks_.ended();
}

}  // namespace regsync
