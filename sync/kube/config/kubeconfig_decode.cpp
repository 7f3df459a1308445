#include "sync/kube/config/kubeconfig_decode.hpp"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"
#include "sync/base/base64.hpp"
#include "sync/kube/config/yaml_json.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::string_view exec_extension = "client.authentication.k8s.io/exec";

// The message may contain a key from the file.
Error fault(const std::string& message) { return {ErrorCode::kubeconfig, presentable(message)}; }

// Typed reading of decoded JSON, as Go's decoder does it: null and absent are the zero value, another type is an
// error, unknown fields are ignored.
const json& member(const json& object, const char* key) {
  static const json null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

std::string string_of(const json& object, const char* key) {
  const json& value = member(object, key);
  if (value.is_null()) {
    return {};
  }
  if (!value.is_string()) {
    throw fault(std::string(key) + " must be a string, not a " + value.type_name());
  }
  return value.get<std::string>();
}

bool bool_of(const json& object, const char* key) {
  const json& value = member(object, key);
  if (value.is_null()) {
    return false;
  }
  if (!value.is_boolean()) {
    throw fault(std::string(key) + " must be true or false");
  }
  return value.get<bool>();
}

const json& object_of(const json& object, const char* key) {
  const json& value = member(object, key);
  if (!value.is_null() && !value.is_object()) {
    throw fault(std::string(key) + " must be a map");
  }
  return value;
}

const json& array_of(const json& object, const char* key) {
  const json& value = member(object, key);
  if (!value.is_null() && !value.is_array()) {
    throw fault(std::string(key) + " must be a list");
  }
  return value;
}

std::vector<std::string> strings_of(const json& object, const char* key) {
  std::vector<std::string> strings;
  for (const json& item : array_of(object, key)) {
    if (!item.is_string() && !item.is_null()) {
      throw fault(std::string(key) + " must be a list of strings");
    }
    strings.push_back(item.is_null() ? "" : item.get<std::string>());
  }
  return strings;
}

std::string base64_of(const json& object, const char* key) {
  std::optional<std::string> bytes = base64_decode(string_of(object, key));
  if (!bytes) {
    throw fault(std::string(key) + " is not valid base64");
  }
  return std::move(*bytes);
}

std::string path_of(const json& object, const char* key, const fs::path& folder) {
  std::string path = string_of(object, key);
  if (path.empty() || path.front() == '/') {
    return path;
  }
  return (folder / path).lexically_normal().string();
}

ClusterEntry decode_cluster(const json& object, const fs::path& folder) {
  ClusterEntry cluster;
  cluster.server = string_of(object, "server");
  cluster.tls_server_name = string_of(object, "tls-server-name");
  cluster.insecure = bool_of(object, "insecure-skip-tls-verify");
  cluster.ca_file = path_of(object, "certificate-authority", folder);
  cluster.ca_data = base64_of(object, "certificate-authority-data");
  cluster.proxy_url = string_of(object, "proxy-url");
  cluster.disable_compression = bool_of(object, "disable-compression");
  for (const json& extension : array_of(object, "extensions")) {
    if (extension.is_object() && string_of(extension, "name") == exec_extension) {
      cluster.exec_extension_config =
          member(extension, "extension").dump(-1, ' ', false, json::error_handler_t::replace);
    }
  }
  return cluster;
}

ExecConfig decode_exec(const json& object, const fs::path& folder) {
  ExecConfig exec;
  exec.command = string_of(object, "command");
  if (exec.command.find('/') != std::string::npos) {
    exec.command = path_of(object, "command", folder);
  }
  exec.args = strings_of(object, "args");
  for (const json& variable : array_of(object, "env")) {
    if (!variable.is_object() && !variable.is_null()) {
      throw fault("env must be a list of maps");
    }
    exec.env.emplace_back(string_of(variable, "name"), string_of(variable, "value"));
  }
  exec.api_version = string_of(object, "apiVersion");
  exec.install_hint = string_of(object, "installHint");
  exec.interactive_mode = string_of(object, "interactiveMode");
  // client-go's defaults: only v1 requires a choice.
  if (exec.interactive_mode.empty() && exec.api_version != "client.authentication.k8s.io/v1") {
    exec.interactive_mode = "IfAvailable";
  }
  exec.provide_cluster_info = bool_of(object, "provideClusterInfo");
  return exec;
}

AuthProvider decode_auth_provider(const json& object) {
  AuthProvider provider;
  provider.name = string_of(object, "name");
  if (const json& config = object_of(object, "config"); !config.is_null()) {
    provider.id_token = SecretString(string_of(config, "id-token"));
    provider.has_refresh_token = !string_of(config, "refresh-token").empty();
    provider.issuer = string_of(config, "idp-issuer-url");
    provider.client_id = string_of(config, "client-id");
  }
  return provider;
}

UserEntry decode_user(const json& object, const fs::path& folder) {
  UserEntry user;
  user.certificate_file = path_of(object, "client-certificate", folder);
  user.certificate_data = base64_of(object, "client-certificate-data");
  user.key_file = path_of(object, "client-key", folder);
  user.key_data = SecretString(base64_of(object, "client-key-data"));
  user.token = SecretString(string_of(object, "token"));
  user.token_file = path_of(object, "tokenFile", folder);
  user.username = string_of(object, "username");
  user.password = SecretString(string_of(object, "password"));
  user.impersonation.user = string_of(object, "as");
  user.impersonation.uid = string_of(object, "as-uid");
  user.impersonation.groups = strings_of(object, "as-groups");
  const json& extra = object_of(object, "as-user-extra");
  for (const auto& [key, values] : extra.items()) {
    user.impersonation.extra[key] = strings_of(extra, key.c_str());
  }
  if (const json& provider = object_of(object, "auth-provider"); !provider.is_null()) {
    user.auth_provider = decode_auth_provider(provider);
  }
  if (const json& exec = object_of(object, "exec"); !exec.is_null()) {
    user.exec = decode_exec(exec, folder);
  }
  return user;
}

ContextEntry decode_context(const json& object, const fs::path& /*folder*/) {
  return {string_of(object, "cluster"), string_of(object, "user"), string_of(object, "namespace")};
}

// The entries of a list of {name, KEY: {...}}.
template <typename Entry>
KubeconfigEntries::ByName<Entry> decode_list(const json& root, const char* list, const char* key,
                                             const fs::path& folder, Entry (*decode)(const json&, const fs::path&)) {
  KubeconfigEntries::ByName<Entry> entries;
  for (const json& item : array_of(root, list)) {
    if (item.is_null()) {
      continue;  // kubectl treats it as an entry without a name, which nothing can refer to
    }
    if (!item.is_object()) {
      throw fault(std::string(list) + " must be a list of maps");
    }
    const std::string name = string_of(item, "name");
    try {
      const json& value = object_of(item, key);
      const bool is_new = entries.try_emplace(name, decode(value.is_null() ? json::object() : value, folder)).second;
      if (!is_new) {
        throw fault("duplicate name in list");
      }
    } catch (const Error& error) {
      throw error.within(std::string(key) + " " + in_quotes(name));
    }
  }
  return entries;
}

}  // namespace

KubeconfigEntries decode_kubeconfig(const std::string& text, const fs::path& folder, std::size_t most_values) {
  const json root = yaml_to_json(text, Scalars::typed, most_values);
  if (root.is_null()) {
    return {};
  }
  if (!root.is_object()) {
    throw fault("it is not a map");
  }
  const std::string kind = string_of(root, "kind");
  const std::string version = string_of(root, "apiVersion");
  if ((!kind.empty() && kind != "Config") || (!version.empty() && version != "v1")) {
    throw fault("no kind " + in_quotes(kind) + " is registered for version " + in_quotes(version) +
                ": a kubeconfig is kind Config of v1");
  }
  KubeconfigEntries entries;
  entries.clusters = decode_list(root, "clusters", "cluster", folder, decode_cluster);
  entries.users = decode_list(root, "users", "user", folder, decode_user);
  entries.contexts = decode_list(root, "contexts", "context", folder, decode_context);
  entries.current_context = string_of(root, "current-context");
  return entries;
}

}  // namespace regsync::kube
