// One context of a kubeconfig with its cluster and user merged and validated: everything that a client needs. Value
// types.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "helper/base/secret_string.hpp"

namespace regsync::kube {

// How this process may run exec credential plugins. Not part of the kubeconfig: see Kubeconfig::set_exec_manners.
struct ExecManners {
  // Our standard input is a user's terminal: plugins get it, by the rules of interactiveMode.
  bool terminal = false;
  // A user reads our standard error: plugins write to it.
  bool terminal_errors = false;
  // A run that takes longer is killed, with all its child processes. A browser login or a device code takes minutes.
  std::chrono::milliseconds patience = std::chrono::seconds(60);

  bool operator==(const ExecManners&) const = default;
};

// An exec credential plugin (users[].user.exec).
struct ExecConfig {
  std::string command;  // absolute, or looked up on PATH when it has no "/"
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;
  std::string api_version;
  std::string install_hint;
  std::string interactive_mode;  // Never, IfAvailable, Always
  bool provide_cluster_info = false;
  std::string cluster_info_server;  // clusters[].cluster.server as written
  std::string cluster_info_config;  // clusters[].cluster.extensions["client.authentication.k8s.io/exec"], as JSON
  ExecManners manners;

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

// Comparable, so that an edited kubeconfig affects only the clients whose contexts changed. Its secrets are sent only
// to the API server.
struct ResolvedContext {
  // The cluster.
  std::string name;
  bool in_kubeconfig = true;  // otherwise from a Secret of a hub
  std::string server;         // URL of the API server, no trailing "/"
  std::string tls_server_name;
  bool insecure_skip_tls_verify = false;
  std::string ca_file;    // absolute; read again when it changes
  std::string ca_data;    // PEM
  std::string proxy_url;  // empty: the environment decides (proxy.hpp)
  bool disable_compression = false;
  std::string default_namespace;  // "default" if the context names none

  // The user.
  std::string client_certificate_file;
  std::string client_certificate_data;
  std::string client_key_file;
  SecretString client_key_data;
  SecretString token;
  std::optional<std::chrono::system_clock::time_point> token_expires;  // for an id-token (auth-provider)
  bool has_refresh_token = false;                                      // kubectl can get another id-token with it
  std::string token_file;                                              // takes precedence over token
  std::string username;
  SecretString password;
  Impersonation impersonation;
  std::optional<ExecConfig> exec;

  [[nodiscard]] ResolvedContext clone() const;
  bool operator==(const ResolvedContext&) const = default;
};

// Whether both reach the same server in the same way under the same name, so that at most the user's credentials
// differ: KubeClient::use_credentials_of can then turn a client of one into a client of the other.
bool same_connection(const ResolvedContext& one, const ResolvedContext& other);

}  // namespace regsync::kube
