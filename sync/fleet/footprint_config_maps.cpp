#include "sync/fleet/footprint_config_maps.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "helper/base/text.hpp"
#include "sync/base/backoff.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/log.hpp"
#include "sync/base/resource_version.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/model/names.hpp"
#include "sync/model/secret_object.hpp"

namespace regsync {

namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr const char* footprints_label = "regsync.dev/footprints";

// The growing pause between attempts to write.
constexpr Backoff::Pauses retry_pauses{.first = 1s, .longest = 30s};
// While many are written, the engine learns of finished ones this often.
constexpr std::chrono::milliseconds told_every = 250ms;
// A ConfigMap that a webhook delays blocks the others no longer than this.
constexpr std::chrono::seconds longest_request = 10s;

// The API server's limit for one ConfigMap (MaxSecretSize of Kubernetes), and the size at which the user is warned.
constexpr std::size_t longest_data = std::size_t{1024} * 1024;
constexpr std::size_t long_data = longest_data / 100 * 80;

// Time to write pending footprints on shutdown.
constexpr auto shutdown_grace = 2s;

FootprintData data_of(const json& object) {
  FootprintData data;
  for (const auto& [key, value] : map_at(object, {"data"}).items()) {
    if (value.is_string()) {
      data.emplace(key, value.get<std::string>());
    }
  }
  return data;
}

std::size_t size_of(const FootprintData& data) {
  std::size_t size = 0;
  for (const auto& [key, value] : data) {
    size += key.size() + value.size();
  }
  return size;
}

// Converts to an object name: lower case, no underscores.
std::string name_from(std::string_view owner) {
  std::string name = to_lower(owner);
  std::ranges::replace(name, '_', '-');
  return name;
}

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

bool can_own_config_maps(std::string_view owner) {
  const std::string name = name_from(owner);
  return is_object_name(name) && is_alphanumeric(to_lower(owner).front()) && is_alphanumeric(to_lower(owner).back());
}

FootprintConfigMaps::FootprintConfigMaps(asio::any_io_executor executor, kube::ResolvedContext hub, Place place,
                                         Handlers handlers)
    : FootprintConfigMaps(executor, hub.clone(), std::make_unique<kube::HttpClient>(executor, kube::endpoint_of(hub)),
                          std::move(place), std::move(handlers)) {}

FootprintConfigMaps::FootprintConfigMaps(asio::any_io_executor executor, kube::ResolvedContext hub,
                                         std::unique_ptr<kube::HttpTransport> transport, Place place, Handlers handlers)
    : executor_(std::move(executor)),
      hub_(std::move(hub), std::move(transport)),
      place_(std::move(place)),
      handlers_(std::move(handlers)),
      asked_at_(BoottimeClock::now()),
      wake_(executor_),
      tasks_(executor_),
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
  hub_.limit_requests(longest_request);
  watch_.start();
  tasks_.spawn(
      write_pending(),
      [this](const std::optional<Error>& problem) {
        if (problem && problem->code() != ErrorCode::cancelled) {  // a defect: nothing more is written
          log::error("footprints: " + describe(*problem));
          problem_ = problem;
          guarded_logged("footprints", handlers_.on_change);
        }
      },
      cancel_.slot());
}

FootprintConfigMaps::~FootprintConfigMaps() = default;

std::string FootprintConfigMaps::name_of(const std::string& target) const {
  return "regsync-" + name_from(place_.owner) + "-" + target;
}

kube::ObjectPath FootprintConfigMaps::path_of(const std::string& target) const {
  return {.resource = "configmaps", .name_space = place_.name_space, .name = name_of(target)};
}

bool FootprintConfigMaps::is_pending(const std::string& target, const std::string& context) const {
  const auto pending = pending_.find(target);
  return pending != pending_.end() && pending->second.contexts.contains(context);
}

