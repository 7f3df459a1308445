#include "sync/cli/ask/field_change.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "sync/base/suggest.hpp"
#include "sync/cli/console.hpp"
#include "sync/cli/view/output.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/config/target_yaml.hpp"
#include "sync/config/yaml_edit.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

constexpr std::array lists = {"registries", "contexts", "namespaces", "excludeNamespaces", "serviceAccounts"};
constexpr std::array maps = {"refresh", "expires"};

bool is_list(const std::string& field) { return std::ranges::find(lists, field) != lists.end(); }
bool is_map(const std::string& field) { return std::ranges::find(maps, field) != maps.end(); }

// "--namespace-selector" and "namespaceSelector" are one field, and so are "namespace" and "namespaces".
std::string bare(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c != '-') {
      text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return text;
}

std::string field_of(const std::string& name) {
  const std::string given = bare(name);
  for (const std::string& key : target_keys()) {
    const std::string known = bare(key);
    if (given == known || (known.ends_with("ies") && given == known.substr(0, known.size() - 3) + "y") ||
        (is_list(key) && given + "s" == known)) {
      return key;
    }
  }
  throw UsageError("a target has no field \"" + name + "\"", did_you_mean(name, target_keys()));
}

[[noreturn]] void refuse(const std::string& word) {
  throw UsageError("\"" + word + "\" is not FIELD=VALUE",
                   "as in: namespaces=team-a,team-b (or namespaces+=team-c, namespaces-=team-a), onLogout=remove; "
                   "email- takes a field out");
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) {
      parts.push_back(text.substr(begin, end - begin));
    }
    begin = end + 1;
  }
  return parts;
}

json scalar_of(const std::string& value) {
  return value == "true" || value == "false" ? json(value == "true") : json(value);
}

void change_list(json& list, const FieldChange& change) {
  if (change.kind == FieldChange::Kind::set || !list.is_array()) {
    list = json::array();
  }
  for (const std::string& value : split(change.value)) {
    const auto known = std::find(list.begin(), list.end(), json(value));
    if (change.kind != FieldChange::Kind::remove && known == list.end()) {
      list.push_back(value);
    }
    if (change.kind == FieldChange::Kind::remove) {
      if (known == list.end()) {
        throw Error(ErrorCode::not_found, change.field + " does not name \"" + value + "\"",
                    did_you_mean(value, list.get<std::vector<std::string>>()));
      }
      list.erase(known);
    }
  }
}

void make(json& target, const FieldChange& change) {
  if (change.kind == FieldChange::Kind::unset && change.entry.empty()) {
    target.erase(change.field);
  } else if (is_list(change.field)) {
    change_list(target[change.field], change);
    if (target[change.field].empty()) {
      target.erase(change.field);
    }
  } else if (change.entry.empty()) {
    target[change.field] = scalar_of(change.value);
  } else if (change.kind == FieldChange::Kind::unset) {
    target[change.field].erase(change.entry);
    if (target[change.field].empty()) {
      target.erase(change.field);
    }
  } else {
    target[change.field][change.entry] = change.value;
  }
}

// "web.yaml:10:11: onLogout is …" names a line of a text that nobody has seen.
std::string without_position(const std::string& message, const std::string& source) {
  if (!message.starts_with(source + ":")) {
    return message;
  }
  const auto text = message.find_first_not_of("0123456789: ", source.size());
  return text == std::string::npos ? message : message.substr(text);
}

// A value on one line.
std::string flow_text(const json& value) {
  if (!value.is_structured()) {
    return to_yaml_text(value);
  }
  std::vector<std::string> items;
  for (const auto& [key, item] : value.items()) {
    items.push_back((value.is_object() ? to_yaml_text(key) + ": " : "") + to_yaml_text(item));
  }
  return value.is_object() ? "{" + join(items) + "}" : "[" + join(items) + "]";
}

}  // namespace

FieldChange parse_change(const std::string& word) {
  FieldChange change;
  std::string name;
  if (const auto equals = word.find('='); equals != std::string::npos && equals > 0) {
    const char before = word[equals - 1];
    const bool marked = before == '+' || before == '-';
    change.kind = before == '+'   ? FieldChange::Kind::add
                  : before == '-' ? FieldChange::Kind::remove
                                  : FieldChange::Kind::set;
    name = word.substr(0, equals - (marked ? 1 : 0));
    change.value = word.substr(equals + 1);
  } else if (word.size() > 1 && word.ends_with('-')) {
    change.kind = FieldChange::Kind::unset;
    name = word.substr(0, word.size() - 1);
  } else {
    refuse(word);
  }
  const auto dot = name.find('.');
  change.field = field_of(name.substr(0, dot));
  if (dot != std::string::npos) {
    change.entry = name.substr(dot + 1);
  }
  if (change.kind != FieldChange::Kind::unset && change.value.find_first_not_of(", ") == std::string::npos) {
    throw UsageError(change.field + ": the value is empty", "give one; to take the field out: " + name + "-");
  }
  const bool lists_values = change.kind == FieldChange::Kind::add || change.kind == FieldChange::Kind::remove;
  if (lists_values && !is_list(change.field)) {
    throw UsageError(change.field + " is not a list", "set it: " + change.field + "=VALUE");
  }
  if (is_map(change.field) ? change.entry.empty() && change.kind == FieldChange::Kind::set : !change.entry.empty()) {
    throw UsageError(is_map(change.field) ? change.field + " is a mapping of registries"
                                          : change.field + " has no entry \"" + change.entry + "\"",
                     is_map(change.field) ? "name one: " + change.field + ".ghcr.io=VALUE" : "");
  }
  return change;
}

EditedTarget edited(const Target& target, const std::string& text, const std::vector<FieldChange>& changes) {
  json document = to_json(target);
  document.erase("name");
  std::string edited_text = text;
  for (const FieldChange& change : changes) {
    make(document, change);
    const auto value = document.find(change.field);
    edited_text =
        with_key(edited_text, change.field, value == document.end() ? std::nullopt : std::optional(flow_text(*value)));
  }
  // Without any, the context's own namespace would count, which nobody has named.
  const bool takes_out = std::ranges::any_of(changes, [](const FieldChange& change) {
    return change.field == "namespaces" && change.kind == FieldChange::Kind::remove;
  });
  if (takes_out && !document.contains("namespaces") && !document.contains("namespaceSelector")) {
    throw UsageError("the target would name no namespace",
                     "give it another one: namespaces=NAMESPACE; to follow the current namespace of each context: "
                     "namespaces-");
  }
  const std::string source = target.name + ".yaml";
  EditedTarget result;
  try {
    result.target = parse_target(target.name, to_yaml_text(document), source);
  } catch (const Error& error) {
    throw UsageError(without_position(error.message(), source), error.remedy());
  }
  const auto same = [&] {
    try {
      return parse_target(target.name, edited_text, source) == result.target;
    } catch (const Error&) {
      return false;
    }
  };
  result.text = same() ? edited_text : to_yaml(result.target);
  return result;
}

}  // namespace regsync::cli
