#include "sync/engine/engine.hpp"

#include <unistd.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <utility>

#include "sync/base/async_event.hpp"
#include "sync/base/log.hpp"
#include "sync/cluster/cluster.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/engine/status_builder.hpp"
#include "sync/logins/login_book.hpp"
#include "sync/model/desired_state.hpp"

namespace regsync {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// A kubeconfig is often written in place, and a torn one can look complete: a context must be missing this long
// before its connections are dropped.
constexpr auto vanished_grace = 5s;

}  // namespace

class Engine::Impl {
 public:
  Impl(asio::any_io_executor executor, ClusterOptions options, FootprintStore& footprints,
       std::function<void(const std::set<RegistryKey>&)> on_wanted, std::function<void()> on_change)
      : executor_(executor),
        options_(std::move(options)),
        footprints_(footprints),
        on_change_(std::move(on_change)),
        started_(std::chrono::system_clock::now()),
        logins_(executor, options_.metrics, std::move(on_wanted), [this] { update(); }),
        vanished_timer_(executor),
        retired_(executor) {}

  void set_targets(TargetFiles targets) {
    targets_ = std::move(targets);
    update();
  }

  void set_kubeconfig(kube::Kubeconfig kubeconfig) {
    if (kubeconfig.contexts().empty() && !kubeconfig_.contexts().empty()) {
      set_kubeconfig_problem({ErrorCode::kubeconfig, "the kubeconfig has no context any more",
                              "restore it; until then the last good one stays in force"});
      return;
    }
    kubeconfig_ = std::move(kubeconfig);
    kubeconfig_problem_.reset();
    resolved_.clear();
    update();
  }

  void set_kubeconfig_problem(Error problem) {
    log::warning(describe(problem));
    kubeconfig_problem_ = std::move(problem);
    changed();
  }

  void set_cred_helpers(std::map<std::string, std::string> helpers) {
    logins_.set_cred_helpers(std::move(helpers));
    update();
  }

  void set_logins(StoreReading logins) { logins_.take(std::move(logins)); }

  void expect_reading() { logins_.expect_reading(); }

  asio::awaitable<void> sync(std::optional<std::string> target, bool adopt) {
    co_await logins_.complete();
    std::vector<std::shared_ptr<Cluster>> concerned;  // kept alive: one may be replaced while another is waited for
    for (const auto& [name, cluster] : clusters_) {
      if (!target || concerns(*target, name)) {
        cluster->kick();
        concerned.push_back(cluster);
      }
    }
    for (const auto& cluster : concerned) {
      co_await cluster->settled();
    }
    if (target && adopt) {
      for (const auto& cluster : concerned) {
        cluster->adopt(*target);
      }
      for (const auto& cluster : concerned) {
        co_await cluster->settled();
      }
    }
    if (!stopping_ && excess_ && trim_footprints()) {
      update();  // now, so that a removal that is done does not show as one that goes on
    }
  }

  void forget_target(const std::string& target, bool keep_secrets) {
    const auto known = footprints_.all().find(target);
    Footprint footprint = known == footprints_.all().end() ? Footprint() : known->second;
    footprint.forgotten = true;
    footprint.kept.clear();
    if (keep_secrets) {
      std::transform(footprint.contexts.begin(), footprint.contexts.end(),
                     std::inserter(footprint.kept, footprint.kept.end()),
                     [](const auto& context) { return context.first; });
    }
    footprints_.set(target, std::move(footprint));
    targets_.erase(target);
    update();
  }

  [[nodiscard]] StatusReport status(const std::optional<std::string>& target) const {
    StatusReport report;
    report.version = REGSYNC_VERSION;
    report.pid = getpid();
    report.owner = options_.owner.annotation;
    report.started = started_;
    report.store = logins_.store_problem();
    report.logins = logins_.all();
    add_state({.targets = targets_,
               .plans = plans_,
               .contexts = kubeconfig_.contexts(),
               .kubeconfig_problem = kubeconfig_problem_,
               .context_problems = context_problems_,
               .clusters = clusters_,
               .footprints = footprints_.all(),
               .started = started_},
              target, report);
    return report;
  }

  asio::awaitable<void> stop() {
    stopping_ = true;
    vanished_timer_.cancel();
    for (auto& [name, cluster] : std::exchange(clusters_, {})) {
      retire(std::move(cluster));
    }
    co_await logins_.stop();
    while (retiring_ > 0) {
      co_await retired_.wait();
    }
  }

 private:
  [[nodiscard]] const Target* find_target(const std::string& name) const {
    const auto file = targets_.find(name);
    return file == targets_.end() || !file->second.target ? nullptr : &*file->second.target;
  }

  [[nodiscard]] bool concerns(const std::string& target, const std::string& context) const {
    const Target* known = find_target(target);
    const auto footprint = footprints_.all().find(target);
    return (known != nullptr && selects_context(*known, context)) ||
           (footprint != footprints_.all().end() && footprint->second.contexts.contains(context));
  }

