#include "sync/config/target_yaml.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>

#include "helper/base/error.hpp"

namespace regsync {

namespace {

using namespace std::chrono_literals;

[[noreturn]] void fail(const std::string& what, const std::string& remedy) {
  throw Error(ErrorCode::invalid_input, what, remedy);
}

// Reads one YAML mapping, and knows where each fault is.
class Reader {
 public:
  explicit Reader(std::string_view source) : source_(source) {}

  [[noreturn]] void fail_at(const YAML::Mark& mark, const std::string& what, const std::string& remedy) const {
    std::string where(source_);
    if (!mark.is_null()) {
      where += ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
    }
    fail(where + ": " + what, remedy);
  }

  [[nodiscard]] std::string text(const YAML::Node& node, std::string_view key) const {
    if (!node.IsScalar()) {
      fail_at(node.Mark(), std::string(key) + " must be one value", "see regsync.yaml(5)");
    }
    return node.Scalar();
  }

  [[nodiscard]] std::vector<std::string> list(const YAML::Node& node, std::string_view key) const {
    if (node.IsNull()) {
      return {};
    }
    if (node.IsScalar()) {
      return {node.Scalar()};  // one value needs no brackets
    }
    if (!node.IsSequence()) {
      fail_at(node.Mark(), std::string(key) + " must be a list", "write it as [a, b] or one per line with \"- \"");
    }
    std::vector<std::string> values;
    for (const auto& item : node) {
      values.push_back(text(item, key));
    }
    return values;
  }

  [[nodiscard]] std::chrono::seconds duration(const YAML::Node& node, std::string_view key) const {
    const std::string value = text(node, key);
    long long count = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
    const std::string_view unit(end, static_cast<std::size_t>(value.data() + value.size() - end));
    const auto seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
    if (error != std::errc() || seconds == 0 || count < 1 || count > 1000000) {
      fail_at(node.Mark(), "\"" + value + "\" is not a duration", "write it as 30m, 6h or 90s");
    }
    return std::chrono::seconds(count * seconds);
  }

 private:
  std::string_view source_;
};

void emit_list(YAML::Emitter& out, const char* key, const std::vector<std::string>& values) {
  if (!values.empty()) {
    out << YAML::Key << key << YAML::Value << YAML::Flow << values;
  }
}

std::string to_duration(std::chrono::seconds duration) {
  if (duration % 1h == 0s) {
    return std::to_string(duration / 1h) + "h";
  }
  return duration % 1min == 0s ? std::to_string(duration / 1min) + "m" : std::to_string(duration.count()) + "s";
}

}  // namespace

Target parse_target(std::string name, std::string_view yaml, std::string_view source) {
  const Reader reader(source);
  Target target;
  target.name = std::move(name);
  target.secret = target.name;
  YAML::Node document;
  try {
    const auto documents = YAML::LoadAll(std::string(yaml));
    if (documents.size() != 1 || !documents.front().IsMap()) {
      fail(std::string(source) + ": not a target", "a target is one YAML mapping; see regsync.yaml(5)");
    }
    document = documents.front();
    std::vector<std::string> seen;
    for (const auto& entry : document) {
      const std::string key = reader.text(entry.first, "a key");
      const YAML::Node& value = entry.second;
      if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
        reader.fail_at(entry.first.Mark(), key + " stands twice", "keep one of them");
      }
      seen.push_back(key);
      if (key == "secret") {
        target.secret = reader.text(value, key);
      } else if (key == "registries") {
        target.registries = reader.list(value, key);
      } else if (key == "contexts") {
        target.contexts = reader.list(value, key);
      } else if (key == "namespaces") {
        target.namespaces = reader.list(value, key);
      } else if (key == "namespaceSelector") {
        try {
          target.namespace_selector = LabelSelector::parse(reader.text(value, key));
        } catch (const Error& error) {
          reader.fail_at(value.Mark(), error.message(), error.remedy());
        }
      } else if (key == "excludeNamespaces") {
        target.exclude_namespaces = reader.list(value, key);
      } else if (key == "serviceAccounts") {
        target.service_accounts = reader.list(value, key);
      } else if (key == "email") {
        target.email = reader.text(value, key);
      } else if (key == "onLogout") {
        const std::string choice = reader.text(value, key);
        if (choice != "keep" && choice != "remove") {
          reader.fail_at(value.Mark(), "onLogout is \"" + choice + "\"", "it can be keep or remove");
        }
        target.on_logout = choice == "keep" ? OnLogout::keep : OnLogout::remove;
      } else if (key == "refresh") {
        if (!value.IsMap()) {
          reader.fail_at(value.Mark(), "refresh must map registries to durations", "write it as {ghcr.io: 6h}");
        }
        for (const auto& item : value) {
          target.refresh[reader.text(item.first, key)] = reader.duration(item.second, key);
        }
      } else {
        reader.fail_at(entry.first.Mark(), "unknown key \"" + key + "\"",
                       "known are secret, registries, contexts, namespaces, namespaceSelector, excludeNamespaces, "
                       "serviceAccounts, email, onLogout, refresh");
      }
    }
  } catch (const YAML::Exception& error) {
    reader.fail_at(error.mark, error.msg, "correct the YAML; until then the last good version stays in force");
  }
  try {
    validate(target);
  } catch (const Error& error) {
    fail(std::string(source) + ": " + error.message(), error.remedy());
  }
  return target;
}

std::string to_yaml(const Target& target) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  out << YAML::Key << "secret" << YAML::Value << target.secret;
  emit_list(out, "registries", target.registries);
  emit_list(out, "contexts", target.contexts);
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
  if (!target.refresh.empty()) {
    out << YAML::Key << "refresh" << YAML::Value << YAML::Flow << YAML::BeginMap;
    for (const auto& [registry, every] : target.refresh) {
      out << YAML::Key << registry << YAML::Value << to_duration(every);
    }
    out << YAML::EndMap;
  }
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace regsync
