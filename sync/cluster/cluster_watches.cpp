#include "sync/cluster/cluster_watches.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "sync/base/guard.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/log.hpp"
#include "sync/cluster/namespace_view.hpp"
#include "sync/model/names.hpp"
#include "sync/model/resource_version.hpp"

namespace regsync {

namespace {

// Rights are granted by people, rarely; `regsync sync` asks at once.
constexpr auto forbidden_recheck = std::chrono::minutes(10);
// A server remembers its events for minutes; people whose edits are to be put right should not wait for so long.
constexpr auto longest_hold = std::chrono::seconds(30);

// After a defect: long enough to keep the loop free, short enough to notice.
constexpr auto after_defect = std::chrono::seconds(10);

std::string metadata_text(const nlohmann::json& object, std::string_view field) {
  return std::string(text_at(object, {"metadata", field}));
}

std::uint64_t version_of(const nlohmann::json& object) {
  return version_number(metadata_text(object, "resourceVersion"));
}

}  // namespace

ClusterWatches::ClusterWatches(asio::any_io_executor executor, kube::KubeClient& client, ClusterCache& cache,
                               std::string owner_id, int few, Handlers handlers)
    : executor_(executor),
      client_(client),
      cache_(cache),
      owner_id_(std::move(owner_id)),
      few_(few),
      handlers_(std::move(handlers)),
      ended_(executor),
      retry_(executor),
      release_(executor) {}

ClusterWatches::~ClusterWatches() = default;

void ClusterWatches::follow(const Places& places) {
  const auto grown = grown_names(places_.secrets, places.secrets);
  places_ = places;
  hidden_.restrict_to(places_.secrets);
  if (!grown.empty()) {
    for (const auto& [id, watch] : watches_) {
      if (id.is_by_label()) {
        watch->unlisted.add(grown);
        list_unlisted(*watch);
      }
    }
  }
  refresh();
}

// What a watch by label has not listed yet takes another list; one that is under way is followed by that.
void ClusterWatches::list_unlisted(Watch& watch) {
  if (watch.unlisted.empty()) {
    return;
  }
  if (watch.is<Watch::Following>()) {
    watch.state = Watch::Relisting();
    watch.cancel.emit(asio::cancellation_type::all);
  } else if (watch.is<Watch::Holding>()) {
    watch.state = Watch::Relisting();
    release_.notify_all();
  }
}

Watch* ClusterWatches::find(const WatchId& id) const {
  const auto found = watches_.find(id);
  return found == watches_.end() ? nullptr : found->second.get();
}

WatchStage ClusterWatches::stage_of(const WatchId& id) const {
  const Watch* watch = find(id);
  if (watch == nullptr) {
    return WatchStage::none;
  }
  if (watch->is<Watch::Forbidden>()) {
    return WatchStage::forbidden;
  }
  return watch->believed() && watch->unlisted.empty() ? WatchStage::followed : WatchStage::listing;
}

void ClusterWatches::refresh() {
  const auto ids = plan_watches(places_, hidden_.scopes(), few_, [this](const WatchId& id) { return stage_of(id); });
  bool problem_ended = false;
  for (auto watch = watches_.begin(); watch != watches_.end();) {
    if (ids.contains(watch->first)) {
      ++watch;
      continue;
    }
    const auto ending = std::move(watch->second);
    watch = watches_.erase(watch);
    problem_ended = problem_ended || ending->problem;
    end(*ending);
  }
  for (const auto& id : ids) {
    if (!watches_.contains(id)) {
      start(id);
    }
  }
  if (!follows_label()) {
    hidden_.clear();
  }
  if (problem_ended) {
    handlers_.on_health();
  }
}

// Whether some watch by label runs that is not forbidden.
bool ClusterWatches::follows_label() const {
  return std::any_of(watches_.begin(), watches_.end(), [](const auto& item) {
    return item.first.is_by_label() && !item.second->template is<Watch::Forbidden>();
  });
}

void ClusterWatches::start(const WatchId& id) {
  const auto watch = std::make_shared<Watch>(id);
  watches_[id] = watch;
  run_guarded(watch, {});
}

void ClusterWatches::end(Watch& watch) {
  watch.state = Watch::Ended();
  watch.problem.reset();
  watch.cancel.emit(asio::cancellation_type::all);
}

// Whatever ends a watch that is wanted is its problem, and it begins anew.
void ClusterWatches::run_guarded(const std::shared_ptr<Watch>& watch, std::chrono::milliseconds delay) {
  ++running_;
  spawn_guarded(
      executor_, run(watch, delay),
      [this, watch](std::optional<Error> failure) {
        --running_;
        ended_.notify_all();
        if (!failure || watch->is<Watch::Ended>() || stopping_) {
          return;
        }
        log::error("the watch of " + watch->id.resource + " failed: " + describe(*failure),
                   {.context = client_.context().name});
        watch->problem = std::move(failure);
        run_guarded(watch, after_defect);
        handlers_.on_health();
      },
      watch->cancel.slot());
}

asio::awaitable<void> ClusterWatches::run(std::shared_ptr<Watch> watch, std::chrono::milliseconds delay) {
  if (delay > std::chrono::milliseconds(0)) {
    try {
      co_await retry_.wait_for(delay);
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): cancelled, so it ends, or begins at once
    }
    co_await asio::this_coro::reset_cancellation_state();
  }
  while (!watch->is<Watch::Ended>()) {
    co_await follow_until_cancelled(watch);
  }
}

