// YAML as Kubernetes reads it: turned into JSON first (sigs.k8s.io/yaml), then decoded. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace regsync::kube {

// The first document of `text`; JSON null where there is none. Plain scalars get their YAML 1.1 type, merge keys
// ("<<") are merged, the last of two equal keys wins. Throws Error(invalid_input) naming the line where `text` is not
// YAML, or expands (through aliases) beyond reason.
nlohmann::json yaml_to_json(const std::string& text);

}  // namespace regsync::kube
