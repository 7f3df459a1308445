// A simple subset of kubectl's JSONPath, for `-o jsonpath=` and `-o custom-columns=`.
//
//   {.items[*].name}   {.items[0]['state']}   {.items[?(@.state=="Stuck")].namespace}   {range .items[*]}…{end} {"\n"}
//
// Pure. Invalid expressions throw UsageError, which names the nearest valid form.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace regsync::cli {

// Returns the values at a path (".items[*].name"). A missing key yields no value.
std::vector<nlohmann::json> find_all(const nlohmann::json& document, std::string_view path);

// Expands a template. The values of a path are separated by blanks and lose their control characters.
std::string expand(const nlohmann::json& document, std::string_view text);

// Formats a value as kubectl does: strings without quotes.
std::string plain_text(const nlohmann::json& value);

}  // namespace regsync::cli
