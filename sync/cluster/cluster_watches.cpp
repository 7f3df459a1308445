#include "sync/cluster/cluster_watches.hpp"

#include <algorithm>
#include <asio/this_coro.hpp>
#include <utility>

#include "sync/base/log.hpp"
#include "sync/base/random_time.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/kube/api/api_error.hpp"
#include "sync/model/secret_object.hpp"

namespace regsync {

namespace {

// A new cluster gets its Roles a moment later, and a starting API server may refuse everything until it has read them
// (kubernetes#121635). Otherwise people grant rights, rarely; `regsync sync` retries at once.
constexpr std::chrono::milliseconds first_forbidden_recheck = std::chrono::seconds(1);
constexpr std::chrono::milliseconds longest_forbidden_recheck = std::chrono::minutes(10);
// What cannot be decrypted now can be once the API server's key service answers again.
constexpr std::chrono::milliseconds longest_unreadable_recheck = std::chrono::seconds(30);
// A server keeps its events for minutes; people whose edits must be undone should not wait that long.
constexpr auto longest_hold = std::chrono::seconds(30);

// The delay after a defect: long enough to keep the event loop free, short enough to recover soon.
constexpr auto after_defect = std::chrono::seconds(10);

kube::WatchScope scope_of(const WatchId& id) {
  kube::WatchScope scope;
  scope.collection.resource = id.resource;
  scope.collection.name_space = id.name_space;
  scope.metadata_only = id.resource == namespaces_resource;
  if (!id.name.empty()) {
    scope.field_selector = "metadata.name=" + id.name;
  } else if (id.is_by_label()) {
    scope.label_selector = std::string(managed_by_label) + "=" + std::string(managed_by_value);
  }
  return scope;
}

std::chrono::milliseconds longest_recheck(const Error& why) {
  return why.code() == ErrorCode::forbidden ? longest_forbidden_recheck : longest_unreadable_recheck;
}

std::chrono::milliseconds pause_after(int refusals, std::chrono::milliseconds longest) {
  constexpr int most_doublings = 10;
  return a_little_more(std::min(first_forbidden_recheck * (1 << std::min(refusals, most_doublings)), longest));
}

}  // namespace

ClusterWatches::ClusterWatches(asio::any_io_executor executor, kube::KubeClient& client, ClusterCache& cache,
                               std::string owner_id, const Options& options, Handlers handlers)
    : client_(client),
      cache_(cache),
      few_(options.few),
      handlers_(std::move(handlers)),
      label_grace_(executor, options.label_grace, [this](const std::string& name_space) { on_settled(name_space); }),
      intake_(cache, table_, std::move(owner_id),
              {.on_secret_seen = [this](const Key& key) { check(key); },
               .on_key = [this](const Key& key) { handlers_.on_key(key); },
               .on_relabelled = [this](const std::string& name_space) { label_grace_.begin(name_space); },
               .on_namespace = [this](const std::string& name_space) { handlers_.on_namespace(name_space); }}),
      tasks_(executor),
      retry_(executor),
      release_(executor) {}

ClusterWatches::~ClusterWatches() = default;

void ClusterWatches::follow(std::shared_ptr<const Places> places) {
  const auto grown = grown_names(table_.places->secrets, places->secrets);
  table_.places = std::move(places);
  table_.hidden.restrict_to(table_.places->secrets);
  if (!grown.empty()) {
    for (const auto& [id, watch] : table_.watches) {
      if (id.is_by_label()) {
        watch->unlisted.add(grown);
        list_unlisted(*watch);
      }
    }
  }
  refresh();
}

// Names that a watch by label has not listed yet need another list, which follows a list in progress.
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

void ClusterWatches::refresh() {
  const auto ids = plan_watches(*table_.places, table_.hidden.scopes(), few_,
                                [this](const WatchId& id) { return table_.stage_of(id); });
  bool problem_ended = false;
  for (auto watch = table_.watches.begin(); watch != table_.watches.end();) {
    if (ids.contains(watch->first)) {
      ++watch;
      continue;
    }
    const auto ending = std::move(watch->second);
    watch = table_.watches.erase(watch);
    problem_ended = problem_ended || ending->problem;
    end(*ending);
  }
  for (const auto& id : ids) {
    if (!table_.watches.contains(id)) {
      start(id);
    }
  }
  if (!table_.follows_label()) {
    table_.hidden.clear();
  }
  if (problem_ended) {
    handlers_.on_health();
  }
}

void ClusterWatches::start(const WatchId& id) {
  const auto watch = std::make_shared<Watch>(id);
  table_.watches[id] = watch;
  run_guarded(watch, {});
}

void ClusterWatches::end(Watch& watch) {
  watch.state = Watch::Ended();
  watch.problem.reset();
  watch.cancel.emit(asio::cancellation_type::all);
}

// Whatever ends a wanted watch becomes its problem, and the watch starts over.
void ClusterWatches::run_guarded(const std::shared_ptr<Watch>& watch, std::chrono::milliseconds delay) {
  tasks_.spawn(
      run(watch, delay),
      [this, watch](std::optional<Error> failure) {
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
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): cancelled: it ends, or starts at once
    }
    co_await asio::this_coro::reset_cancellation_state();
  }
  while (!watch->is<Watch::Ended>()) {
    co_await follow_until_cancelled(watch);
  }
}

