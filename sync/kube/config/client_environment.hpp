// The environment variables that decide how clusters are found and reached (as for kubectl) and which credential
// helpers exist (as for docker), in a form that two processes can compare and that is safe to show. Any thread.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>

namespace regsync::kube {

// Makes paths absolute if the variable holds paths separated by colons (KUBECONFIG, PATH, SSL_CERT_FILE, SSL_CERT_DIR,
// DOCKER_CONFIG, those of plugins): relative ones are relative to the working directory of this process. Drops empty
// entries. Returns other values unchanged.
std::string absolute_value(const std::string& name, const std::string& value);

// Whether all readers of this variable treat an empty value as unset.
bool is_unset_when_empty(const std::string& name);

// A variable that programs used as exec plugins read: the name of a profile, or a path.
struct PluginVariable {
  std::string_view program;  // prefix of its name
  const char* name;
  bool is_path = true;
};
inline constexpr std::array<PluginVariable, 6> read_by_plugins = {{{"aws", "AWS_PROFILE", false},
                                                                   {"aws", "AWS_CONFIG_FILE"},
                                                                   {"aws", "AWS_SHARED_CREDENTIALS_FILE"},
                                                                   {"kubelogin", "AZURE_CONFIG_DIR"},
                                                                   {"gke-gcloud-auth-plugin", "CLOUDSDK_CONFIG"},
                                                                   {"tsh", "TELEPORT_HOME"}}};

// The non-empty variables of this process, by name: those above as absolute_value(), HTTPS_PROXY as shown_proxy(),
// NO_PROXY; the proxy variables also in lower case; and those read by plugins.
std::map<std::string, std::string> client_environment();

}  // namespace regsync::kube