  // Brings everything in line with the three inputs. Cheap where nothing differs.
  void update() {
    if (stopping_) {
      return;
    }
    update_plans();
    update_contexts();
    excess_ = true;  // until trim_footprints() has looked
    changed();
  }

  void update_plans() {
    logins_.want(targets_);
    const KnownLogins logins = logins_.known();
    DesiredState::Plans plans;
    for (const auto& [name, file] : targets_) {
      if (!file.target) {
        continue;
      }
      auto plan = std::make_shared<const Plan>(make_plan(*file.target, logins));
      // An equal plan stays the same object: what was written from it is known by its address.
      const auto before = plans_.find(name);
      plans[name] = before != plans_.end() && *before->second == *plan ? before->second : std::move(plan);
    }
    plans_ = std::move(plans);
  }

  void update_contexts() {
    context_problems_.clear();
    const std::set<std::string> present(kubeconfig_.contexts().begin(), kubeconfig_.contexts().end());
    std::set<std::string> needed;
    std::map<std::string, std::shared_ptr<Cluster>> usable;
    for (const auto& context : present) {
      const bool selected = std::any_of(plans_.begin(), plans_.end(), [&](const auto& plan) {
        return selects_context(plan.second->target, context);
      });
      const bool remembered = std::any_of(footprints_.all().begin(), footprints_.all().end(),
                                          [&](const auto& item) { return item.second.contexts.contains(context); });
      if (selected || remembered) {
        needed.insert(context);
        if (auto cluster = cluster_of(context)) {
          usable[context] = std::move(cluster);
        }
      }
    }
    remember_places(usable);
    for (const auto& [context, cluster] : usable) {
      update_context(context, *cluster);
    }
    for (auto cluster = clusters_.begin(); cluster != clusters_.end();) {
      const auto& name = cluster->first;
      if (needed.contains(name)) {
        missing_since_.erase(name);
      } else if (!present.contains(name) && in_grace(name)) {
        context_problems_.insert_or_assign(name, context_vanished(name));
      } else {
        missing_since_.erase(name);
        retire(std::move(cluster->second));
        cluster = clusters_.erase(cluster);
        continue;
      }
      ++cluster;
    }
  }

  bool in_grace(const std::string& context) {
    const auto now = steady_clock::now();
    const auto since = missing_since_.try_emplace(context, now).first->second;
    if (now - since >= vanished_grace) {
      return false;
    }
    vanished_timer_.expires_at(since + vanished_grace);
    vanished_timer_.async_wait([this](const asio::error_code& error) {
      if (!error) {
        update();
      }
    });
    return true;
  }

  // The cluster of a context as the kubeconfig now has it; null where it cannot be used and never could.
  std::shared_ptr<Cluster> cluster_of(const std::string& name) {
    const auto known = clusters_.find(name);
    auto cluster = known == clusters_.end() ? nullptr : known->second;
    if (cluster && resolved_.contains(name)) {
      return cluster;  // resolving reads certificate files: once for each kubeconfig, not for each login
    }
    try {
      auto context = kubeconfig_.resolve(name);
      resolved_.insert(name);
      if (cluster && cluster->context() == context) {
        return cluster;
      }
      if (cluster) {
        retire(std::move(cluster));
      }
      desired_.erase(name);
      cluster = std::make_shared<Cluster>(executor_, std::move(context), options_, [this] { changed(); });
      clusters_[name] = cluster;
    } catch (const Error& error) {
      context_problems_.insert_or_assign(name, error);  // the last good one stays in force
    }
    return cluster;
  }

  void update_context(const std::string& name, Cluster& cluster) {
    const auto& default_namespace = cluster.context().default_namespace;
    Desired desired;
    for (const auto& [target, plan] : plans_) {
      desired.known_targets.insert(target);
      if (selects_context(plan->target, name)) {
        desired.plans[target] = plan;
      }
    }
    for (const auto& [target, footprint] : footprints_.all()) {
      if (footprint.forgotten && !targets_.contains(target)) {
        desired.forgotten.insert(target);
      }
      if (footprint.kept.contains(name)) {
        desired.kept.insert(target);
      }
      if (const auto places = footprint.contexts.find(name); places != footprint.contexts.end()) {
        desired.places.merge(places->second);
      }
    }
    if (const auto before = desired_.find(name); before != desired_.end() && before->second == desired) {
      return;
    }
    cluster.set_desired(std::make_shared<const DesiredState>(default_namespace, desired.plans, desired.forgotten,
                                                             desired.known_targets, desired.kept),
                        desired.places);
    desired_[name] = std::move(desired);
  }

  // On disk before anything is written to a cluster; once for all contexts of a target, because each write is synced.
  void remember_places(const std::map<std::string, std::shared_ptr<Cluster>>& clusters) {
    for (const auto& [target, plan] : plans_) {
      const auto known = footprints_.all().find(target);
      Footprint footprint = known == footprints_.all().end() ? Footprint() : known->second;
      for (const auto& [context, cluster] : clusters) {
        if (selects_context(plan->target, context)) {
          footprint.forgotten = false;
          footprint.contexts[context].merge(places_of(plan->target, cluster->context().default_namespace));
        }
      }
      footprints_.set(target, std::move(footprint));
    }
  }

