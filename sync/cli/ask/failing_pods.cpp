#include "sync/cli/ask/failing_pods.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "helper/base/error.hpp"
#include "sync/base/json_access.hpp"
#include "sync/cli/ask/snapshot.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

// Where to look: a set of names, or everywhere.
struct Where {
  bool everywhere = false;
  std::set<std::string> namespaces;
};

// Reads Secrets and ServiceAccounts once, however many pods name them.
class Reader {
 public:
  explicit Reader(kube::KubeClient& client) : client_(client) {}

  asio::awaitable<std::vector<PullSecret>> secrets(std::string name_space, std::vector<std::string> names) {
    std::vector<PullSecret> secrets;
    for (const std::string& name : names) {
      const Key key{name_space, name};
      auto known = secrets_.find(key);
      if (known == secrets_.end()) {
        PullSecret secret = co_await read(key);
        known = secrets_.emplace(key, std::move(secret)).first;
      }
      secrets.push_back(known->second);
    }
    co_return secrets;
  }

  // Returns the names in its imagePullSecrets; none if it does not exist or may not be read.
  asio::awaitable<std::vector<std::string>> account(std::string name_space, std::string name) {
    kube::ObjectPath path;
    path.resource = "serviceaccounts";
    path.name_space = name_space;
    path.name = name;
    std::pair key(std::move(name_space), std::move(name));
    auto known = accounts_.find(key);
    if (known == accounts_.end()) {
      std::vector<std::string> names;
      try {
        names = pull_secret_names(co_await client_.get(std::move(path)));
      } catch (const Error& error) {
        if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::forbidden) {
          throw;
        }
      }
      known = accounts_.emplace(std::move(key), std::move(names)).first;
    }
    co_return known->second;
  }

 private:
  asio::awaitable<PullSecret> read(Key key) {
    kube::ObjectPath path;
    path.resource = "secrets";
    path.name_space = key.name_space;
    path.name = key.secret;
    PullSecret secret{key.secret, PullSecret::State::missing, {}, {}};
    try {
      secret = read_pull_secret(key.secret, co_await client_.get(std::move(path)));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::forbidden) {
        secret.state = PullSecret::State::unreadable;
      } else if (error.code() != ErrorCode::not_found) {
        throw;
      }
    }
    co_return secret;
  }

  kube::KubeClient& client_;
  std::map<Key, PullSecret> secrets_;
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> accounts_;
};

// Returns the namespaces given by name, those whose names or labels match, or the context's own.
asio::awaitable<Where> find_namespaces(kube::KubeClient& client, const PodQuery& query) {
  Where where;
  const std::string& own = client.context().default_namespace;
  std::vector<Target> targets;
  std::ranges::copy_if(query.targets, std::back_inserter(targets),
                       [&](const Target& target) { return selects_context(target, client.context().name); });
  bool listed = false;
  if (query.all_namespaces) {
    where.everywhere = true;
  } else if (!query.namespaces.empty()) {
    listed = std::ranges::any_of(query.namespaces, is_glob);
    where.namespaces.insert(query.namespaces.begin(), query.namespaces.end());
    std::erase_if(where.namespaces, is_glob);
  } else if (targets.empty()) {
    where.namespaces.insert(own);
  } else {
    for (const Target& target : targets) {
      for (const auto& [secret, scope] : places_of(target, own).secrets) {
        listed = listed || scope.any;
        where.namespaces.insert(scope.namespaces.begin(), scope.namespaces.end());
      }
    }
  }
  if (!listed) {
    co_return where;
  }
  const std::map<std::string, NamespaceView> namespaces = co_await read_namespaces(client);
  for (const auto& [name, view] : namespaces) {
    const bool selected =
        query.namespaces.empty()
            ? std::ranges::any_of(
                  targets, [&](const Target& target) { return selects(target, name, &view, own) == Selected::yes; })
            : matches_any(query.namespaces, name);
    if (selected) {
      where.namespaces.insert(name);
    }
  }
  co_return where;
}

