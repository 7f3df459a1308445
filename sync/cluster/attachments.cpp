#include "sync/cluster/attachments.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "sync/cluster/service_account.hpp"
#include "sync/cluster/write_trouble.hpp"

namespace regsync {

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
    // What holds the plan back may be that this is not the cluster which it means.
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

asio::awaitable<void> Attachments::refresh(Key key, const Plan& plan) {
  if (plan.target.service_accounts.empty()) {
    co_return;
  }
  auto failure = co_await read_unfollowed(key, plan.target.service_accounts);
  if (failure) {
    throw std::move(*failure);
  }
}

// Why one of the required ones cannot be read.
asio::awaitable<std::optional<Error>> Attachments::read_unfollowed(Key key, std::vector<std::string> required) {
  std::vector<std::string> unfollowed;  // now: other places may be followed meanwhile
  std::ranges::copy_if(table_.places->service_accounts, std::back_inserter(unfollowed), [&](const auto& account) {
    return !is_glob(account) && table_.account_forbidden(key.name_space, account);
  });
  std::optional<Error> failure;
  for (const auto& account : unfollowed) {
    try {
      const auto view = co_await read_service_account(client_, key.name_space, account);
      cache_.doubt_account(key.name_space, account);
      cache_.observe_account(key.name_space, account, view);
    } catch (const Error& error) {
      if (!needs_help(error.code())) {
        throw;
      }
      if (!failure && std::ranges::find(required, account) != required.end()) {
        failure = error;
      }
    }
  }
  co_return failure;
}

asio::awaitable<void> Attachments::put_in_order(Key key, const Plan& plan, Handlers handlers) {
  co_await carry_out(key, tasks(key, plan), handlers);
  for (const auto& account : plan.target.service_accounts) {
    const auto forbidden = is_glob(account) ? table_.account_forbidden(key.name_space, account) : std::nullopt;
    if (forbidden) {
      throw Error(*forbidden);  // which of them match is not known
    }
  }
}

asio::awaitable<void> Attachments::carry_out(const Key& key, Tasks tasks, const Handlers& handlers) {
  for (const auto& account : tasks.detach) {
    if (!handlers.is_wanted()) {
      co_return;
    }
    co_await detach(key, account, handlers);
  }
  std::optional<Error> failure;
  std::vector<std::string> absent;
  for (const auto& account : tasks.attach) {
    if (!handlers.is_wanted()) {
      co_return;
    }
    try {
      co_await attach(key, account, handlers);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::not_found) {
        absent.push_back(account);
      } else if (!needs_help(error.code())) {
        throw;
      } else if (!failure) {
        failure = error;
      }
    }
  }
  if (failure) {
    throw std::move(*failure);
  }
  if (!absent.empty()) {
    throw accounts_missing(key, absent);
  }
}

asio::awaitable<void> Attachments::detach_all(Key key, Handlers handlers) {
  const std::vector<std::string> none_is_required;
  co_await read_unfollowed(key, none_is_required);
  for (const auto& account : excess(key, nullptr)) {
    if (!handlers.is_wanted()) {
      co_return;
    }
    co_await detach(key, account, handlers);
  }
}

asio::awaitable<void> Attachments::attach(const Key& key, std::string account, const Handlers& handlers) {
  const bool was_known = cache_.find_account(key.name_space, account) != nullptr;
  const auto answer = co_await attach_pull_secret(client_, key.name_space, account, key.secret, owner_id_);
  take_answer(key, account, was_known, answer.view);
  if (!answer.written) {
    co_return;
  }
  handlers.on_written(Change::Kind::attached, account);
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
    handlers.on_written(Change::Kind::detached, account);
  }
}

// Where a watch has told meanwhile that the account is gone, the answer is from before that. If it was made anew since,
// the watch tells that too.
void Attachments::take_answer(const Key& key, const std::string& account, bool was_known,
                              const ServiceAccountView& view) {
  if (!was_known || cache_.find_account(key.name_space, account) != nullptr) {
    cache_.observe_account(key.name_space, account, view);
  }
}

}  // namespace regsync
