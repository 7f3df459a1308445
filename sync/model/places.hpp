// The places of a target's Secrets in one context. Value types and pure functions; any thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "sync/model/key.hpp"
#include "sync/model/target.hpp"

namespace regsync {

// Watching by name may take up to this many more watches than by label: each costs about 20 kB here and a few
// goroutines at the API server, and needs no right to read other Secrets.
inline constexpr int few_watches = 8;

// The namespaces in which a Secret name matters.
struct Scope {
  bool any = false;                  // a pattern or a selector decides, so any namespace may match
  std::set<std::string> namespaces;  // plainly named ones

  // Whether one list of the Secret name across all namespaces costs less than a list for each namespace. This is only
  // about cost: where the wide list is forbidden, plain names are listed one by one, however many there are.
  [[nodiscard]] bool is_wide() const;
  [[nodiscard]] bool covers(const std::string& name_space) const { return any || namespaces.contains(name_space); }
  // Whether the lists of the scope cover a namespace.
  [[nodiscard]] bool shows(const std::string& name_space) const { return is_wide() || covers(name_space); }

  void merge(const Scope& other);
  bool operator==(const Scope&) const = default;
};

// What matters in one context.
struct Places {
  std::map<std::string, Scope> secrets;    // by Secret name
  std::set<std::string> service_accounts;  // names and globs

  void merge(const Places& other);
  // Whether merging the others would change nothing.
  [[nodiscard]] bool includes(const Places& other) const;
  [[nodiscard]] bool empty() const { return secrets.empty(); }
  [[nodiscard]] bool cover(const Key& key) const;
  bool operator==(const Places&) const = default;
};

// Whether a target uses each context's own namespace because it names none.
bool uses_own_namespace(const Target& target);
// The target as resolved for a context with this own namespace.
Target resolved(Target target, const std::string& own_namespace);

// A namespace that both targets name, or a pattern of one that certainly overlaps the other; nothing if only the
// cluster can tell.
std::optional<std::string> common_namespace(const Target& one, const Target& other);

// Where a target's Secrets go in a context.
Places places_of(const Target& target, const std::string& default_namespace);

}  // namespace regsync
