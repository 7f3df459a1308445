// Tracks what a watch by our label does not show: Secrets without the label that are in the way, and names that were
// added after its list began. One io_context thread; owned by ClusterWatches.
#pragma once

#include <set>
#include <string>

#include "sync/cluster/watch_plan.hpp"
#include "sync/model/key.hpp"
#include "sync/model/places.hpp"

namespace regsync {

// The keys that are known to hold a Secret without our label.
class HiddenSecrets {
 public:
  // Returns whether this is a change.
  bool set(const Key& key, bool hidden);
  // Drops keys outside of these scopes.
  void restrict_to(const SecretScopes& scopes);
  void clear() { scopes_.clear(); }
  [[nodiscard]] bool contains(const Key& key) const;
  [[nodiscard]] const SecretScopes& scopes() const { return scopes_; }

 private:
  SecretScopes scopes_;  // plain namespaces only; none is empty
};

// The names whose Secrets a watch by label has not listed yet. A list covers the names that were known when it began;
// names added while it runs need another list.
class UnlistedNames {
 public:
  void add(const std::set<std::string>& names);
  void clear();
  void begin_list() { listing_ = names_; }
  void end_list();
  [[nodiscard]] bool contains(const std::string& name) const { return names_.contains(name); }
  [[nodiscard]] bool empty() const { return names_.empty(); }

 private:
  std::set<std::string> names_;
  std::set<std::string> listing_;  // those that the running list covers
};

// The names whose scope has grown.
std::set<std::string> grown_names(const SecretScopes& before, const SecretScopes& after);

}  // namespace regsync
