#include "sync/cli/ask/pull_trials.hpp"

#include <utility>

#include "sync/logins/registry_client.hpp"

namespace regsync::cli {
namespace {

RegistryLogin login_of(const KubeletEntry* entry) {
  return entry == nullptr ? RegistryLogin() : RegistryLogin{entry->username, entry->password.clone()};
}

}  // namespace

asio::awaitable<std::vector<PullTrial>> PullTrials::run(Image image, const PullLookup& lookup) {
  std::vector<const KubeletEntry*> logins = lookup.offered;
  if (logins.empty()) {
    logins.push_back(nullptr);
  }
  std::vector<PullTrial> trials;
  for (const KubeletEntry* login : logins) {
    trials.push_back(co_await run_one(image, login));
    if (trials.back().answer.verdict == PullVerdict::can_pull) {
      break;
    }
  }
  co_return trials;
}

asio::awaitable<PullTrial> PullTrials::run_one(Image image, const KubeletEntry* login) {
  bool good = false;
  LoginKey key(image.host, "", Digest());
  const bool is_login = login != nullptr && !login->username.empty();
  if (is_login) {
    key = {image.host, login->username, digest_of(login->password.reveal())};
    PullAnswer answer = co_await log_in(key, login);
    if (answer.verdict == PullVerdict::denied) {
      co_return PullTrial{false, std::move(answer)};
    }
    good = answer.verdict == PullVerdict::can_pull;
  }
  if (const auto away = unreachable_.find(image.host); away != unreachable_.end()) {
    co_return PullTrial{false, away->second};
  }
  PullAnswer answer = co_await pull(std::move(image), key, login);
  if (is_login && !good && answer.refuses_login()) {
    logins_.insert_or_assign(std::move(key), answer);
  }
  co_return PullTrial{good, std::move(answer)};
}

asio::awaitable<PullAnswer> PullTrials::log_in(LoginKey key, const KubeletEntry* login) {
  const std::string& host = std::get<0>(key);
  auto known = logins_.find(key);
  if (known == logins_.end() && !unreachable_.contains(host)) {
    std::string registry = host;
    RegistryLogin proof = login_of(login);
    PullAnswer answer = co_await try_login(std::move(registry), std::move(proof));
    note(host, answer);
    known = logins_.emplace(key, std::move(answer)).first;
  }
  co_return known == logins_.end() ? PullAnswer() : known->second;
}

asio::awaitable<PullAnswer> PullTrials::pull(Image image, LoginKey key, const KubeletEntry* login) {
  const std::pair asked(image.repository + " " + image.reference, std::move(key));
  auto known = pulls_.find(asked);
  if (known == pulls_.end()) {
    RegistryLogin proof = login_of(login);
    PullAnswer answer = co_await try_pull(image, std::move(proof));
    note(image.host, answer);
    known = pulls_.emplace(asked, std::move(answer)).first;
  }
  co_return known->second;
}

void PullTrials::note(const std::string& registry, const PullAnswer& answer) {
  if (answer.verdict == PullVerdict::unreachable && answer.status == 0) {
    unreachable_.emplace(registry, answer);
  }
}

}  // namespace regsync::cli
