// The lists and watches of one cluster that run now, and how far the cache can be believed because of them.
//
// Plain data with questions; one io_context thread. ClusterWatches owns it and is the only one that changes it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "sync/cluster/label_gaps.hpp"
#include "sync/cluster/watch.hpp"
#include "sync/cluster/watch_plan.hpp"
#include "sync/model/key.hpp"
#include "sync/model/places.hpp"

namespace regsync {

// How far the cache can be believed about a key.
enum class Trust {
  not_yet,    // the first list is on its way
  followed,   // the cache is the truth
  labelled,   // it is the truth about what has our label: read before a create
  on_demand,  // no right to watch: read before deciding
};

struct WatchTable {
  std::shared_ptr<const Places> places = std::make_shared<const Places>();  // what is to be followed
  HiddenSecrets hidden;                                                     // empty where no watch is by label
  // Shared with the coroutine that runs each: one that is not wanted any more leaves the map at once and ends later.
  std::map<WatchId, std::shared_ptr<Watch>> watches;

  [[nodiscard]] Watch* find(const WatchId& id) const;
  [[nodiscard]] WatchStage stage_of(const WatchId& id) const;
  // Whether some watch by label runs that is not forbidden.
  [[nodiscard]] bool follows_label() const;
  // Whether a watch by label shows a Secret name in a namespace (none: in all).
  [[nodiscard]] bool label_shows(const std::string& name_space, const std::string& secret) const;
  // Whether the lists of the places show a key.
  [[nodiscard]] bool is_in_view(const Key& key) const;

  [[nodiscard]] Trust trust(const Key& key) const;
  // The same whatever is known of the ServiceAccounts that matter there.
  [[nodiscard]] Trust trust_of_secret(const Key& key) const;
  // Whether the cache shows every Secret of this name that may be ours: the places to look at were all readable.
  [[nodiscard]] bool covers(const std::string& secret) const;
  // Whether Secrets of that name may not be listed across all namespaces.
  [[nodiscard]] bool is_list_forbidden(const std::string& secret) const;
  // Whether every ServiceAccount that matters (in a namespace) is known, as far as rights go.
  [[nodiscard]] bool knows_accounts(const std::string& name_space) const;
  [[nodiscard]] bool knows_all_accounts() const;
  // Why a ServiceAccount, or all that a pattern may mean, can neither be listed nor followed in a namespace; nothing
  // where that can be.
  [[nodiscard]] std::optional<Error> account_forbidden(const std::string& name_space, const std::string& account) const;
  // No list is on its way, but for those that have failed at least once.
  [[nodiscard]] bool settled() const;
  // Everything was listed once, or may not be.
  [[nodiscard]] bool listed() const;
  // What keeps a list or watch from working now; nothing when all work.
  [[nodiscard]] std::optional<Error> problem() const;
  // Why namespaces cannot be listed: globs and selectors then cannot be answered.
  [[nodiscard]] std::optional<Error> namespaces_forbidden() const;

 private:
  // Whether what is known of the accounts of a name (none: of all) in a namespace is the truth.
  [[nodiscard]] bool follows_accounts(const std::string& name_space, const std::string& name) const;
};

}  // namespace regsync
