// Decodes one kubeconfig file (client-go tools/clientcmd/api/latest). Pure.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "sync/kube/config/kubeconfig_entries.hpp"
#include "sync/kube/config/yaml_json.hpp"

namespace regsync::kube {

// The entries in `text`; none if it is empty. Relative paths resolve against `folder`. Throws Error(kubeconfig) or
// Error(invalid_input) if the text is not YAML or not a kubeconfig, holds more than most_values values, or has a field
// of a wrong type.
KubeconfigEntries decode_kubeconfig(const std::string& text, const std::filesystem::path& folder,
                                    std::size_t most_values = values_of_a_file);

}  // namespace regsync::kube