// Returns when everything must be listed again, or the watch has ended.
asio::awaitable<void> ClusterWatches::follow_until_cancelled(std::shared_ptr<Watch> watch) {
  kube::Watcher watcher(
      client_, scope_of(watch->id), [this, watch](const kube::WatchEvent& event) { on_event(*watch, event); },
      [this, watch, &watcher](const std::optional<Error>& problem) {
        if (!watch->is<Watch::Ended>()) {
          watch->problem = problem;
          watch->lists_fail = watcher.lists_fail();
          handlers_.on_health();
        }
      },
      [this] { handlers_.on_cut(); });
  const auto began = std::chrono::steady_clock::now();
  while (true) {
    std::optional<Error> end;
    bool is_too_wide = false;
    try {
      co_await watcher.run();
    } catch (const kube::UnreadableObject& error) {
      end = error;
      is_too_wide = true;
    } catch (const Error& error) {
      end = error;
      is_too_wide = error.code() == ErrorCode::forbidden;
    }
    if (watch->is<Watch::Ended>() || stopping_) {
      co_return;
    }
    if (is_too_wide) {
      const auto longest = longest_recheck(*end);
      on_forbidden(*watch, std::move(*end));
      if (std::chrono::steady_clock::now() - began > longest_forbidden_recheck) {
        watch->refusals = 0;  // it was allowed for long; an allowed list does not imply that a watch is
      }
      co_await retry_.wait_for(pause_after(watch->refusals++, longest));
      co_return;
    }
    if (!end || end->code() != ErrorCode::cancelled) {
      throw end ? std::move(*end) : Error(ErrorCode::internal, "a watch ended unexpectedly");
    }
    co_await asio::this_coro::reset_cancellation_state();  // first, because the next wait would throw
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
  const bool is_expected = watch.id.is_by_label() && why.code() == ErrorCode::forbidden;
  log::info(is_expected ? "Secrets may not be watched by label, so they are watched by name" : describe(why),
            {.context = client_.context().name});
  watch.state = Watch::Forbidden{std::move(why)};
  watch.problem.reset();
  watch.unlisted.clear();  // once allowed, it lists everything
  if (watch.id.resource == namespaces_resource) {
    cache_.forbid_namespaces();
  }
  refresh();  // starts the next narrower scope
  handlers_.on_health();
  handlers_.on_everything();
}

void ClusterWatches::hold_secrets() {
  holding_ = true;
  for (const auto& [id, watch] : table_.watches) {
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
      intake_.take(watch, event);
      return;
  }
}

void ClusterWatches::on_listed(Watch& watch) {
  const bool was_forbidden = watch.is<Watch::Forbidden>();
  watch.state = Watch::Following();
  intake_.end_list(watch);
  if (watch.id.is_by_label()) {
    watch.unlisted.end_list();
    list_unlisted(watch);
    collect_hidden();
  }
  grants_ += was_forbidden ? 1 : 0;
  if (was_forbidden || (watch.id.is_of_secrets() && table_.follows_label())) {
    refresh();  // others may no longer be needed
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

// Known Secrets without our label: a watch by label will not report them.
void ClusterWatches::collect_hidden() {
  for (const auto& [secret, scope] : table_.places->secrets) {
    cache_.for_each(secret, [&](const std::string& name_space, const Entry&) {
      const Key key{name_space, secret};
      table_.hidden.set(key, is_hidden(key));
    });
  }
}

void ClusterWatches::on_settled(const std::string& name_space) {
  cache_.settle_labels(name_space);
  handlers_.on_namespace(name_space);
}

bool ClusterWatches::is_hidden(const Key& key) const {
  const Entry* entry = cache_.find(key);
  return entry != nullptr && entry->observed.secret && !entry->observed.secret->labelled && table_.is_in_view(key);
}

void ClusterWatches::check(const Key& key) {
  if (table_.follows_label() && table_.hidden.set(key, is_hidden(key))) {
    refresh();
  }
}

void ClusterWatches::ask_forbidden_again() {
  ++grants_;
  retry_.notify_all();
}

void ClusterWatches::relist() {
  ++grants_;
  for (const auto& [id, watch] : table_.watches) {
    const bool waits = watch->problem.has_value();
    if (watch->is<Watch::Holding>()) {
      watch->state = Watch::Relisting();  // it checks this when it wakes
    } else if (watch->is<Watch::Following>() || (waits && !watch->is<Watch::Forbidden>())) {
      if (watch->believed()) {
        watch->state = Watch::Relisting();
      }
      watch->problem.reset();
      watch->cancel.emit(asio::cancellation_type::all);
    }
  }
  retry_.notify_all();    // wakes forbidden watches
  release_.notify_all();  // wakes held watches
}

asio::awaitable<void> ClusterWatches::stop() {
  stopping_ = true;
  label_grace_.stop();
  for (const auto& [id, watch] : std::exchange(table_.watches, {})) {
    end(*watch);
  }
  co_await tasks_.ended();
}

}  // namespace regsync
