#include "sync/cli/ask/differences.hpp"

#include <optional>
#include <set>
#include <utility>

#include "sync/base/paths.hpp"
#include "sync/cli/ask/meant_target.hpp"
#include "sync/cli/ask/plans.hpp"
#include "sync/cli/ask/snapshot.hpp"
#include "sync/cli/view/manifest.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/model/remedy.hpp"
#include "sync/model/secret_object.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

// As a server-side apply leaves it: what others added to the object stays.
json apply_to(const json& live, json manifest, const std::string& name_space) {
  json& metadata = manifest["metadata"];
  metadata["annotations"][place_annotation] = place_of(name_space, metadata["name"].get_ref<const std::string&>());
  metadata["namespace"] = name_space;
  if (live.is_null()) {
    return manifest;
  }
  json result = live;
  result.merge_patch(manifest);
  return result;
}

Error old_copy(const Key& key, const std::string& context) {
  constexpr const char* annotation = "kubectl.kubernetes.io/last-applied-configuration";
  return {ErrorCode::not_owned,
          "Secret " + key.secret + " keeps an old password in the annotation " + annotation +
              ", which regsync does not own",
          "drop it: kubectl --context " + shell_word(context) + " -n " + key.name_space + " annotate secret " +
              key.secret + " " + annotation + "-"};
}

void compare(const Key& key, const DesiredState& desired, const Snapshot& snapshot, const Places& places,
             const Owner& owner, const std::string& context, Differences& found) {
  const auto secret = snapshot.secrets.find(key);
  const json live = secret == snapshot.secrets.end() ? json() : secret->second;
  std::optional<SecretView> view;
  if (!live.is_null()) {
    view = view_secret(live, owner.id);
  }

  Facts facts;
  facts.name_space = snapshot.find_namespace(key.name_space);
  facts.namespaces_complete = snapshot.namespaces_complete;
  facts.secret = view ? &*view : nullptr;
  facts.remembered = places.cover(key);
  const Decision decision = desired.decide(key, facts);

  if (decision.plan != nullptr && carries_old_copy(live)) {
    found.obstacles.push_back({context + "/" + key.name_space, old_copy(key, context)});
  }
  if (decision.cause) {
    const std::string target = decision.plan == nullptr ? "" : decision.plan->target.name;
    found.obstacles.push_back({context + "/" + key.name_space, for_context(*decision.cause, target, context)});
  }
  json after;
  if (decision.action == Action::nothing) {
    return;
  }
  if (decision.action != Action::remove) {
    const Payload payload = payload_for(*decision.plan, live);
    after = apply_to(live, make_manifest(*decision.plan, owner.annotation, payload.base64()), key.name_space);
    if (after == live) {
      return;
    }
  }
  auto [shown_before, shown_after] = mask(live, after);
  found.changes.push_back({context, key.name_space, key.secret, std::move(shown_before), std::move(shown_after)});
}

}  // namespace

asio::awaitable<void> find_differences(kube::KubeClient& client, std::vector<std::shared_ptr<const Plan>> plans,
                                       Owner owner, Differences& found, Left left) {
  const std::string default_namespace = client.context().default_namespace;
  Places places = std::move(left.places);
  const FootprintStore footprints(paths::footprints());
  DesiredState::Plans by_name;
  std::set<std::string> names;
  if (!left.target.empty()) {
    names.insert(left.target);
  }
  for (const auto& plan : plans) {
    auto meant = std::make_shared<Plan>(*plan);
    meant->target = meant_in(plan->target, client.context(), footprints);
    places.merge(places_of(meant->target, default_namespace));
    names.insert(meant->target.name);
    by_name.emplace(meant->target.name, std::move(meant));
  }
  const DesiredState desired(default_namespace, std::move(by_name), {}, std::move(names));
  const Snapshot snapshot = co_await read_snapshot(client, places);
  for (const Key& key : keys_of(snapshot, places)) {
    compare(key, desired, snapshot, places, owner, client.context().name, found);
  }
}

}  // namespace regsync::cli
