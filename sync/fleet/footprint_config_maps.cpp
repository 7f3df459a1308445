#include "sync/fleet/footprint_config_maps.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "sync/base/digest.hpp"
#include "sync/base/guard.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/log.hpp"
#include "sync/model/names.hpp"
#include "sync/model/resource_version.hpp"
#include "sync/model/secret_object.hpp"

namespace regsync {

namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr const char* footprints_label = "regsync.dev/footprints";
constexpr const char* forgotten_key = "forgotten";

constexpr auto retry_delay = 1s;

// For what is pending when all ends.
constexpr auto longest_goodbye = 2s;

// The name that a person finds a context by in a ConfigMap, whose keys allow few characters and no more than 253.
constexpr std::size_t longest_readable = 200;

std::string key_of(const std::string& context) {
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

// Nothing where nothing is remembered of the context.
std::optional<std::string> value_of(const Footprint* footprint, const std::string& context) {
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
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool is_forgotten(const Footprint* footprint) { return footprint != nullptr && footprint->forgotten; }

std::string flag_of(const Footprint* footprint) { return is_forgotten(footprint) ? "true" : "false"; }

bool has_contexts(const std::map<std::string, std::string>& data) {
  return std::ranges::any_of(data, [](const auto& item) { return item.first != forgotten_key; });
}

std::map<std::string, std::string> data_of(const json& object) {
  std::map<std::string, std::string> data;
  for (const auto& [key, value] : map_at(object, {"data"}).items()) {
    if (value.is_string()) {
      data.emplace(key, value.get<std::string>());
    }
  }
  return data;
}

}  // namespace

Footprint footprint_of(const std::map<std::string, std::string>& data) {
  Footprint footprint;
  for (const auto& [key, text] : data) {
    if (key == forgotten_key) {
      footprint.forgotten = json::parse(text).get<bool>();
      continue;
    }
    const json value = json::parse(text);
    const auto context = value.at("context").get<std::string>();
    footprint.contexts[context] = places_from(value);
    if (value.at("kept").get<bool>()) {
      footprint.kept.insert(context);
    }
    if (value.contains("ownNamespace")) {
      footprint.own_namespaces[context] = value.at("ownNamespace").get<std::string>();
    }
  }
  return footprint;
}

namespace {

// Takes over from another footprint what it says of one context.
void copy_context(const std::string& context, const Footprint& from, Footprint& to) {
  to.kept.erase(context);
  to.own_namespaces.erase(context);
  const auto places = from.contexts.find(context);
  if (places == from.contexts.end()) {
    to.contexts.erase(context);
    return;
  }
  to.contexts[context] = places->second;
  if (from.kept.contains(context)) {
    to.kept.insert(context);
  }
  if (const auto own = from.own_namespaces.find(context); own != from.own_namespaces.end()) {
    to.own_namespaces[context] = own->second;
  }
}

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    const bool upper = c >= 'A' && c <= 'Z';
    return upper ? static_cast<char>(c + ('a' - 'A')) : c == '_' ? '-' : c;
  });
  return text;
}

}  // namespace

FootprintConfigMaps::FootprintConfigMaps(asio::any_io_executor executor, kube::ResolvedContext hub, Place place,
                                         Handlers handlers)
    : executor_(std::move(executor)),
      hub_(executor_, std::move(hub)),
      place_(std::move(place)),
      handlers_(std::move(handlers)),
      asked_at_(Lease::now()),
      wake_(executor_),
      ended_(executor_),
      watch_(
          executor_, hub_,
          {.collection = {.resource = "configmaps", .name_space = place_.name_space},
           .label_selector = std::string(footprints_label) + "=" + place_.owner},
          [this](const kube::WatchEvent& event) { on_event(event); },
          [this](const std::optional<Error>& problem) {
            watch_problem_ = problem;
            guarded_logged("footprints", handlers_.on_change);
          }) {}

void FootprintConfigMaps::start() {
  running_ = true;
  watch_.start();
  spawn_guarded(
      executor_, write_pending(),
      [this](const std::optional<Error>& problem) {
        if (problem && problem->code() != ErrorCode::cancelled) {
          log::error("footprints: " + describe(*problem));
        }
        running_ = false;
        ended_.notify_all();
      },
      cancel_.slot());
}

FootprintConfigMaps::~FootprintConfigMaps() = default;

std::string FootprintConfigMaps::name_of(const std::string& target) const {
  return "regsync-" + lower_case(place_.owner) + "-" + target;
}

kube::ObjectPath FootprintConfigMaps::path_of(const std::string& target) const {
  return {.resource = "configmaps", .name_space = place_.name_space, .name = name_of(target)};
}

bool FootprintConfigMaps::is_pending(const std::string& target, const std::string& context) const {
  const auto pending = pending_.find(target);
  return pending != pending_.end() && pending->second.contexts.contains(context);
}