// Whether an error concerns a single namespace or object, so that the next one may succeed.
bool is_of_one_place(const Error& error) {
  switch (error.code()) {
    case ErrorCode::forbidden:
    case ErrorCode::not_found:
    case ErrorCode::namespace_missing:
    case ErrorCode::rejected:
    case ErrorCode::protocol:
    case ErrorCode::server_error:
      return true;
    default:
      return false;
  }
}

asio::awaitable<std::vector<json>> list_pods(kube::KubeClient& client, const PodQuery& query, const Where& where,
                                             const OnUnread& on_unread) {
  kube::ListOptions options;
  options.label_selector = query.label_selector;
  if (query.name) {
    options.field_selector = "metadata.name=" + *query.name;
  }
  kube::ObjectPath path;
  path.resource = "pods";
  if (where.everywhere) {
    co_return co_await list_all(client, path, options);
  }
  std::vector<json> pods;
  for (const std::string& name_space : where.namespaces) {
    path.name_space = name_space;
    try {
      std::vector<json> found = co_await list_all(client, path, options);
      std::ranges::move(found, std::back_inserter(pods));
    } catch (const Error& error) {
      if (!is_of_one_place(error)) {
        throw;
      }
      on_unread(error.within("namespace " + name_space));
    }
  }
  co_return pods;
}

// Between tries, the pod status of some kubelets says only that they wait; the registry's message is then in the pod's
// events. Of the events with this reason, the longest has it; the others say only "Error: ErrImagePull".
asio::awaitable<void> read_events(kube::KubeClient& client, Pod& pod) {
  kube::ListOptions options;
  options.field_selector = "involvedObject.uid=" + pod.uid + ",reason=Failed";
  kube::ObjectPath path;
  path.resource = "events";
  path.name_space = pod.name_space;
  std::vector<json> events;
  try {
    events = co_await list_all(client, path, options);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::forbidden) {
      throw;
    }
  }
  for (PullFailure& failure : pod.failures) {
    for (const json& event : events) {
      const std::string_view said = text_at(event, {"message"});
      const std::string_view field = text_at(event, {"involvedObject", "fieldPath"});
      if (said.size() > failure.message.size() && field.ends_with("{" + failure.container + "}")) {
        failure.message = said;
      }
    }
  }
}

// Reads the Secrets that kubelet would use for a pod.
asio::awaitable<void> read_secrets(kube::KubeClient& client, Reader& reader, PodCase& found) {
  co_await read_events(client, found.pod);
  found.secrets = co_await reader.secrets(found.pod.name_space, found.pod.pull_secrets);
  if (found.pod.pull_secrets.empty()) {
    std::vector<std::string> names = co_await reader.account(found.pod.name_space, found.pod.service_account);
    found.account_secrets = co_await reader.secrets(found.pod.name_space, std::move(names));
  }
}

}  // namespace

asio::awaitable<std::vector<PodCase>> read_pods(kube::KubeClient& client, PodQuery query, OnUnread on_unread) {
  const Where where = co_await find_namespaces(client, query);
  Reader reader(client);
  std::vector<PodCase> cases;
  const std::vector<json> objects = co_await list_pods(client, query, where, on_unread);
  for (const json& object : objects) {
    std::optional<Pod> pod = read_pod(object);
    if (!pod || (pod->failures.empty() && !query.name)) {
      continue;
    }
    PodCase found{client.context().name, std::move(*pod), {}, {}};
    try {
      if (!found.pod.failures.empty()) {
        co_await read_secrets(client, reader, found);
      }
      cases.push_back(std::move(found));
    } catch (const Error& error) {
      if (!is_of_one_place(error)) {
        throw;
      }
      on_unread(error.within("pod " + found.pod.name_space + "/" + found.pod.name));
    }
  }
  co_return cases;
}

}  // namespace regsync::cli
