#include "sync/cli/ask/rights.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace regsync::cli {
namespace {

using nlohmann::json;

constexpr const char* rbac_group = "rbac.authorization.k8s.io";
constexpr const char* rbac_version = "rbac.authorization.k8s.io/v1";

json metadata_of(const std::string& target, const std::string& name_space) {
  json metadata = {{"name", "regsync-" + target}};
  if (!name_space.empty()) {
    metadata["namespace"] = name_space;
  }
  return metadata;
}

json make_role(const Rights& rights, const std::string& name_space) {
  json rules = json::array();
  for (const Rule& rule : rules_of(rights)) {
    json made = {{"apiGroups", {""}}, {"resources", {rule.resource}}, {"verbs", rule.verbs}};
    if (!rule.names.empty()) {
      made["resourceNames"] = rule.names;
    }
    rules.push_back(std::move(made));
  }
  return {{"apiVersion", rbac_version},
          {"kind", name_space.empty() ? "ClusterRole" : "Role"},
          {"metadata", metadata_of(rights.target, name_space)},
          {"rules", std::move(rules)}};
}

json make_binding(const Rights& rights, const std::string& name_space, const Subject& subject) {
  json who = {{"kind", subject.kind}, {"name", subject.name}};
  if (subject.kind == "ServiceAccount") {
    who["namespace"] = subject.name_space;
  } else {
    who["apiGroup"] = rbac_group;
  }
  return {{"apiVersion", rbac_version},
          {"kind", name_space.empty() ? "ClusterRoleBinding" : "RoleBinding"},
          {"metadata", metadata_of(rights.target, name_space)},
          {"roleRef",
           {{"apiGroup", rbac_group},
            {"kind", name_space.empty() ? "ClusterRole" : "Role"},
            {"name", "regsync-" + rights.target}}},
          {"subjects", json::array({std::move(who)})}};
}

}  // namespace

Rights rights_of(const Target& target, const std::string& default_namespace) {
  Rights rights;
  rights.target = target.name;
  rights.secret = target.secret;
  rights.service_accounts = target.service_accounts;
  rights.everywhere = !target.namespace_selector.empty() || std::ranges::any_of(target.namespaces, is_glob);
  if (!rights.everywhere) {
    rights.namespaces = target.namespaces.empty() ? std::vector{default_namespace} : target.namespaces;
  }
  return rights;
}

std::vector<Rule> rules_of(const Rights& rights) {
  std::vector<Rule> rules = {
      {"secrets", {"get", "list", "watch", "create", "patch", "delete"}, {rights.secret}},
  };
  if (!rights.service_accounts.empty()) {
    rules.push_back({"serviceaccounts", {"get", "list", "watch", "patch"}, rights.service_accounts});
  }
  if (rights.everywhere) {
    rules.push_back({"namespaces", {"get", "list", "watch"}, {}});
  }
  return rules;
}

std::vector<json> make_rbac(const Rights& rights, const Subject& subject) {
  std::vector<json> objects;
  const std::vector<std::string> places = rights.everywhere ? std::vector<std::string>{""} : rights.namespaces;
  for (const std::string& name_space : places) {
    objects.push_back(make_role(rights, name_space));
    objects.push_back(make_binding(rights, name_space, subject));
  }
  return objects;
}

}  // namespace regsync::cli
