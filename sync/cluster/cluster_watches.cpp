#include "sync/cluster/cluster_watches.hpp"

#include <algorithm>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "sync/base/log.hpp"
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

std::string metadata_text(const nlohmann::json& object, const char* field) {
  const auto metadata = object.find("metadata");
  return metadata == object.end() ? std::string() : metadata->value(field, "");
}

Labels labels_of(const nlohmann::json& object) {
  Labels labels;
  const auto& metadata = object.at("metadata");
  const auto given = metadata.find("labels");
  if (given == metadata.end()) {
    return labels;
  }
  for (const auto& [key, value] : given->items()) {
    if (value.is_string() && key != "kubernetes.io/metadata.name") {  // known without being kept
      labels[key] = value.get<std::string>();
    }
  }
  return labels;
}

}  // namespace

struct ClusterWatches::Watch {
  Id id;
  asio::cancellation_signal cancel;
  bool wanted = true;  // false: events that still arrive are ignored
  bool synced = false;
  bool held = false;     // cancelled, to go on from where it was
  bool listing = false;  // events are those of a list, which is the truth whatever was known
  std::optional<Error> forbidden;
  std::optional<Error> problem;
  Generation generation = 0;
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
    if (scope.all) {
      ids.insert(everywhere);
    }
    if (!scope.all || is_forbidden(everywhere)) {
      for (const auto& name_space : scope.namespaces) {
        ids.insert({secrets, name_space, name});
      }
    }
  }
  for (const auto& name : places_.service_accounts) {
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

const ClusterWatches::Watch* ClusterWatches::find(const Id& id) const {
  const auto found = watches_.find(id);
  return found == watches_.end() ? nullptr : found->second.get();
}

bool ClusterWatches::is_forbidden(const Id& id) const {
  const Watch* watch = find(id);
  return watch != nullptr && watch->forbidden;
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
    ending->wanted = false;
    ending->cancel.emit(asio::cancellation_type::all);
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
  auto watch = std::make_shared<Watch>();
  watch->id = id;
  watches_[id] = watch;
  ++running_;
  asio::co_spawn(executor_, run(watch),
                 asio::bind_cancellation_slot(watch->cancel.slot(), [this, watch](const std::exception_ptr& failure) {
                   --running_;
                   if (failure && watch->wanted && !stopping_) {
                     std::rethrow_exception(failure);  // a defect: run() ends by cancellation only
                   }
                   ended_.notify_all();
                 }));
}

asio::awaitable<void> ClusterWatches::run(std::shared_ptr<Watch> watch) {
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
        watch->problem = problem;
        handlers_.on_health();
      });
  while (watch->wanted && !stopping_) {
    std::optional<Error> end;
    try {
      co_await watcher.run();
    } catch (const Error& error) {
      end = error;
    }
    if (end->code() == ErrorCode::cancelled && watch->held) {
      co_await asio::this_coro::reset_cancellation_state();  // first: it would throw from the next wait
      if (holding_) {
        co_await release_.wait_for(longest_hold);
      }
      watch->held = false;
      continue;
    }
    if (end->code() != ErrorCode::forbidden) {
      throw Error(*end);
    }
    watch->forbidden = end;
    watch->problem.reset();
    watch->synced = false;
    if (watch->id.resource == namespaces) {
      cache_.namespaces_complete = false;
    }
    log::info(describe(*watch->forbidden), {.context = client_.context().name});
    refresh();  // the next narrower scope
    handlers_.on_health();
    handlers_.on_everything();
    co_await retry_.wait_for(forbidden_recheck);
  }
}

void ClusterWatches::hold_secrets() {
  holding_ = true;
  for (const auto& [id, watch] : watches_) {
    if (id.resource == secrets && watch->synced && !watch->problem && !std::exchange(watch->held, true)) {
      watch->cancel.emit(asio::cancellation_type::all);
    }
  }
}

void ClusterWatches::release_secrets() {
  holding_ = false;
  release_.notify_all();
}

void ClusterWatches::on_event(Watch& watch, const kube::WatchEvent& event) {
  if (!watch.wanted || stopping_) {
    return;
  }
  switch (event.kind) {
    case kube::WatchEvent::Kind::restarted:
      watch.generation = ++cache_.generation;
      watch.listing = true;
      if (watch.synced) {
        handlers_.on_restart();
      }
      return;
    case kube::WatchEvent::Kind::synced:
      watch.synced = true;
      watch.listing = false;
      watch.problem.reset();
      sweep(watch);
      if (watch.forbidden) {
        watch.forbidden.reset();
        refresh();  // narrower scopes are not needed any more
      }
      handlers_.on_everything();
      handlers_.on_health();
      return;
    case kube::WatchEvent::Kind::applied:
    case kube::WatchEvent::Kind::deleted:
      if (watch.id.resource == secrets) {
        on_secret(watch, event);
      } else if (watch.id.resource == namespaces) {
        on_namespace(watch, event);
      } else {
        on_service_account(watch, event);
      }
      return;
  }
}

void ClusterWatches::on_namespace(Watch& watch, const kube::WatchEvent& event) {
  const auto name = metadata_text(*event.object, "name");
  if (event.kind == kube::WatchEvent::Kind::deleted) {
    cache_.erase_namespace(name);
  } else {
    NamespaceView view{event.object->at("metadata").contains("deletionTimestamp"), labels_of(*event.object)};
    cache_.put_namespace(name, std::move(view), watch.synced ? cache_.generation : watch.generation);
  }
  handlers_.on_namespace(name);
}

