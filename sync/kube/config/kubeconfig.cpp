#include "sync/kube/config/kubeconfig.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>

#include "helper/base/file_io.hpp"
#include "helper/base/text.hpp"
#include "sync/base/base64.hpp"
#include "sync/kube/config/yaml_json.hpp"
#include "sync/kube/http/proxy.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::string_view exec_extension = "client.authentication.k8s.io/exec";
// Larger than any kubeconfig; a path that names something else by mistake does not fill the memory.
constexpr std::size_t largest_file = std::size_t{16} << 20;

struct Cluster {
  std::string server;
  std::string tls_server_name;
  bool insecure = false;
  std::string ca_file;
  std::string ca_data;
  std::string proxy_url;
  bool disable_compression = false;
  std::string exec_extension_config;  // JSON
};

struct User {
  std::string certificate_file;
  std::string certificate_data;
  std::string key_file;
  SecretString key_data;
  SecretString token;
  std::string token_file;
  std::string username;
  SecretString password;
  Impersonation impersonation;
  bool auth_provider = false;
  std::string auth_provider_name;
  std::optional<ExecConfig> exec;
};

struct Context {
  std::string cluster;
  std::string user;
  std::string name_space;
};

std::string in_quotes(std::string_view text) { return '"' + std::string(text) + '"'; }

Error fault(std::string message) { return {ErrorCode::kubeconfig, std::move(message)}; }

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
    if (!item.is_string()) {
      throw fault(std::string(key) + " must be a list of strings");
    }
    strings.push_back(item.get<std::string>());
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

std::string resolve_path(const std::string& path, const fs::path& folder) {
  if (path.empty() || path.front() == '/') {
    return path;
  }
  return (folder / path).lexically_normal().string();
}

Cluster decode_cluster(const json& object, const fs::path& folder) {
  Cluster cluster;
  cluster.server = string_of(object, "server");
  cluster.tls_server_name = string_of(object, "tls-server-name");
  cluster.insecure = bool_of(object, "insecure-skip-tls-verify");
  cluster.ca_file = resolve_path(string_of(object, "certificate-authority"), folder);
  cluster.ca_data = base64_of(object, "certificate-authority-data");
  cluster.proxy_url = string_of(object, "proxy-url");
  cluster.disable_compression = bool_of(object, "disable-compression");
  for (const json& extension : array_of(object, "extensions")) {
    if (extension.is_object() && string_of(extension, "name") == exec_extension) {
      cluster.exec_extension_config = member(extension, "extension").dump();
    }
  }
  return cluster;
}

ExecConfig decode_exec(const json& object, const fs::path& folder) {
  ExecConfig exec;
  exec.command = string_of(object, "command");
  if (exec.command.find('/') != std::string::npos) {
    exec.command = resolve_path(exec.command, folder);
  }
  exec.args = strings_of(object, "args");
  for (const json& variable : array_of(object, "env")) {
    if (!variable.is_object()) {
      throw fault("env must be a list of maps");
    }
    exec.env.emplace_back(string_of(variable, "name"), string_of(variable, "value"));
  }
  exec.api_version = string_of(object, "apiVersion");
  exec.install_hint = string_of(object, "installHint");
  exec.interactive_mode = string_of(object, "interactiveMode");
  // apis/client-go defaulting: only v1 demands a choice.
  if (exec.interactive_mode.empty() && exec.api_version != "client.authentication.k8s.io/v1") {
    exec.interactive_mode = "IfAvailable";
  }
  exec.provide_cluster_info = bool_of(object, "provideClusterInfo");
  return exec;
}

