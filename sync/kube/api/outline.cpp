#include "sync/kube/api/outline.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "sync/base/bounded_json.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;

constexpr auto without_bound = std::numeric_limits<std::size_t>::max();
constexpr JsonBounds no_bounds{.bytes = without_bound, .depth = without_bound, .values = without_bound};

// Names and versions are far shorter.
constexpr std::size_t longest_text = 8192;

void skip(std::string_view& text, std::string_view characters) {
  text.remove_prefix(std::min(text.find_first_not_of(characters), text.size()));
}

// Removes a value from the front of `text` and returns it; empty if there is none.
std::string_view take_value(std::string_view& text) {
  const std::string_view value = text.substr(0, end_of_value(text, 0, no_bounds));
  text.remove_prefix(value.size());
  return value;
}

}  // namespace

std::string_view member_text(std::string_view object, std::string_view name) {
  constexpr std::string_view space = " \n\r\t";
  skip(object, space);
  if (!object.starts_with('{')) {
    return {};
  }
  object.remove_prefix(1);
  while (true) {
    skip(object, " \n\r\t,");
    const std::string_view key = take_value(object);
    skip(object, space);
    if (key.empty() || !object.starts_with(':')) {
      return {};
    }
    object.remove_prefix(1);
    skip(object, space);
    const std::string_view value = take_value(object);
    if (key.size() == name.size() + 2 && key.substr(1, name.size()) == name) {
      return value;
    }
  }
}

json outline_of(std::string_view object) {
  json metadata = {{"labels", false}, {"annotations", false}};
  const std::string_view known = member_text(object, "metadata");
  for (const char* name : {"name", "namespace", "resourceVersion"}) {
    const std::string_view text = member_text(known, name);
    json value = text.size() <= longest_text ? json::parse(text, nullptr, /*allow_exceptions=*/false) : json();
    if (value.is_string()) {
      metadata[name] = std::move(value);
    }
  }
  return {{"metadata", std::move(metadata)}};
}

}  // namespace regsync::kube
