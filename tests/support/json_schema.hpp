// Checks a document against a JSON schema, as far as our schema uses draft 2020-12: type, const, enum, pattern,
// properties, required, additionalProperties, items, $ref to $defs, oneOf.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace regsync::test {

// Returns the first fault with its place, or an empty string. Throws std::runtime_error for an unknown keyword.
std::string schema_fault(const nlohmann::json& document, const nlohmann::json& schema);

}  // namespace regsync::test
