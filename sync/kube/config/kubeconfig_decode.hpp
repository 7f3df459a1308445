// Decodes one kubeconfig file (client-go tools/clientcmd/api/latest). Pure.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "sync/kube/config/kubeconfig_entries.hpp"
#include "sync/kube/config/yaml_json.hpp"

namespace regsync::kube {

// The entries in `text`; none in an empty one. Relative paths resolve against `folder`. Throws Error(kubeconfig) or
// Error(invalid_input) where the text is not YAML, not a kubeconfig, holds more values than that, or has a field of
// another type than its own.
KubeconfigEntries decode_kubeconfig(const std::string& text, const std::filesystem::path& folder,
                                    std::size_t most_values = values_of_a_file);

}  // namespace regsync::kube
