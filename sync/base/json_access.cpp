#include "sync/base/json_access.hpp"

#include "helper/base/wall_time.hpp"

namespace regsync {

using nlohmann::json;

namespace {

constexpr int deepest = 100;

// Counts brackets outside of strings, without a tree and without recursion.
bool nests_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      i += c == '\\' ? 1 : 0;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > deepest) {
        return true;
      }
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

std::optional<json> parse_json(std::string_view text) {
  if (nests_too_deep(text)) {
    return std::nullopt;
  }
  json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  return document.is_discarded() ? std::nullopt : std::optional(std::move(document));
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
