// The rights that a target needs in a cluster: the one list that `rbac` grants and `doctor` checks. Pure; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sync/model/target.hpp"

namespace regsync::cli {

struct Rights {
  std::string target;
  bool everywhere = false;              // it has globs or a selector, which may select any namespace
  std::vector<std::string> namespaces;  // if not everywhere
  std::string secret;
  std::vector<std::string> service_accounts;
  bool heal = false;
  bool pin = false;
};

Rights rights_of(const Target& target, const std::string& default_namespace);

struct Rule {
  std::string resource;  // "pods", "pods/eviction"
  std::vector<std::string> verbs;
  std::vector<std::string> names;  // none: all
};

// Returns the rules of the Role (in each namespace) or ClusterRole. resourceNames also limits an apply that creates,
// and list and watch with fieldSelector=metadata.name=X, which regsync uses.
std::vector<Rule> rules_of(const Rights& rights);

struct Subject {
  std::string kind;  // User, Group, ServiceAccount
  std::string name;
  std::string name_space;  // of a ServiceAccount only
};

// Returns a Role and a RoleBinding for each namespace, or one ClusterRole and ClusterRoleBinding, to apply. Their names
// contain the target and the subject, so that applying those of a second user does not replace those of the first. A
// target with `pin` may also read the namespace kube-system, whose uid identifies the cluster; this right is optional,
// so rules_of() does not have it.
std::vector<nlohmann::json> make_rbac(const Rights& rights, const Subject& subject);

// Returns the name of the role and binding that let a subject watch Secrets by label. It differs from the names of
// make_rbac() and of other subjects.
std::string watch_role_name(const Subject& subject);

}  // namespace regsync::cli
