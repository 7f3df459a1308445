#include "sync/cluster/cluster_cache.hpp"

#include "helper/base/error.hpp"

namespace regsync {

namespace {

// Kubernetes supports ten thousand. A server that reports new ones without end must not exhaust memory.
constexpr std::size_t most_namespaces = 200'000;
constexpr std::size_t most_accounts = most_namespaces;

// The single rule for Secrets and ServiceAccounts: the newer version wins.
bool is_news(std::uint64_t version, std::uint64_t known) { return version > known || known == 0; }

Error too_many(std::size_t most, const char* objects) {
  return {ErrorCode::protocol, "the API server tells of more than " + std::to_string(most) + " " + objects,
          "check what answers there: no real cluster has so many"};
}

}  // namespace

std::string Observed::resource_version() const { return version == 0 ? secret->odd_version : std::to_string(version); }

const Entry* ClusterCache::find(const Key& key) const {
  const auto table = secrets_.find(key.secret);
  const auto name_space = namespaces_.find(key.name_space);
  if (table == secrets_.end() || name_space == namespaces_.end()) {
    return nullptr;
  }
  const auto entry = table->second.find(&name_space->first);
  return entry == table->second.end() ? nullptr : &entry->second;
}

Entry* ClusterCache::find_mutable(const Key& key) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): *this is not const here
  return const_cast<Entry*>(find(key));
}

ClusterCache::Namespaces::iterator ClusterCache::place_of(const std::string& name_space) {
  const auto known = namespaces_.find(name_space);
  if (known == namespaces_.end() && namespaces_.size() >= most_namespaces) {
    throw too_many(most_namespaces, "namespaces");
  }
  return known == namespaces_.end() ? namespaces_.try_emplace(name_space).first : known;
}

Entry& ClusterCache::entry(const Key& key) {
  auto& [name, name_space] = *place_of(key.name_space);
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

bool ClusterCache::observe(const Key& key, std::uint64_t version, std::optional<SecretView> view,
                           std::optional<Generation> list) {
  Observed& observed = entry(key).observed;
  const bool same = version != 0 && version == observed.version && view && observed.secret;
  // Some servers report a deletion with the last version of the object.
  const bool news = is_news(version, observed.version) || (!view && version == observed.version);
  if (same || news) {
    observed.generation = std::max(observed.generation, list.value_or(generation_));
  }
  if (!news) {
    return false;
  }
  ++revision_;
  observed.version = version;
  observed.secret = view ? secret_views_.share(std::move(*view)) : nullptr;
  return true;
}

void ClusterCache::observe_missing(const Key& key) {
  doubt(key);
  observe(key, 0, std::nullopt);
}

void ClusterCache::doubt(const Key& key) {
  if (Entry* known = find_mutable(key)) {
    known->observed.version = 0;
  }
}

// The loss of the label is reported with the version of the write that removed it, and a later read of the Secret
// returns the same version. So the version before it is stored: the read is then accepted, and anything older is not.
bool ClusterCache::observe_unlabelled(const Key& key, std::uint64_t version) {
  const Observed& observed = entry(key).observed;
  if (version != 0 && version == observed.version) {
    // Not a loss of the label: this version had it. Some servers report a deletion like this.
    return observed.secret && observed.secret->labelled && observe(key, version, std::nullopt);
  }
  return observe(key, version == 0 ? 0 : version - 1, std::nullopt);
}

void ClusterCache::observe_list_end(const std::string& secret, const std::string& name_space, Generation list) {
  if (const auto table = secrets_.find(secret); table != secrets_.end()) {
    forget_unseen(table->second, name_space, list, false);
  }
}

void ClusterCache::observe_labelled_end(const std::string& name_space, Generation list) {
  for (auto& [secret, table] : secrets_) {
    forget_unseen(table, name_space, list, true);
  }
}

void ClusterCache::forget_unseen(Table& table, const std::string& name_space, Generation list, bool only_labelled) {
  for (auto& [name, entry] : table) {
    Observed& observed = entry.observed;
    const bool listed = !only_labelled || (observed.secret && observed.secret->labelled);
    if (listed && (name_space.empty() || name_space == *name) && observed.generation < list) {
      ++revision_;
      observed.secret.reset();
      observed.version = 0;
    }
  }
}

Progress& ClusterCache::progress(const Key& key) { return entry(key).progress; }

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
  const bool known = name_space != namespaces_.end() && name_space->second.generation >= namespaces_since_;
  return known ? name_space->second.view.get() : nullptr;
}

bool ClusterCache::observe_namespace(const std::string& name, std::optional<NamespaceView> view) {
  if (!view) {
    if (const auto known = namespaces_.find(name); known != namespaces_.end()) {
      erase_view(known);
    }
    return false;
  }
  Namespace& name_space = place_of(name)->second;
  const bool relabelled = name_space.view && name_space.view->labels != view->labels;
  if (relabelled) {
    unsettled_.insert(name);
  }
  name_space.view = namespace_views_.share(std::move(*view));
  name_space.generation = generation_;
  return relabelled;
}

void ClusterCache::observe_namespaces_end(Generation list) {
  for (auto name_space = namespaces_.begin(); name_space != namespaces_.end();) {
    name_space = name_space->second.generation < list ? erase_view(name_space) : std::next(name_space);
  }
  namespaces_complete_ = true;
}

void ClusterCache::forbid_namespaces() {
  namespaces_complete_ = false;
  namespaces_since_ = begin_list();
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

const ServiceAccountView* ClusterCache::find_account(const std::string& name_space, const std::string& name) const {
  const auto account = accounts_.find({name_space, name});
  return account == accounts_.end() ? nullptr : &account->second.view;
}

bool ClusterCache::observe_account(const std::string& name_space, const std::string& name,
                                   std::optional<ServiceAccountView> view, std::optional<Generation> list) {
  if (!view) {
    return accounts_.erase({name_space, name}) > 0;
  }
  if (accounts_.size() >= most_accounts && !accounts_.contains({name_space, name})) {
    throw too_many(most_accounts, "ServiceAccounts");
  }
  Account& account = accounts_[{name_space, name}];
  account.generation = std::max(account.generation, list.value_or(generation_));
  if (!is_news(view->version, account.view.version)) {
    return false;
  }
  account.view = std::move(*view);
  return true;
}

void ClusterCache::doubt_account(const std::string& name_space, const std::string& name) {
  if (const auto known = accounts_.find({name_space, name}); known != accounts_.end()) {
    known->second.view.version = 0;
  }
}

void ClusterCache::observe_accounts_end(const std::string& name, const std::string& name_space, Generation list) {
  std::erase_if(accounts_, [&](const auto& account) {
    return (name.empty() || account.first.second == name) &&
           (name_space.empty() || name_space == account.first.first) && account.second.generation < list;
  });
}

void ClusterCache::for_each_account(
    const std::string& name_space,
    const std::function<void(const std::string&, const ServiceAccountView&)>& visit) const {
  for (auto account = accounts_.lower_bound({name_space, ""});
       account != accounts_.end() && account->first.first == name_space; ++account) {
    visit(account->first.second, account->second.view);
  }
}

void ClusterCache::for_each_attached(const std::string& secret,
                                     const std::function<void(const std::string&)>& visit) const {
  for (const auto& [name, account] : accounts_) {
    if (account.view.attached.contains(secret)) {
      visit(name.first);
    }
  }
}

}  // namespace regsync