void FootprintConfigMaps::keep(const std::string& target, const Footprint& footprint) {
  const Footprint* before = find(target);
  std::set<std::string> contexts;
  for (const auto* each : {before, &footprint}) {
    if (each != nullptr) {
      for (const auto& [context, places] : each->contexts) {
        contexts.insert(context);
      }
    }
  }
  Pending& pending = pending_[target];
  for (const auto& context : contexts) {
    if (value_of(before, context) != value_of(&footprint, context)) {
      pending.contexts.insert(context);
    }
  }
  pending.flag = pending.flag || is_forgotten(before) != footprint.forgotten;
  wake_.notify_all();
}

// It is until an event tells otherwise.
bool FootprintConfigMaps::is_still_unreadable(const std::string& target) const { return kept_.contains(target); }

void FootprintConfigMaps::read_again() {
  asked_at_ = Lease::now();
  watch_.relist();
}

asio::awaitable<void> FootprintConfigMaps::write_pending() {
  while (true) {
    std::erase_if(pending_, [](const auto& item) { return item.second.empty(); });
    if (pending_.empty() || !known_as_of_) {
      if (stopping_) {
        co_return;
      }
      co_await wake_.wait();
      continue;
    }
    std::vector<std::string> targets;
    for (const auto& [target, pending] : pending_) {
      targets.push_back(target);
    }
    std::optional<Error> failure;
    for (const auto& target : targets) {
      try {
        co_await write(target);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) {
          throw;
        }
        failure = error;
      }
      if (failure && failure->code() == ErrorCode::stale) {
        failure = co_await read_or_fail(target);
      }
    }
    if (failure != problem_) {
      problem_ = failure;
      if (failure) {
        log::warning("footprints cannot be written: " + describe(*failure));
      }
    }
    guarded_logged("footprints", handlers_.on_change);
    if (failure) {
      co_await wake_.wait_for(retry_delay);
    }
  }
}

asio::awaitable<std::optional<Error>> FootprintConfigMaps::read_or_fail(std::string target) {
  try {
    see(target, co_await hub_.get(path_of(target)));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled) {
      throw;
    }
    if (error.code() != ErrorCode::not_found) {
      co_return error;
    }
    kept_.erase(target);
  }
  co_return std::nullopt;
}

asio::awaitable<void> FootprintConfigMaps::write(std::string target) {
  const auto pending = pending_.find(target);
  if (pending == pending_.end()) {
    co_return;
  }
  leave_to_others(target, pending->second);
  if (pending->second.empty()) {
    co_return;
  }
  const Footprint* footprint = find(target);
  std::map<std::string, std::optional<std::string>> changes;  // by key; nothing: it is taken away
  std::map<std::string, std::optional<std::string>> meant;    // the same by context
  for (const auto& context : pending->second.contexts) {
    meant[context] = changes[key_of(context)] = value_of(footprint, context);
  }
  // Whether the target is forgotten is a word of all replicas: whoever only writes a context leaves it as it is.
  const std::string flag = flag_of(footprint);
  const auto kept = kept_.find(target);
  const bool writes_flag = pending->second.flag || kept == kept_.end() || !kept->second.data.contains(forgotten_key);
  if (writes_flag) {
    changes[forgotten_key] = flag;
  }
  hub_.guard_writes([this, contexts = pending->second.contexts] {
    return std::ranges::all_of(contexts, [this](const auto& context) { return handlers_.may_write(context); });
  });
  co_await send(target, changes);
  const auto left = pending_.find(target);
  if (left == pending_.end()) {
    co_return;
  }
  const Footprint* now = find(target);
  for (const auto& [context, value] : meant) {
    if (value_of(now, context) == value) {
      left->second.contexts.erase(context);
    }
  }
  if (writes_flag) {
    left->second.flag = left->second.flag && flag_of(now) != flag;
  }
}

// Of contexts that other replicas serve, what the hub has is true.
void FootprintConfigMaps::leave_to_others(const std::string& target, Pending& pending) {
  const auto kept = kept_.find(target);
  const Footprint theirs = kept == kept_.end() ? Footprint() : footprint_of(kept->second.data);
  const Footprint* known = find(target);
  Footprint ours = known == nullptr ? Footprint() : *known;
  const auto left = std::erase_if(pending.contexts, [&](const auto& context) {
    const bool is_theirs = !handlers_.may_write(context);
    if (is_theirs) {
      copy_context(context, theirs, ours);
    }
    return is_theirs;
  });
  if (left > 0) {
    remember(target, std::move(ours));
  }
}

void FootprintConfigMaps::remember(const std::string& target, Footprint footprint) {
  if (footprint.contexts.empty()) {
    footprints_.erase(target);
  } else {
    footprints_[target] = std::move(footprint);
  }
}

