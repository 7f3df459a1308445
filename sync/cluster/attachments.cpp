#include "sync/cluster/attachments.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

#include "sync/cluster/cluster_health.hpp"
#include "sync/cluster/service_account.hpp"
#include "sync/cluster/write_trouble.hpp"
#include "sync/kube/api/api_error.hpp"

namespace regsync {

using std::chrono::steady_clock;

class Attachments::Failures {
 public:
  // Throws errors that would affect the other accounts too.
  void add(const Error& error) {
    // One timeout may be an admission webhook's fault; a second in a row is the server's.
    const bool again = std::exchange(timed_out_, error.code() == ErrorCode::timeout);
    const bool is_first_timeout = timed_out_ && !again;
    if (error.code() == ErrorCode::cancelled || (cuts_off(error) && !is_first_timeout)) {
      throw Error(error);
    }
    auto& failure = needs_help(error.code()) ? lasting_ : passing_;
    if (!failure) {
      failure = error;
    }
  }
  void add_absent(const std::string& account) { absent_.push_back(account); }
  void note_success() { timed_out_ = false; }

  // The error to report: a temporary one first, because it is retried soon, and the others with it.
  [[nodiscard]] std::optional<Error> first(const Key& key) const {
    if (passing_ || lasting_) {
      return passing_ ? passing_ : lasting_;
    }
    return absent_.empty() ? std::nullopt : std::optional(accounts_missing(key, absent_));
  }

