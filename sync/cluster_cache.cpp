#include "sync/cluster_cache.hpp"

namespace regsync {

Entry* ClusterCache::find(const Key& key) {
  const auto table = secrets_.find(key.secret);
  if (table == secrets_.end()) {
    return nullptr;
  }
  const auto entry = table->second.find(key.name_space);
  return entry == table->second.end() ? nullptr : &entry->second;
}

const Entry* ClusterCache::find(const Key& key) const {
  const auto table = secrets_.find(key.secret);
  if (table == secrets_.end()) {
    return nullptr;
  }
  const auto entry = table->second.find(key.name_space);
  return entry == table->second.end() ? nullptr : &entry->second;
}

Entry& ClusterCache::entry(const Key& key) { return secrets_[key.secret][key.name_space]; }

void ClusterCache::erase(const Key& key) {
  const auto table = secrets_.find(key.secret);
  if (table != secrets_.end() && table->second.erase(key.name_space) > 0 && table->second.empty()) {
    secrets_.erase(table);
  }
}

void ClusterCache::for_each(const std::string& secret, const std::function<void(const std::string&, Entry&)>& visit) {
  const auto table = secrets_.find(secret);
  if (table != secrets_.end()) {
    for (auto& [name_space, entry] : table->second) {
      visit(name_space, entry);
    }
  }
}

void ClusterCache::for_each(const std::string& secret,
                            const std::function<void(const std::string&, const Entry&)>& visit) const {
  const auto table = secrets_.find(secret);
  if (table != secrets_.end()) {
    for (const auto& [name_space, entry] : table->second) {
      visit(name_space, entry);
    }
  }
}

std::shared_ptr<const Labels> ClusterCache::share(Labels labels) {
  return *labels_.insert(std::make_shared<const Labels>(std::move(labels))).first;
}

void ClusterCache::forget_unused_labels() {
  std::erase_if(labels_, [](const auto& labels) { return labels.use_count() == 1; });
}

std::vector<std::string> ClusterCache::secret_names() const {
  std::vector<std::string> names;
  for (const auto& [name, table] : secrets_) {
    names.push_back(name);
  }
  return names;
}

}  // namespace regsync
