// The part of a process's environment that decides how clusters are found and reached, as kubectl's does, and which
// credential helpers there are, as docker's does, in a form that two processes can compare and a person may be shown.
// Any thread.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>

namespace regsync::kube {

// The value with absolute paths, where the variable holds paths, separated by colons (KUBECONFIG, PATH, SSL_CERT_FILE,
// SSL_CERT_DIR, DOCKER_CONFIG, those of plugins): relative ones belong to the working directory of this process. Empty
// entries are left out.
std::string absolute_value(const std::string& name, const std::string& value);

// Whether an empty value of it means for all who read it what no value does.
bool is_unset_when_empty(const std::string& name);

// What programs that serve as exec plugins read of their environment: names of profiles, and paths.
struct PluginVariable {
  std::string_view program;  // how its name begins
  const char* name;
  bool is_path = true;
};
inline constexpr std::array<PluginVariable, 6> read_by_plugins = {{{"aws", "AWS_PROFILE", false},
                                                                   {"aws", "AWS_CONFIG_FILE"},
                                                                   {"aws", "AWS_SHARED_CREDENTIALS_FILE"},
                                                                   {"kubelogin", "AZURE_CONFIG_DIR"},
                                                                   {"gke-gcloud-auth-plugin", "CLOUDSDK_CONFIG"},
                                                                   {"tsh", "TELEPORT_HOME"}}};

// Of this process, by name, those that are not empty: those above as absolute_value(), HTTPS_PROXY as shown_proxy(),
// NO_PROXY; proxies also in lower case; and what is read by plugins.
std::map<std::string, std::string> client_environment();

}  // namespace regsync::kube
