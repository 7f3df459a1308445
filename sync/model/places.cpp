#include "sync/model/places.hpp"

#include <algorithm>
#include <iterator>

namespace regsync {

namespace {

// A list of one object by its full name costs the API server one etcd key; a cluster-wide list by name makes it scan
// every Secret. Above this number, the latter is cheaper in connections and memory.
constexpr std::size_t max_single_namespaces = 16;

}  // namespace

bool Scope::is_wide() const { return any || namespaces.size() > max_single_namespaces; }

void Scope::merge(const Scope& other) {
  any = any || other.any;
  namespaces.insert(other.namespaces.begin(), other.namespaces.end());
}

void Places::merge(const Places& other) {
  for (const auto& [secret, scope] : other.secrets) {
    secrets[secret].merge(scope);
  }
  service_accounts.insert(other.service_accounts.begin(), other.service_accounts.end());
}

bool Places::includes(const Places& other) const {
  const auto has = [this](const auto& item) {
    const auto scope = secrets.find(item.first);
    return scope != secrets.end() && (scope->second.any || !item.second.any) &&
           std::ranges::includes(scope->second.namespaces, item.second.namespaces);
  };
  return std::ranges::all_of(other.secrets, has) && std::ranges::includes(service_accounts, other.service_accounts);
}

bool uses_own_namespace(const Target& target) { return target.namespaces.empty() && target.namespace_selector.empty(); }

Target resolved(Target target, const std::string& own_namespace) {
  if (uses_own_namespace(target)) {
    target.namespaces = {own_namespace};
  }
  return target;
}

bool Places::cover(const Key& key) const {
  const auto scope = secrets.find(key.secret);
  return scope != secrets.end() && scope->second.covers(key.name_space);
}

std::optional<std::string> common_namespace(const Target& one, const Target& other) {
  const auto wants = [](const Target& target, const std::string& name_space) {
    return matches_any(target.namespaces, name_space) && !matches_any(target.exclude_namespaces, name_space);
  };
  for (const auto* target : {&one, &other}) {
    for (const auto& name_space : target->namespaces) {
      if (wants(one, name_space) && wants(other, name_space)) {
        return name_space;
      }
    }
  }
  return std::nullopt;
}

Places places_of(const Target& target, const std::string& default_namespace) {
  Places places;
  places.service_accounts = {target.service_accounts.begin(), target.service_accounts.end()};
  Scope& scope = places.secrets[target.secret];
  std::copy_if(target.namespaces.begin(), target.namespaces.end(),
               std::inserter(scope.namespaces, scope.namespaces.end()),
               [](const auto& name_space) { return !is_glob(name_space); });
  if (target.namespaces.empty() && target.namespace_selector.empty()) {
    scope.namespaces.insert(default_namespace);
  }
  scope.any = !target.namespace_selector.empty() || std::ranges::any_of(target.namespaces, is_glob);
  return places;
}

}  // namespace regsync
