// The ExecCredential of exec credential plugins (client.authentication.k8s.io/v1 and v1beta1): what a plugin is told
// and what it prints. Running one is the matter of exec_plugin.hpp.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "helper/base/secret_string.hpp"
#include "sync/kube/config/resolved_context.hpp"

namespace regsync::kube {

struct ExecCredential {
  SecretString token;
  std::string certificate;  // PEM
  SecretString key;
  std::optional<std::chrono::system_clock::time_point> expires;
};

// Reads what a plugin printed. Pure. Throws Error(credential_plugin), never quoting the text: it may hold a token.
ExecCredential parse_exec_credential(std::string_view text, std::string_view api_version);

// The value of KUBERNETES_EXEC_INFO. `interactive`: the plugin gets a terminal as its standard input. Pure but for
// reading the CA file where cluster info is asked for.
std::string exec_info(const ResolvedContext& context, bool interactive);

}  // namespace regsync::kube
