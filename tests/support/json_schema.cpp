#include "tests/support/json_schema.hpp"

#include <algorithm>
#include <regex>
#include <set>
#include <stdexcept>

namespace regsync::test {
namespace {

using nlohmann::json;

bool has_type(const json& value, const std::string& type) {
  return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
         (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
         (type == "integer" && value.is_number_integer()) || (type == "null" && value.is_null());
}

class Checker {
 public:
  explicit Checker(const json& root) : root_(root) {}

  [[nodiscard]] std::string check(const json& value, const json& schema, const std::string& at) const {
    static const std::set<std::string> known = {
        "$schema", "$id",        "title",    "description",          "$defs", "type", "const", "enum",
        "pattern", "properties", "required", "additionalProperties", "items", "$ref", "oneOf"};
    for (const auto& [key, ignored] : schema.items()) {
      if (!known.contains(key)) {
        throw std::runtime_error("the schema has a keyword that is not understood: " + key);
      }
    }
    if (schema.contains("$ref")) {
      return check(value, root_.at(json::json_pointer(schema.at("$ref").get<std::string>().substr(1))), at);
    }
    if (schema.contains("oneOf")) {
      return check_one_of(value, schema.at("oneOf"), at);
    }
    if (schema.contains("const") && value != schema.at("const")) {
      return at + " is " + value.dump() + ", not " + schema.at("const").dump();
    }
    if (schema.contains("enum") && std::ranges::find(schema.at("enum"), value) == schema.at("enum").end()) {
      return at + " is " + value.dump() + ", none of " + schema.at("enum").dump();
    }
    if (schema.contains("type")) {
      const json types = schema.at("type").is_array() ? schema.at("type") : json::array({schema.at("type")});
      if (std::ranges::none_of(types, [&](const json& type) { return has_type(value, type); })) {
        return at + " is " + value.dump() + ", no " + types.dump();
      }
    }
    if (schema.contains("pattern") &&
        !std::regex_search(value.get<std::string>(), std::regex(schema.at("pattern").get<std::string>()))) {
      return at + " is " + value.dump() + ", not like " + schema.at("pattern").dump();
    }
    return value.is_object() ? check_object(value, schema, at) : value.is_array() ? check_items(value, schema, at) : "";
  }

 private:
  [[nodiscard]] std::string check_one_of(const json& value, const json& choices, const std::string& at) const {
    std::string faults;
    for (const json& choice : choices) {
      const std::string fault = check(value, choice, at);
      if (fault.empty()) {
        return {};
      }
      faults += "\n  " + fault;
    }
    return at + " is none of the choices:" + faults;
  }

  [[nodiscard]] std::string check_object(const json& value, const json& schema, const std::string& at) const {
    for (const json& name : schema.value("required", json::array())) {
      if (!value.contains(name)) {
        return at + " lacks " + name.get<std::string>();
      }
    }
    const json properties = schema.value("properties", json::object());
    const json others = schema.value("additionalProperties", json(true));
    for (const auto& [name, item] : value.items()) {
      const std::string there = at + "." + name;
      if (!properties.contains(name) && others == json(false)) {
        return there + " is not in the schema";
      }
      const json rule = properties.contains(name) ? properties.at(name) : others.is_object() ? others : json::object();
      if (auto fault = check(item, rule, there); !fault.empty()) {
        return fault;
      }
    }
    return {};
  }

  [[nodiscard]] std::string check_items(const json& value, const json& schema, const std::string& at) const {
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (auto fault = check(value[i], schema.value("items", json::object()), at + "[" + std::to_string(i) + "]");
          !fault.empty()) {
        return fault;
      }
    }
    return {};
  }

  const json& root_;
};

}  // namespace

std::string schema_fault(const json& document, const json& schema) {
  return Checker(schema).check(document, schema, "$");
}

}  // namespace regsync::test