User decode_user(const json& object, const fs::path& folder) {
  User user;
  user.certificate_file = resolve_path(string_of(object, "client-certificate"), folder);
  user.certificate_data = base64_of(object, "client-certificate-data");
  user.key_file = resolve_path(string_of(object, "client-key"), folder);
  user.key_data = SecretString(base64_of(object, "client-key-data"));
  user.token = SecretString(string_of(object, "token"));
  user.token_file = resolve_path(string_of(object, "tokenFile"), folder);
  user.username = string_of(object, "username");
  user.password = SecretString(string_of(object, "password"));
  user.impersonation.user = string_of(object, "as");
  user.impersonation.uid = string_of(object, "as-uid");
  user.impersonation.groups = strings_of(object, "as-groups");
  for (const auto& [key, values] : object_of(object, "as-user-extra").items()) {
    user.impersonation.extra[key] = strings_of(object_of(object, "as-user-extra"), key.c_str());
  }
  const json& provider = object_of(object, "auth-provider");
  user.auth_provider = !provider.is_null();
  user.auth_provider_name = user.auth_provider ? string_of(provider, "name") : std::string();
  const json& exec = object_of(object, "exec");
  if (!exec.is_null()) {
    user.exec = decode_exec(exec, folder);
  }
  return user;
}

Context decode_context(const json& object, const fs::path& /*folder*/) {
  return {string_of(object, "cluster"), string_of(object, "user"), string_of(object, "namespace")};
}

// Adds the entries of a list of {name, KEY: {...}} whose names are new: the first file that defines a name wins.
template <typename Entry>
void merge_entries(const json& root, const char* list, const char* key, const fs::path& folder,
                   Entry (*decode)(const json&, const fs::path&), std::map<std::string, Entry, std::less<>>& into) {
  std::set<std::string> seen;
  for (const json& item : array_of(root, list)) {
    if (!item.is_object()) {
      throw fault(std::string(list) + " must be a list of maps");
    }
    const std::string name = string_of(item, "name");
    try {
      const json& value = object_of(item, key);
      Entry entry = decode(value.is_null() ? json::object() : value, folder);
      if (!seen.insert(name).second) {
        throw fault("duplicate name in list");
      }
      into.try_emplace(name, std::move(entry));
    } catch (const Error& error) {
      throw error.within(std::string(key) + " " + in_quotes(name));
    }
  }
}

bool readable(const std::string& path) { return ::access(path.c_str(), R_OK) == 0; }

// k8s.io/apimachinery: DNS-1123 label.
bool is_label(std::string_view text) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 63 && alphanumeric(text.front()) && alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return alphanumeric(c) || c == '-'; });
}

std::vector<fs::path> configured_files(const std::optional<fs::path>& explicit_path) {
  if (explicit_path) {
    return {*explicit_path};
  }
  std::vector<fs::path> files;
  const std::string list = process_environment("KUBECONFIG").value_or("");
  if (!list.empty()) {
    std::istringstream entries(list);
    for (std::string entry; std::getline(entries, entry, ':');) {
      if (!entry.empty() && std::find(files.begin(), files.end(), entry) == files.end()) {
        files.emplace_back(entry);
      }
    }
    return files;
  }
  const std::string home = process_environment("HOME").value_or("");
  if (!home.empty()) {
    files.push_back(fs::path(home) / ".kube" / "config");
  }
  return files;
}

}  // namespace

struct Kubeconfig::Parts {
  std::map<std::string, Cluster, std::less<>> clusters;
  std::map<std::string, User, std::less<>> users;
  std::map<std::string, Context, std::less<>> contexts;
  std::string current_context;
  std::vector<std::string> names;
};

std::vector<fs::path> Kubeconfig::search_path(const std::optional<fs::path>& explicit_path) {
  return configured_files(explicit_path);
}

