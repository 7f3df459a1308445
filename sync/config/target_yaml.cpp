#include "sync/config/target_yaml.hpp"

#include <yaml-cpp/yaml.h>

#include <array>
#include <cstdio>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/guarded.hpp"
#include "sync/base/duration.hpp"
#include "sync/config/yaml_reader.hpp"

namespace regsync {

namespace {

LabelSelector read_selector(const YamlReader& reader, const YAML::Node& node, std::string_view what) {
  const std::string text = reader.text(node, what);
  try {
    return LabelSelector::parse(text);
  } catch (const Error& error) {
    reader.fail(node.Mark(), error.message(), error.remedy());
  }
}

void read(const YamlReader& reader, const YAML::Node& document, Target& target) {
  reader.expect_keys(document, "a target", target_keys());
  if (const auto node = document["secret"]) {
    target.secret = reader.text(node, "secret");
  }
  if (const auto node = document["namespaceSelector"]) {
    target.namespace_selector = read_selector(reader, node, "namespaceSelector");
  }
  if (const auto node = document["contextSelector"]) {
    target.context_selector = read_selector(reader, node, "contextSelector");
  }
  if (const auto node = document["email"]) {
    target.email = reader.text(node, "email");
  }
  if (const auto node = document["onLogout"]) {
    target.on_logout =
        reader.choice(node, "onLogout", {"keep", "remove"}) == "keep" ? OnLogout::keep : OnLogout::remove;
  }
  if (const auto node = document["heal"]) {
    target.heal = reader.choice(node, "heal", {"evict", "none"}) == "evict";
  }
  if (const auto node = document["pin"]) {
    target.pin = reader.boolean(node, "pin");
  }
  if (const auto node = document["paused"]) {
    target.paused = reader.boolean(node, "paused");
  }
  if (const auto node = document["refresh"]) {
    target.refresh = reader.map(node, "refresh", &YamlReader::duration);
  }
  if (const auto node = document["expires"]) {
    target.expires = reader.map(node, "expires", &YamlReader::date);
  }
  if (const auto node = document["verifyLogins"]) {
    target.verify_logins = reader.boolean(node, "verifyLogins");
  }
  for (const auto& [key, values] : {std::pair{"registries", &target.registries},
                                    {"contexts", &target.contexts},
                                    {"namespaces", &target.namespaces},
                                    {"excludeNamespaces", &target.exclude_namespaces},
                                    {"serviceAccounts", &target.service_accounts}}) {
    if (const auto node = document[key]) {
      *values = reader.list(node, key);
    }
  }
}

std::string to_text(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  std::array<char, 32> text{};
  static_cast<void>(std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day())));
  return text.data();
}

void emit_list(YAML::Emitter& out, const char* key, const std::vector<std::string>& values) {
  if (!values.empty()) {
    out << YAML::Key << key << YAML::Value << YAML::Flow << values;
  }
}

}  // namespace

const std::vector<std::string>& target_keys() {
  static const std::vector<std::string> keys{"secret",
                                             "registries",
                                             "contexts",
                                             "contextSelector",
                                             "namespaces",
                                             "namespaceSelector",
                                             "excludeNamespaces",
                                             "serviceAccounts",
                                             "email",
                                             "onLogout",
                                             "refresh",
                                             "expires",
                                             "verifyLogins",
                                             "heal",
                                             "pin",
                                             "paused"};
  return keys;
}

Target parse_target(std::string name, std::string_view yaml, std::string_view source) {
  Target target;
  target.name = std::move(name);
  target.secret = target.name;
  const YamlReader reader(source);
  reader.load(yaml, "correct the YAML; until then this file changes nothing",
              [&](const YAML::Node& document) { read(reader, document, target); });
  try {
    validate(target);
  } catch (const Error& error) {
    throw error.within(source);
  }
  return target;
}

bool reads_as(std::string_view yaml, const Target& target) {
  bool same = false;
  (void)guarded([&] { same = parse_target(target.name, yaml, target.name) == target; });
  return same;
}

std::string to_yaml(const Target& target) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  out << YAML::Key << "secret" << YAML::Value << target.secret;
  emit_list(out, "registries", target.registries);
  emit_list(out, "contexts", target.contexts);
  if (!target.context_selector.empty()) {
    out << YAML::Key << "contextSelector" << YAML::Value << target.context_selector.text();
  }
  emit_list(out, "namespaces", target.namespaces);
  if (!target.namespace_selector.empty()) {
    out << YAML::Key << "namespaceSelector" << YAML::Value << target.namespace_selector.text();
  }
  emit_list(out, "excludeNamespaces", target.exclude_namespaces);
  emit_list(out, "serviceAccounts", target.service_accounts);
  if (!target.email.empty()) {
    out << YAML::Key << "email" << YAML::Value << target.email;
  }
  if (target.on_logout == OnLogout::remove) {
    out << YAML::Key << "onLogout" << YAML::Value << "remove";
  }
  if (target.heal) {
    out << YAML::Key << "heal" << YAML::Value << "evict";
  }
  if (target.pin) {
    out << YAML::Key << "pin" << YAML::Value << true;
  }
  if (target.paused) {
    out << YAML::Key << "paused" << YAML::Value << true;
  }
  if (!target.refresh.empty()) {
    out << YAML::Key << "refresh" << YAML::Value << YAML::Flow << YAML::BeginMap;
    for (const auto& [registry, every] : target.refresh) {
      out << YAML::Key << registry << YAML::Value << to_text(every);
    }
    out << YAML::EndMap;
  }
  if (!target.expires.empty()) {
    out << YAML::Key << "expires" << YAML::Value << YAML::Flow << YAML::BeginMap;
    for (const auto& [registry, day] : target.expires) {
      out << YAML::Key << registry << YAML::Value << to_text(day);
    }
    out << YAML::EndMap;
  }
  if (target.verify_logins) {
    out << YAML::Key << "verifyLogins" << YAML::Value << *target.verify_logins;
  }
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace regsync
