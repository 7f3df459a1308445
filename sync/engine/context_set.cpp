#include "sync/engine/context_set.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "sync/base/async_event.hpp"
#include "sync/base/log.hpp"
#include "sync/base/random_time.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace {

using std::chrono::milliseconds;

// The maximum delay, after doubling, between tries of a context that is unusable (a file may yet be created or
// repaired) or whose server cannot tell its identity (for example, while starting).
constexpr milliseconds longest_retry = std::chrono::seconds(32);
constexpr milliseconds longest_doubt = std::chrono::minutes(10);  // the identity may stay unknown

}  // namespace

Error ContextSet::vanished(const std::string& context) const {
  return {ErrorCode::kubeconfig, "context " + context + " is not in " + place() + " (" + source() + ")",
          "put it back, or take it out of the target; nothing was deleted"};
}

ContextSet::ContextSet(asio::any_io_executor executor, ClusterOptions options, std::chrono::milliseconds grace,
                       Handlers handlers, std::chrono::milliseconds first_retry)
    : executor_(executor),
      options_(std::move(options)),
      grace_(grace),
      first_retry_(first_retry),
      handlers_(std::move(handlers)),
      grace_timer_(executor),
      namespace_timer_(executor),
      retry_timer_(executor),
      retry_({.first = first_retry, .longest = longest_retry}),
      tasks_(executor) {}

bool ContextSet::set_kubeconfig(kube::Kubeconfig kubeconfig) {
  const bool is_instead = kubeconfig.is_of_pod() && !kubeconfig_.is_of_pod();
  const bool has_none = kubeconfig.contexts().empty() || is_instead;
  if (kubeconfig.is_of_files() && has_none && !kubeconfig_.contexts().empty()) {
    const std::string& source = is_instead ? kubeconfig_.source() : kubeconfig.source();
    set_kubeconfig_problem({ErrorCode::kubeconfig, "the kubeconfig (" + source + ") has no context any more",
                            "restore it; until then the last good one stays in force"});
    return true;
  }
  const auto renewed = kubeconfig_problem_ ? std::nullopt : kubeconfig.renewed_since(kubeconfig_);
  for (const auto& context : kubeconfig.contexts()) {
    if (kubeconfig.labels(context) != kubeconfig_.labels(context)) {
      labels_since_[context] = steady_clock::now();
    }
  }
  const auto changed = kubeconfig.changed_since(kubeconfig_);
  kubeconfig_ = std::move(kubeconfig);
  if (renewed && std::ranges::all_of(*renewed, [this](const auto& context) { return renew(context); })) {
    return false;
  }
  kubeconfig_problem_.reset();
  if (changed) {  // a cluster that joins a fleet costs only its own context
    std::ranges::for_each(*changed, [this](const auto& context) { resolved_.erase(context); });
  } else {
    resolved_.clear();
  }
  retry_timer_.cancel();
  retries_ = false;
  retry_.reset();
  return true;
}

// A context's user has new credentials. Returns whether that is all: false if they cannot be used.
bool ContextSet::renew(const std::string& context) {
  const auto cluster = find(context);
  if (!cluster) {
    return !problems_.contains(context);  // nobody needs it now
  }
  return resolved_.contains(context) && !guarded([&] { cluster->use_credentials_of(kubeconfig_.resolve(context)); });
}

void ContextSet::set_kubeconfig_problem(Error problem) {
  if (kubeconfig_problem_ != problem) {
    log::warning(describe(problem));
  }
  kubeconfig_problem_ = std::move(problem);
}

bool ContextSet::contains(const std::string& context) const { return std::ranges::binary_search(names(), context); }

bool ContextSet::selects(const Target& target, const std::string& context) const {
  return selects_context(target, context, kubeconfig_.labels(context));
}

std::string ContextSet::server(const std::string& context) const {
  const std::string server = kubeconfig_.server(context);
  const auto cluster = find(context);
  return server.empty() && cluster ? cluster->context().server : server;
}

std::shared_ptr<Cluster> ContextSet::find(const std::string& context) const {
  const auto cluster = clusters_.find(context);
  return cluster == clusters_.end() ? nullptr : cluster->second;
}

std::set<std::string> ContextSet::update(const std::function<bool(const std::string&)>& is_needed) {
  problems_ = unwritten_;
  std::erase_if(labels_since_, [this](const auto& item) { return has_passed(item.second); });
  std::set<std::string> fresh;
  std::set<std::string> needed;
  for (const auto& context : names()) {
    if (is_needed(context)) {
      needed.insert(context);
      if (refresh(context)) {
        fresh.insert(context);
      }
    }
  }
  retry_unusable();
  for (auto cluster = clusters_.begin(); cluster != clusters_.end();) {
    const auto& name = cluster->first;
    if (needed.contains(name)) {
      missing_since_.erase(name);
    } else if (!contains(name) && in_grace(name)) {
      problems_.insert_or_assign(name, vanished(name));
    } else {
      missing_since_.erase(name);
      end_asking(name);
      identified_.erase(name);
      connected_.erase(name);
      retire(std::move(cluster->second));
      cluster = clusters_.erase(cluster);
      continue;
    }
    ++cluster;
  }
  std::erase_if(namespaces_, [&](const auto& item) { return !needed.contains(item.first); });
  read_again_if_due();
  return fresh;
}

