// The entries of a kubeconfig file as written, before a context is resolved. Value types.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "helper/base/secret_string.hpp"
#include "sync/kube/config/resolved_context.hpp"

namespace regsync::kube {

// Paths are absolute: relative ones were resolved against the folder of their file.
struct ClusterEntry {
  std::string server;
  std::string tls_server_name;
  bool insecure = false;
  std::string ca_file;
  std::string ca_data;
  std::string proxy_url;
  bool disable_compression = false;
  std::string exec_extension_config;  // JSON
};

// users[].user.auth-provider, which exec credential plugins have replaced.
struct AuthProvider {
  std::string name;
  // For "oidc":
  SecretString id_token;
  bool has_refresh_token = false;
  std::string issuer;
  std::string client_id;
};

struct UserEntry {
  std::string certificate_file;
  std::string certificate_data;
  std::string key_file;
  SecretString key_data;
  SecretString token;
  std::string token_file;
  std::string username;
  SecretString password;
  Impersonation impersonation;
  std::optional<AuthProvider> auth_provider;  // "oidc": it does not change a request that has an Authorization header
  std::optional<ExecConfig> exec;

  [[nodiscard]] bool has_authorization() const { return !token.empty() || !token_file.empty() || !username.empty(); }
};

struct ContextEntry {
  std::string cluster;
  std::string user;
  std::string name_space;
};

struct KubeconfigEntries {
  template <typename Entry>
  using ByName = std::map<std::string, Entry, std::less<>>;

  ByName<ClusterEntry> clusters;
  ByName<UserEntry> users;
  ByName<ContextEntry> contexts;
  std::string current_context;  // "" if there is none
};

}  // namespace regsync::kube
