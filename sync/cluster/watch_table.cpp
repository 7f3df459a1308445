#include "sync/cluster/watch_table.hpp"

#include <algorithm>

namespace regsync {

Watch* WatchTable::find(const WatchId& id) const {
  const auto found = watches.find(id);
  return found == watches.end() ? nullptr : found->second.get();
}

WatchStage WatchTable::stage_of(const WatchId& id) const {
  const Watch* watch = find(id);
  if (watch == nullptr) {
    return WatchStage::none;
  }
  if (watch->is<Watch::Forbidden>()) {
    return WatchStage::forbidden;
  }
  return watch->believed() && watch->unlisted.empty() ? WatchStage::followed : WatchStage::listing;
}

bool WatchTable::follows_label() const {
  return std::any_of(watches.begin(), watches.end(), [](const auto& item) {
    return item.first.is_by_label() && !item.second->template is<Watch::Forbidden>();
  });
}

bool WatchTable::is_in_view(const Key& key) const {
  const auto scope = places->secrets.find(key.secret);
  return scope != places->secrets.end() && scope->second.shows(key.name_space);
}

Trust WatchTable::trust(const Key& key) const {
  return knows_accounts(key.name_space) ? trust_of_secret(key) : Trust::not_yet;
}

Trust WatchTable::trust_of_secret(const Key& key) const {
  const Watch* everywhere = find({secrets_resource, "", key.secret});
  const Watch* single = find({secrets_resource, key.name_space, key.secret});
  if ((everywhere != nullptr && everywhere->believed()) || (single != nullptr && single->believed())) {
    return Trust::followed;
  }
  if (!hidden.contains(key) && is_in_view(key) && label_shows(key.name_space, key.secret)) {
    return Trust::labelled;
  }
  const Watch* narrowest = single != nullptr ? single : everywhere;
  return narrowest != nullptr && narrowest->is<Watch::Forbidden>() ? Trust::on_demand : Trust::not_yet;
}

bool WatchTable::label_shows(const std::string& name_space, const std::string& secret) const {
  const auto shows = [&](const Watch* watch) {
    return watch != nullptr && watch->believed() && !watch->unlisted.contains(secret);
  };
  return shows(find({secrets_resource, "", ""})) ||
         (!name_space.empty() && shows(find({secrets_resource, name_space, ""})));
}

bool WatchTable::follows_accounts(const std::string& name_space, const std::string& name) const {
  const auto believed = [](const Watch* watch) { return watch != nullptr && watch->believed(); };
  return believed(find({service_accounts_resource, "", name})) ||
         believed(find({service_accounts_resource, name_space, name}));
}

// Before a Secret is deleted, it is detached from the accounts that are known to name it.
bool WatchTable::knows_accounts(const std::string& name_space) const {
  return follows_accounts(name_space, "") || std::ranges::all_of(watched_accounts(*places), [&](const auto& name) {
           const Watch* everywhere = find({service_accounts_resource, "", name});
           const Watch* single = find({service_accounts_resource, name_space, name});
           const auto answered = [](const Watch* watch) { return watch == nullptr || watch->answered(); };
           return (everywhere != nullptr && everywhere->believed()) || (answered(everywhere) && answered(single));
         });
}

std::optional<Error> WatchTable::account_forbidden(const std::string& name_space, const std::string& account) const {
  const std::string name = is_glob(account) ? "" : account;
  if (follows_accounts(name_space, "") || follows_accounts(name_space, name)) {
    return std::nullopt;
  }
  const Watch* everywhere = find({service_accounts_resource, "", name});
  const Watch* single = find({service_accounts_resource, name_space, name});
  const Watch* narrowest = single != nullptr ? single : everywhere;
  return narrowest == nullptr ? std::nullopt : narrowest->forbidden();
}

bool WatchTable::covers(const std::string& secret) const {
  const Watch* everywhere = find({secrets_resource, "", secret});
  if ((everywhere != nullptr && everywhere->believed()) || label_shows("", secret)) {
    return true;
  }
  const auto scope = places->secrets.find(secret);
  return scope != places->secrets.end() && !scope->second.any &&
         std::all_of(scope->second.namespaces.begin(), scope->second.namespaces.end(), [&](const auto& name_space) {
           const Watch* single = find({secrets_resource, name_space, secret});
           return (single != nullptr && single->answered()) || label_shows(name_space, secret);
         });
}

bool WatchTable::is_list_forbidden(const std::string& secret) const {
  const Watch* everywhere = find({secrets_resource, "", secret});
  return everywhere != nullptr && everywhere->forbidden();
}

bool WatchTable::knows_all_accounts() const {
  return std::all_of(watches.begin(), watches.end(), [](const auto& item) {
    const Watch& watch = *item.second;
    return watch.id.resource != service_accounts_resource || watch.answered();
  });
}

bool WatchTable::settled() const {
  return std::all_of(watches.begin(), watches.end(), [](const auto& item) {
    const Watch& watch = *item.second;
    return watch.problem || (watch.answered() && !watch.is<Watch::Relisting>());
  });
}

bool WatchTable::listed() const {
  return std::all_of(watches.begin(), watches.end(), [this](const auto& item) {
    const WatchId& id = item.first;
    const bool is_extra = id.is_of_secrets() && !id.is_by_label() && label_shows(id.name_space, id.name);
    return is_extra || item.second->answered();
  });
}

std::optional<Error> WatchTable::problem() const {
  for (const auto& [id, watch] : watches) {
    if (watch->problem) {
      return watch->problem;
    }
  }
  return std::nullopt;
}

std::optional<Error> WatchTable::namespaces_forbidden() const {
  const Watch* watch = find({namespaces_resource, "", ""});
  return watch == nullptr ? std::nullopt : watch->forbidden();
}

}  // namespace regsync