// A file that was written long ago is complete, and so is one that is unchanged after the grace period.
void ContextSet::note_namespace(const std::string& context, const std::string& name_space) {
  const auto now = steady_clock::now();
  auto& known = namespaces_[context];
  if (known.name != name_space) {
    known = {.name = name_space, .since = now};
  }
  known.settled = known.settled || kubeconfig_.age() >= grace_ || now - known.since >= grace_;
}

std::optional<std::string> ContextSet::current_namespace(const std::string& context) const {
  const auto known = namespaces_.find(context);
  return known == namespaces_.end() || !known->second.settled ? std::nullopt : std::optional(known->second.name);
}

void ContextSet::read_again_if_due() {
  auto due = steady_clock::time_point::max();
  for (const auto& [context, known] : namespaces_) {
    // A namespace that the kubeconfig cannot tell now is read with its next change.
    if (!known.settled && resolved_.contains(context)) {
      due = std::min(due, std::max(known.since, read_again_) + grace_);
    }
  }
  namespace_timer_.cancel();
  if (due == steady_clock::time_point::max() || !handlers_.read_again) {
    return;
  }
  namespace_timer_.expires_at(due);
  namespace_timer_.async_wait([this](const asio::error_code& error) {
    if (!error) {
      read_again_ = steady_clock::now();
      guarded_logged("kubeconfig", handlers_.read_again);
    }
  });
}

// A kubeconfig that is not from files changes only with the next set_kubeconfig().
void ContextSet::retry_unusable() {
  if (problems_.empty() || !kubeconfig_.is_of_files() || std::exchange(retries_, true)) {
    return;
  }
  retry_timer_.expires_after(retry_.pause());
  retry_timer_.async_wait([this](const asio::error_code& error) {
    if (!error) {
      retries_ = false;
      retry_.grow();
      guarded_logged("kubeconfig", handlers_.on_due);
    }
  });
}

bool ContextSet::in_grace(const std::string& context) {
  return !has_passed(missing_since_.try_emplace(context, steady_clock::now()).first->second);
}

// Whether the grace period that began then is over; otherwise schedules an update() for its end.
bool ContextSet::has_passed(steady_clock::time_point since) {
  if (steady_clock::now() - since >= grace_) {
    return true;
  }
  grace_timer_.expires_at(since + grace_);
  grace_timer_.async_wait([this](const asio::error_code& error) {
    if (!error) {
      guarded_logged("kubeconfig", handlers_.on_due);
    }
  });
  return false;
}

// Brings the cluster of a context in line with the kubeconfig; returns whether it is a new one.
bool ContextSet::refresh(const std::string& name) {
  const auto known = find(name);
  if (known && resolved_.contains(name)) {
    return false;  // resolving reads certificate files: once per kubeconfig, not once per login
  }
  std::shared_ptr<Cluster> made;
  const auto problem = guarded([&] {
    auto context = kubeconfig_.resolve(name);
    note_namespace(name, context.default_namespace);
    if (known && known->context() == context) {
      return;
    }
    if (known && kube::same_connection(known->context(), context)) {
      known->use_credentials_of(std::move(context));
    } else {
      made = std::make_shared<Cluster>(executor_, std::move(context), options_,
                                       [this, name](const ChangedRows& rows) { on_cluster_changed(name, rows); });
    }
  });
  if (problem) {
    problems_.insert_or_assign(name, *problem);  // the last good one stays in force
    return false;
  }
  resolved_.insert(name);
  if (!made) {
    return false;
  }
  clusters_[name] = std::move(made);
  end_asking(name);
  identified_.erase(name);
  connected_.erase(name);
  if (known) {
    retire(known);
  }
  return true;
}

void ContextSet::retire(std::shared_ptr<Cluster> cluster) {
  auto* ending = cluster.get();
  tasks_.spawn(ending->stop(), [cluster = std::move(cluster)](const std::optional<Error>& failure) {
    if (failure) {
      log::error("the client of the context did not stop cleanly: " + describe(*failure),
                 {.context = cluster->context().name});
    }
  });
}

void ContextSet::on_cluster_changed(const std::string& name, const ChangedRows& rows) {
  const auto cluster = find(name);
  if (stopping_ || !cluster) {
    return;
  }
  if (rows.are_all()) {
    note_connection(name, cluster);
  }
  handlers_.on_change(name, rows);
}

