// Notes what a watch by our label does not show: Secrets that stand in the way without the label, and names that came
// after its list. One io_context thread; owned by ClusterWatches.
#pragma once

#include <set>
#include <string>

#include "sync/cluster/watch_plan.hpp"
#include "sync/model/key.hpp"
#include "sync/model/places.hpp"

namespace regsync {

// The keys under which a Secret without our label is known to be.
class HiddenSecrets {
 public:
  // Returns whether that is news.
  bool set(const Key& key, bool hidden);
  // Forgets what is outside of these scopes.
  void restrict_to(const SecretScopes& scopes);
  void clear() { scopes_.clear(); }
  [[nodiscard]] bool contains(const Key& key) const;
  [[nodiscard]] const SecretScopes& scopes() const { return scopes_; }

 private:
  SecretScopes scopes_;  // plain namespaces only; none is empty
};

// The names of which one watch by label has not listed the Secrets yet. A list delivers those that were known when it
// began; what comes while it runs takes another one.
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
  std::set<std::string> listing_;  // those of them that the list under way delivers
};

// The names whose Secrets are looked for in more places than before.
std::set<std::string> grown_names(const SecretScopes& before, const SecretScopes& after);

}  // namespace regsync