asio::awaitable<void> FootprintConfigMaps::send(std::string target,
                                                std::map<std::string, std::optional<std::string>> changes) {
  const auto kept = kept_.find(target);
  std::map<std::string, std::string> data =
      kept == kept_.end() ? std::map<std::string, std::string>() : kept->second.data;
  json operations = json::array();
  if (kept != kept_.end() && data.empty()) {
    // There may be no `data` to add a key to. Made only over what was seen, so that it never replaces another's.
    operations.push_back({{"op", "test"}, {"path", "/metadata/resourceVersion"}, {"value", kept->second.version}});
    operations.push_back({{"op", "add"}, {"path", "/data"}, {"value", json::object()}});
  }
  for (const auto& [key, value] : changes) {
    const bool exists = data.contains(key);
    if (value) {
      operations.push_back({{"op", "add"}, {"path", "/data/" + key}, {"value", *value}});
      data[key] = *value;
    } else if (exists) {
      operations.push_back({{"op", "remove"}, {"path", "/data/" + key}});
      data.erase(key);
    }
  }
  if (kept != kept_.end()) {
    if (!operations.empty()) {
      see(target, co_await hub_.json_patch(path_of(target), operations.dump()));
    }
    co_await remove_if_empty(target);
  } else if (has_contexts(data)) {
    kube::ObjectPath collection = path_of(target);
    collection.name.clear();
    const json object = {{"apiVersion", "v1"},
                         {"kind", "ConfigMap"},
                         {"metadata",
                          {{"name", name_of(target)},
                           {"namespace", place_.name_space},
                           {"labels", {{footprints_label, place_.owner}, {managed_by_label, managed_by_value}}},
                           {"annotations", {{target_annotation, target}}}}},
                         {"data", std::move(data)}};
    see(target, co_await hub_.create(collection, object.dump()));
  }
}

// As it was seen, so that what another replica adds meanwhile stays.
asio::awaitable<void> FootprintConfigMaps::remove_if_empty(std::string target) {
  const auto kept = kept_.find(target);
  if (kept == kept_.end() || has_contexts(kept->second.data)) {
    co_return;
  }
  kube::Preconditions as_seen{.resource_version = kept->second.version};
  co_await hub_.remove(path_of(target), std::move(as_seen));
  kept_.erase(target);
}

void FootprintConfigMaps::on_event(const kube::WatchEvent& event) {
  using Kind = kube::WatchEvent::Kind;
  if (event.kind == Kind::restarted) {
    listed_.clear();
    return;
  }
  if (event.kind == Kind::synced) {
    std::vector<std::string> gone;
    for (const auto& [target, kept] : kept_) {
      if (!listed_.contains(target)) {
        gone.push_back(target);
      }
    }
    for (const auto& target : gone) {
      see_gone(target);
    }
    known_as_of_ = asked_at_;
    wake_.notify_all();
    handlers_.on_change();
    return;
  }
  const std::string target(text_at(*event.object, {"metadata", "annotations", target_annotation}));
  if (!is_object_name(target) || text_at(*event.object, {"metadata", "name"}) != name_of(target)) {
    return;  // somebody else's, or a copy
  }
  if (event.kind == Kind::deleted) {
    see_gone(target);
  } else {
    listed_.insert(target);
    // The answer to a write of ours may have come before the event of an older one.
    const auto version = version_number(text_at(*event.object, {"metadata", "resourceVersion"}));
    const auto known = kept_.find(target);
    if (known == kept_.end() || version > version_number(known->second.version)) {
      see(target, *event.object);
    }
  }
  if (known_as_of_) {
    handlers_.on_change();
  }
}

void FootprintConfigMaps::see(const std::string& target, const json& object) {
  kept_[target] = {.version = std::string(text_at(object, {"metadata", "resourceVersion"})), .data = data_of(object)};
  Footprint theirs;
  if (const auto failure = guarded([&] { theirs = footprint_of(kept_[target].data); })) {
    const Error problem(
        ErrorCode::invalid_input,
        "ConfigMap " + place_.name_space + "/" + name_of(target) + " is not a footprint that regsync wrote",
        "restore it, or remove it; then Secrets of the target that it does not cover any more stay");
    if (unreadable_.insert_or_assign(target, problem).second) {
      log::warning(describe(problem), {.target = target});
    }
    footprints_.erase(target);
    pending_.erase(target);
    return;
  }
  unreadable_.erase(target);
  const auto pending = pending_.find(target);
  if (pending != pending_.end()) {
    const Footprint* known = find(target);
    const Footprint ours = known == nullptr ? Footprint() : *known;
    for (const auto& context : pending->second.contexts) {
      copy_context(context, ours, theirs);
    }
    if (pending->second.flag) {
      theirs.forgotten = ours.forgotten;
    }
  }
  remember(target, std::move(theirs));
}

// Whoever deleted it: what is this replica's is written down again.
void FootprintConfigMaps::see_gone(const std::string& target) {
  kept_.erase(target);
  unreadable_.erase(target);
  const auto known = footprints_.find(target);
  if (known == footprints_.end()) {
    return;
  }
  Footprint ours;
  ours.forgotten = known->second.forgotten;
  for (const auto& [context, places] : known->second.contexts) {
    if (handlers_.may_write(context)) {
      copy_context(context, known->second, ours);
      pending_[target].contexts.insert(context);
    }
  }
  remember(target, std::move(ours));
  wake_.notify_all();
}

asio::awaitable<void> FootprintConfigMaps::stop() {
  stopping_ = true;
  wake_.notify_all();
  while (running_) {
    if (!co_await ended_.wait_for(longest_goodbye)) {
      cancel_.emit(asio::cancellation_type::all);
    }
  }
  co_await watch_.stop();
}

}  // namespace regsync
