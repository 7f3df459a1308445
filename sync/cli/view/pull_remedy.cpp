#include "sync/cli/view/pull_remedy.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "helper/base/error.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/model/kubelet_keyring.hpp"
#include "sync/model/names.hpp"
#include "sync/model/places.hpp"

namespace regsync::cli {
namespace {

struct Place {
  const std::string& context;
  const Pod& pod;
  const Image& image;
  const std::vector<Target>& targets;
};

std::string kubectl(const Place& at) {
  return "kubectl --context " + shell_word(at.context) + " -n " + shell_word(at.pod.name_space) + " ";
}

// A Job too replaces a deleted pod, until its backoffLimit is reached.
bool is_job(const Pod& pod) { return pod.controller.starts_with("Job/"); }

// A pod cannot gain a Secret, so it must be replaced.
std::string anew(const Place& at) {
  if (at.pod.is_static) {
    return "on its node, change its manifest (staticPodPath of kubelet)";
  }
  if (at.pod.made_anew || is_job(at.pod)) {
    return kubectl(at) + "delete pod " + shell_word(at.pod.name);
  }
  if (!at.pod.controller.empty()) {
    return "start " + shell_word(at.pod.controller) + " anew, which may fail where only its pod is deleted";
  }
  return kubectl(at) + "get pod " + shell_word(at.pod.name) + " -o yaml | " + kubectl(at) + "replace --force -f -";
}

const Target* target_of_secret(const Place& at, const std::string& secret) {
  const auto found = std::ranges::find_if(
      at.targets, [&](const Target& target) { return target.secret == secret && selects_context(target, at.context); });
  return found == at.targets.end() ? nullptr : &*found;
}

// Returns how a target must name the registry of this host for kubelet, which requires equal ports.
std::string registry_at(std::string_view host, std::string_view account = {}) {
  const RegistryKey key(host);
  return (account.empty() ? "" : std::string(account) + "@") + (key.is_hub() ? key.value() : auths_key_of(host));
}

bool is_of_host(const std::string& registry, std::string_view host) {
  if (RegistryKey(host).is_hub()) {
    return RegistryKey(registry).host() == RegistryKey(host).host();
  }
  const std::string key = auths_key_of(registry);
  return key.substr(0, key.find('/')) == auths_key_of(host);
}

// Returns the target's registry from which the image is pulled, with the longest path; null if there is none.
const std::string* registry_of(const Place& at, const Target& target) {
  const std::string path = "/" + at.image.repository;
  const std::string* found = nullptr;
  for (const std::string& registry : target.registries) {
    const RegistryKey key(registry);
    if (is_of_host(registry, at.image.host) && path.starts_with(key.path()) &&
        (found == nullptr || key.path().size() > RegistryKey(*found).path().size())) {
      found = &registry;
    }
  }
  return found;
}

// Returns a target for the image's registry; prefers one that selects the pod's namespace.
const Target* target_of_registry(const Place& at) {
  const Target* found = nullptr;
  for (const Target& target : at.targets) {
    if (!selects_context(target, at.context) || registry_of(at, target) == nullptr) {
      continue;
    }
    if (matches_any(target.namespaces, at.pod.name_space) &&
        !matches_any(target.exclude_namespaces, at.pod.name_space)) {
      return &target;
    }
    found = found == nullptr ? &target : found;
  }
  return found;
}

// Returns the registry for this image as a target names it, with its account, because a new target needs that if the
// host has no other login. Without such a target, returns the image's host.
RegistryKey registry_for(const Place& at) {
  const Target* target = target_of_registry(at);
  return RegistryKey(target == nullptr ? at.image.host : *registry_of(at, *target)).whole_host();
}

// Returns an unused target name, based on the Secret or the registry.
std::string free_name(const Place& at, const std::string& wish) {
  std::string name = wish;
  std::ranges::replace_if(name, [](char c) { return c == '.' || c == ':' || c == '[' || c == ']'; }, '-');
  if (!is_label_name(name)) {
    name = "regcred";
  }
  const auto taken = [&](const std::string& text) {
    return std::ranges::find(at.targets, text, &Target::name) != at.targets.end();
  };
  std::string free = name;
  for (int i = 2; taken(free); ++i) {
    free = name + "-" + std::to_string(i);
  }
  return free;
}

// Returns the `regsync add` command of a target for this place.
std::string add(const Place& at, const std::string& secret, const std::vector<std::string>& more_hosts,
                const std::string& options) {
  const std::string name = free_name(at, secret.empty() ? at.image.host : secret);
  std::string line = "regsync add " + name;
  if (!secret.empty() && secret != name) {
    line += " --secret-name " + shell_word(secret);
  }
  std::set<std::string> registries{registry_at(at.image.host, registry_for(at).account())};
  for (const std::string& host : more_hosts) {
    registries.insert(registry_at(host));
  }
  for (const std::string& registry : registries) {
    line += " --registry " + shell_word(registry);
  }
  return line + " --context " + shell_word(at.context) + " -n " + shell_word(at.pod.name_space) + options;
}

std::string status_of(const Place& at, const Target& target) {
  return "regsync status " + target.name + " --context " + shell_word(at.context);
}

// Only the cluster knows which namespaces have these labels, and which one is the context's own.
bool may_select(const Target& target) { return !target.namespace_selector.empty() || uses_own_namespace(target); }

// Returns " namespaces+=NAME" if the target does not select the pod's namespace.
std::string namespace_change(const Place& at, const Target& target) {
  const std::string& name = at.pod.name_space;
  return may_select(target) || matches_any(target.namespaces, name) ? "" : " namespaces+=" + shell_word(name);
}

// Returns the remedy if the target excludes the pod's namespace: the person must decide which pattern to remove. Empty
// if it does not.
std::string let_in(const Place& at, const Target& target) {
  const std::string& name = at.pod.name_space;
  return matches_any(target.exclude_namespaces, name)
             ? "take " + name + " out of excludeNamespaces: regsync edit " + target.name
             : "";
}

// Returns the command that adds to the target what it lacks for the pod.
std::string complete(const Place& at, const Target& target) {
  if (std::string remedy = let_in(at, target); !remedy.empty()) {
    return remedy;
  }
  std::string changes = namespace_change(at, target);
  if (!matches_any(target.service_accounts, at.pod.service_account)) {
    changes += " serviceAccounts+=" + shell_word(at.pod.service_account);
  }
  return changes.empty() ? "see why the ServiceAccount does not name it: " + status_of(at, target)
                         : "regsync set " + target.name + changes;
}

std::string for_no_secret(const Place& at) {
  const Target* target = target_of_registry(at);
  return (target != nullptr ? complete(at, *target)
                            : add(at, "", {}, " --service-account " + shell_word(at.pod.service_account) + " --wait")) +
         "; then recreate the pod: " + anew(at);
}

std::string for_missing(const Place& at, const std::string& secret) {
  if (const Target* target = target_of_secret(at, secret)) {
    if (std::string remedy = let_in(at, *target); !remedy.empty()) {
      return remedy;
    }
    if (const std::string change = namespace_change(at, *target); !change.empty()) {
      return "regsync set " + target->name + change;
    }
    const std::string otherwise =
        "; if the target does not select " + shell_word(at.pod.name_space) + ": regsync edit ";
    return "see why it is not there: " + status_of(at, *target) + (may_select(*target) ? otherwise + target->name : "");
  }
  return add(at, secret, {}, " --wait");
}

std::string for_wrong_type(const Place& at, const std::string& secret) {
  const Target* target = target_of_secret(at, secret);
  return kubectl(at) + "delete secret " + shell_word(secret) + " && " +
         (target != nullptr ? "regsync sync " + target->name : add(at, secret, {}, " --wait"));
}

std::string for_spoiled(const Place& at, const std::string& secret) {
  const Target* target = target_of_secret(at, secret);
  return "write it again: " +
         (target != nullptr ? "regsync sync " + target->name + " --adopt" : add(at, secret, {}, " --adopt --wait"));
}

// Whether a target can name it: it is not a pattern, and images can be pulled from it.
bool is_registry(const std::string& key) {
  try {
    require_registry(key);
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Names the object to change from which the pod is made; empty if there is only the pod.
std::string origin(const Place& at) {
  if (at.pod.is_static) {
    return " in the pod's manifest on its node (staticPodPath of kubelet)";
  }
  if (is_job(at.pod)) {
    return " where " + at.pod.controller + " comes from (a CronJob, a file): the Job itself cannot be changed";
  }
  if (at.pod.controller.empty()) {
    return "";
  }
  const std::string where = " where the pod comes from: ";
  return at.pod.made_anew ? where + kubectl(at) + "edit " + shell_word(at.pod.controller)
                          : where + shell_word(at.pod.controller) + ", or what made that";
}

std::string name_image(const Place& at, const PullFailure& failure, const std::string& what, const std::string& image) {
  const std::string where = origin(at);
  return what + (where.empty() ? ": " + kubectl(at) + "set image " + shell_word("pod/" + at.pod.name) + " " +
                                     shell_word(failure.container + "=" + image)
                               : where);
}

// For an image named by another name of Docker Hub, which no entry can serve.
std::string name_as_hub(const Place& at, const PullFailure& failure) {
  const std::string image = "docker.io/" + at.image.repository +
                            (at.image.reference.find(':') == std::string::npos ? ":" : "@") + at.image.reference;
  return name_image(at, failure, "name the image " + image, image);
}

std::string for_no_entry(const Place& at, const PullFinding& finding) {
  if (const Target* target = target_of_secret(at, finding.secret)) {
    return "regsync set " + target->name +
           " registries+=" + shell_word(registry_at(at.image.host, registry_for(at).account()));
  }
  if (finding.secret.empty()) {
    return add(at, at.pod.pull_secrets.empty() ? "" : at.pod.pull_secrets.front(), {}, " --adopt --wait");
  }
  std::vector<std::string> others;
  for (const std::string& key : finding.other_hosts) {
    if (is_registry(key)) {
      others.push_back(key);
    }
  }
  return add(at, finding.secret, others, " --adopt --wait");
}

std::string for_never(const Place& at) {
  if (const std::string where = origin(at); !where.empty()) {
    return "load the image on the node, or write imagePullPolicy: IfNotPresent" + where;
  }
  return kubectl(at) + "get pod " + shell_word(at.pod.name) +
         " -o yaml | sed 's/imagePullPolicy: Never/imagePullPolicy: IfNotPresent/' | " + kubectl(at) +
         "replace --force -f -";
}

// Returns the login command with the account that the target uses.
std::string login_for(const Place& at, const Target* target) {
  const std::string* registry = target == nullptr ? nullptr : registry_of(at, *target);
  return login_command(registry == nullptr ? registry_for(at) : RegistryKey(*registry).whole_host());
}

std::string for_denied(const Place& at, const std::string& secret) {
  const Target* target = target_of_secret(at, secret);
  const std::string login = login_for(at, target);
  return target != nullptr
             ? "log in again: " + login + "; regsync writes the new login"
             : "log in, and let regsync keep the Secret: " + login + " && " + add(at, secret, {}, " --adopt --wait");
}

}  // namespace

std::string remedy_of(const PullFinding& finding, const std::string& context, const Pod& pod,
                      const PullFailure& failure, const Image& image, const std::vector<Target>& targets) {
  const Place at{context, pod, image, targets};
  switch (finding.cause) {
    case PullCause::no_pull_secret:
      return for_no_secret(at);
    case PullCause::older_than_account:
      return "recreate the pod: " + anew(at);
    case PullCause::secret_missing:
      return for_missing(at, finding.secret);
    case PullCause::secret_unreadable:
      return "ask somebody who may read it; see: " + kubectl(at) + "auth can-i get " +
             shell_word("secret/" + finding.secret);
    case PullCause::secret_wrong_type:
      return for_wrong_type(at, finding.secret);
    case PullCause::secret_malformed:
      return for_spoiled(at, finding.secret);
    case PullCause::no_matching_entry:
      return is_hub_alias(image.host) ? name_as_hub(at, failure) : for_no_entry(at, finding);
    case PullCause::login_denied:
      return for_denied(at, finding.secret);
    case PullCause::image_denied:
      return "ask the owner of " + image.name() + " for the right to pull, or log in as somebody who has it: " +
             login_for(at, target_of_secret(at, finding.secret));
    case PullCause::no_such_image:
      return "see which tags there are: skopeo list-tags docker://" + shell_word(image.name());
    case PullCause::registry_unreachable:
      return "see what answers: curl -sSI " + shell_word("https://" + image.host + "/v2/");
    case PullCause::never_pulled:
      return for_never(at);
    case PullCause::invalid_image:
      return name_image(at, failure, "name an image", "IMAGE");
    case PullCause::pullable:
      return pod.made_anew && !pod.is_static
                 ? "if it cannot wait: " + kubectl(at) + "delete pod " + shell_word(pod.name)
                 : "wait for the node: " + kubectl(at) + "get pod " + shell_word(pod.name) + " --watch";
    case PullCause::other:
      break;
  }
  return kubectl(at) + "describe pod " + shell_word(pod.name);
}

}  // namespace regsync::cli
