#include "helper/base/go_json.hpp"

#include <string>

#include "helper/base/text.hpp"

namespace regsync {

using nlohmann::json;

namespace {

template <typename Json>
Json* find(Json& object, std::string_view name) {
  if (!object.is_object()) {
    return nullptr;
  }
  const std::string lowered = to_lower(name);
  for (const auto& item : object.items()) {
    if (to_lower(item.key()) == lowered) {
      return &item.value();
    }
  }
  return nullptr;
}

}  // namespace

const json* find_as_go(const json& object, std::string_view name) { return find(object, name); }
json* find_as_go(json& object, std::string_view name) { return find(object, name); }

std::string_view text_as_go(const json& object, std::string_view name) {
  const json* found = find_as_go(object, name);
  return found != nullptr && found->is_string() ? std::string_view(found->get_ref<const std::string&>())
                                                : std::string_view();
}

}  // namespace regsync
