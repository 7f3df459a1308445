#include "sync/kube/config/kubeconfig.hpp"

#include <algorithm>
#include <sstream>
#include <system_error>
#include <utility>

#include "helper/base/file_io.hpp"
#include "helper/base/text.hpp"
#include "sync/base/jwt.hpp"
#include "sync/kube/config/kubeconfig_decode.hpp"
#include "sync/kube/config/kubeconfig_validation.hpp"
#include "sync/kube/http/proxy.hpp"
#include "sync/kube/http/url.hpp"

namespace regsync::kube {
namespace {

namespace fs = std::filesystem;

// Larger than any kubeconfig, but small enough that a wrong path does not exhaust memory.
constexpr std::size_t largest_file = std::size_t{16} << 20;

bool is_missing(const fs::path& file) {
  std::error_code failure;
  return !fs::exists(file, failure) && !failure;
}

// Kubeconfig::source for the result of search_path().
std::string describe_source(const std::optional<fs::path>& explicit_path, const std::vector<fs::path>& files) {
  const std::string variable = process_environment("KUBECONFIG").value_or("");
  std::string missing;
  for (const fs::path& file : files) {
    if (is_missing(file)) {
      missing += (missing.empty() ? "" : ", ") + file.string();
    }
  }
  std::string from = !explicit_path && !variable.empty() ? "KUBECONFIG=" + variable
                     : files.empty()                     ? "no file, as HOME is not set"
                                                         : files.front().string();
  if (missing.empty()) {
    return from;
  }
  return from + " (" + (files.size() == 1 ? "which" : missing) + " does not exist)";
}

std::string read_kubeconfig(const fs::path& file) {
  try {
    return read_file(file, largest_file);
  } catch (const Error& error) {
    throw Error(ErrorCode::kubeconfig, "error loading config file " + error.message(),
                error.code() == ErrorCode::not_found
                    ? "name a kubeconfig that is there; see KUBECONFIG, --kubeconfig and kubeconfig: in config.yaml"
                    : error.remedy());
  }
}

// The first file to define a name wins the whole entry; the first current-context wins.
void merge(KubeconfigEntries& into, KubeconfigEntries from) {
  into.clusters.merge(from.clusters);
  into.users.merge(from.users);
  into.contexts.merge(from.contexts);
  if (into.current_context.empty()) {
    into.current_context = std::move(from.current_context);
  }
}

void use_credentials(ResolvedContext& resolved, const UserEntry& user) {
  resolved.client_certificate_file = user.certificate_file;
  resolved.client_certificate_data = user.certificate_data;
  resolved.client_key_file = user.key_file;
  resolved.client_key_data = user.key_data.clone();
  resolved.token = user.token.clone();
  resolved.token_file = user.token_file;
  resolved.username = user.username;
  resolved.password = user.password.clone();
  resolved.exec = user.exec;
  if (user.auth_provider && !user.has_authorization()) {
    resolved.token = user.auth_provider->id_token.clone();
    // A token without an expiry counts as expired (client-go plugin/pkg/client/auth/oidc, idTokenExpired).
    resolved.has_refresh_token = user.auth_provider->has_refresh_token;
    resolved.token_expires = jwt_expiry(resolved.token.reveal()).value_or(std::chrono::system_clock::time_point());
  }
}

// The user of a context that names none.
const UserEntry& nobody() {
  static const UserEntry none;
  return none;
}

// As written, but without a query after a path (client-go tools/clientcmd client_config.go, ClientConfig).
std::string server_for_plugins(const std::string& server) {
  const auto url = parse_url(server);
  return server.substr(0, url && url->path.size() > 1 ? server.find('?') : std::string::npos);
}

}  // namespace

std::vector<fs::path> Kubeconfig::search_path(const std::optional<fs::path>& explicit_path) {
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

Kubeconfig Kubeconfig::load(const std::optional<fs::path>& explicit_path) {
  Kubeconfig config;
  const std::vector<fs::path> files = search_path(explicit_path);
  for (const fs::path& file : files) {
    if (!explicit_path && is_missing(file)) {
      continue;
    }
    const std::string text = read_kubeconfig(file);
    std::error_code unknown;  // removed meanwhile: counts as young
    const auto written = fs::last_write_time(file, unknown);
    config.age_ = std::min<std::chrono::nanoseconds>(
        config.age_, unknown ? std::chrono::nanoseconds(0) : fs::file_time_type::clock::now() - written);
    try {
      merge(*config.entries_, decode_kubeconfig(text, fs::absolute(file).parent_path()));
    } catch (const std::exception&) {
      const Error error = current_error();
      throw Error(ErrorCode::kubeconfig, "error loading config file " + file.string() + ": " + error.message(),
                  "correct the file; `kubectl config view --kubeconfig " + file.string() + "` checks it");
    }
  }
  for (const auto& [name, context] : config.entries_->contexts) {
    config.names_.push_back(name);
  }
  config.source_ = describe_source(explicit_path, files);
  return config;
}

Kubeconfig Kubeconfig::parse(const std::string& text, std::string source, std::size_t most_values) {
  Kubeconfig config;
  *config.entries_ = decode_kubeconfig(text, "/", most_values);
  for (const auto& [name, context] : config.entries_->contexts) {
    config.names_.push_back(name);
  }
  config.source_ = std::move(source);
  return config;
}

Kubeconfig Kubeconfig::of(std::map<std::string, std::shared_ptr<const KnownCluster>> clusters, std::string source) {
  Kubeconfig config;
  config.is_of_files_ = false;
  for (const auto& [name, cluster] : clusters) {
    config.names_.push_back(name);
  }
  config.clusters_ = std::move(clusters);
  config.source_ = std::move(source);
  return config;
}

Kubeconfig Kubeconfig::load_or_in_cluster(const std::optional<fs::path>& explicit_path) {
  Kubeconfig config = load(explicit_path);
  if (!explicit_path && config.contexts().empty()) {
    if (auto pod = in_cluster()) {
      return std::move(*pod);
    }
  }
  return config;
}

std::optional<Kubeconfig> Kubeconfig::in_cluster(const fs::path& service_account) {
  const std::string host = process_environment("KUBERNETES_SERVICE_HOST").value_or("");
  const std::string port = process_environment("KUBERNETES_SERVICE_PORT").value_or("");
  const fs::path token = service_account / "token";
  if (host.empty() || port.empty() || !is_readable(token)) {
    return std::nullopt;
  }
  const std::string name = "in-cluster";
  Kubeconfig config;
  ClusterEntry cluster;
  cluster.server = "https://" + (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
  if (const fs::path ca = service_account / "ca.crt"; is_readable(ca)) {
    cluster.ca_file = ca;
  }
  UserEntry user;
  user.token_file = token;
  // As in client-go (tools/clientcmd/client_config.go, inClusterClientConfig.Namespace).
  std::string name_space = process_environment("POD_NAMESPACE").value_or("");
  if (name_space.empty()) {
    name_space = trim(try_read_file(service_account / "namespace", largest_file).value_or(""));
  }
  config.entries_->clusters.emplace(name, std::move(cluster));
  config.entries_->users.emplace(name, std::move(user));
  config.entries_->contexts.emplace(name, ContextEntry{name, name, name_space});
  config.entries_->current_context = name;
  config.names_ = {name};
  config.is_of_pod_ = true;
  config.source_ = "the service account of this pod";
  return config;
}

Kubeconfig::Kubeconfig() : entries_(std::make_unique<KubeconfigEntries>()) {}
Kubeconfig::Kubeconfig(Kubeconfig&&) noexcept = default;
Kubeconfig& Kubeconfig::operator=(Kubeconfig&&) noexcept = default;
Kubeconfig::~Kubeconfig() = default;

const std::string& Kubeconfig::current_context() const { return entries_->current_context; }
const std::vector<std::string>& Kubeconfig::contexts() const { return names_; }

const std::map<std::string, std::string, std::less<>>& Kubeconfig::labels(const std::string& context) const {
  static const std::map<std::string, std::string, std::less<>> none;
  const auto known = clusters_.find(context);
  return known == clusters_.end() ? none : known->second->labels;
}

std::optional<std::vector<std::string>> Kubeconfig::renewed_since(const Kubeconfig& before) const {
  if (is_of_files_ || before.is_of_files_ || source_ != before.source_ || names_ != before.names_) {
    return std::nullopt;
  }
  std::vector<std::string> renewed;
  for (const auto& [name, cluster] : clusters_) {
    const auto& known = before.clusters_.at(name);
    if (cluster == known) {
      continue;
    }
    if (!cluster->context || !known->context || !same_connection(*cluster->context, *known->context) ||
        cluster->problem != known->problem || cluster->labels != known->labels) {
      return std::nullopt;
    }
    renewed.push_back(name);
  }
  return renewed;
}

std::optional<std::vector<std::string>> Kubeconfig::changed_since(const Kubeconfig& before) const {
  if (is_of_files_ || before.is_of_files_) {
    return std::nullopt;
  }
  std::vector<std::string> changed;
  for (const auto& [name, cluster] : before.clusters_) {
    const auto now = clusters_.find(name);
    if (now == clusters_.end() || now->second != cluster) {
      changed.push_back(name);
    }
  }
  return changed;
}

std::string Kubeconfig::server(const std::string& context) const {
  if (const auto known = clusters_.find(context); known != clusters_.end()) {
    return known->second->context ? known->second->context->server : std::string();
  }
  const auto found = entries_->contexts.find(context);
  const auto cluster =
      found == entries_->contexts.end() ? entries_->clusters.end() : entries_->clusters.find(found->second.cluster);
  if (cluster == entries_->clusters.end()) {
    return {};
  }
  const auto user = entries_->users.find(found->second.user);
  Faults faults;
  const std::string url =
      server_url(cluster->first, cluster->second, user == entries_->users.end() ? nobody() : user->second, faults);
  return url.empty() ? cluster->second.server : url;
}

ResolvedContext Kubeconfig::resolve(std::string_view context) const {
  const std::string name(context);
  if (const auto known = clusters_.find(name); known != clusters_.end()) {
    if (!known->second->context) {
      throw Error(*known->second->problem);
    }
    return known->second->context->clone();
  }
  const auto found = entries_->contexts.find(name);
  if (found == entries_->contexts.end()) {
    throw Error(ErrorCode::kubeconfig,
                "context was not found for specified context: " + presentable(name) +
                    (source_.empty() ? "" : "; files read: " + source_),
                "`kubectl config get-contexts` lists the contexts that there are");
  }
  const ContextEntry& entry = found->second;
  const auto cluster = entries_->clusters.find(entry.cluster);
  const auto user = entries_->users.find(entry.user);
  const bool has_cluster = cluster != entries_->clusters.end();
  const bool has_user = user != entries_->users.end();

  Faults faults;
  check_context(name, entry, faults);
  faults.add_if(!entry.cluster.empty() && !has_cluster,
                "cluster " + in_quotes(entry.cluster) + " was not found for context " + in_quotes(name));
  faults.add_if(!entry.user.empty() && !has_user,
                "user " + in_quotes(entry.user) + " was not found for context " + in_quotes(name));
  const UserEntry& who = has_user ? user->second : nobody();
  ResolvedContext resolved;
  resolved.name = name;
  if (has_cluster) {
    const ClusterEntry& where = cluster->second;
    check_cluster(entry.cluster, where, faults);
    resolved.server = server_url(entry.cluster, where, who, faults);
    resolved.tls_server_name = where.tls_server_name;
    resolved.insecure_skip_tls_verify = where.insecure;
    resolved.ca_file = where.ca_file;
    resolved.ca_data = where.ca_data;
    resolved.proxy_url = where.proxy_url;
    resolved.disable_compression = where.disable_compression;
  }
  check_user(entry.user, who, !resolved.server.starts_with("http://"), faults);
  if (!faults.messages().empty()) {
    throw Error(ErrorCode::kubeconfig, "invalid configuration of context " + in_quotes(name) + ": " + faults.messages(),
                "correct it in the kubeconfig");
  }
  resolved.default_namespace = entry.name_space.empty() ? "default" : entry.name_space;
  resolved.impersonation = who.impersonation;  // also over plain http: `kubectl proxy` forwards it
  if (!resolved.server.starts_with("https://")) {
    return resolved;  // credentials are never sent over plain http
  }
  use_credentials(resolved, who);
  if (resolved.exec) {
    resolved.exec->cluster_info_server = server_for_plugins(cluster->second.server);
    resolved.exec->cluster_info_config = cluster->second.exec_extension_config;
    resolved.exec->manners = manners_;
  }
  return resolved;
}

}  // namespace regsync::kube
