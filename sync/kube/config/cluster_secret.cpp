#include "sync/kube/config/cluster_secret.hpp"

#include <array>
#include <exception>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "helper/base/go_json.hpp"
#include "helper/base/guarded.hpp"
#include "helper/base/text.hpp"
#include "sync/base/base64.hpp"
#include "sync/base/json_access.hpp"
#include "sync/kube/config/kubeconfig.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;

// The address of the API server of a pod's own cluster (Argo CD: KubernetesInternalAPIServerAddr).
constexpr std::string_view hub_itself = "https://kubernetes.default.svc";

// The limit for one kubeconfig or config, which has some dozens. Parsing this many takes some tens of milliseconds at
// each event of a Secret, and a user who may write one may do so repeatedly.
constexpr std::size_t most_values = 10'000;

Error unfit(const std::string& what, const std::string& remedy) { return {ErrorCode::kubeconfig, what, remedy}; }

std::optional<std::string> data_at(const json& secret, std::string_view key) {
  const std::string_view encoded = text_at(secret, {"data", key});
  if (encoded.empty()) {
    return std::nullopt;
  }
  auto text = base64_decode(encoded);
  if (!text) {
    throw unfit("data." + std::string(key) + " is not base64", "write the Secret again");
  }
  return text;
}

void refuse_files(const ResolvedContext& context) {
  for (const auto& [field, path] :
       {std::pair<std::string_view, const std::string&>{"certificate-authority", context.ca_file},
        {"client-certificate", context.client_certificate_file},
        {"client-key", context.client_key_file},
        {"tokenFile", context.token_file}}) {
    if (!path.empty()) {
      throw unfit("its kubeconfig names a file (" + std::string(field) + ")",
                  "put the content in: kubectl config view --raw --flatten");
    }
  }
  if (context.exec && context.exec->command.find('/') != std::string::npos) {
    throw unfit("its exec plugin is a path: " + presentable(context.exec->command),
                "name the program only; it is looked up on PATH of regsyncd");
  }
}

// Rewords the errors of Kubeconfig for text from a Secret.
template <typename Function>
auto of_secret(const Function& function) {
  try {
    return function();
  } catch (const std::exception&) {
    const Error error = current_error();
    throw Error(error.code(), error.message(), "correct it in the Secret");
  }
}

ResolvedContext of_kubeconfig(const std::string& text) {
  const Kubeconfig config = of_secret([&] { return Kubeconfig::parse(text, "the Secret's kubeconfig", most_values); });
  const auto& names = config.contexts();
  if (names.empty()) {
    throw unfit("its kubeconfig has no context", "write one: kubectl config view --raw --flatten --minify");
  }
  if (config.current_context().empty() && names.size() != 1) {
    throw unfit("its kubeconfig has no current-context", "set it: kubectl config use-context");
  }
  ResolvedContext context = of_secret(
      [&] { return config.resolve(config.current_context().empty() ? names.front() : config.current_context()); });
  refuse_files(context);
  return context;
}

struct ArgoField {
  std::string_view object;  // empty: the config itself
  std::string_view name;
  std::string_view type;
};

constexpr std::array argo_fields = std::to_array<ArgoField>({
    {"", "bearerToken", "string"},
    {"", "username", "string"},
    {"", "password", "string"},
    {"", "proxyUrl", "string"},
    {"", "disableCompression", "boolean"},
    {"", "tlsClientConfig", "object"},
    {"", "awsAuthConfig", "object"},
    {"", "execProviderConfig", "object"},
    {"tlsClientConfig", "insecure", "boolean"},
    {"tlsClientConfig", "serverName", "string"},
    {"tlsClientConfig", "caData", "string"},
    {"tlsClientConfig", "certData", "string"},
    {"tlsClientConfig", "keyData", "string"},
    {"awsAuthConfig", "clusterName", "string"},
    {"awsAuthConfig", "roleARN", "string"},
    {"awsAuthConfig", "profile", "string"},
    {"execProviderConfig", "command", "string"},
    {"execProviderConfig", "apiVersion", "string"},
    {"execProviderConfig", "installHint", "string"},
    {"execProviderConfig", "args", "array"},
    {"execProviderConfig", "env", "object"},
});

