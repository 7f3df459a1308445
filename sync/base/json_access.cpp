#include "sync/base/json_access.hpp"

#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/wall_time.hpp"

namespace regsync {

using nlohmann::json;

std::optional<json> parse_json(std::string_view text, const JsonBounds& bounds) {
  try {
    json document = parse_bounded(text, bounds);
    return document.is_discarded() ? std::nullopt : std::optional(std::move(document));
  } catch (const Error&) {
    return std::nullopt;
  }
}

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

std::optional<std::chrono::system_clock::time_point> time_at(const json& object, JsonPath path) {
  const json* time = find_at(object, path);
  constexpr double year_9999 = 253402300799.0;
  if (time == nullptr || !time->is_number() || time->get<double>() < 0 || time->get<double>() > year_9999) {
    return std::nullopt;
  }
  return wall_time(static_cast<std::int64_t>(time->get<double>()));
}

}  // namespace regsync
