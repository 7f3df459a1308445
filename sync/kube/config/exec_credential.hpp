// The ExecCredential of exec credential plugins (client.authentication.k8s.io/v1 and v1beta1): the input and output of
// a plugin. exec_plugin.hpp runs the plugins.
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

// Parses the output of a plugin. Pure. Throws Error(credential_plugin), which never quotes the text: it may hold a
// token.
ExecCredential parse_exec_credential(std::string_view text, std::string_view api_version);

// The value of KUBERNETES_EXEC_INFO. `interactive`: the plugin gets a terminal as its standard input. Pure, except for
// reading the CA file if the plugin wants cluster info.
std::string exec_info(const ResolvedContext& context, bool interactive);

}  // namespace regsync::kube