std::optional<Error> FootprintConfigMaps::warning(const std::string& target) const {
  const auto kept = kept_.find(target);
  if (kept == kept_.end() || kept->second.size < long_data) {
    return std::nullopt;
  }
  return Error(
      ErrorCode::rejected,
      "ConfigMap " + place_.name_space + "/" + name_of(target) + ", where the footprint of the target is kept, is " +
          std::to_string(kept->second.size * 100 / longest_data) + " % full; once it is full, no new Secret is made",
      "forget clusters that are gone: regsync forget-context PATTERN; select namespaces by label, not by name");
}

void FootprintConfigMaps::keep(const std::string& target, const Footprint& footprint) {
  const Footprint* before = find(target);
  Pending& pending = pending_[target];
  for (const auto* each : {before, &footprint}) {
    if (each != nullptr) {
      for (const auto& [context, places] : each->contexts) {
        if (!agree_on(context, before, &footprint)) {
          pending.contexts.insert(context);
        }
      }
    }
  }
  pending.flag = pending.flag || forgotten_value(before) != forgotten_value(&footprint);
  wake_.notify_all();
}

// True until an event shows otherwise.
bool FootprintConfigMaps::is_still_unreadable(const std::string& target) const { return kept_.contains(target); }

void FootprintConfigMaps::read_again() {
  asked_at_ = BoottimeClock::now();
  watch_.relist();
}

asio::awaitable<void> FootprintConfigMaps::write_pending() {
  Backoff retry(retry_pauses);
  while (true) {
    std::erase_if(pending_, [](const auto& item) { return item.second.empty(); });
    if ((pending_.empty() && doubted_.empty()) || !known_as_of_) {
      if (stopping_) {
        co_return;
      }
      co_await wake_.wait();
      continue;
    }
    std::set<std::string> targets = doubted_;
    for (const auto& [target, pending] : pending_) {
      targets.insert(target);
    }
    std::optional<Error> failure;
    auto told = std::chrono::steady_clock::now();
    for (const auto& target : targets) {
      if (auto problem = co_await write_or_read(target)) {
        failure = std::move(problem);
      }
      if (const auto now = std::chrono::steady_clock::now(); now - told > told_every) {
        told = now;
        guarded_logged("footprints", handlers_.on_change);  // the first of many do not wait for the last
      }
    }
    if (failure && failure != problem_) {
      log::warning("footprints cannot be written: " + describe(*failure));
    }
    problem_ = failure;
    guarded_logged("footprints", handlers_.on_change);
    if (!failure) {
      retry.reset();
      continue;
    }
    co_await wake_.wait_for(retry.pause());
    retry.grow();
  }
}

// If the ConfigMap is not in the expected state, reads it for the next attempt.
asio::awaitable<std::optional<Error>> FootprintConfigMaps::write_or_read(std::string target) {
  const auto version = [&] {
    const auto kept = kept_.find(target);
    return kept == kept_.end() ? std::string() : kept->second.version;
  };
  const std::string before = version();
  std::optional<Error> problem;
  try {
    if (doubted_.contains(target)) {
      problem = co_await read_or_fail(target);
      if (!problem) {
        doubted_.erase(target);
        note_known();
      }
    }
    if (!problem) {
      co_await write(target);
    }
  } catch (const std::exception&) {
    problem = current_error();
  }
  if (problem && (problem->code() == ErrorCode::stale || problem->code() == ErrorCode::already_exists)) {
    const Error refused = *problem;
    problem = co_await read_or_fail(target);
    if (!problem && version() == before) {
      problem = refused;  // it is in the expected state: the same attempt would fail again
    }
  }
  if (problem && problem->code() == ErrorCode::cancelled) {
    throw Error(*problem);
  }
  co_return problem;
}

asio::awaitable<std::optional<Error>> FootprintConfigMaps::read_or_fail(std::string target) {
  try {
    const json object = co_await hub_.get(path_of(target));
    if (!is_ours(object, target)) {
      kept_.erase(target);
      co_return Error(ErrorCode::already_exists,
                      "ConfigMap " + place_.name_space + "/" + name_of(target) +
                          " is where the footprint of target \"" + target + "\" is to be kept, and is not this owner's",
                      "rename or remove it, or give the replicas another --owner");
    }
    see(target, object);
  } catch (const std::exception&) {
    const Error error = current_error();
    if (error.code() != ErrorCode::not_found) {
      co_return error;
    }
    kept_.erase(target);
  }
  co_return std::nullopt;
}