Kubeconfig Kubeconfig::load(const std::optional<fs::path>& explicit_path) {
  Kubeconfig config;
  Parts& parts = *config.parts_;
  for (const fs::path& file : search_path(explicit_path)) {
    std::error_code failure;
    if (!explicit_path && !fs::exists(file, failure) && !failure) {
      continue;
    }
    try {
      const json root = yaml_to_json(read_file(file, largest_file));
      if (root.is_null()) {
        continue;
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
      const fs::path folder = fs::absolute(file).parent_path();
      merge_entries(root, "clusters", "cluster", folder, decode_cluster, parts.clusters);
      merge_entries(root, "users", "user", folder, decode_user, parts.users);
      merge_entries(root, "contexts", "context", folder, decode_context, parts.contexts);
      const std::string current = string_of(root, "current-context");
      if (parts.current_context.empty()) {
        parts.current_context = current;
      }
    } catch (const std::exception&) {
      const Error error = current_error();
      throw Error(ErrorCode::kubeconfig,
                  "error loading config file " + in_quotes(file.string()) + ": " + error.message(),
                  "correct the file; `kubectl config view --kubeconfig " + file.string() + "` checks it");
    }
  }
  for (const auto& [name, context] : parts.contexts) {
    parts.names.push_back(name);
  }
  return config;
}

std::optional<Kubeconfig> Kubeconfig::in_cluster(const fs::path& service_account) {
  const std::string host = process_environment("KUBERNETES_SERVICE_HOST").value_or("");
  const std::string port = process_environment("KUBERNETES_SERVICE_PORT").value_or("");
  const fs::path token = service_account / "token";
  if (host.empty() || port.empty() || !readable(token)) {
    return std::nullopt;
  }
  const std::string name = "in-cluster";
  Kubeconfig config;
  Cluster cluster;
  cluster.server = "https://" + (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
  if (const fs::path ca = service_account / "ca.crt"; readable(ca)) {
    cluster.ca_file = ca;
  }
  User user;
  user.token_file = token;
  const std::string default_namespace(trim(try_read_file(service_account / "namespace", largest_file).value_or("")));
  config.parts_->clusters.emplace(name, std::move(cluster));
  config.parts_->users.emplace(name, std::move(user));
  config.parts_->contexts.emplace(name, Context{name, name, default_namespace});
  config.parts_->current_context = name;
  config.parts_->names = {name};
  return config;
}

Kubeconfig::Kubeconfig() : parts_(std::make_unique<Parts>()) {}
Kubeconfig::Kubeconfig(Kubeconfig&&) noexcept = default;
Kubeconfig& Kubeconfig::operator=(Kubeconfig&&) noexcept = default;
Kubeconfig::~Kubeconfig() = default;

const std::string& Kubeconfig::current_context() const { return parts_->current_context; }
const std::vector<std::string>& Kubeconfig::contexts() const { return parts_->names; }

namespace {

// All faults of one context, as validation.go of client-go finds them; said together, as kubectl does.
class Faults {
 public:
  void add(bool wrong, const std::string& message) {
    if (wrong) {
      messages_ += (messages_.empty() ? "" : "; ") + message;
    }
  }
  void add_unreadable(const std::string& what, const std::string& path) {
    if (!path.empty() && !readable(path)) {
      add(true, "unable to read " + what + " " + path + ": " + std::strerror(errno));
    }
  }
  [[nodiscard]] const std::string& messages() const { return messages_; }

 private:
  std::string messages_;
};

void check_cluster(const std::string& name, const Cluster& cluster, Faults& faults) {
  const std::string of = " for cluster " + in_quotes(name);
  faults.add(cluster.server.empty(), "no server found" + of);
  const bool ca = !cluster.ca_file.empty() || !cluster.ca_data.empty();
  faults.add(!cluster.ca_file.empty() && !cluster.ca_data.empty(),
             "certificate-authority-data and certificate-authority are both specified" + of);
  faults.add(ca && cluster.insecure, "a root certificate together with insecure-skip-tls-verify is not allowed" + of);
  faults.add_unreadable("certificate-authority" + of, cluster.ca_file);
  if (!cluster.proxy_url.empty()) {
    const auto has_host_after = [&](std::string_view scheme) {
      return cluster.proxy_url.starts_with(scheme) && cluster.proxy_url.size() > scheme.size();
    };
    faults.add(!has_host_after("http://") && !has_host_after("https://") && !has_host_after("socks5://"),
               "proxy-url" + of + " must be a URL with scheme http, https or socks5");
  }
}

void check_user(const std::string& name, const User& user, Faults& faults) {
  const std::string of = " for user " + in_quotes(name);
  const bool certificate = !user.certificate_file.empty() || !user.certificate_data.empty();
  if (certificate) {
    faults.add(!user.certificate_file.empty() && !user.certificate_data.empty(),
               "client-certificate-data and client-certificate are both specified" + of);
    faults.add(!user.key_file.empty() && !user.key_data.empty(),
               "client-key-data and client-key are both specified" + of);
    faults.add(user.key_file.empty() && user.key_data.empty(),
               "client-key-data or client-key must be specified" + of + " to use its certificate");
    faults.add_unreadable("client-certificate" + of, user.certificate_file);
    faults.add_unreadable("client-key" + of, user.key_file);
  }
  const bool basic = !user.username.empty() || !user.password.empty();
  faults.add(basic && !user.token.empty(),
             "more than one authentication method found" + of + ": token and basicAuth, only one is allowed");
  if (user.token.empty()) {
    faults.add_unreadable("tokenFile" + of, user.token_file);
  }
  faults.add(user.auth_provider && user.exec.has_value(), "auth-provider and exec are both specified" + of);
  faults.add(user.auth_provider && !user.exec,
             "the auth-provider " + in_quotes(user.auth_provider_name) + of +
                 " is not supported since Kubernetes 1.26: use its exec credential plugin");
  const Impersonation& as = user.impersonation;
  faults.add(as.user.empty() && (!as.uid.empty() || !as.groups.empty() || !as.extra.empty()),
             "as-uid, as-groups or as-user-extra without as" + of);
  if (!user.exec) {
    return;
  }
  const ExecConfig& exec = *user.exec;
  faults.add(exec.command.empty(), "command must be specified" + of + " to use the exec plugin");
  faults.add(exec.api_version.empty(), "apiVersion must be specified" + of + " to use the exec plugin");
  faults.add(!exec.api_version.empty() && exec.api_version != "client.authentication.k8s.io/v1" &&
                 exec.api_version != "client.authentication.k8s.io/v1beta1",
             "exec plugin: invalid apiVersion " + in_quotes(exec.api_version) + of);
  faults.add(std::any_of(exec.env.begin(), exec.env.end(), [](const auto& variable) { return variable.first.empty(); }),
             "env variable name must be specified" + of + " to use the exec plugin");
  const std::string& mode = exec.interactive_mode;
  faults.add(mode.empty(), "interactiveMode must be specified" + of + " to use the exec plugin");
  faults.add(!mode.empty() && mode != "Never" && mode != "IfAvailable" && mode != "Always",
             "invalid interactiveMode" + of + ": " + in_quotes(mode));
}

// rest.DefaultServerURL: "host:port" without a scheme is https where anything of TLS is configured.
std::string server_url(const Cluster& cluster, const User& user, Faults& faults) {
  std::string server = cluster.server;
  if (server.empty()) {
    return server;
  }
  if (server.find("://") == std::string::npos) {
    faults.add(server.find('/') != std::string::npos, "server must be a URL or a host:port pair: " + in_quotes(server));
    const bool tls = cluster.insecure || !cluster.ca_file.empty() || !cluster.ca_data.empty() ||
                     !user.certificate_file.empty() || !user.certificate_data.empty();
    server.insert(0, tls ? "https://" : "http://");
  }
  faults.add(!server.starts_with("https://") && !server.starts_with("http://"),
             "server must be an http or https URL: " + in_quotes(server));
  while (server.ends_with('/')) {
    server.pop_back();
  }
  return server;
}

}  // namespace

ResolvedContext Kubeconfig::resolve(std::string_view context) const {
  const std::string_view name = context;
  const auto found = parts_->contexts.find(name);
  if (found == parts_->contexts.end()) {
    throw Error(ErrorCode::kubeconfig, "context was not found for specified context: " + std::string(name),
                "`kubectl config get-contexts` lists the contexts that there are");
  }
  const auto& [cluster_name, user_name, name_space] = found->second;
  static const Cluster no_cluster;
  static const User no_user;
  Faults faults;
  const auto found_cluster = parts_->clusters.find(cluster_name);
  const auto found_user = parts_->users.find(user_name);
  faults.add(cluster_name.empty(), "cluster was not specified for context " + in_quotes(name));
  faults.add(!cluster_name.empty() && found_cluster == parts_->clusters.end(),
             "cluster " + in_quotes(cluster_name) + " was not found for context " + in_quotes(name));
  faults.add(!user_name.empty() && found_user == parts_->users.end(),
             "user " + in_quotes(user_name) + " was not found for context " + in_quotes(name));
  faults.add(!name_space.empty() && !is_label(name_space),
             "namespace " + in_quotes(name_space) + " for context " + in_quotes(name) + " is not a DNS label");
  const bool has_cluster = found_cluster != parts_->clusters.end();
  const Cluster& cluster = has_cluster ? found_cluster->second : no_cluster;
  const User& user = found_user != parts_->users.end() ? found_user->second : no_user;
  if (has_cluster) {
    check_cluster(cluster_name, cluster, faults);
  }
  check_user(user_name, user, faults);

  ResolvedContext resolved;
  resolved.name = name;
  resolved.server = server_url(cluster, user, faults);
  if (!faults.messages().empty()) {
    throw Error(ErrorCode::kubeconfig, "invalid configuration of context " + in_quotes(name) + ": " + faults.messages(),
                "correct it in the kubeconfig");
  }
  resolved.tls_server_name = cluster.tls_server_name;
  resolved.insecure_skip_tls_verify = cluster.insecure;
  resolved.ca_file = cluster.ca_file;
  resolved.ca_data = cluster.ca_data;
  resolved.proxy_url = cluster.proxy_url;
  resolved.disable_compression = cluster.disable_compression;
  resolved.default_namespace = name_space.empty() ? "default" : name_space;
  if (!resolved.server.starts_with("https://")) {
    return resolved;  // no credential ever goes over plain http
  }
  resolved.client_certificate_file = user.certificate_file;
  resolved.client_certificate_data = user.certificate_data;
  resolved.client_key_file = user.key_file;
  resolved.client_key_data = user.key_data.clone();
  resolved.token = user.token.clone();
  resolved.token_file = user.token_file;
  resolved.username = user.username;
  resolved.password = user.password.clone();
  resolved.impersonation = user.impersonation;
  resolved.exec = user.exec;
  if (resolved.exec) {
    resolved.exec->cluster_info_config = cluster.exec_extension_config;
  }
  return resolved;
}

ResolvedContext ResolvedContext::clone() const {
  ResolvedContext copy;
  copy.name = name;
  copy.server = server;
  copy.tls_server_name = tls_server_name;
  copy.insecure_skip_tls_verify = insecure_skip_tls_verify;
  copy.ca_file = ca_file;
  copy.ca_data = ca_data;
  copy.proxy_url = proxy_url;
  copy.disable_compression = disable_compression;
  copy.default_namespace = default_namespace;
  copy.client_certificate_file = client_certificate_file;
  copy.client_certificate_data = client_certificate_data;
  copy.client_key_file = client_key_file;
  copy.client_key_data = client_key_data.clone();
  copy.token = token.clone();
  copy.token_file = token_file;
  copy.username = username;
  copy.password = password.clone();
  copy.impersonation = impersonation;
  copy.exec = exec;
  return copy;
}

}  // namespace regsync::kube