// Returns when all must be listed anew, or never again.
asio::awaitable<void> ClusterWatches::follow_until_cancelled(std::shared_ptr<Watch> watch) {
  kube::WatchScope scope;
  scope.collection.resource = watch->id.resource;
  scope.collection.name_space = watch->id.name_space;
  scope.metadata_only = watch->id.resource == namespaces_resource;
  if (!watch->id.name.empty()) {
    scope.field_selector = "metadata.name=" + watch->id.name;
  } else if (watch->id.is_by_label()) {
    scope.label_selector = std::string(managed_by_label) + "=" + std::string(managed_by_value);
  }
  kube::Watcher watcher(
      client_, scope, [this, watch](const kube::WatchEvent& event) { on_event(*watch, event); },
      [this, watch](const std::optional<Error>& problem) {
        if (!watch->is<Watch::Ended>()) {
          watch->problem = problem;
          handlers_.on_health();
        }
      });
  while (true) {
    std::optional<Error> end;
    try {
      co_await watcher.run();
    } catch (const Error& error) {
      end = error;
    }
    if (watch->is<Watch::Ended>() || stopping_) {
      co_return;
    }
    if (end && end->code() == ErrorCode::forbidden) {
      on_forbidden(*watch, std::move(*end));
      co_await retry_.wait_for(forbidden_recheck);
      co_return;
    }
    if (!end || end->code() != ErrorCode::cancelled) {
      throw end ? std::move(*end) : Error(ErrorCode::internal, "a watch ended by itself");
    }
    co_await asio::this_coro::reset_cancellation_state();  // first: it would throw from the next wait
    if (holding_ && watch->is<Watch::Holding>()) {
      co_await release_.wait_for(longest_hold);
    }
    if (watch->is<Watch::Holding>()) {
      watch->state = Watch::Following();
    }
    if (!watch->is<Watch::Following>()) {
      co_return;
    }
  }
}

void ClusterWatches::on_forbidden(Watch& watch, Error why) {
  log::info(watch.id.is_by_label() ? "Secrets may not be watched by label, so they are watched by name" : describe(why),
            {.context = client_.context().name});
  watch.state = Watch::Forbidden{std::move(why)};
  watch.problem.reset();
  watch.unlisted.clear();  // what it lists once it may, it lists in full
  if (watch.id.resource == namespaces_resource) {
    cache_.forbid_namespaces();
  }
  refresh();  // the next narrower scope
  handlers_.on_health();
  handlers_.on_everything();
}

void ClusterWatches::hold_secrets() {
  holding_ = true;
  for (const auto& [id, watch] : watches_) {
    if (id.is_of_secrets() && watch->is<Watch::Following>() && !watch->problem) {
      watch->state = Watch::Holding();
      watch->cancel.emit(asio::cancellation_type::all);
    }
  }
}

void ClusterWatches::release_secrets() {
  holding_ = false;
  release_.notify_all();
}

void ClusterWatches::on_event(Watch& watch, const kube::WatchEvent& event) {
  if (watch.is<Watch::Ended>() || stopping_) {
    return;
  }
  switch (event.kind) {
    case kube::WatchEvent::Kind::restarted:
      watch.generation = cache_.begin_list();
      watch.unlisted.begin_list();
      if (watch.is<Watch::Following>()) {
        watch.state = Watch::Relisting();
        handlers_.on_restart();
      }
      return;
    case kube::WatchEvent::Kind::synced:
      on_listed(watch);
      return;
    case kube::WatchEvent::Kind::applied:
    case kube::WatchEvent::Kind::deleted:
      on_object(watch, event);
      return;
  }
}