// Argo CD decodes its config into Go structs (ClusterConfig): field names ignore case, a wrong type is a fault, and
// null means absent. The result has the canonical field names.
json read_argo_config(json config) {
  const auto require_strings = [](const json& values, const std::string& field) {
    for (const json& each : values) {
      if (!each.is_string() && !each.is_null()) {
        throw unfit(field + " has a value that is not a string", "see argocd cluster add");
      }
    }
  };
  for (const auto& [object, name, type] : argo_fields) {
    json& holder = object.empty() ? config : config[std::string(object)];
    const json* value = find_as_go(holder, name);
    if (value == nullptr || value->is_null()) {
      continue;
    }
    const std::string field = "config." + std::string(object) + (object.empty() ? "" : ".") + std::string(name);
    if (value->type_name() != type) {
      throw unfit(field + " is not of the type " + std::string(type), "see argocd cluster add");
    }
    if (object == "execProviderConfig" && value->is_structured()) {
      require_strings(*value, field);
    }
    holder[std::string(name)] = json(*value);
  }
  return config;
}

// execProviderConfig, where env is a map.
ExecConfig exec_of(const json& config) {
  ExecConfig exec;
  exec.command = text_at(config, {"execProviderConfig", "command"});
  for (const json& argument : list_at(config, {"execProviderConfig", "args"})) {
    if (argument.is_string()) {
      exec.args.push_back(argument.get<std::string>());
    }
  }
  for (const auto& [name, value] : map_at(config, {"execProviderConfig", "env"}).items()) {
    if (value.is_string()) {
      exec.env.emplace_back(name, value.get<std::string>());
    }
  }
  exec.api_version = text_at(config, {"execProviderConfig", "apiVersion"});
  exec.install_hint = text_at(config, {"execProviderConfig", "installHint"});
  return exec;
}

// awsAuthConfig: the command that Argo CD runs for it (Cluster.RawRestConfig).
ExecConfig aws_exec_of(const json& config) {
  ExecConfig exec;
  exec.command = "argocd-k8s-auth";
  exec.args = {"aws", "--cluster-name", std::string(text_at(config, {"awsAuthConfig", "clusterName"}))};
  for (const auto& [key, option] :
       {std::pair<std::string_view, std::string_view>{"roleARN", "--role-arn"}, {"profile", "--profile"}}) {
    if (const auto value = text_at(config, {"awsAuthConfig", key}); !value.empty()) {
      exec.args.emplace_back(option);
      exec.args.emplace_back(value);
    }
  }
  return exec;
}

// name: that of the Secret.
ResolvedContext of_argo(const std::string& name, std::string server, const std::string& text) {
  server.erase(server.find_last_not_of('/') + 1);  // as Argo CD does
  const auto parsed = parse_json(text.empty() ? "{}" : text, {.values = most_values});
  if (!parsed || !parsed->is_object()) {
    throw unfit("config is not a JSON object, or far too large", "see argocd cluster add");
  }
  const json config = read_argo_config(*parsed);
  const bool no_login = text_at(config, {"bearerToken"}).empty() && text_at(config, {"username"}).empty() &&
                        text_at(config, {"tlsClientConfig", "certData"}).empty() &&
                        map_at(config, {"execProviderConfig"}).empty() && map_at(config, {"awsAuthConfig"}).empty();
  if (no_login && (server == hub_itself || server == std::string(hub_itself) + ":443")) {
    const auto hub = Kubeconfig::in_cluster();
    if (!hub) {
      throw unfit("it means the cluster of the pod that reads it, and regsyncd does not run in a pod",
                  "give it a server and a token");
    }
    return hub->resolve(hub->current_context());
  }
  // Converted to a kubeconfig, so that the same rules hold for all formats.
  json cluster = {{"server", server},
                  {"insecure-skip-tls-verify", flag_at(config, {"tlsClientConfig", "insecure"})},
                  {"tls-server-name", text_at(config, {"tlsClientConfig", "serverName"})},
                  {"certificate-authority-data", text_at(config, {"tlsClientConfig", "caData"})},
                  {"proxy-url", text_at(config, {"proxyUrl"})},
                  {"disable-compression", flag_at(config, {"disableCompression"})}};
  json user = {{"username", text_at(config, {"username"})},
               {"password", text_at(config, {"password"})},
               {"token", text_at(config, {"bearerToken"})},
               {"client-certificate-data", text_at(config, {"tlsClientConfig", "certData"})},
               {"client-key-data", text_at(config, {"tlsClientConfig", "keyData"})}};
  std::optional<ExecConfig> exec;
  if (!map_at(config, {"awsAuthConfig"}).empty()) {
    exec = aws_exec_of(config);
  } else if (!map_at(config, {"execProviderConfig"}).empty()) {
    exec = exec_of(config);
  }
  if (exec) {
    for (const char* const field : {"username", "password", "token"}) {
      user.erase(field);  // Argo CD uses a single way to log in; a plugin takes precedence
    }
    json environment = json::array();
    for (const auto& [variable, value] : exec->env) {
      environment.push_back({{"name", variable}, {"value", value}});
    }
    user["exec"] = {
        {"command", exec->command},
        {"args", exec->args},
        {"env", environment},
        {"installHint", exec->install_hint},
        {"interactiveMode", "Never"},
        {"apiVersion", exec->api_version.empty() ? "client.authentication.k8s.io/v1beta1" : exec->api_version}};
  }
  return of_kubeconfig(json{
      {"clusters", {{{"name", name}, {"cluster", std::move(cluster)}}}},
      {"users", {{{"name", name}, {"user", std::move(user)}}}},
      {"contexts", {{{"name", name}, {"context", {{"cluster", name}, {"user", name}}}}}},
      {"current-context",
       name}}.dump(-1, ' ', false, json::error_handler_t::replace));
}

