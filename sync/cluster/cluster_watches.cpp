#include "sync/cluster/cluster_watches.hpp"

#include <algorithm>
#include <asio/cancellation_signal.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "sync/base/guard.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/log.hpp"
#include "sync/model/names.hpp"
#include "sync/model/resource_version.hpp"

namespace regsync {

namespace {

constexpr const char* secrets = "secrets";
constexpr const char* namespaces = "namespaces";
constexpr const char* service_accounts = "serviceaccounts";

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

// Nothing where the labels are not what the API server writes: what a selector says of them then is not known.
std::optional<NamespaceView> view_namespace(const nlohmann::json& object) {
  NamespaceView view;
  const auto* deletion = find_at(object, {"metadata", "deletionTimestamp"});
  view.terminating = deletion != nullptr && !deletion->is_null();
  const auto* labels = find_at(object, {"metadata", "labels"});
  if (labels == nullptr || labels->is_null()) {
    return view;
  }
  if (!labels->is_object()) {
    return std::nullopt;
  }
  for (const auto& [key, value] : labels->items()) {
    if (!value.is_string()) {
      return std::nullopt;
    }
    if (key != "kubernetes.io/metadata.name") {  // known without being kept
      view.labels[key] = value.get<std::string>();
    }
  }
  return view;
}

}  // namespace

// What one watch knows, and what it does:
//
//   FirstList ──complete──► Following ──410, relist()──► Relisting ──complete──► Following
//       │                    │     ▲                         │
//       │                  hold  release                     │
//       │                    ▼     │                         │
//       │                    Holding                         │
//       └────────────────────── 403 ─────────────────────────┴──► Forbidden ──complete──► Following
//
// Believed in Following, Holding and Relisting: the cache is, or was at the last complete list and all events since,
// what the server has. Listing in FirstList, Relisting and Forbidden: the objects that come are those of a list. Ended
// comes from any state by end(), and is the last one: events that still arrive are ignored.
struct ClusterWatches::Watch {
  struct FirstList {};
  struct Following {};
  struct Relisting {};
  struct Holding {};  // the stream is cancelled, to go on from where it was
  struct Forbidden {
    Error why;
  };
  struct Ended {};

  const Id id;
  asio::cancellation_signal cancel;
  std::variant<FirstList, Following, Relisting, Holding, Forbidden, Ended> state;
  // Why the last list or watch failed; nothing while it works, and in Holding, Forbidden and Ended.
  std::optional<Error> problem;
  Generation generation = 0;  // of the newest list of it

  explicit Watch(Id of) : id(std::move(of)) {}

