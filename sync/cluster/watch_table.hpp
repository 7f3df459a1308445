// WatchTable holds the lists and watches of one cluster that run now, and derives how far the cache can be trusted.
//
// Plain data with queries; one io_context thread. Owned by ClusterWatches, which alone changes it.
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

// How far the cache can be trusted about a key.
enum class Trust {
  not_yet,    // the first list is in progress
  followed,   // the cache is current
  labelled,   // the cache is current for Secrets with our label: read before a create
  on_demand,  // no right to watch: read before deciding
};

struct WatchTable {
  std::shared_ptr<const Places> places = std::make_shared<const Places>();  // the places to watch
  HiddenSecrets hidden;                                                     // empty if no watch is by label
  // Each is shared with the coroutine that runs it: one that is no longer wanted leaves the map at once and ends later.
  std::map<WatchId, std::shared_ptr<Watch>> watches;

  [[nodiscard]] Watch* find(const WatchId& id) const;
  [[nodiscard]] WatchStage stage_of(const WatchId& id) const;
  // Whether a watch by label runs and is not forbidden.
  [[nodiscard]] bool follows_label() const;
  // Whether a watch by label shows a Secret name in a namespace (empty: in all).
  [[nodiscard]] bool label_shows(const std::string& name_space, const std::string& secret) const;
  // Whether the lists of the places show a key.
  [[nodiscard]] bool is_in_view(const Key& key) const;

  [[nodiscard]] Trust trust(const Key& key) const;
  // The same, ignoring the ServiceAccounts that matter there.
  [[nodiscard]] Trust trust_of_secret(const Key& key) const;
  // Whether the cache shows every Secret of this name that may be ours: all places to watch were readable.
  [[nodiscard]] bool covers(const std::string& secret) const;
  // Whether listing Secrets of that name across all namespaces is forbidden.
  [[nodiscard]] bool is_list_forbidden(const std::string& secret) const;
  // Whether every ServiceAccount that matters (in a namespace) is known, as far as rights go.
  [[nodiscard]] bool knows_accounts(const std::string& name_space) const;
  [[nodiscard]] bool knows_all_accounts() const;
  // Why a ServiceAccount, or all that a pattern may match, can be neither listed nor watched in a namespace; nothing if
  // it can.
  [[nodiscard]] std::optional<Error> account_forbidden(const std::string& name_space, const std::string& account) const;
  // Whether no list is in progress, except those that have failed at least once.
  [[nodiscard]] bool settled() const;
  // Whether everything was listed once or is forbidden.
  [[nodiscard]] bool listed() const;
  // The problem of a list or watch that does not work now; nothing if all work.
  [[nodiscard]] std::optional<Error> problem() const;
  // Why namespaces cannot be listed, so that globs and selectors cannot be resolved.
  [[nodiscard]] std::optional<Error> namespaces_forbidden() const;

 private:
  // Whether the cached accounts of a name (empty: of all names) in a namespace are current.
  [[nodiscard]] bool follows_accounts(const std::string& name_space, const std::string& name) const;
};

}  // namespace regsync
