// Kubeconfig: loading, merging and validating it as client-go does (tools/clientcmd: loader.go, client_config.go,
// validation.go), and resolving one context of it into everything that a client needs.
//
// Reading files is the only I/O. A fault of one context is an Error of that context alone; a file that cannot be
// decoded is an Error of the whole load, so that the caller keeps the last good one. Any thread; value types.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/base/secret_string.hpp"

namespace regsync::kube {

// An exec credential plugin (users[].user.exec).
struct ExecConfig {
  std::string command;  // absolute, or looked up on PATH when it has no "/"
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;
  std::string api_version;
  std::string install_hint;
  std::string interactive_mode;  // Never, IfAvailable, Always
  bool provide_cluster_info = false;
  std::string cluster_info_config;  // clusters[].cluster.extensions["client.authentication.k8s.io/exec"], as JSON

  bool operator==(const ExecConfig&) const = default;
};

// Who to act as (users[].user.as, as-uid, as-groups, as-user-extra).
struct Impersonation {
  std::string user;
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;

  bool operator==(const Impersonation&) const = default;
};

// One context with its cluster and user merged and validated: all that a client needs. Comparable, so that an
// edited kubeconfig rebuilds only the clients that it changes. Secrets inside never leave it but to the API server.
struct ResolvedContext {
  std::string name;
  std::string server;  // URL of the API server, no trailing "/"
  std::string tls_server_name;
  bool insecure_skip_tls_verify = false;
  std::string ca_file;    // absolute; re-read when it changes
  std::string ca_data;    // PEM
  std::string proxy_url;  // empty: the environment decides (proxy.hpp)
  bool disable_compression = false;
  std::string default_namespace;  // "default" where the context names none
  std::string client_certificate_file;
  std::string client_certificate_data;
  std::string client_key_file;
  SecretString client_key_data;
  SecretString token;
  std::string token_file;  // beats token
  std::string username;
  SecretString password;
  Impersonation impersonation;
  std::optional<ExecConfig> exec;

  [[nodiscard]] ResolvedContext clone() const;
  bool operator==(const ResolvedContext&) const = default;
};

class Kubeconfig {
 public:
  // Where the configuration comes from: an explicit path (which must exist), else $KUBECONFIG, else
  // $HOME/.kube/config. Empty and missing entries of $KUBECONFIG are skipped.
  static std::vector<std::filesystem::path> search_path(const std::optional<std::filesystem::path>& explicit_path);

  // Reads and merges the files. Throws Error(kubeconfig) when one cannot be read or decoded.
  static Kubeconfig load(const std::optional<std::filesystem::path>& explicit_path = std::nullopt);

  // The client configuration of a pod (service account token and ca.crt), as one context named "in-cluster".
  // Empty where this process does not run in a pod.
  static std::optional<Kubeconfig> in_cluster(
      const std::filesystem::path& service_account = "/var/run/secrets/kubernetes.io/serviceaccount");

  Kubeconfig();
  Kubeconfig(Kubeconfig&&) noexcept;
  Kubeconfig& operator=(Kubeconfig&&) noexcept;
  Kubeconfig(const Kubeconfig&) = delete;
  Kubeconfig& operator=(const Kubeconfig&) = delete;
  ~Kubeconfig();

  [[nodiscard]] const std::string& current_context() const;        // "" where there is none
  [[nodiscard]] const std::vector<std::string>& contexts() const;  // sorted

  // Throws Error(kubeconfig) with client-go's meaning: unknown context, cluster or user, contradicting fields,
  // unreadable certificate, auth-provider.
  [[nodiscard]] ResolvedContext resolve(std::string_view context) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace regsync::kube
