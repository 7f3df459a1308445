#include "sync/cluster/cluster_cache.hpp"

#include <utility>

namespace regsync {

std::string Entry::resource_version() const { return version == 0 ? secret->odd_version : std::to_string(version); }

Entry* ClusterCache::find(const Key& key) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): it is not const here
  return const_cast<Entry*>(std::as_const(*this).find(key));
}

const Entry* ClusterCache::find(const Key& key) const {
  const auto table = secrets_.find(key.secret);
  const auto name_space = namespaces_.find(key.name_space);
  if (table == secrets_.end() || name_space == namespaces_.end()) {
    return nullptr;
  }
  const auto entry = table->second.find(&name_space->first);
  return entry == table->second.end() ? nullptr : &entry->second;
}

Entry& ClusterCache::entry(const Key& key) {
  auto& [name, name_space] = *namespaces_.try_emplace(key.name_space).first;
  const auto [entry, made] = secrets_[key.secret].try_emplace(&name);
  name_space.entries += made ? 1 : 0;
  return entry->second;
}

void ClusterCache::erase(const Key& key) {
  const auto table = secrets_.find(key.secret);
  const auto name_space = namespaces_.find(key.name_space);
  if (table == secrets_.end() || name_space == namespaces_.end() || table->second.erase(&name_space->first) == 0) {
    return;
  }
  if (table->second.empty()) {
    secrets_.erase(table);
  }
  if (--name_space->second.entries == 0 && !name_space->second.view) {
    namespaces_.erase(name_space);
  }
}

void ClusterCache::for_each(const std::string& secret, const std::function<void(const std::string&, Entry&)>& visit) {
  const auto table = secrets_.find(secret);
  if (table != secrets_.end()) {
    for (auto& [name, entry] : table->second) {
      visit(*name, entry);
    }
  }
}

void ClusterCache::for_each(const std::string& secret,
                            const std::function<void(const std::string&, const Entry&)>& visit) const {
  const auto table = secrets_.find(secret);
  if (table != secrets_.end()) {
    for (const auto& [name, entry] : table->second) {
      visit(*name, entry);
    }
  }
}

std::vector<std::string> ClusterCache::secret_names() const {
  std::vector<std::string> names;
  for (const auto& [name, table] : secrets_) {
    names.push_back(name);
  }
  return names;
}

const NamespaceView* ClusterCache::find_namespace(const std::string& name) const {
  const auto name_space = namespaces_.find(name);
  return name_space == namespaces_.end() ? nullptr : name_space->second.view.get();
}

void ClusterCache::put_namespace(const std::string& name, NamespaceView view, Generation seen) {
  Namespace& name_space = namespaces_[name];
  name_space.view = namespace_views_.share(std::move(view));
  name_space.generation = seen;
}

void ClusterCache::erase_namespace(const std::string& name) {
  if (const auto name_space = namespaces_.find(name); name_space != namespaces_.end()) {
    erase_view(name_space);
  }
}

void ClusterCache::erase_namespaces_before(Generation list) {
  for (auto name_space = namespaces_.begin(); name_space != namespaces_.end();) {
    name_space = name_space->second.generation < list ? erase_view(name_space) : std::next(name_space);
  }
}

void ClusterCache::for_each_namespace(
    const std::function<void(const std::string&, const NamespaceView&)>& visit) const {
  for (const auto& [name, name_space] : namespaces_) {
    if (name_space.view) {
      visit(name, *name_space.view);
    }
  }
}

ClusterCache::Namespaces::iterator ClusterCache::erase_view(Namespaces::iterator name_space) {
  name_space->second.view.reset();
  return name_space->second.entries == 0 ? namespaces_.erase(name_space) : std::next(name_space);
}

}  // namespace regsync
