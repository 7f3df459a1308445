#include "sync/cluster/watch_intake.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "sync/base/json_access.hpp"
#include "sync/base/resource_version.hpp"
#include "sync/cluster/namespace_view.hpp"
#include "sync/model/names.hpp"

namespace regsync {

namespace {

std::string metadata_text(const nlohmann::json& object, std::string_view field) {
  return std::string(text_at(object, {"metadata", field}));
}

std::uint64_t version_of(const nlohmann::json& object) {
  return version_number(metadata_text(object, "resourceVersion"));
}

// The list that a watch is delivering now. A list that began later no longer shows what is gone by then.
std::optional<Generation> list_of(const Watch& watch) {
  return watch.listing() ? std::optional(watch.generation) : std::nullopt;
}

bool is_gone(const kube::WatchEvent& event) { return event.kind == kube::WatchEvent::Kind::deleted; }

}  // namespace

void WatchIntake::take(const Watch& watch, const kube::WatchEvent& event) {
  const auto name = metadata_text(*event.object, "name");
  if (watch.id.resource == namespaces_resource) {
    if (is_label_name(name)) {
      take_namespace(name, event);
    }
    return;
  }
  const auto name_space = metadata_text(*event.object, "namespace");
  const bool asked = watch.id.is_by_label()  ? table_.is_in_view({name_space, name})
                     : watch.id.name.empty() ? is_object_name(name)
                                             : name == watch.id.name;
  if (!asked || !is_label_name(name_space) || (!watch.id.name_space.empty() && name_space != watch.id.name_space)) {
    return;
  }
  if (watch.id.is_of_secrets()) {
    take_secret(watch, {name_space, name}, event);
  } else {
    take_account(watch, name_space, name, event);
  }
}

void WatchIntake::take_namespace(const std::string& name, const kube::WatchEvent& event) {
  if (cache_.observe_namespace(name, is_gone(event) ? std::nullopt : view_namespace(*event.object))) {
    handlers_.on_relabelled(name);
  }
  handlers_.on_namespace(name);
}

void WatchIntake::take_secret(const Watch& watch, const Key& key, const kube::WatchEvent& event) {
  const bool gone = is_gone(event);
  const auto version = version_of(*event.object);
  if (watch.listing() || version == 0) {
    cache_.doubt(key);
  }
  const bool news =
      gone && watch.id.is_by_label()
          ? cache_.observe_unlabelled(key, version)
          : cache_.observe(key, version, gone ? std::nullopt : std::optional(view_secret(*event.object, owner_id_)),
                           list_of(watch));
  const bool believed = watch.believed();
  handlers_.on_secret_seen(key);
  if (news && believed) {
    handlers_.on_key(key);
  }
}

void WatchIntake::take_account(const Watch& watch, const std::string& name_space, const std::string& name,
                               const kube::WatchEvent& event) {
  if (watch.listing() || version_of(*event.object) == 0) {
    cache_.doubt_account(name_space, name);
  }
  const bool news = cache_.observe_account(
      name_space, name, is_gone(event) ? std::nullopt : std::optional(view_service_account(*event.object)),
      list_of(watch));
  if (news && watch.believed()) {
    handlers_.on_namespace(name_space);
  }
}

void WatchIntake::end_list(const Watch& watch) {
  const WatchId& id = watch.id;
  if (id.resource == namespaces_resource) {
    cache_.observe_namespaces_end(watch.generation);
  } else if (id.resource == service_accounts_resource) {
    cache_.observe_accounts_end(id.name, id.name_space, watch.generation);
  } else if (id.is_by_label()) {
    cache_.observe_labelled_end(id.name_space, watch.generation);
  } else {
    cache_.observe_list_end(id.name, id.name_space, watch.generation);
  }
}

}  // namespace regsync