  // Cuts footprints back to where Secrets are wanted, as soon as the rest is known to be clean.
  bool trim_footprints() {
    std::vector<std::pair<std::string, Footprint>> trimmed;
    excess_ = false;
    for (const auto& [target, footprint] : footprints_.all()) {
      if (!footprint.forgotten && find_target(target) == nullptr) {
        continue;  // its file is gone or unreadable: nothing is known to be unwanted
      }
      Footprint left = footprint;
      for (const auto& [context, places] : footprint.contexts) {
        const auto cluster = clusters_.find(context);
        if (cluster == clusters_.end() || context_problems_.contains(context)) {
          continue;  // a cluster with a problem was not told what is desired now
        }
        const auto plan = plans_.find(target);
        Places wanted;
        if (plan != plans_.end() && selects_context(plan->second->target, context)) {
          wanted = places_of(plan->second->target, cluster->second->context().default_namespace);
        }
        if (wanted != places || footprint.kept.contains(context)) {
          excess_ = true;
          if (cluster->second->is_clean_of(target, places)) {
            left.contexts[context] = std::move(wanted);
            left.kept.erase(context);
          }
        }
      }
      if (left != footprint) {
        trimmed.emplace_back(target, std::move(left));
      }
    }
    for (auto& [target, footprint] : trimmed) {
      footprints_.set(target, std::move(footprint));
    }
    return !trimmed.empty();
  }

  // Coalesces any number of changes within one turn of the event loop.
  void changed() {
    if (std::exchange(change_posted_, true)) {
      return;
    }
    asio::post(executor_, [this, alive = std::weak_ptr<int>(alive_)] {
      if (alive.expired()) {
        return;
      }
      change_posted_ = false;
      if (!stopping_ && excess_ && trim_footprints()) {
        update();
      }
      on_change_();
    });
  }

  void retire(std::shared_ptr<Cluster> cluster) {
    ++retiring_;
    auto* ending = cluster.get();
    asio::co_spawn(executor_, ending->stop(), [this, cluster = std::move(cluster)](const std::exception_ptr& failure) {
      --retiring_;
      retired_.notify_all();
      if (failure) {
        std::rethrow_exception(failure);
      }
    });
  }

  // What a cluster was last told.
  struct Desired {
    DesiredState::Plans plans;
    std::set<std::string> forgotten;
    std::set<std::string> known_targets;
    std::set<std::string> kept;
    Places places;
    bool operator==(const Desired&) const = default;
  };

  asio::any_io_executor executor_;
  ClusterOptions options_;
  FootprintStore& footprints_;
  std::function<void()> on_change_;
  WallTime started_;

  TargetFiles targets_;
  kube::Kubeconfig kubeconfig_;
  std::optional<Error> kubeconfig_problem_;
  LoginBook logins_;

  DesiredState::Plans plans_;
  std::set<std::string> resolved_;  // the contexts whose clusters are as the present kubeconfig has them
  std::map<std::string, Error> context_problems_;
  std::map<std::string, std::shared_ptr<Cluster>> clusters_;  // shared with who waits for one, and with its retirement
  std::map<std::string, Desired> desired_;
  std::map<std::string, steady_clock::time_point> missing_since_;

  asio::steady_timer vanished_timer_;
  AsyncEvent retired_;
  int retiring_ = 0;
  bool change_posted_ = false;
  bool excess_ = false;  // some footprint may be larger than what is wanted
  bool stopping_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

Engine::Engine(asio::any_io_executor executor, ClusterOptions options, FootprintStore& footprints,
               std::function<void(const std::set<RegistryKey>&)> on_wanted, std::function<void()> on_change)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(options), footprints, std::move(on_wanted),
                                   std::move(on_change))) {}

Engine::~Engine() = default;

void Engine::set_targets(TargetFiles targets) { impl_->set_targets(std::move(targets)); }
void Engine::set_kubeconfig(kube::Kubeconfig kubeconfig) { impl_->set_kubeconfig(std::move(kubeconfig)); }
void Engine::set_kubeconfig_problem(Error problem) { impl_->set_kubeconfig_problem(std::move(problem)); }
void Engine::set_logins(StoreReading logins) { impl_->set_logins(std::move(logins)); }
void Engine::expect_reading() { impl_->expect_reading(); }
void Engine::set_cred_helpers(std::map<std::string, std::string> helpers) {
  impl_->set_cred_helpers(std::move(helpers));
}

asio::awaitable<void> Engine::sync(std::optional<std::string> target, bool adopt) {
  return impl_->sync(std::move(target), adopt);
}

void Engine::forget_target(const std::string& target, bool keep_secrets) { impl_->forget_target(target, keep_secrets); }

StatusReport Engine::status(const std::optional<std::string>& target) const { return impl_->status(target); }

asio::awaitable<void> Engine::stop() { return impl_->stop(); }

}  // namespace regsync
