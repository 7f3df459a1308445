#include "sync/fleet/footprint_data.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sync/base/bounded_json.hpp"
#include "sync/base/digest.hpp"
#include "sync/model/names.hpp"

namespace regsync {

namespace {

using nlohmann::json;

// Keys of a ConfigMap allow few characters, and at most 253 of them.
constexpr std::size_t longest_readable = 200;

constexpr const char* kept_word = "kept";

void forget_context(const std::string& context, Footprint& footprint) {
  footprint.contexts.erase(context);
  footprint.kept.erase(context);
  footprint.own_namespaces.erase(context);
  footprint.pinned.erase(context);
}

std::string context_in(const json& value) { return value.at("context").get<std::string>(); }

std::string uid_in(const json& value) {
  std::string uid = value.get<std::string>();
  if (!is_uid(uid)) {
    throw Error(ErrorCode::invalid_input, "is no uid");
  }
  return uid;
}

void read_forgotten(const std::string& text, Footprint& footprint) {
  footprint.keeps = text == kept_word;
  footprint.forgotten = footprint.keeps || parse_bounded(text).get<bool>();
}

void read_value(const std::string& key, const std::string& text, Footprint& footprint) {
  if (key == forgotten_key) {
    read_forgotten(text, footprint);
    return;
  }
  const json value = parse_bounded(text);
  const std::string context = context_in(value);
  footprint.contexts[context] = places_from(value);
  if (value.at("kept").get<bool>()) {
    footprint.kept.insert(context);
  }
  if (value.contains("ownNamespace")) {
    footprint.own_namespaces[context] = value.at("ownNamespace").get<std::string>();
  }
  if (value.contains("pinned")) {
    footprint.pinned[context] = uid_in(value.at("pinned"));
  }
}

}  // namespace

std::string forgotten_value(const Footprint* footprint) {
  if (footprint == nullptr || !footprint->forgotten) {
    return "false";
  }
  return footprint->keeps ? kept_word : "true";
}

void copy_forgotten(const Footprint& from, Footprint& to) {
  to.forgotten = from.forgotten;
  to.keeps = from.keeps;
}

std::string context_key(const std::string& context) {
  std::string key = context.substr(0, longest_readable);
  std::ranges::replace_if(
      key,
      [](char c) {
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool is_allowed = is_letter || (c >= '0' && c <= '9') || c == '-' || c == '_';
        return !is_allowed;
      },
      '_');
  return key + "." + hex(digest_of(context));
}

std::optional<std::string> context_value(const Footprint* footprint, const std::string& context) {
  if (footprint == nullptr) {
    return std::nullopt;
  }
  const auto known = footprint->contexts.find(context);
  if (known == footprint->contexts.end()) {
    return std::nullopt;
  }
  json value = json_of(known->second);
  value["context"] = context;
  value["kept"] = footprint->kept.contains(context);
  if (const auto own = footprint->own_namespaces.find(context); own != footprint->own_namespaces.end()) {
    value["ownNamespace"] = own->second;
  }
  if (const auto pinned = footprint->pinned.find(context); pinned != footprint->pinned.end()) {
    value["pinned"] = pinned->second;
  }
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool has_contexts(const FootprintData& data) {
  return std::ranges::any_of(data, [](const auto& item) { return item.first != forgotten_key; });
}

void update_footprint(Footprint& footprint, const FootprintData& before, const FootprintData& data) {
  const auto differs = [](const FootprintData& from, const auto& item) {
    const auto found = from.find(item.first);
    return found == from.end() || found->second != item.second;
  };
  for (const auto& item : before) {
    if (!differs(data, item)) {
      continue;
    }
    if (item.first == forgotten_key) {
      copy_forgotten(Footprint(), footprint);
    } else {
      forget_context(context_in(parse_bounded(item.second)), footprint);
    }
  }
  for (const auto& item : data) {
    if (differs(before, item)) {
      read_value(item.first, item.second, footprint);
    }
  }
}

bool agree_on(const std::string& context, const Footprint* one, const Footprint* other) {
  static const Footprint nothing;
  const Footprint& a = one == nullptr ? nothing : *one;
  const Footprint& b = other == nullptr ? nothing : *other;
  const auto same = [&](const auto& from_a, const auto& from_b) {
    const auto in_a = from_a.find(context);
    const auto in_b = from_b.find(context);
    const bool is_in_a = in_a != from_a.end();
    return is_in_a == (in_b != from_b.end()) && (!is_in_a || *in_a == *in_b);
  };
  return same(a.contexts, b.contexts) && same(a.kept, b.kept) && same(a.own_namespaces, b.own_namespaces) &&
         same(a.pinned, b.pinned);
}

void copy_context(const std::string& context, const Footprint& from, Footprint& to) {
  forget_context(context, to);
  const auto places = from.contexts.find(context);
  if (places == from.contexts.end()) {
    return;
  }
  to.contexts[context] = places->second;
  if (from.kept.contains(context)) {
    to.kept.insert(context);
  }
  if (const auto own = from.own_namespaces.find(context); own != from.own_namespaces.end()) {
    to.own_namespaces[context] = own->second;
  }
  if (const auto pinned = from.pinned.find(context); pinned != from.pinned.end()) {
    to.pinned[context] = pinned->second;
  }
}

}  // namespace regsync
