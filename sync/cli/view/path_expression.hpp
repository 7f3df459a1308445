// The simple part of kubectl's JSONPath: what people and scripts write after `-o jsonpath=` and in `-o
// custom-columns=`.
//
//   {.items[*].name}   {.items[0]['state']}   {.items[?(@.state=="Stuck")].namespace}   {range .items[*]}…{end} {"\n"}
//
// Pure. All throw UsageError for what is not understood, naming the nearest that works.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace regsync::cli {

// The values that a path leads to: ".items[*].name". What is missing leads to nothing.
std::vector<nlohmann::json> find_all(const nlohmann::json& document, std::string_view path);

// The text of a template, with the values of each path separated by blanks, and without their control characters.
std::string expand(const nlohmann::json& document, std::string_view text);

// A value as kubectl prints it: strings without quotes.
std::string plain_text(const nlohmann::json& value);

}  // namespace regsync::cli