bool FootprintConfigMaps::is_ours(const json& object, const std::string& target) const {
  return text_at(object, {"metadata", "labels", footprints_label}) == place_.owner &&
         text_at(object, {"metadata", "annotations", target_annotation}) == target;
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
  std::map<std::string, std::optional<std::string>> changes;  // by key; nothing: removed
  std::map<std::string, std::optional<std::string>> meant;    // the same by context
  for (const auto& context : pending->second.contexts) {
    meant[context] = changes[context_key(context)] = context_value(footprint, context);
  }
  // Whether the target is forgotten is shared by all replicas: one that only writes a context leaves it alone.
  const std::string flag = forgotten_value(footprint);
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
    if (context_value(now, context) == value) {
      left->second.contexts.erase(context);
    }
  }
  if (writes_flag) {
    left->second.flag = left->second.flag && forgotten_value(now) != flag;
  }
}

// For contexts that other replicas serve, the hub's state is the truth.
void FootprintConfigMaps::leave_to_others(const std::string& target, Pending& pending) {
  std::set<std::string> theirs;
  std::ranges::copy_if(pending.contexts, std::inserter(theirs, theirs.end()),
                       [this](const auto& context) { return !handlers_.may_write(context); });
  if (theirs.empty()) {
    return;
  }
  const auto kept = kept_.find(target);
  const Footprint* known = find(target);
  Footprint merged = known == nullptr ? Footprint() : *known;
  for (const auto& context : theirs) {
    copy_context(context, kept == kept_.end() ? Footprint() : kept->second.footprint, merged);
    pending.contexts.erase(context);
  }
  replace(target, std::move(merged));
}

asio::awaitable<void> FootprintConfigMaps::send(std::string target,
                                                std::map<std::string, std::optional<std::string>> changes) {
  const auto kept = kept_.find(target);
  FootprintData data = kept == kept_.end() ? FootprintData() : kept->second.data;
  json operations = json::array();
  if (kept != kept_.end() && data.empty()) {
    // There may be no `data` to add a key to. Added only over the version seen, so that it never replaces another's.
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
      see_answer(target, co_await hub_.json_patch(path_of(target), operations.dump()));
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
    see_answer(target, co_await hub_.create(collection, object.dump()));
  }
}

// Only the version seen, so that another replica's additions survive.
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
    listing_ = true;
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
    listing_ = false;
    listed_as_of_ = asked_at_;
    note_known();
    wake_.notify_all();
    handlers_.on_change();
    return;
  }
  const std::string target(text_at(*event.object, {"metadata", "annotations", target_annotation}));
  if (!is_object_name(target) || text_at(*event.object, {"metadata", "name"}) != name_of(target)) {
    return;  // not ours, or a copy
  }
  if (event.kind == Kind::deleted) {
    see_gone(target);
  } else {
    listed_.insert(target);
    // The answer to our write may arrive before the event of an older write, or its own.
    const auto version = version_number(text_at(*event.object, {"metadata", "resourceVersion"}));
    const auto known = kept_.find(target);
    if (known != kept_.end() && version <= version_number(known->second.version)) {
      // Or the hub's store was set back to an older state: then nothing newer follows.
      if (listing_ && version < version_number(known->second.version)) {
        doubted_.insert(target);
      }
      return;
    }
    see(target, *event.object);
  }
  if (known_as_of_) {
    handlers_.on_change();
  }
}

void FootprintConfigMaps::note_known() {
  if (doubted_.empty()) {
    known_as_of_ = listed_as_of_;
  }
}

void FootprintConfigMaps::see_answer(const std::string& target, const json& object) {
  const auto known = kept_.find(target);
  if (known == kept_.end() ||
      version_number(text_at(object, {"metadata", "resourceVersion"})) >= version_number(known->second.version)) {
    see(target, object);
  }
}

