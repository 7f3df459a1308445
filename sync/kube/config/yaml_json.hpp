// Parses YAML as Kubernetes does, by converting it to JSON first (sigs.k8s.io/yaml). Pure.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace regsync::kube {

// Converts plain scalars ("n", "012", "true") to a value of their YAML 1.1 type (false, 10, true), or to strings for
// callers that know the type of each field: a namespace may be named n.
enum class Scalars : bool { typed, as_text };

// More than any real file holds.
inline constexpr std::size_t values_of_a_file = 250'000;

// The first document of `text`; JSON null if there is none. Merge keys ("<<") are merged; the last of two equal keys
// wins. Throws Error(invalid_input), naming the line, if `text` is not YAML, holds invalid UTF-8, or expands (through
// aliases) to more than most_values values of 128 bytes on average: a value takes some microseconds.
nlohmann::json yaml_to_json(const std::string& text, Scalars scalars = Scalars::typed,
                            std::size_t most_values = values_of_a_file);

}  // namespace regsync::kube
