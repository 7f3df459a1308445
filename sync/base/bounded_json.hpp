// Parses JSON from outside within bounds that are checked before a tree is built. A tree takes up to a hundred times
// the memory of its text, and a deep one overflows the stack of any code that walks it. Pure; any thread.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace regsync {

// The defaults fit every object that an API server stores: etcd accepts 1.5 MiB of protobuf, which becomes up to three
// times as much JSON.
struct JsonBounds {
  std::size_t bytes = std::size_t{8} << 20;
  std::size_t depth = 100;
  std::size_t values = 250'000;  // a tree takes about a hundred bytes for each, and a tenth of a second for all
};

// Returns where the value that begins at `begin` ends, or npos if the text ends first. Does not validate: in invalid
// JSON it finds some end, so the text must still be parsed. Throws Error(protocol) if the value exceeds a bound; the
// message has no subject ("nests deeper than 100 levels").
std::size_t end_of_value(std::string_view text, std::size_t begin, const JsonBounds& bounds);

// A member of an object; the value is its raw text.
struct JsonMember {
  std::string name;
  std::string_view value;
};

// The members of the object at the start of the text, which must be valid JSON. Includes duplicates and builds no tree
// of the object. Throws as end_of_value does.
std::vector<JsonMember> members_of(std::string_view text, const JsonBounds& bounds);

// The parsed text; discarded if it is not JSON. Throws as end_of_value does.
nlohmann::json parse_bounded(std::string_view text, const JsonBounds& bounds = {});

}  // namespace regsync