void FootprintConfigMaps::see(const std::string& target, const json& object) {
  Kept now{.version = std::string(text_at(object, {"metadata", "resourceVersion"})),
           .data = data_of(object),
           .footprint = {}};
  now.size = size_of(now.data);
  const auto before = kept_.find(target);
  const bool went_back = before != kept_.end() && version_number(now.version) < version_number(before->second.version);
  const bool builds_on = before != kept_.end() && !unreadable_.contains(target);
  const bool was_there = builds_on && !before->second.footprint.forgotten;
  const bool was_kept = builds_on && before->second.footprint.keeps;
  const auto failure = guarded([&] {
    now.footprint = builds_on ? before->second.footprint : Footprint();
    update_footprint(now.footprint, builds_on ? before->second.data : FootprintData(), now.data);
  });
  Footprint merged = now.footprint;
  kept_[target] = std::move(now);
  if (failure) {
    const Error problem = unreadable_footprint("ConfigMap " + place_.name_space + "/" + name_of(target));
    if (unreadable_.insert_or_assign(target, problem).second) {
      log::warning(describe(problem), {.target = target});
    }
    footprints_.erase(target);
    pending_.erase(target);
    return;
  }
  unreadable_.erase(target);
  if (went_back) {
    write_again(target, merged);
  }
  keep_pending(target, merged);
  const Footprint* said = find(target);
  const bool removed_here = said != nullptr && said->forgotten;  // only now in the hub
  if (was_there && merged.forgotten && !removed_here) {
    removed_elsewhere_.insert(target);
  } else if (!merged.forgotten && !merged.contexts.empty()) {
    removed_elsewhere_.erase(target);  // a replica has a newer file of it
  }
  if (was_kept && !merged.forgotten) {  // another replica has a file of it again
    for (const auto& [context, places] : merged.contexts) {
      if (handlers_.may_write(context) && merged.kept.insert(context).second) {
        pending_[target].contexts.insert(context);
      }
    }
    wake_.notify_all();
  }
  replace(target, std::move(merged));
}

// Writes again what the hub lost when its store was set back.
void FootprintConfigMaps::write_again(const std::string& target, const Footprint& told) {
  const Footprint* ours = find(target);
  if (ours == nullptr) {
    return;
  }
  for (const auto& [context, places] : ours->contexts) {
    if (handlers_.may_write(context) && !agree_on(context, ours, &told)) {
      pending_[target].contexts.insert(context);
    }
  }
  if (forgotten_value(ours) != forgotten_value(&told)) {
    pending_[target].flag = true;  // shared state: each replica that knows it writes it again
  }
  wake_.notify_all();
}

// For pending changes, our state takes precedence.
void FootprintConfigMaps::keep_pending(const std::string& target, Footprint& merged) const {
  const auto pending = pending_.find(target);
  if (pending == pending_.end()) {
    return;
  }
  const Footprint* known = find(target);
  const Footprint ours = known == nullptr ? Footprint() : *known;
  for (const auto& context : pending->second.contexts) {
    copy_context(context, ours, merged);
  }
  if (pending->second.flag) {
    copy_forgotten(ours, merged);
  }
}

// Whoever deleted it, this replica's part is written again.
void FootprintConfigMaps::see_gone(const std::string& target) {
  kept_.erase(target);
  unreadable_.erase(target);
  const auto known = footprints_.find(target);
  if (known == footprints_.end()) {
    return;
  }
  Footprint ours;
  copy_forgotten(known->second, ours);
  for (const auto& [context, places] : known->second.contexts) {
    if (handlers_.may_write(context)) {
      copy_context(context, known->second, ours);
      pending_[target].contexts.insert(context);
    }
  }
  replace(target, std::move(ours));
  wake_.notify_all();
}

asio::awaitable<void> FootprintConfigMaps::stop() {
  stopping_ = true;
  wake_.notify_all();
  co_await tasks_.end(cancel_, shutdown_grace);
  co_await watch_.stop();
}

}  // namespace regsync
