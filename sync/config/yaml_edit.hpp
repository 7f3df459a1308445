// Changes one key of a YAML file that a person wrote, and leaves the rest as it is, comments included. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regsync {

// The text of a mapping in block style with the top-level `key` set to `value`, YAML of one line, or without the key
// where there is no value. A comment behind the key, or behind a value of one line, stays; others within the old value
// are lost: see comments_of. A text of another style gives a text that does not parse as what was meant: the caller
// compares.
std::string with_key(std::string_view yaml, std::string_view key, const std::optional<std::string>& value);

// Items of a list, each YAML of one line.
struct ItemsChange {
  std::vector<std::string> before;
  std::vector<std::string> after;
};

// The text with the list of a top-level key changed by whole "- item" lines, so that the other items keep theirs, with
// their comments. Nothing where the list does not have a line for each item that it has before, or where what stays is
// in another order. The caller compares here too.
std::optional<std::string> with_items(std::string_view yaml, std::string_view key, const ItemsChange& change);

// The comments of a text, in its order.
std::vector<std::string> comments_of(std::string_view yaml);

// Whether a text names a value to use it elsewhere: "&name", "*name".
bool has_anchors(std::string_view yaml);

// Whether it has what a text that is made of its values alone would lose.
bool has_comments_or_anchors(std::string_view yaml);

}  // namespace regsync