// A context's cluster is asked for its identity as soon as anything answers, and again after an outage, after a fault,
// or when a watch was cut: another cluster may be answering then. If it may not tell (a starting API server may refuse
// everything, kubernetes#121635), it is asked again once it may.
void ContextSet::note_connection(const std::string& name, const std::shared_ptr<Cluster>& cluster) {
  const bool connected = cluster->connected();
  const bool answers = cluster->answers();
  const auto before = connected_.find(name);
  const bool was_lost = before != connected_.end() && (!connected || before->second != cluster->cuts());
  const auto asking = asking_.find(name);
  const bool is_asked_anew =
      may_say_more(name) && (asking == asking_.end() || asking->second.grants != cluster->grants());
  if (!answers || was_lost) {
    forget_identity(name);
  } else if (is_asked_anew) {
    end_asking(name);
  }
  if (connected) {
    connected_[name] = cluster->cuts();
  } else {
    connected_.erase(name);
  }
  if (answers && (is_asked_anew || !identified_.contains(name)) && !asking_.contains(name)) {
    ask_identity(name, cluster);
  }
}

bool ContextSet::may_say_more(const std::string& context) const {
  const auto known = identified_.find(context);
  const auto cluster = clusters_.find(context);
  return known != identified_.end() && cluster != clusters_.end() && known->second &&
         *known->second != cluster->second->grants();
}

void ContextSet::end_asking(const std::string& name) {
  note_unwritten(name, std::nullopt);
  if (const auto asking = asking_.extract(name)) {
    asking.mapped().cancel->emit(asio::cancellation_type::all);
  }
}

void ContextSet::forget_identity(const std::string& name) {
  end_asking(name);
  if (identified_.erase(name) > 0) {
    handlers_.on_lost(name);
  }
}

void ContextSet::ask_identity(const std::string& name, const std::shared_ptr<Cluster>& cluster) {
  const auto cancel = std::make_shared<asio::cancellation_signal>();
  asking_.insert_or_assign(name, Asking{cancel, cluster->grants()});
  tasks_.spawn(
      identify(name, cluster),
      [this, name, cancel](const std::optional<Error>& failure) {
        if (const auto last = asking_.find(name); last != asking_.end() && last->second.cancel == cancel) {
          asking_.erase(last);
        }
        if (failure && failure->code() != ErrorCode::cancelled) {
          log::error("the identity of the cluster cannot be read: " + describe(*failure), {.context = name});
        }
      },
      cancel->slot());
}

asio::awaitable<void> ContextSet::identify(std::string name, std::shared_ptr<Cluster> cluster) {
  auto identity = identity_of(cluster->context());
  auto pause = first_retry_;
  while (true) {
    const std::size_t grants = cluster->grants();
    std::optional<Error> failure;
    try {
      identity.uid = co_await cluster->identity();
    } catch (const std::exception&) {
      failure = current_error();
    }
    if (!failure && identity.uid.empty() && grants != cluster->grants()) {
      continue;  // it may be allowed to tell by now
    }
    if (failure && failure->code() == ErrorCode::cancelled) {
      throw std::move(*failure);
    }
    if (find(name) != cluster || stopping_) {
      co_return;
    }
    if (!failure) {
      identified_.insert_or_assign(name, identity.uid.empty() ? std::optional(grants) : std::nullopt);
      bool certain = false;
      failure = guarded([&] { certain = handlers_.on_identified(name, identity); });
      note_unwritten(name, failure);
      if (certain) {
        co_return;
      }
    }
    const auto wish = failure ? failure->retry_after().value_or(0s) : 0s;
    const auto delay = std::max<milliseconds>(a_little_more(pause), wish);
    pause = std::min<milliseconds>(pause * 2, failure ? longest_retry : longest_doubt);
    co_await sleep_for(delay);
  }
}

void ContextSet::note_unwritten(const std::string& name, std::optional<Error> failure) {
  const auto known = unwritten_.find(name);
  if (failure) {
    identified_.erase(name);
    if (known == unwritten_.end() || known->second != *failure) {
      log::error(describe(*failure), {.context = name});
    }
    problems_.insert_or_assign(name, *failure);
    unwritten_.insert_or_assign(name, *std::move(failure));
  } else if (known != unwritten_.end()) {
    problems_.erase(name);
    unwritten_.erase(known);
  } else {
    return;
  }
  handlers_.on_change(name, {});
}

asio::awaitable<void> ContextSet::stop() {
  stopping_ = true;
  grace_timer_.cancel();
  namespace_timer_.cancel();
  retry_timer_.cancel();
  for (const auto& [name, asking] : std::map(asking_)) {
    asking.cancel->emit(asio::cancellation_type::all);
  }
  for (auto& [name, cluster] : std::exchange(clusters_, {})) {
    retire(std::move(cluster));
  }
  co_await tasks_.ended();
}

}  // namespace regsync
