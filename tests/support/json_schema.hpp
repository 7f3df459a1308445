// Checks a document against a JSON schema, for the part of draft 2020-12 that our schema uses: type, const, enum,
// pattern, properties, required, additionalProperties, items, $ref to $defs, oneOf.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace regsync::test {

// What is wrong, with its place; empty: nothing. Throws std::runtime_error for a keyword that is not understood.
std::string schema_fault(const nlohmann::json& document, const nlohmann::json& schema);

}  // namespace regsync::test
