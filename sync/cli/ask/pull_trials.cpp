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
  if (const auto away = unreachable_.find(image.host); away != unreachable_.end()) {
    co_return PullTrial{false, away->second};
  }
  LoginKey key(image.host, "", Digest());
  if (login != nullptr && !login->username.empty()) {
    key = {image.host, login->username, digest_of(login->password.reveal())};
    auto known = logins_.find(key);
    if (known == logins_.end()) {
      RegistryLogin proof = login_of(login);
      PullAnswer answer = co_await try_login(image.host, std::move(proof));
      known = logins_.emplace(key, std::move(answer)).first;
    }
    if (known->second.verdict == PullVerdict::denied) {
      co_return PullTrial{false, known->second};
    }
  }
  const std::pair pull(image.repository + " " + image.reference, key);
  auto known = pulls_.find(pull);
  if (known == pulls_.end()) {
    RegistryLogin proof = login_of(login);
    PullAnswer answer = co_await try_pull(image, std::move(proof));
    if (answer.verdict == PullVerdict::unreachable) {
      unreachable_.emplace(image.host, answer);
    }
    known = pulls_.emplace(pull, std::move(answer)).first;
  }
  co_return PullTrial{login != nullptr && !login->username.empty(), known->second};
}

}  // namespace regsync::cli
