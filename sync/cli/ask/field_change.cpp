#include "sync/cli/ask/field_change.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "helper/base/guarded.hpp"
#include "sync/base/suggest.hpp"
#include "sync/cli/view/console.hpp"
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

// Normalizes a field name: "--namespace-selector" equals "namespaceSelector", and "namespace" equals "namespaces".
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
    if (const auto field = target.find(change.field); field != target.end()) {
      field->erase(change.entry);
      if (field->empty()) {
        target.erase(field);
      }
    }
  } else {
    target[change.field][change.entry] = change.value;
  }
}

// Strips the position from "web.yaml:10:11: onLogout is …": it refers to a text that the person has not seen.
std::string without_position(const std::string& message, const std::string& source) {
  if (!message.starts_with(source + ":")) {
    return message;
  }
  const auto text = message.find_first_not_of("0123456789: ", source.size());
  return text == std::string::npos ? message : message.substr(text);
}

// Formats a value on one line.
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

std::vector<std::string> items_of(const json& target, const std::string& field) {
  std::vector<std::string> items;
  const auto list = target.find(field);
  if (list != target.end() && list->is_array()) {
    for (const json& item : *list) {
      items.push_back(to_yaml_text(item));
    }
  }
  return items;
}

// Returns the text of a target's file with the target's present value of a field; nullopt if comments would be lost.
// Comments of a removed field or item are removed with it.
std::optional<std::string> with_field(const std::string& text, const json& target, const std::string& field,
                                      const std::vector<std::string>& items_before) {
  const auto value = target.find(field);
  if (value == target.end()) {
    return with_key(text, field, std::nullopt);
  }
  auto changed = with_items(text, field, {.before = items_before, .after = items_of(target, field)});
  if (!changed) {
    changed = with_key(text, field, flow_text(*value));
    if (comments_of(*changed) != comments_of(text)) {
      return std::nullopt;
    }
  }
  return changed;
}

// Returns the text of the file for the target `wanted`.
std::string edited_text(const Target& wanted, const TargetText& file, const std::vector<FieldChange>& changes,
                        json document) {
  if (reads_as(file.text, wanted)) {
    return file.text;
  }
  std::optional<std::string> text = file.text;
  std::vector<std::string> by_hand;
  for (const FieldChange& change : changes) {
    const std::vector<std::string> items = items_of(document, change.field);
    make(document, change);
    text = text ? with_field(*text, document, change.field, items) : std::nullopt;
    const auto value = document.find(change.field);
    by_hand.push_back(value == document.end() ? "without " + change.field : change.field + ": " + flow_text(*value));
  }
  if (text && reads_as(*text, wanted)) {
    return *text;
  }
  if (has_comments_or_anchors(file.text)) {
    throw Error(ErrorCode::invalid_input,
                "target \"" + file.name + "\": its file has comments or anchors that this change would lose",
                "make it there yourself (" + join(by_hand, "; ") + "): regsync edit " + file.name);
  }
  return to_yaml(wanted);
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
    throw UsageError(change.field + " is not a list",
                     is_map(change.field) ? "set an entry: " + change.field +
                                                ".ghcr.io=VALUE; to take one out: " + change.field + ".ghcr.io-"
                                          : "set it: " + change.field + "=VALUE");
  }
  if (is_map(change.field) ? change.entry.empty() && change.kind == FieldChange::Kind::set : !change.entry.empty()) {
    throw UsageError(is_map(change.field) ? change.field + " is a mapping of registries"
                                          : change.field + " has no entry \"" + change.entry + "\"",
                     is_map(change.field) ? "name one: " + change.field + ".ghcr.io=VALUE" : "");
  }
  return change;
}

EditedTarget edited(const Target& target, const TargetText& file, const std::vector<FieldChange>& changes) {
  json document = to_json(target);
  document.erase("name");
  const json before = document;
  for (const FieldChange& change : changes) {
    make(document, change);
  }
  // Without any namespace, the target would use the context's own, which the person did not name.
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
  result.text = edited_text(result.target, file, changes, before);
  return result;
}

}  // namespace regsync::cli
