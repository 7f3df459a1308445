// YAML as Kubernetes reads it: turned into JSON first (sigs.k8s.io/yaml), then decoded. Pure.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace regsync::kube {

// What a plain scalar ("n", "012", "true") becomes: a value of its YAML 1.1 type (false, 10, true), or a string, for a
// reader who knows what to expect at each place: a namespace may be named n.
enum class Scalars : bool { typed, as_text };

// More than any file of a person holds.
inline constexpr std::size_t values_of_a_file = 250'000;

// The first document of `text`; JSON null where there is none. Merge keys ("<<") are merged, the last of two equal keys
// wins. Throws Error(invalid_input) naming the line where `text` is not YAML, holds what is not UTF-8, or expands
// (through aliases) beyond most_values, of 128 bytes each on average: a value takes some microseconds.
nlohmann::json yaml_to_json(const std::string& text, Scalars scalars = Scalars::typed,
                            std::size_t most_values = values_of_a_file);

}  // namespace regsync::kube