// A list is complete: what it did not deliver is gone.
void ClusterWatches::on_listed(Watch& watch) {
  const bool was_forbidden = watch.is<Watch::Forbidden>();
  watch.state = Watch::Following();
  watch.problem.reset();
  if (watch.id.resource == namespaces_resource) {
    cache_.observe_namespaces_end(watch.generation);
  } else if (watch.id.resource == service_accounts_resource) {
    cache_.observe_accounts_end(watch.id.name, watch.id.name_space, watch.generation);
  } else if (watch.id.is_by_label()) {
    cache_.observe_labelled_end(watch.id.name_space, watch.generation);
    watch.unlisted.end_list();
    list_unlisted(watch);
    collect_hidden();
  } else {
    cache_.observe_list_end(watch.id.name, watch.id.name_space, watch.generation);
  }
  if (was_forbidden || (watch.id.is_of_secrets() && follows_label())) {
    refresh();  // others may not be needed any more
  }
  if (!watch.id.is_of_secrets() || watch.id.is_by_label() || was_forbidden) {
    handlers_.on_everything();
  } else if (watch.id.name_space.empty()) {
    handlers_.on_secret(watch.id.name);
  } else {
    handlers_.on_key({watch.id.name_space, watch.id.name});
  }
  handlers_.on_health();
}

// Secrets without our label that are known from before: a watch by label will not tell of them.
void ClusterWatches::collect_hidden() {
  for (const auto& [secret, scope] : places_.secrets) {
    cache_.for_each(secret, [&](const std::string& name_space, const Entry&) {
      const Key key{name_space, secret};
      hidden_.set(key, is_hidden(key));
    });
  }
}

bool ClusterWatches::is_in_view(const Key& key) const {
  const auto scope = places_.secrets.find(key.secret);
  return scope != places_.secrets.end() && scope->second.shows(key.name_space);
}

bool ClusterWatches::is_hidden(const Key& key) const {
  const Entry* entry = cache_.find(key);
  return entry != nullptr && entry->observed.secret && !entry->observed.secret->labelled && is_in_view(key);
}

void ClusterWatches::check(const Key& key) {
  if (follows_label() && hidden_.set(key, is_hidden(key))) {
    refresh();
  }
}

// An object that cannot be what was asked for is dropped: it has no usable name, or the server ignores selectors.
void ClusterWatches::on_object(Watch& watch, const kube::WatchEvent& event) {
  const auto name = metadata_text(*event.object, "name");
  if (watch.id.resource == namespaces_resource) {
    if (is_label_name(name)) {
      on_namespace(event);
    }
    return;
  }
  const auto name_space = metadata_text(*event.object, "namespace");
  const bool asked = watch.id.is_by_label()  ? is_in_view({name_space, name})
                     : watch.id.name.empty() ? is_object_name(name)
                                             : name == watch.id.name;
  if (!asked || !is_label_name(name_space) || (!watch.id.name_space.empty() && name_space != watch.id.name_space)) {
    return;
  }
  if (watch.id.is_of_secrets()) {
    on_secret(watch, {name_space, name}, event);
  } else {
    on_service_account(watch, event);
  }
}

void ClusterWatches::on_namespace(const kube::WatchEvent& event) {
  const auto name = metadata_text(*event.object, "name");
  const bool gone = event.kind == kube::WatchEvent::Kind::deleted;
  cache_.observe_namespace(name, gone ? std::nullopt : view_namespace(*event.object));
  handlers_.on_namespace(name);
}

void ClusterWatches::on_secret(Watch& watch, const Key& key, const kube::WatchEvent& event) {
  const bool gone = event.kind == kube::WatchEvent::Kind::deleted;
  const auto version = version_of(*event.object);
  if (watch.listing() || version == 0) {
    cache_.doubt(key);
  }
  const bool news =
      gone && watch.id.is_by_label()
          ? cache_.observe_unlabelled(key, version)
          : cache_.observe(key, version, gone ? std::nullopt : std::optional(view_secret(*event.object, owner_id_)));
  const bool believed = watch.believed();
  check(key);
  if (news && believed) {
    handlers_.on_key(key);
  }
}

void ClusterWatches::on_service_account(Watch& watch, const kube::WatchEvent& event) {
  const auto name_space = metadata_text(*event.object, "namespace");
  const auto name = metadata_text(*event.object, "name");
  const bool gone = event.kind == kube::WatchEvent::Kind::deleted;
  if (watch.listing() || version_of(*event.object) == 0) {
    cache_.doubt_account(name_space, name);
  }
  const bool news = cache_.observe_account(name_space, name,
                                           gone ? std::nullopt : std::optional(view_service_account(*event.object)));
  if (news && watch.believed()) {
    handlers_.on_namespace(name_space);
  }
}

