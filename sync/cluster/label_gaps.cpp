#include "sync/cluster/label_gaps.hpp"

#include <algorithm>
#include <iterator>

namespace regsync {

bool HiddenSecrets::set(const Key& key, bool hidden) {
  if (hidden) {
    return scopes_[key.secret].namespaces.insert(key.name_space).second;
  }
  const auto scope = scopes_.find(key.secret);
  if (scope == scopes_.end() || scope->second.namespaces.erase(key.name_space) == 0) {
    return false;
  }
  if (scope->second.namespaces.empty()) {
    scopes_.erase(scope);
  }
  return true;
}

void HiddenSecrets::restrict_to(const SecretScopes& scopes) {
  for (auto hidden = scopes_.begin(); hidden != scopes_.end();) {
    const auto scope = scopes.find(hidden->first);
    std::erase_if(hidden->second.namespaces, [&](const std::string& name_space) {
      return scope == scopes.end() || !scope->second.shows(name_space);
    });
    hidden = hidden->second.namespaces.empty() ? scopes_.erase(hidden) : std::next(hidden);
  }
}

bool HiddenSecrets::contains(const Key& key) const {
  const auto scope = scopes_.find(key.secret);
  return scope != scopes_.end() && scope->second.namespaces.contains(key.name_space);
}

void UnlistedNames::add(const std::set<std::string>& names) {
  for (const auto& name : names) {
    names_.insert(name);
    listing_.erase(name);
  }
}

void UnlistedNames::clear() {
  names_.clear();
  listing_.clear();
}

void UnlistedNames::end_list() {
  for (const auto& name : listing_) {
    names_.erase(name);
  }
  listing_.clear();
}

std::set<std::string> grown_names(const SecretScopes& before, const SecretScopes& after) {
  std::set<std::string> names;
  for (const auto& [name, scope] : after) {
    const auto known = before.find(name);
    const bool shown = known != before.end() &&
                       (known->second.is_wide() ||
                        (!scope.is_wide() && std::ranges::includes(known->second.namespaces, scope.namespaces)));
    if (!shown) {
      names.insert(name);
    }
  }
  return names;
}

}  // namespace regsync
