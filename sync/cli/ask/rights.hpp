// The rights that a target needs in a cluster: the one list that `rbac` grants and `doctor` checks. Pure; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sync/model/target.hpp"

namespace regsync::cli {

struct Rights {
  std::string target;
  bool everywhere = false;              // globs or a selector: any namespace may be meant
  std::vector<std::string> namespaces;  // where not everywhere
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

// Of the Role (in each namespace) or ClusterRole. An apply that creates is limited by resourceNames too, and so are
// list and watch with fieldSelector=metadata.name=X, which is how regsync asks.
std::vector<Rule> rules_of(const Rights& rights);

struct Subject {
  std::string kind;  // User, Group, ServiceAccount
  std::string name;
  std::string name_space;  // of a ServiceAccount
};

// Role and RoleBinding for each namespace, or one ClusterRole and ClusterRoleBinding, as objects to apply. Their name
// says target and subject, so that to apply those of a second user takes nothing from the first. A target that pins may
// read the namespace kube-system too, whose uid tells one cluster from another: it works without, and rules_of() lacks
// that.
std::vector<nlohmann::json> make_rbac(const Rights& rights, const Subject& subject);

// Of the role and binding by which a subject may watch Secrets by label: no name of make_rbac(), nor that of another
// subject.
std::string watch_role_name(const Subject& subject);

}  // namespace regsync::cli