ClusterWatches::Trust ClusterWatches::trust(const Key& key) const {
  if (!knows_accounts(key.name_space)) {
    return Trust::not_yet;
  }
  const Watch* everywhere = find({secrets_resource, "", key.secret});
  const Watch* single = find({secrets_resource, key.name_space, key.secret});
  if ((everywhere != nullptr && everywhere->believed()) || (single != nullptr && single->believed())) {
    return Trust::followed;
  }
  if (!hidden_.contains(key) && is_in_view(key) && label_shows(key.name_space, key.secret)) {
    return Trust::labelled;
  }
  const Watch* narrowest = single != nullptr ? single : everywhere;
  return narrowest != nullptr && narrowest->is<Watch::Forbidden>() ? Trust::on_demand : Trust::not_yet;
}

// Whether a watch by label shows a Secret name in a namespace (none: in all).
bool ClusterWatches::label_shows(const std::string& name_space, const std::string& secret) const {
  const auto shows = [&](const Watch* watch) {
    return watch != nullptr && watch->believed() && !watch->unlisted.contains(secret);
  };
  return shows(find({secrets_resource, "", ""})) ||
         (!name_space.empty() && shows(find({secrets_resource, name_space, ""})));
}

// Before a Secret is deleted, it is detached from the accounts that are known to name it.
bool ClusterWatches::knows_accounts(const std::string& name_space) const {
  return std::ranges::all_of(watched_accounts(places_), [&](const auto& name) {
    const Watch* everywhere = find({service_accounts_resource, "", name});
    const Watch* single = find({service_accounts_resource, name_space, name});
    const auto answered = [](const Watch* watch) { return watch == nullptr || watch->answered(); };
    return (everywhere != nullptr && everywhere->believed()) || (answered(everywhere) && answered(single));
  });
}

bool ClusterWatches::covers(const std::string& secret) const {
  const Watch* everywhere = find({secrets_resource, "", secret});
  if ((everywhere != nullptr && everywhere->believed()) || label_shows("", secret)) {
    return true;
  }
  const auto scope = places_.secrets.find(secret);
  return scope != places_.secrets.end() && !scope->second.any &&
         std::all_of(scope->second.namespaces.begin(), scope->second.namespaces.end(), [&](const auto& name_space) {
           const Watch* single = find({secrets_resource, name_space, secret});
           return (single != nullptr && single->answered()) || label_shows(name_space, secret);
         });
}

bool ClusterWatches::knows_all_accounts() const {
  return std::all_of(watches_.begin(), watches_.end(), [](const auto& item) {
    const Watch& watch = *item.second;
    return watch.id.resource != service_accounts_resource || watch.answered();
  });
}

bool ClusterWatches::settled() const {
  return std::all_of(watches_.begin(), watches_.end(), [](const auto& item) {
    const Watch& watch = *item.second;
    return watch.problem || (watch.answered() && !watch.is<Watch::Relisting>());
  });
}

bool ClusterWatches::listed() const {
  return std::all_of(watches_.begin(), watches_.end(), [this](const auto& item) {
    const WatchId& id = item.first;
    const bool is_extra = id.is_of_secrets() && !id.is_by_label() && label_shows(id.name_space, id.name);
    return is_extra || item.second->answered();
  });
}

std::optional<Error> ClusterWatches::problem() const {
  for (const auto& [id, watch] : watches_) {
    if (watch->problem) {
      return watch->problem;
    }
  }
  return std::nullopt;
}

std::optional<Error> ClusterWatches::namespaces_forbidden() const {
  const Watch* watch = find({namespaces_resource, "", ""});
  return watch == nullptr ? std::nullopt : watch->forbidden();
}

void ClusterWatches::relist() {
  for (const auto& [id, watch] : watches_) {
    const bool waits = watch->problem.has_value();
    if (watch->is<Watch::Holding>()) {
      watch->state = Watch::Relisting();  // it sees that when it wakes
    } else if (watch->is<Watch::Following>() || (waits && !watch->is<Watch::Forbidden>())) {
      if (watch->believed()) {
        watch->state = Watch::Relisting();
      }
      watch->problem.reset();
      watch->cancel.emit(asio::cancellation_type::all);
    }
  }
  retry_.notify_all();    // what is forbidden
  release_.notify_all();  // what is held
}

asio::awaitable<void> ClusterWatches::stop() {
  stopping_ = true;
  for (const auto& [id, watch] : std::exchange(watches_, {})) {
    end(*watch);
  }
  while (running_ > 0) {
    co_await ended_.wait();
  }
}

}  // namespace regsync