void ClusterWatches::on_secret(Watch& watch, const kube::WatchEvent& event) {
  const Key key{metadata_text(*event.object, "namespace"), metadata_text(*event.object, "name")};
  Entry& entry = cache_.entry(key);
  const auto version = version_number(metadata_text(*event.object, "resourceVersion"));
  if (!watch.listing && version < entry.version) {
    return;  // the answer to a write of ours was faster
  }
  if (!watch.listing && version == entry.version && entry.secret && event.kind == kube::WatchEvent::Kind::applied) {
    entry.generation = cache_.generation;
    return;  // it told the same
  }
  entry.version = version;
  if (event.kind == kube::WatchEvent::Kind::deleted) {
    entry.secret.reset();
  } else {
    entry.secret = cache_.share(view_secret(*event.object, owner_id_));
    entry.generation = watch.synced ? cache_.generation : watch.generation;
  }
  if (watch.synced) {
    handlers_.on_key(key);
  }
}

void ClusterWatches::on_service_account(Watch& watch, const kube::WatchEvent& event) {
  const auto name_space = metadata_text(*event.object, "namespace");
  const auto name = metadata_text(*event.object, "name");
  if (event.kind == kube::WatchEvent::Kind::deleted) {
    cache_.service_accounts.erase({name_space, name});
  } else {
    auto& known = cache_.service_accounts[{name_space, name}];
    auto view = view_service_account(*event.object);
    if (!watch.listing && view.version < known.view.version) {
      return;  // the answer to a write of ours was faster
    }
    known = {std::move(view), watch.synced ? cache_.generation : watch.generation};
  }
  if (watch.synced) {
    handlers_.on_namespace(name_space);
  }
}

void ClusterWatches::sweep(const Watch& watch) {
  const auto in_scope = [&watch](const std::string& name_space) {
    return watch.id.name_space.empty() || watch.id.name_space == name_space;
  };
  if (watch.id.resource == namespaces) {
    cache_.erase_namespaces_before(watch.generation);
    cache_.namespaces_complete = true;
  } else if (watch.id.resource == service_accounts) {
    std::erase_if(cache_.service_accounts, [&](const auto& item) {
      return item.first.second == watch.id.name && in_scope(item.first.first) &&
             item.second.generation < watch.generation;
    });
  } else {
    cache_.for_each(watch.id.name, [&](const std::string& name_space, Entry& entry) {
      if (in_scope(name_space) && entry.generation < watch.generation) {
        entry.secret.reset();
      }
    });
  }
}

ClusterWatches::Trust ClusterWatches::trust(const Key& key) const {
  if (!knows_accounts(key.name_space)) {
    return Trust::not_yet;
  }
  const Watch* everywhere = find({secrets, "", key.secret});
  const Watch* single = find({secrets, key.name_space, key.secret});
  if ((everywhere != nullptr && everywhere->synced) || (single != nullptr && single->synced)) {
    return Trust::followed;
  }
  if (single != nullptr) {
    return single->forbidden ? Trust::on_demand : Trust::not_yet;
  }
  return everywhere != nullptr && everywhere->forbidden ? Trust::on_demand : Trust::not_yet;
}

// Before a Secret is deleted, it is detached from the accounts that are known to name it.
bool ClusterWatches::knows_accounts(const std::string& name_space) const {
  return std::all_of(places_.service_accounts.begin(), places_.service_accounts.end(), [&](const auto& name) {
    const Watch* everywhere = find({service_accounts, "", name});
    const Watch* single = find({service_accounts, name_space, name});
    const auto answered = [](const Watch* watch) { return watch == nullptr || watch->synced || watch->forbidden; };
    return (everywhere != nullptr && everywhere->synced) || (answered(everywhere) && answered(single));
  });
}

bool ClusterWatches::covers(const std::string& secret) const {
  const Watch* everywhere = find({secrets, "", secret});
  if (everywhere != nullptr && everywhere->synced) {
    return true;
  }
  const auto scope = places_.secrets.find(secret);
  return scope != places_.secrets.end() && !scope->second.all &&
         std::all_of(scope->second.namespaces.begin(), scope->second.namespaces.end(), [&](const auto& name_space) {
           const Watch* single = find({secrets, name_space, secret});
           return single != nullptr && (single->synced || single->forbidden);
         });
}

bool ClusterWatches::knows_all_accounts() const {
  return std::all_of(watches_.begin(), watches_.end(), [](const auto& item) {
    const Watch& watch = *item.second;
    return watch.id.resource != service_accounts || watch.synced || watch.forbidden;
  });
}

bool ClusterWatches::settled() const {
  return std::all_of(watches_.begin(), watches_.end(), [](const auto& item) {
    const Watch& watch = *item.second;
    return watch.synced || watch.forbidden || watch.problem;
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
  const Watch* watch = find({namespaces, "", ""});
  return watch == nullptr ? std::nullopt : watch->forbidden;
}

void ClusterWatches::retry() {
  for (const auto& [id, watch] : watches_) {
    if (watch->problem) {
      watch->wanted = false;
      watch->cancel.emit(asio::cancellation_type::all);
    }
  }
  std::erase_if(watches_, [](const auto& item) { return !item.second->wanted; });
  refresh();
  retry_.notify_all();
}

asio::awaitable<void> ClusterWatches::stop() {
  stopping_ = true;
  for (const auto& [id, watch] : std::exchange(watches_, {})) {
    watch->wanted = false;
    watch->cancel.emit(asio::cancellation_type::all);
  }
  while (running_ > 0) {
    co_await ended_.wait();
  }
}

}  // namespace regsync
