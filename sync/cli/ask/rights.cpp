#include "sync/cli/ask/rights.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sync/base/digest.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

constexpr const char* rbac_group = "rbac.authorization.k8s.io";
constexpr const char* rbac_version = "rbac.authorization.k8s.io/v1";

// The digest distinguishes subjects whose names become equal here.
std::string name_of(const Subject& subject) {
  constexpr std::size_t longest_readable = 40;
  constexpr std::size_t digest_bytes = 4;
  std::string readable;
  for (const char c : subject.name.substr(0, longest_readable)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const bool upper = c >= 'A' && c <= 'Z';
    readable += plain ? c : upper ? static_cast<char>(c - 'A' + 'a') : '-';
  }
  const std::string digest = hex(digest_of(subject.kind + "\n" + subject.name_space + "\n" + subject.name));
  return readable + "-" + digest.substr(0, 2 * digest_bytes);
}

// One Role and one binding for each target and subject, so that applying one does not change another.
std::string name_of(const Rights& rights, const Subject& subject) {
  return "regsync-" + rights.target + "-" + name_of(subject);
}

json metadata_of(const std::string& name, const std::string& name_space) {
  json metadata = {{"name", name}};
  if (!name_space.empty()) {
    metadata["namespace"] = name_space;
  }
  return metadata;
}

json make_role(const std::vector<Rule>& given, const std::string& name, const std::string& name_space) {
  json rules = json::array();
  for (const Rule& rule : given) {
    json made = {{"apiGroups", {""}}, {"resources", {rule.resource}}, {"verbs", rule.verbs}};
    if (!rule.names.empty()) {
      made["resourceNames"] = rule.names;
    }
    rules.push_back(std::move(made));
  }
  return {{"apiVersion", rbac_version},
          {"kind", name_space.empty() ? "ClusterRole" : "Role"},
          {"metadata", metadata_of(name, name_space)},
          {"rules", std::move(rules)}};
}

json make_binding(const std::string& name, const std::string& name_space, const Subject& subject) {
  json who = {{"kind", subject.kind}, {"name", subject.name}};
  if (subject.kind == "ServiceAccount") {
    who["namespace"] = subject.name_space;
  } else {
    who["apiGroup"] = rbac_group;
  }
  return {
      {"apiVersion", rbac_version},
      {"kind", name_space.empty() ? "ClusterRoleBinding" : "RoleBinding"},
      {"metadata", metadata_of(name, name_space)},
      {"roleRef", {{"apiGroup", rbac_group}, {"kind", name_space.empty() ? "ClusterRole" : "Role"}, {"name", name}}},
      {"subjects", json::array({std::move(who)})}};
}

}  // namespace

Rights rights_of(const Target& target, const std::string& default_namespace) {
  Rights rights;
  rights.target = target.name;
  rights.secret = target.secret;
  rights.service_accounts = target.service_accounts;
  rights.heal = target.heal;
  rights.pin = target.pin;
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
    // RBAC has no name patterns, so a glob needs the right to all.
    const bool all = std::ranges::any_of(rights.service_accounts, is_glob);
    rules.push_back({"serviceaccounts",
                     {"get", "list", "watch", "patch"},
                     all ? std::vector<std::string>() : rights.service_accounts});
  }
  if (rights.heal) {
    rules.push_back({"pods", {"list"}, {}});
    rules.push_back({"pods/eviction", {"create"}, {}});
  }
  if (rights.everywhere) {
    rules.push_back({"namespaces", {"get", "list", "watch"}, {}});
  }
  return rules;
}

std::vector<json> make_rbac(const Rights& rights, const Subject& subject) {
  std::vector<json> objects;
  const std::string name = name_of(rights, subject);
  const auto add = [&](const std::vector<Rule>& rules, const std::string& name_space) {
    objects.push_back(make_role(rules, name, name_space));
    objects.push_back(make_binding(name, name_space, subject));
  };
  const std::vector<std::string> places = rights.everywhere ? std::vector<std::string>{""} : rights.namespaces;
  for (const std::string& name_space : places) {
    add(rules_of(rights), name_space);
  }
  if (rights.pin && !rights.everywhere) {
    add({{"namespaces", {"get"}, {"kube-system"}}}, "");
  }
  return objects;
}

// No collision with make_rbac(): target names have no colon.
std::string watch_role_name(const Subject& subject) { return "regsync:watch-" + name_of(subject); }

}  // namespace regsync::cli
