// JSON from outside, kept within bounds that are checked before anything is built of it. A tree takes up to a hundred
// times the memory of its text, and a deep one overflows the stack of whatever walks it. Pure; any thread.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace regsync {

// The defaults fit every object that an API server stores: etcd takes 1.5 MiB as protobuf, of which JSON makes up to
// three times as much.
struct JsonBounds {
  std::size_t bytes = std::size_t{8} << 20;
  std::size_t depth = 100;
  std::size_t values = 250'000;  // a tree takes about a hundred bytes for each, and a tenth of a second for all
};

// Where the value that begins at `begin` ends, or npos where the text ends first. Finds the end of valid JSON, and some
// end in anything else: a parser must judge the text. Throws Error(protocol) where the value exceeds a bound; the
// message has no subject ("nests deeper than 100 levels").
std::size_t end_of_value(std::string_view text, std::size_t begin, const JsonBounds& bounds);

// A member of an object, as it stands in its text.
struct JsonMember {
  std::string name;
  std::string_view value;
};

// The members of the object that begins the text, which is valid JSON: one that is there twice, too, and no tree of all
// of them. Throws as end_of_value does.
std::vector<JsonMember> members_of(std::string_view text, const JsonBounds& bounds);

// The parsed text; discarded where it is not JSON. Throws as end_of_value does.
nlohmann::json parse_bounded(std::string_view text, const JsonBounds& bounds = {});

}  // namespace regsync