 private:
  std::optional<Error> passing_;
  std::optional<Error> lasting_;
  std::vector<std::string> absent_;
  bool timed_out_ = false;
};

std::vector<std::string> Attachments::excess(const Key& key, const Plan* plan) const {
  std::vector<std::string> accounts;
  const auto owner_id = removable_owner(key);
  cache_.for_each_account(key.name_space, [&](const std::string& name, const ServiceAccountView& view) {
    const bool wanted = plan != nullptr && !plan->remove && matches_any(plan->target.service_accounts, name);
    if (!wanted && view.is_attached(key.secret, owner_id)) {
      accounts.push_back(name);
    }
  });
  return accounts;
}

std::vector<std::string> Attachments::missing(const Key& key, const Plan& plan) const {
  std::vector<std::string> accounts;
  const auto& wanted = plan.target.service_accounts;
  std::ranges::copy_if(wanted, std::back_inserter(accounts), [&](const std::string& name) {
    return !is_glob(name) && cache_.find_account(key.name_space, name) == nullptr;
  });
  cache_.for_each_account(key.name_space, [&](const std::string& name, const ServiceAccountView& view) {
    if (matches_any(wanted, name) && !view.pull_secrets.contains(key.secret)) {
      accounts.push_back(name);
    }
  });
  return accounts;
}

Attachments::Tasks Attachments::tasks(const Key& key, const Plan& plan) const {
  const Entry* entry = cache_.find(key);
  if (entry == nullptr || !entry->observed.secret) {
    // The plan may be held back because this is not the intended cluster.
    return {.attach = {}, .detach = plan.held ? std::vector<std::string>() : excess(key, &plan)};
  }
  if (entry->observed.secret->ownership != Ownership::ours) {
    return {};
  }
  return {.attach = missing(key, plan), .detach = excess(key, &plan)};
}

std::string Attachments::removable_owner(const Key& key) const {
  const Entry* entry = cache_.find(key);
  return entry != nullptr && entry->observed.secret ? std::string() : owner_id_;
}

std::optional<Attachments::Fight> Attachments::set_aside(const Key& key, Tasks& tasks) const {
  const auto now = steady_clock::now();
  std::optional<Fight> fight;
  const auto has_to_wait = [&](const std::string& account, Why why) {
    const ServiceAccountView* view = cache_.find_account(key.name_space, account);
    const auto wait = view == nullptr
                          ? std::nullopt
                          : written_.wait({.key = key, .why = why, .account = account, .uid = view->uid}, now);
    if (!wait) {
      return false;
    }
    if (!fight) {
      fight = Fight{.accounts = {}, .wait = *wait};
    }
    fight->accounts.push_back(account);
    fight->wait = std::min(fight->wait, *wait);
    return true;
  };
  std::erase_if(tasks.attach, [&](const std::string& account) { return has_to_wait(account, Why::attach); });
  std::erase_if(tasks.detach, [&](const std::string& account) { return has_to_wait(account, Why::detach); });
  return fight;
}

// An unreadable required account is a failure, and so is a temporary error for any account. An object that the API
// server cannot decode stays so until somebody repairs it.
asio::awaitable<void> Attachments::read_unfollowed(const Key& key, const std::vector<std::string>& required,
                                                   Failures& failures) {
  std::vector<std::string> unfollowed;  // as of now: the watched places may change during the reads
  std::ranges::copy_if(table_.places->service_accounts, std::back_inserter(unfollowed), [&](const auto& account) {
    return !is_glob(account) && table_.account_forbidden(key.name_space, account);
  });
  const auto is_required = [&required](const std::string& account) {
    return std::ranges::find(required, account) != required.end();
  };
  for (const auto& account : unfollowed) {
    try {
      const auto view = co_await read_service_account(client_, key.name_space, account);
      cache_.doubt_account(key.name_space, account);
      cache_.observe_account(key.name_space, account, view);
      failures.note_success();
    } catch (const kube::UnreadableObject& error) {
      if (is_required(account)) {
        failures.add(error);
      }
    } catch (const Error& error) {
      if (!needs_help(error.code()) || is_required(account)) {
        failures.add(error);
      }
    }
  }
}

asio::awaitable<std::optional<Attachments::Fight>> Attachments::put_in_order(Key key, const Plan& plan,
                                                                             Handlers handlers) {
  Failures failures;
  if (!plan.target.service_accounts.empty()) {
    co_await read_unfollowed(key, plan.target.service_accounts, failures);
  }
  Tasks due = tasks(key, plan);
  auto fight = set_aside(key, due);
  co_await carry_out(key, due, handlers, failures);
  auto failure = failures.first(key);
  if (fight && (!failure || needs_help(failure->code()))) {
    co_return fight;  // this retry comes sooner
  }
  if (failure) {
    throw std::move(*failure);
  }
  for (const auto& account : plan.target.service_accounts) {
    const auto forbidden = is_glob(account) ? table_.account_forbidden(key.name_space, account) : std::nullopt;
    if (forbidden) {
      throw Error(*forbidden);  // which accounts match is unknown
    }
  }
  co_return std::nullopt;
}

// Attaches first: pods need it.
asio::awaitable<void> Attachments::carry_out(const Key& key, const Tasks& tasks, const Handlers& handlers,
                                             Failures& failures) {
  for (const auto& account : tasks.attach) {
    if (!handlers.is_wanted()) {
      co_return;
    }
    co_await write(key, account, /*attaches=*/true, handlers, failures);
  }
  for (const auto& account : tasks.detach) {
    if (!handlers.is_wanted()) {
      co_return;
    }
    co_await write(key, account, /*attaches=*/false, handlers, failures);
  }
}

asio::awaitable<std::optional<Error>> Attachments::detach_all(Key key, Handlers handlers) {
  const std::vector<std::string> none_is_required;
  Failures unread;
  co_await read_unfollowed(key, none_is_required, unread);
  Tasks due{.attach = {}, .detach = excess(key, nullptr)};
  set_aside(key, due);
  Failures failures;
  co_await carry_out(key, due, handlers, failures);
  if (auto failure = unread.first(key)) {
    throw std::move(*failure);
  }
  co_return failures.first(key);
}

asio::awaitable<void> Attachments::write(const Key& key, std::string account, bool attaches, const Handlers& handlers,
                                         Failures& failures) {
  try {
    if (attaches) {
      co_await attach(key, account, handlers);
    } else {
      co_await detach(key, account, handlers);
    }
    failures.note_success();
  } catch (const Error& error) {
    if (attaches && error.code() == ErrorCode::not_found) {
      failures.add_absent(account);
    } else {
      failures.add(error);
    }
  }
}

asio::awaitable<void> Attachments::attach(const Key& key, std::string account, const Handlers& handlers) {
  const bool was_known = cache_.find_account(key.name_space, account) != nullptr;
  const auto answer = co_await attach_pull_secret(client_, key.name_space, account, key.secret, owner_id_);
  take_answer(key, account, was_known, answer.view);
  if (!answer.written) {
    co_return;
  }
  note_written(key, account, answer.view, Change::Kind::attached, handlers);
  if (!answer.view.pull_secrets.contains(key.secret)) {
    throw account_changed_on_the_way(key, account);
  }
}

asio::awaitable<void> Attachments::detach(const Key& key, std::string account, const Handlers& handlers) {
  const bool was_known = cache_.find_account(key.name_space, account) != nullptr;
  std::string owner_id = removable_owner(key);
  const auto answer = co_await detach_pull_secret(client_, key.name_space, account, key.secret, std::move(owner_id));
  if (!answer) {
    cache_.observe_account(key.name_space, account, std::nullopt);
    co_return;
  }
  take_answer(key, account, was_known, answer->view);
  if (answer->written) {
    note_written(key, account, answer->view, Change::Kind::detached, handlers);
  }
}

void Attachments::note_written(const Key& key, const std::string& account, const ServiceAccountView& view,
                               Change::Kind kind, const Handlers& handlers) {
  const bool attached = kind == Change::Kind::attached;
  const auto deed = [&](Why why) { return Deed{.key = key, .why = why, .account = account, .uid = view.uid}; };
  written_.count(deed(attached ? Why::attach : Why::detach), steady_clock::now());
  written_.forget(deed(attached ? Why::detach : Why::attach));
  handlers.on_written(kind, account);
}

// If a watch has reported the account gone in the meantime, the answer predates that. If the account was re-created
// since, the watch reports that too.
void Attachments::take_answer(const Key& key, const std::string& account, bool was_known,
                              const ServiceAccountView& view) {
  if (!was_known || cache_.find_account(key.name_space, account) != nullptr) {
    cache_.observe_account(key.name_space, account, view);
  }
}

}  // namespace regsync