// Whether the key `value` may be a kubeconfig.
enum class ValueRole {
  of_any_owner,    // if it exists: a Secret that is not of Cluster API may have any name
  of_cluster_api,  // a kubeconfig of Cluster API, possibly emptied
  other,           // of Cluster API: bootstrap data, certificates, kubeconfigs of users
};

// cluster-api/util/secret: Name.
ValueRole role_of_value(const json& secret) {
  constexpr std::string_view suffix = "-kubeconfig";
  const std::string_view name = text_at(secret, {"metadata", "name"});
  const std::string_view cluster = text_at(secret, {"metadata", "labels", "cluster.x-k8s.io/cluster-name"});
  const bool is_hashed = cluster.starts_with("hash_");  // for a name that is too long for a label
  if (cluster.empty() && text_at(secret, {"type"}) != "cluster.x-k8s.io/secret") {
    return ValueRole::of_any_owner;
  }
  const bool is_kubeconfig = cluster.empty() || is_hashed
                                 ? name.ends_with(suffix) && !name.ends_with("-user-kubeconfig")
                                 : name == std::string(cluster).append(suffix);
  return is_kubeconfig ? ValueRole::of_cluster_api : ValueRole::other;
}

bool is_of_argo(const json& secret) {
  return text_at(secret, {"metadata", "labels", "argocd.argoproj.io/secret-type"}) == "cluster";
}

std::optional<ResolvedContext> decode(const json& secret) {
  const auto server = data_at(secret, "server");
  const auto kubeconfig = data_at(secret, "kubeconfig");
  if (server && (is_of_argo(secret) || !kubeconfig)) {
    return of_argo(context_name_of(secret), *server, data_at(secret, "config").value_or(""));
  }
  if (kubeconfig) {
    return of_kubeconfig(*kubeconfig);
  }
  const auto value = role_of_value(secret) == ValueRole::other ? std::nullopt : data_at(secret, "value");
  return value ? std::optional(of_kubeconfig(*value)) : std::nullopt;
}

// Whether a format says that the Secret describes a cluster, even though its data is missing.
bool is_meant(const json& secret) {
  return is_of_argo(secret) ||
         text_at(secret, {"metadata", "labels", "sigs.k8s.io/multicluster-runtime-kubeconfig"}) == "true" ||
         role_of_value(secret) == ValueRole::of_cluster_api || find_at(secret, {"data", "kubeconfig"}) != nullptr ||
         (role_of_value(secret) == ValueRole::of_any_owner && find_at(secret, {"data", "value"}) != nullptr);
}

}  // namespace

std::string context_name_of(const json& secret) {
  return std::string(text_at(secret, {"metadata", "namespace"})) + "/" +
         std::string(text_at(secret, {"metadata", "name"}));
}

std::optional<KnownCluster> decode_cluster_secret(const json& secret) {
  const std::string name = context_name_of(secret);
  KnownCluster cluster;
  cluster.problem = guarded([&] {
    cluster.context = decode(secret);
    if (!cluster.context && is_meant(secret)) {
      throw unfit("it holds no cluster", "give it a kubeconfig (key kubeconfig or value), or server and config");
    }
  });
  if (cluster.problem) {
    cluster.problem = cluster.problem->within("Secret " + name);
    cluster.context.reset();
  } else if (!cluster.context) {
    return std::nullopt;
  } else {
    cluster.context->name = name;
    cluster.context->in_kubeconfig = false;
  }
  for (const auto& [key, value] : map_at(secret, {"metadata", "labels"}).items()) {
    if (value.is_string()) {
      cluster.labels[key] = value.get<std::string>();
    }
  }
  return cluster;
}

}  // namespace regsync::kube
