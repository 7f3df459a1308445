#include "sync/cluster/watch_plan.hpp"

#include <algorithm>
#include <iterator>

namespace regsync {

namespace {

using StageOf = std::function<WatchStage(const WatchId&)>;

// Adds the watches of one name (empty: by label) in its scope.
void add(std::set<WatchId>& ids, const char* resource, const std::string& name, const Scope& scope,
         const StageOf& stage_of) {
  const WatchId everywhere{resource, "", name};
  if (scope.is_wide()) {
    ids.insert(everywhere);
  }
  if (!scope.is_wide() || stage_of(everywhere) == WatchStage::forbidden) {
    for (const auto& name_space : scope.namespaces) {
      ids.insert({resource, name_space, name});
    }
  }
}

// The part of a scope that a watch of all objects of a resource cannot show because it is forbidden there.
Scope without_all(const char* resource, const Scope& scope, bool everywhere, const StageOf& stage_of) {
  if (everywhere && stage_of({resource, "", ""}) != WatchStage::forbidden) {
    return {};
  }
  Scope rest{.any = scope.any, .namespaces = {}};
  std::ranges::copy_if(
      scope.namespaces, std::inserter(rest.namespaces, rest.namespaces.end()),
      [&](const std::string& name_space) { return stage_of({resource, name_space, ""}) == WatchStage::forbidden; });
  return rest;
}

// The number of watches for a scope if everything is allowed.
int cost_of(const Scope& scope) { return scope.is_wide() ? 1 : static_cast<int>(scope.namespaces.size()); }

class SecretWatches {
 public:
  SecretWatches(const SecretScopes& scopes, const SecretScopes& hidden, int few, const StageOf& stage_of)
      : scopes_(scopes), hidden_(hidden), few_(few), stage_of_(stage_of) {
    for (const auto& [name, scope] : scopes_) {
      all_.merge(scope);
    }
  }

  [[nodiscard]] std::set<WatchId> plan() const {
    std::set<WatchId> by_name;
    for (const auto& [name, scope] : scopes_) {
      add(by_name, secrets_resource, name, scope, stage_of_);
    }
    const auto running = running_labels();
    if (!is_label_worth_it(!running.empty())) {
      if (std::ranges::any_of(by_name, [this](const WatchId& id) { return is_undecided(id); })) {
        by_name.insert(running.begin(), running.end());
      }
      return by_name;
    }
    std::set<WatchId> ids;
    add(ids, secrets_resource, "", all_, stage_of_);
    if (std::ranges::any_of(ids, [this](const WatchId& id) { return is_undecided(id); })) {
      std::erase_if(by_name, [this](const WatchId& id) { return stage_of_(id) == WatchStage::none; });
      ids.merge(by_name);
    }
    for (const auto& [name, scope] : scopes_) {
      add(ids, secrets_resource, name, without_all(secrets_resource, scope, all_.is_wide(), stage_of_), stage_of_);
    }
    for (const auto& [name, scope] : hidden_) {
      add(ids, secrets_resource, name, scope, stage_of_);
    }
    return ids;
  }

 private:
  [[nodiscard]] bool is_undecided(const WatchId& id) const {
    const auto stage = stage_of_(id);
    return stage == WatchStage::none || stage == WatchStage::listing;
  }

  // A running watch by label continues until it saves only half as much, so that names that come and go do not switch
  // the mode back and forth.
  [[nodiscard]] bool is_label_worth_it(bool runs) const {
    int saved = -cost_of(all_);
    for (const auto& [name, scope] : scopes_) {
      saved += cost_of(scope);
    }
    return saved > (runs ? std::min(few_, few_ / 2) : few_);
  }

  [[nodiscard]] std::set<WatchId> running_labels() const {
    std::set<WatchId> labels{{secrets_resource, "", ""}};
    for (const auto& name_space : all_.namespaces) {
      labels.insert({secrets_resource, name_space, ""});
    }
    std::erase_if(labels, [this](const WatchId& id) { return stage_of_(id) == WatchStage::none; });
    return labels;
  }

  const SecretScopes& scopes_;
  const SecretScopes& hidden_;
  const int few_;
  const StageOf& stage_of_;
  Scope all_;  // the union over all names
};

}  // namespace

std::set<std::string> watched_accounts(const Places& places) {
  std::set<std::string> names;
  for (const auto& account : places.service_accounts) {
    names.insert(is_glob(account) ? "" : account);
  }
  return names;
}

std::set<WatchId> plan_watches(const Places& places, const SecretScopes& hidden, int few, const StageOf& stage_of) {
  if (places.empty()) {
    return {};
  }
  std::set<WatchId> ids = SecretWatches(places.secrets, hidden, few, stage_of).plan();
  ids.insert({namespaces_resource, "", ""});
  Scope any{.any = true, .namespaces = {}};
  for (const auto& [name, scope] : places.secrets) {
    any.namespaces.insert(scope.namespaces.begin(), scope.namespaces.end());
  }
  const auto names = watched_accounts(places);
  const Scope plain = names.contains("") ? without_all(service_accounts_resource, any, any.is_wide(), stage_of) : any;
  for (const auto& name : names) {
    add(ids, service_accounts_resource, name, name.empty() ? any : plain, stage_of);
  }
  return ids;
}

}  // namespace regsync