  template <typename State>
  [[nodiscard]] bool is() const {
    return std::holds_alternative<State>(state);
  }
  [[nodiscard]] bool believed() const { return is<Following>() || is<Holding>() || is<Relisting>(); }
  [[nodiscard]] bool listing() const { return is<FirstList>() || is<Relisting>() || is<Forbidden>(); }
  [[nodiscard]] bool answered() const { return believed() || is<Forbidden>(); }
  [[nodiscard]] std::optional<Error> forbidden() const {
    const auto* forbidden = std::get_if<Forbidden>(&state);
    return forbidden == nullptr ? std::nullopt : std::optional(forbidden->why);
  }
};

ClusterWatches::ClusterWatches(asio::any_io_executor executor, kube::KubeClient& client, ClusterCache& cache,
                               std::string owner_id, Handlers handlers)
    : executor_(executor),
      client_(client),
      cache_(cache),
      owner_id_(std::move(owner_id)),
      handlers_(std::move(handlers)),
      ended_(executor),
      retry_(executor),
      release_(executor) {}

ClusterWatches::~ClusterWatches() = default;

void ClusterWatches::follow(const Places& places) {
  places_ = places;
  refresh();
}

std::set<ClusterWatches::Id> ClusterWatches::wanted() const {
  std::set<Id> ids;
  if (!places_.empty()) {
    ids.insert({namespaces, "", ""});
  }
  std::set<std::string> plain;
  for (const auto& [name, scope] : places_.secrets) {
    plain.insert(scope.namespaces.begin(), scope.namespaces.end());
    const Id everywhere{secrets, "", name};
    if (scope.is_wide()) {
      ids.insert(everywhere);
    }
    if (!scope.is_wide() || is_forbidden(everywhere)) {
      for (const auto& name_space : scope.namespaces) {
        ids.insert({secrets, name_space, name});
      }
    }
  }
  for (const auto& name : account_names()) {
    const Id everywhere{service_accounts, "", name};
    ids.insert(everywhere);
    if (is_forbidden(everywhere)) {
      for (const auto& name_space : plain) {
        ids.insert({service_accounts, name_space, name});
      }
    }
  }
  return ids;
}

// By name; where one is a pattern, one watch of all ServiceAccounts, whose Id has no name, serves them all.
std::set<std::string> ClusterWatches::account_names() const {
  return std::ranges::any_of(places_.service_accounts, is_glob) ? std::set<std::string>{""} : places_.service_accounts;
}

const ClusterWatches::Watch* ClusterWatches::find(const Id& id) const {
  const auto found = watches_.find(id);
  return found == watches_.end() ? nullptr : found->second.get();
}

bool ClusterWatches::is_forbidden(const Id& id) const {
  const Watch* watch = find(id);
  return watch != nullptr && watch->is<Watch::Forbidden>();
}

void ClusterWatches::refresh() {
  const auto ids = wanted();
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
  if (problem_ended) {
    handlers_.on_health();
  }
}

void ClusterWatches::start(const Id& id) {
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
  scope.metadata_only = watch->id.resource == namespaces;
  if (!watch->id.name.empty()) {
    scope.field_selector = "metadata.name=" + watch->id.name;
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
  log::info(describe(why), {.context = client_.context().name});
  watch.state = Watch::Forbidden{std::move(why)};
  watch.problem.reset();
  if (watch.id.resource == namespaces) {
    cache_.forbid_namespaces();
  }
  refresh();  // the next narrower scope
  handlers_.on_health();
  handlers_.on_everything();
}

void ClusterWatches::hold_secrets() {
  holding_ = true;
  for (const auto& [id, watch] : watches_) {
    if (id.resource == secrets && watch->is<Watch::Following>() && !watch->problem) {
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
  if (watch.id.resource == namespaces) {
    cache_.observe_namespaces_end(watch.generation);
  } else if (watch.id.resource == service_accounts) {
    cache_.observe_accounts_end(watch.id.name, watch.id.name_space, watch.generation);
  } else {
    cache_.observe_list_end(watch.id.name, watch.id.name_space, watch.generation);
  }
  if (was_forbidden) {
    refresh();  // narrower scopes are not needed any more
  }
  if (watch.id.resource != secrets || was_forbidden) {
    handlers_.on_everything();
  } else if (watch.id.name_space.empty()) {
    handlers_.on_secret(watch.id.name);
  } else {
    handlers_.on_key({watch.id.name_space, watch.id.name});
  }
  handlers_.on_health();
}

// An object that cannot be what was asked for is dropped: it has no usable name, or the server ignores selectors.
void ClusterWatches::on_object(Watch& watch, const kube::WatchEvent& event) {
  const auto name = metadata_text(*event.object, "name");
  if (watch.id.resource == namespaces) {
    if (is_label_name(name)) {
      on_namespace(event);
    }
    return;
  }
  const auto name_space = metadata_text(*event.object, "namespace");
  const bool asked = watch.id.name.empty() ? is_object_name(name) : name == watch.id.name;
  if (!asked || !is_label_name(name_space) || (!watch.id.name_space.empty() && name_space != watch.id.name_space)) {
    return;
  }
  if (watch.id.resource == secrets) {
    on_secret(watch, event);
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

void ClusterWatches::on_secret(Watch& watch, const kube::WatchEvent& event) {
  const Key key{metadata_text(*event.object, "namespace"), watch.id.name};
  const bool gone = event.kind == kube::WatchEvent::Kind::deleted;
  if (watch.listing()) {
    cache_.doubt(key);
  }
  const bool news = cache_.observe(key, version_of(*event.object),
                                   gone ? std::nullopt : std::optional(view_secret(*event.object, owner_id_)));
  if (news && watch.believed()) {
    handlers_.on_key(key);
  }
}

void ClusterWatches::on_service_account(Watch& watch, const kube::WatchEvent& event) {
  const auto name_space = metadata_text(*event.object, "namespace");
  const auto name = metadata_text(*event.object, "name");
  const bool gone = event.kind == kube::WatchEvent::Kind::deleted;
  if (watch.listing()) {
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
  const Watch* everywhere = find({secrets, "", key.secret});
  const Watch* single = find({secrets, key.name_space, key.secret});
  if ((everywhere != nullptr && everywhere->believed()) || (single != nullptr && single->believed())) {
    return Trust::followed;
  }
  const Watch* narrowest = single != nullptr ? single : everywhere;
  return narrowest != nullptr && narrowest->is<Watch::Forbidden>() ? Trust::on_demand : Trust::not_yet;
}

// Before a Secret is deleted, it is detached from the accounts that are known to name it.
bool ClusterWatches::knows_accounts(const std::string& name_space) const {
  return std::ranges::all_of(account_names(), [&](const auto& name) {
    const Watch* everywhere = find({service_accounts, "", name});
    const Watch* single = find({service_accounts, name_space, name});
    const auto answered = [](const Watch* watch) { return watch == nullptr || watch->answered(); };
    return (everywhere != nullptr && everywhere->believed()) || (answered(everywhere) && answered(single));
  });
}

bool ClusterWatches::covers(const std::string& secret) const {
  const Watch* everywhere = find({secrets, "", secret});
  if (everywhere != nullptr && everywhere->believed()) {
    return true;
  }
  const auto scope = places_.secrets.find(secret);
  return scope != places_.secrets.end() && !scope->second.any &&
         std::all_of(scope->second.namespaces.begin(), scope->second.namespaces.end(), [&](const auto& name_space) {
           const Watch* single = find({secrets, name_space, secret});
           return single != nullptr && single->answered();
         });
}

bool ClusterWatches::knows_all_accounts() const {
  return std::all_of(watches_.begin(), watches_.end(), [](const auto& item) {
    const Watch& watch = *item.second;
    return watch.id.resource != service_accounts || watch.answered();
  });
}

bool ClusterWatches::settled() const {
  return std::all_of(watches_.begin(), watches_.end(), [](const auto& item) {
    const Watch& watch = *item.second;
    return watch.problem || (watch.answered() && !watch.is<Watch::Relisting>());
  });
}

bool ClusterWatches::listed() const {
  return std::all_of(watches_.begin(), watches_.end(), [](const auto& item) { return item.second->answered(); });
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
  const Watch* watch = find({namespaces, "", ""});
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
