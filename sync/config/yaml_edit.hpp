// Changes one key of a handwritten YAML file and leaves the rest as it is, including comments. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regsync {

// The text of a block-style mapping with the top-level `key` set to `value`, YAML of one line, or without the key if
// there is no value. A comment after the key, or after a one-line value, stays; others within the old value are lost:
// see comments_of(). For text of another style the result does not parse as intended: the caller must compare.
std::string with_key(std::string_view yaml, std::string_view key, const std::optional<std::string>& value);

// Items of a list, each YAML of one line.
struct ItemsChange {
  std::vector<std::string> before;
  std::vector<std::string> after;
};

// The text with the list of a top-level key changed by whole "- item" lines, so that the other items keep their lines
// and comments. Nothing if the list does not have one line for each item in `before`, or if the remaining items are in
// another order. The caller must compare here too.
std::optional<std::string> with_items(std::string_view yaml, std::string_view key, const ItemsChange& change);

// The comments of a text, in order.
std::vector<std::string> comments_of(std::string_view yaml);

// Whether a text uses anchors or aliases: "&name", "*name".
bool has_anchors(std::string_view yaml);

// Whether a text has parts that would be lost when it is rebuilt from its values.
bool has_comments_or_anchors(std::string_view yaml);

}  // namespace regsync
