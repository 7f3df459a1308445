// A Target declares which registries go into which Secret, and where. One YAML file per target.
//
// Value types and pure functions; any thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/model/label_selector.hpp"

namespace regsync {

// What happens to the Secret when the login is gone (according to an unlocked, complete reading of the store).
enum class OnLogout { keep, remove };

struct Target {
  std::string name;                     // the file's name without .yaml; RFC 1123 label
  std::string secret;                   // the Secret's name
  std::vector<std::string> registries;  // as written, [ACCOUNT@]REGISTRY; compared by RegistryKey
  std::vector<std::string> contexts;    // names and globs of kubeconfig contexts
  LabelSelector context_selector;       // contexts by the labels of their cluster's Secret; empty: selects nothing
  std::vector<std::string> namespaces;  // names and globs; with no selector either: each context's own namespace
  LabelSelector namespace_selector;     // empty: selects nothing by itself
  std::vector<std::string> exclude_namespaces;  // globs; override the rest
  std::vector<std::string> service_accounts;    // names and globs; the Secret is added to their imagePullSecrets
  std::string email;
  OnLogout on_logout = OnLogout::keep;
  std::map<std::string, std::chrono::seconds> refresh;   // per registry: how often a short-lived login is renewed
  std::map<std::string, std::chrono::sys_days> expires;  // per registry: when its login ends, according to the user
  std::optional<bool> verify_logins;  // whether new logins are tried first; otherwise as in the settings
  bool paused = false;                // nothing is written or deleted for it
  bool heal = false;                  // evict pods that wait for a repaired object
  bool pin = false;                   // plainly named contexts are held when they lead to another cluster than before

  bool operator==(const Target&) const = default;
};

// Whether a shell pattern (fnmatch: * ? [a-z]) matches; a plain name matches itself.
bool glob_match(const std::string& pattern, const std::string& text);
bool is_glob(std::string_view text);
bool matches_any(const std::vector<std::string>& patterns, const std::string& text);

// Whether a target's contexts (names and globs) include this one, or its selector matches the labels.
bool selects_context(const Target& target, const std::string& context, const Labels& labels = {});

// Whether a target names this context plainly and pins it to its current cluster.
bool pins(const Target& target, const std::string& context);

// Rejects common paste errors in place of a registry or ACCOUNT@REGISTRY: kubelet would find no entry for them, without
// any visible error. Throws Error(invalid_input).
void require_registry(const std::string& registry);

// Throws Error(invalid_input) if the target is invalid: a bad name, no registry, a name that no Kubernetes object can
// have. parse_target() calls it; `regsync add` does before it writes.
void validate(const Target& target);

}  // namespace regsync
