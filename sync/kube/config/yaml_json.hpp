// YAML as Kubernetes reads it: turned into JSON first (sigs.k8s.io/yaml), then decoded. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace regsync::kube {

// What a plain scalar ("n", "012", "true") becomes: a value of its YAML 1.1 type (false, 10, true), or a string, for a
// reader who knows what to expect at each place: a namespace may be named n.
enum class Scalars : bool { typed, as_text };

// The first document of `text`; JSON null where there is none. Merge keys ("<<") are merged, the last of two equal keys
// wins. Throws Error(invalid_input) naming the line where `text` is not YAML, holds what is not UTF-8, or expands
// (through aliases) beyond reason.
nlohmann::json yaml_to_json(const std::string& text, Scalars scalars = Scalars::typed);

}  // namespace regsync::kube
