#include "sync/base/json_access.hpp"

namespace regsync {

using nlohmann::json;

const json* find_at(const json& object, JsonPath path) {
  const json* at = &object;
  for (const auto key : path) {
    if (!at->is_object()) {
      return nullptr;
    }
    const auto it = at->find(key);
    if (it == at->end()) {
      return nullptr;
    }
    at = &*it;
  }
  return at;
}

std::string_view text_at(const json& object, JsonPath path) {
  const json* found = find_at(object, path);
  return found != nullptr && found->is_string() ? std::string_view(found->get_ref<const std::string&>())
                                                : std::string_view();
}

bool flag_at(const json& object, JsonPath path) {
  const json* found = find_at(object, path);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

const json& list_at(const json& object, JsonPath path) {
  static const json none = json::array();
  const json* found = find_at(object, path);
  return found != nullptr && found->is_array() ? *found : none;
}

const json& map_at(const json& object, JsonPath path) {
  static const json none = json::object();
  const json* found = find_at(object, path);
  return found != nullptr && found->is_object() ? *found : none;
}

}  // namespace regsync
