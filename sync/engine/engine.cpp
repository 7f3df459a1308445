#include "sync/engine/engine.hpp"

#include <unistd.h>

#include <algorithm>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <iterator>
#include <utility>
#include <vector>

#include "sync/base/async_event.hpp"
#include "sync/base/guard.hpp"
#include "sync/base/log.hpp"
#include "sync/cluster/cluster.hpp"
#include "sync/engine/context_book.hpp"
#include "sync/engine/context_set.hpp"
#include "sync/engine/footprint_keeper.hpp"
#include "sync/engine/history.hpp"
#include "sync/engine/paused_contexts.hpp"
#include "sync/engine/status_builder.hpp"
#include "sync/engine/status_counts.hpp"
#include "sync/engine/target_set.hpp"
#include "sync/logins/login_book.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/remedy.hpp"

namespace regsync {

namespace {

using namespace std::chrono_literals;

// No event says that a disk has room again.
constexpr auto disk_retry = 10s;

// Long enough for contexts that connect together.
constexpr auto update_delay = 20ms;

// Beyond the grace: reading the files again, and looking at the clusters.
constexpr auto settle_slack = 2s;

}  // namespace

class Engine::Impl {
 public:
  Impl(const asio::any_io_executor& executor, EngineOptions options, Footprints& footprints, EngineHooks hooks)
      : executor_(executor),
        options_(std::move(options)),
        hooks_(std::move(hooks)),
        started_(std::chrono::system_clock::now()),
        footprint_store_(footprints),
        footprints_(footprints),
        targets_(executor, options_.grace, hooks_.read_again),
        book_(options_.state / "contexts.json"),
        paused_(options_.state / "paused.json"),
        history_(executor, options_.state / "history.jsonl"),
        contexts_(executor, cluster_options(), options_.grace,
                  {.on_change = [this](const std::string& context) { context_changed(context); },
                   .on_due = [this] { update(); },
                   .read_again = hooks_.read_kubeconfig_again,
                   .on_identified = [this](const std::string& context,
                                           ClusterIdentity identity) { met(context, std::move(identity)); }}),
        logins_(executor, options_.cluster.metrics,
                {.places = options_.login_places, .denied = options_.state / "denied-logins.json"},
                options_.login_settle,
                {.on_wanted = hooks_.on_wanted,
                 .on_change = [this] { update_logins(); },
                 .read_again = hooks_.read_logins_again,
                 .on_replaced = hooks_.on_login_replaced,
                 .on_ending = hooks_.on_login_ending}),
        disk_timer_(executor),
        update_timer_(executor),
        settled_(executor) {}

  void set_targets(TargetFiles targets) {
    targets_.set(std::move(targets));
    update();
  }

  void confirm_target(const std::string& target) {
    targets_.confirm(target);
    update();
  }

  void set_kubeconfig(kube::Kubeconfig kubeconfig) {
    contexts_.set_kubeconfig(std::move(kubeconfig));
    update();
  }

  void set_kubeconfig_problem(Error problem) {
    contexts_.set_kubeconfig_problem(std::move(problem));
    changed();
  }

  void set_cred_helpers(std::map<std::string, std::string> helpers) {
    logins_.set_cred_helpers(std::move(helpers));
    update();
  }

  void set_login_settings(bool verify, std::map<std::string, std::chrono::sys_days> expires) {
    logins_.set_login_settings(verify, std::move(expires));
    update();
  }

  void set_share(std::function<bool(const std::string&)> mine) {
    mine_ = std::move(mine);
    update();
  }

  [[nodiscard]] bool may_remember(const std::string& context) const {
    return !contexts_.contains(context) || is_mine(context);
  }

  void footprints_changed() { update_soon(); }

  void set_logins(StoreReading logins) { logins_.take(std::move(logins)); }

  void expect_reading() { logins_.expect_reading(); }

  asio::awaitable<void> sync(std::optional<std::string> target, bool adopt, std::chrono::milliseconds login_time) {
    co_await logins_.complete(login_time);
    if (footprints_.holds_any()) {
      update();  // the person may have mended the disk
    }
    co_await try_everything(target);
    if (co_await wait_for_unsettled(target)) {
      co_await try_everything(target);
    }
    if (adopt) {
      const auto clusters = concerned(target);
      for (const auto& cluster : clusters) {
        cluster->adopt(target);
      }
      for (const auto& cluster : clusters) {
        co_await cluster->settled();
      }
    }
    history_.flush();
    if (!stopping_ && excess_ && trim_footprints()) {
      update();  // now, so that a removal that is done does not show as one that goes on
    }
  }

  void forget_target(const std::string& target, bool keep_secrets) {
    footprints_.forget(target, keep_secrets);
    targets_.erase(target);
    update();
  }

  void forget_context(const std::string& context) {
    if (contexts_.contains(context)) {
      throw Error(ErrorCode::invalid_input, "context " + context + " is in the kubeconfig",
                  "to stop syncing to it, take it out of the targets, or of the kubeconfig: kubectl config "
                  "delete-context " +
                      context);
    }
    footprints_.forget_context(context);
    book_.forget(context);
    log::info("context forgotten; what is left in it stays", {.context = context});
    update();
  }

  void trust_context(const std::string& context) {
    if (book_.find(context) == nullptr) {
      throw Error(ErrorCode::not_found, "no target uses a context " + context, "see kubectl config get-contexts");
    }
    book_.trust(context);
    log::info("context trusted to lead to the cluster that it leads to now", {.context = context});
    update();
  }

  bool pause_context(const std::string& context, bool paused) {
    const bool changes = paused_.set(context, paused);
    if (changes) {
      log::info(paused ? "context paused" : "context resumed", {.context = context});
      update();
    }
    return changes;
  }

  [[nodiscard]] std::set<RegistryKey> logins_in_doubt() const { return logins_.in_doubt(); }

  [[nodiscard]] StatusReport status(const StatusQuery& query) const {
    if (query.summary) {
      return summary(query);
    }
    StatusSelection selection(query);
    std::vector<StatusRow> all;
    auto report = report_without_rows(query.targets, [&](const auto&, const auto&, const auto& rows_there) {
      auto rows = rows_there();
      selection.keep(rows);
      for (StatusRow& row : rows) {
        if (row.cause) {
          row.cause = for_context(*row.cause, row.target, row.context);
        }
      }
      all.insert(all.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
    });
    report.rows = std::move(all);
    return selection.finish(std::move(report));
  }

  [[nodiscard]] FleetReport fleet() const {
    FleetReport fleet;
    for (const auto& [registry, end] : logins_.wanted_ends()) {
      fleet.login_ends.emplace(registry, end.at);
    }
    fleet.logins_in_doubt = logins_.in_doubt();
    fleet.overview = report_without_rows(
        {}, [&](const auto&, const auto&, const auto& rows_there) { add_cells(rows_there(), fleet.cells); });
    return fleet;
  }

  asio::awaitable<void> stop() {
    stopping_ = true;
    disk_timer_.cancel();
    update_timer_.cancel();
    targets_.stop();
    settled_.notify_all();
    co_await contexts_.stop();
    co_await logins_.stop();
    history_.flush();
    book_.save();
  }

 private:
  struct Told;

  [[nodiscard]] StatusReport summary(const StatusQuery& query) const {
    std::vector<StatusGroup> groups;
    std::vector<StatusCause> causes;
    auto report = report_without_rows(query.targets, [&](const auto& target, const auto& context, const auto& rows) {
      const auto& counts = counts_.of(target, context, rows);
      std::ranges::copy(counts.groups, std::back_inserter(groups));
      std::ranges::copy(counts.causes, std::back_inserter(causes));
    });
    report.groups = std::move(groups);
    report.causes = std::move(causes);
    return StatusSelection(query).finish(std::move(report));
  }

  [[nodiscard]] StatusReport report_without_rows(const std::vector<std::string>& targets,
                                                 const VisitContext& visit) const {
    StatusReport report;
    report.version = REGSYNC_VERSION;
    report.pid = getpid();
    report.owner = options_.cluster.owner.annotation;
    report.started = started_;
    report.store = logins_.store_problem();
    report.problems = logins_.notices(std::chrono::system_clock::now());
    if (const auto& problem = paused_.problem()) {
      report.problems.push_back(*problem);
    }
    report.logins = logins_.all();
    const auto login_ends = logins_.wanted_ends();
    add_state({.targets = targets_.files(),
               .plans = plans_,
               .undecided = undecided_,
               .contexts = contexts_,
               .footprints = footprints_,
               .unreadable_footprints = footprint_store_.unreadable(),
               .book = book_,
               .paused = paused_,
               .login_ends = login_ends,
               .started = started_,
               .now = std::chrono::system_clock::now()},
              targets, report, visit);
    return report;
  }

  // Kept alive by the caller: one may be replaced while another is waited for.
  [[nodiscard]] std::vector<std::shared_ptr<Cluster>> concerned(const std::optional<std::string>& target) const {
    std::vector<std::shared_ptr<Cluster>> clusters;
    for (const auto& [name, cluster] : contexts_.clusters()) {
      if (!target || concerns(*target, name)) {
        clusters.push_back(cluster);
      }
    }
    return clusters;
  }

  [[nodiscard]] bool concerns(const std::string& target, const std::string& context) const {
    const Target* known = targets_.find(target);
    const Footprint* footprint = footprints_.find(target);
    return (known != nullptr && contexts_.selects(*known, context)) ||
           (footprint != nullptr && footprint->contexts.contains(context));
  }

  asio::awaitable<void> try_everything(std::optional<std::string> target) {
    const auto clusters = concerned(target);
    for (const auto& cluster : clusters) {
      cluster->kick();
    }
    for (const auto& cluster : clusters) {
      co_await cluster->settled();
    }
  }

  // Waits for targets that seem to cover less than they did, until it is certain that they do, for current namespaces
  // that are not certain yet, and for pinned contexts. Whether there was one.
  asio::awaitable<bool> wait_for_unsettled(std::optional<std::string> target) {
    const auto waits = [&] {
      return std::ranges::any_of(targets_.files(), [&](const auto& file) {
        return (!target || file.first == *target) && !file.second.problem &&
               (holds_back_deletions(file.first) || undecided_.contains(file.first) || waits_for_identity(file.first));
      });
    };
    if (!waits()) {
      co_return false;
    }
    const auto deadline = std::chrono::steady_clock::now() + options_.grace + settle_slack;
    while (!stopping_ && waits() && std::chrono::steady_clock::now() < deadline) {
      co_await settled_.wait_for(deadline - std::chrono::steady_clock::now());
    }
    co_return true;
  }

  // Whether a context that the target pins can be reached, and it is not known yet where it leads.
  [[nodiscard]] bool waits_for_identity(const std::string& target) const {
    const Target* known = targets_.find(target);
    return known != nullptr && std::ranges::any_of(contexts_.clusters(), [&](const auto& item) {
             return pins(*known, item.first) && item.second->status().connected && !contexts_.identified(item.first);
           });
  }

  [[nodiscard]] bool holds_back_deletions(const std::string& target) const {
    const auto plan = plans_.find(target);
    const bool logged_out = plan != plans_.end() && !plan->second->waiting && !plan->second->carried_over.empty();
    return !targets_.settled(target) &&
           (footprints_.has_excess(target, wanted_) || (logged_out && targets_.removes_on_logout(target)));
  }

  ClusterOptions cluster_options() {
    ClusterOptions options = options_.cluster;
    options.on_written = [this, told = options.on_written](const Change& change) {
      history_.add(change);
      if (told) {
        told(change);
      }
    };
    options.may_write = [this](const std::string& server) { return !mine_ || mine_(server); };
    options.check_elsewhere = [this](std::string context, Key key, std::string uid, Taking taking) {
      return check_elsewhere(std::move(context), std::move(key), std::move(uid), taking);
    };
    return options;
  }

  // All contexts of one address are one replica's, so that it sees which of them want one object.
  [[nodiscard]] bool is_mine(const std::string& context) const { return !mine_ || mine_(contexts_.server(context)); }

  void met(const std::string& context, ClusterIdentity identity) {
    const bool pinned = is_pinned(context);
    const auto met = book_.meet(context, std::move(identity), pinned, std::chrono::system_clock::now());
    if (met == ContextBook::Met::elsewhere) {
      log::warning("leads to another cluster than before", {.context = context});
      history_.add_context(context, "leads to another cluster than before");
    }
    if (met != ContextBook::Met::as_before || pinned) {
      update_soon();
    }
  }

  // One update for many contexts that connect together.
  void update_soon() {
    if (std::exchange(update_pending_, true)) {
      return;
    }
    update_timer_.expires_after(update_delay);
    update_timer_.async_wait([this](const asio::error_code& error) {
      if (!error) {
        update_pending_ = false;
        run_guarded([this] {
          update();
          book_.save();
        });
      }
    });
  }

  [[nodiscard]] bool is_pinned(const std::string& context) const {
    return std::ranges::any_of(plans_, [&](const auto& plan) { return pins(plan.second->target, context); });
  }

  // Why a target may not use a context: it is pinned, and the cluster is another one than it was, or not known yet.
  [[nodiscard]] std::optional<Error> held(const Target& target, const std::string& context) const {
    if (const auto problem = footprints_.held(target.name)) {
      return problem;
    }
    if (footprints_.is_pending(target.name, context)) {
      return Error(ErrorCode::timeout, "it is being written down where target " + target.name + " has Secrets",
                   "nothing to do: that takes a moment, unless the hub cannot be reached");
    }
    if (!pins(target, context)) {
      return std::nullopt;
    }
    const auto* known = book_.find(context);
    if (known != nullptr && known->held) {
      return context_held(context);
    }
    if (!contexts_.identified(context)) {
      return Error(ErrorCode::kubeconfig, "it is not known yet whether context " + context + " leads where it did",
                   "see that the context can be reached: kubectl --context " + context + " version");
    }
    return std::nullopt;
  }

  // Called before a Secret is deleted, or taken from another target of ours: throws where another context reaches the
  // same object and a target wants it there, or where that cannot be told.
  asio::awaitable<void> check_elsewhere(std::string context, Key key, std::string uid, Taking taking) {
    const std::map<std::string, std::shared_ptr<Cluster>> others(contexts_.clusters());
    for (const auto& [other, cluster] : others) {
      if (other == context || book_.same(context, other) == Same::no || !cluster->may_want(key)) {
        continue;
      }
      const auto asking = contexts_.find(context);
      // It knows what is wanted there, and comes first. But of two that see one namespace, one sees its new labels
      // first.
      if (asking && was_told_of(context, other) && !asking->is_claimed_elsewhere(key) &&
          (taking == Taking::taken_over || !cluster->wants(key))) {
        continue;
      }
      if (book_.same(context, other) == Same::unknown) {
        const auto seen = co_await uid_through(other, *cluster, key);
        book_.learn(context, other, seen == uid);
      }
      if (book_.same(context, other) == Same::yes) {
        update_soon();  // the clusters are told that they are one
        throw Error(ErrorCode::already_exists,
                    "Secret " + key.name_space + "/" + key.secret + " is wanted through context " + other +
                        ", which leads to the same cluster",
                    "nothing to do");
      }
    }
  }

  // Whether the cluster of a context knows what is wanted through the other one.
  [[nodiscard]] bool was_told_of(const std::string& context, const std::string& other) const {
    const auto told = told_.find(context);
    return told != told_.end() && std::ranges::any_of(told->second.desired->siblings(),
                                                      [&](const auto& sibling) { return sibling.context == other; });
  }

  static asio::awaitable<std::string> uid_through(std::string other, Cluster& cluster, Key key) {
    try {
      co_return co_await cluster.uid_of(key);
    } catch (const Error& error) {
      throw error.within("context " + other + " may lead to the same cluster, and cannot be asked");
    }
  }

  // Brings everything in line with the three inputs. Cheap where nothing differs.
  void update() {
    if (stopping_) {
      return;
    }
    logins_.want(targets_.files());
    update_plans();
    const auto fresh =
        contexts_.update([this](const std::string& context) { return is_mine(context) && needs(context); });
    for (const auto& context : fresh) {
      told_.erase(context);
    }
    update_wanted();
    footprints_.remember(wanted_);
    for (const auto& context : contexts_.names()) {
      if (const auto cluster = contexts_.find(context)) {
        tell(context, *cluster);
      }
    }
    retry_disk();
    excess_ = true;  // until trim_footprints() has looked
    settled_.notify_all();
    changed();
  }

  // Other logins make other plans, and nothing else: only the contexts of their targets are told.
  void update_logins() {
    if (stopping_) {
      return;
    }
    if (footprints_.holds_any()) {
      update();  // the disk may have room again
      return;
    }
    const auto before = plans_;
    update_plans();
    std::map<std::string, std::vector<std::string>> concerned;  // by context: its targets whose plans differ
    for (const auto& [target, plan] : plans_) {
      const auto known = before.find(target);
      if (known != before.end() && known->second == plan) {
        continue;
      }
      if (known == before.end() || known->second->target != plan->target) {
        update();
        return;
      }
      for (const auto& [context, meant] : wanted_[target]) {
        concerned[context].push_back(target);
      }
    }
    for (const auto& [context, targets] : concerned) {
      const auto cluster = contexts_.find(context);
      const auto told = told_.find(context);
      if (!cluster || told == told_.end()) {
        update();
        return;
      }
      DesiredState::Plans changed;
      for (const auto& target : targets) {
        const auto& known = told->second.desired->plans();
        if (const auto plan = known.find(target); plan != known.end()) {
          changed[target] = as_meant(plans_.at(target), plan->second->target, plan->second->held, plan->second);
        }
      }
      told->second.desired = std::make_shared<const DesiredState>(told->second.desired->with(changed));
      cluster->set_desired(told->second.desired, told->second.places);
    }
    settled_.notify_all();
    changed();
  }

  // A plan as it is meant in one context; `before` is what was told there, which stays the same object if it equals.
  static std::shared_ptr<const Plan> as_meant(const std::shared_ptr<const Plan>& plan, const Target& target,
                                              const std::optional<Error>& problem,
                                              const std::shared_ptr<const Plan>& before) {
    if (!problem && target == plan->target) {
      return plan;
    }
    Plan here = *plan;
    here.target = target;
    here.held = problem;
    return before && *before == here ? before : std::make_shared<const Plan>(std::move(here));
  }

  // A plan is made anew where its target or one of its logins is another one.
  void update_plans() {
    KnownLogins logins = logins_.known();
    DesiredState::Plans plans;
    for (const auto& [name, file] : targets_.files()) {
      if (!file.target) {
        continue;
      }
      const auto known = plans_.find(name);
      if (known != plans_.end() && known->second->target == *file.target &&
          same_logins(*file.target, known_logins_, logins)) {
        plans[name] = known->second;
        continue;
      }
      Plan plan = make_plan(*file.target, logins);
      plan.since = known == plans_.end() ? std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())
                                         : known->second->since;
      plans[name] = same_or_new(plans_, std::move(plan));
    }
    plans_ = std::move(plans);
    known_logins_ = std::move(logins);
  }

  // An equal plan stays the same object: what was written from it is known by its address.
  static std::shared_ptr<const Plan> same_or_new(const DesiredState::Plans& before, Plan plan) {
    const auto known = before.find(plan.target.name);
    return known != before.end() && *known->second == plan ? known->second
                                                           : std::make_shared<const Plan>(std::move(plan));
  }

  [[nodiscard]] bool needs(const std::string& context) const {
    return std::ranges::any_of(plans_,
                               [&](const auto& plan) { return contexts_.selects(plan.second->target, context); }) ||
           std::ranges::any_of(footprints_.all(),
                               [&](const auto& item) { return item.second.contexts.contains(context); });
  }

  // What each target means in each context: a namespace that it does not name is the context's own.
  void update_wanted() {
    wanted_.clear();
    undecided_.clear();
    for (const auto& [name, plan] : plans_) {
      auto& contexts = wanted_[name];
      for (const auto& context : contexts_.names()) {
        const auto cluster = contexts_.find(context);
        if (!cluster || !contexts_.selects(plan->target, context)) {
          continue;
        }
        auto target = meant_in(plan->target, context);
        if (!target) {
          undecided_[name].insert(context);
          continue;
        }
        Meant meant{std::move(*target), uses_own_namespace(plan->target)};
        const Footprint* footprint = footprints_.find(name);
        if (!targets_.settled(name) && footprint != nullptr && footprint->contexts.contains(context)) {
          keep_accounts(meant.target, footprint->contexts.at(context));
        }
        contexts.emplace(context, std::move(meant));
        if (targets_.withholds(name)) {
          undecided_[name].insert(context);
        }
      }
    }
  }

  // The ServiceAccounts that an unsettled target seems to have lost.
  static void keep_accounts(Target& target, const Places& places) {
    if (!places.secrets.contains(target.secret)) {
      return;
    }
    auto& accounts = target.service_accounts;
    std::ranges::copy_if(places.service_accounts, std::back_inserter(accounts), [&](const std::string& account) {
      return std::ranges::find(accounts, account) == accounts.end();
    });
  }

  void tell(const std::string& context, Cluster& cluster) {
    const auto before = told_.find(context);
    const auto& own_namespace = cluster.context().default_namespace;
    const bool paused = paused_.contains(context);
    DesiredState::Plans plans;
    std::set<std::string> known_targets;
    Places places;
    for (const auto& [target, plan] : plans_) {
      const auto problem = held(plan->target, context);
      const bool may_delete =
          !paused && !plan->target.paused && !undecided_.contains(target) && labels_count(plan->target, context);
      if (targets_.settled(target) && !problem && may_delete) {
        known_targets.insert(target);
      }
      const auto meant = wanted_.at(target).find(context);
      if (meant == wanted_.at(target).end()) {
        continue;
      }
      std::shared_ptr<const Plan> known;
      if (before != told_.end()) {
        const auto& told = before->second.desired->plans();
        const auto found = told.find(target);
        known = found == told.end() ? nullptr : found->second;
      }
      Target here = meant->second.target;
      here.paused = here.paused || paused;
      if (meant->second.own_namespace && here.namespaces == std::vector{own_namespace}) {
        here.namespaces.clear();  // as in its file, so that many contexts share one plan
      }
      plans[target] = as_meant(plan, here, problem, known);
      places.merge(places_of(meant->second.target, ""));
    }
    std::set<std::string> forgotten;
    std::set<std::string> kept;
    for (const auto& [target, footprint] : footprints_.all()) {
      if (footprint.forgotten && !paused && !targets_.files().contains(target)) {
        forgotten.insert(target);
      }
      if (footprint.kept.contains(context) && !paused) {
        kept.insert(target);
      }
      if (const auto known = footprint.contexts.find(context); known != footprint.contexts.end()) {
        places.merge(known->second);
      }
    }
    Told told{.desired =
                  std::make_shared<const DesiredState>(own_namespace, std::move(plans), std::move(forgotten),
                                                       std::move(known_targets), std::move(kept), siblings_of(context)),
              .places = std::make_shared<const Places>(std::move(places))};
    if (before != told_.end() && *before->second.desired == *told.desired && *before->second.places == *told.places) {
      return;
    }
    cluster.set_desired(told.desired, told.places);
    told_[context] = std::move(told);
  }

  // What is wanted through other contexts of the same cluster, those that are not in the kubeconfig now included.
  [[nodiscard]] std::vector<DesiredState::Sibling> siblings_of(const std::string& context) const {
    std::vector<DesiredState::Sibling> siblings;
    for (const auto& other : book_.peers(context)) {
      DesiredState::Sibling sibling{.context = other, .targets = {}};
      for (const auto& [name, plan] : plans_) {
        const Footprint* footprint = footprints_.find(name);
        const bool present = contexts_.contains(other);
        const bool was_there = footprint != nullptr && footprint->contexts.contains(other);
        if (contexts_.selects(plan->target, other) && (present || was_there)) {
          if (auto meant = meant_in(plan->target, other)) {
            sibling.targets.push_back(std::move(*meant));
          }
        }
      }
      if (!sibling.targets.empty()) {
        siblings.push_back(std::move(sibling));
      }
    }
    return siblings;
  }

  // A target as it is meant in a context. Nothing while it is not certain which namespace is its own there: the
  // kubeconfig, or a target's file that names none any more, may be torn.
  [[nodiscard]] std::optional<Target> meant_in(const Target& target, const std::string& context) const {
    if (!uses_own_namespace(target)) {
      return target;
    }
    const Footprint* footprint = footprints_.find(target.name);
    const bool was_there = footprint != nullptr && footprint->contexts.contains(context);
    auto own = footprints_.own_namespace(target.name, context);
    if (!own && (!was_there || targets_.settled(target.name))) {
      own = contexts_.current_namespace(context);
    }
    return own ? std::optional(resolved(target, *own)) : std::nullopt;
  }

  // Whether it counts that a context does not match the target: its labels may have been read while they were written.
  [[nodiscard]] bool labels_count(const Target& target, const std::string& context) const {
    return target.context_selector.empty() || contexts_.labels_settled(context);
  }

  // Cuts footprints back to where Secrets are wanted, as soon as the rest is known to be clean.
  bool trim_footprints() {
    excess_ = false;
    const auto may_trim = [this](const std::string& target) {
      // A file that is unreadable, or may be torn, tells of nothing that is unwanted.
      const Target* known = targets_.find(target);
      return targets_.lost(target) ||
             (known != nullptr && targets_.settled(target) && !known->paused && !undecided_.contains(target));
    };
    const auto is_clean = [this](const std::string& target, const std::string& context, const Places& places) {
      excess_ = true;
      const auto cluster = contexts_.find(context);
      const Target* known = targets_.find(target);
      if (!cluster || contexts_.problems().contains(context) || paused_.contains(context)) {
        return false;
      }
      const Footprint* footprint = footprints_.find(target);
      if (known == nullptr && !footprint->forgotten) {
        return cluster->is_empty_of(target, places);  // the file is gone, and what it has made is kept
      }
      return (known == nullptr || labels_count(*known, context)) && cluster->is_clean_of(target, places);
    };
    return footprints_.trim(wanted_, may_trim, is_clean);
  }

  void retry_disk() {
    if (!footprints_.holds_any()) {
      disk_timer_.cancel();
      return;
    }
    disk_timer_.expires_after(disk_retry);
    disk_timer_.async_wait([this](const asio::error_code& error) {
      if (!error) {
        run_guarded([this] { update(); });
      }
    });
  }

  static void run_guarded(const std::function<void()>& work) {
    if (const auto failure = guarded(work)) {
      log::error(describe(*failure));
    }
  }

  void changed() {
    counts_.forget();
    tell_change();
  }

  void context_changed(const std::string& context) {
    counts_.forget(context);
    for (const auto& peer : book_.peers(context)) {
      counts_.forget(peer);  // its rows depend on what is written here
    }
    tell_change();
  }

  // Coalesces any number of changes within one turn of the event loop.
  void tell_change() {
    if (std::exchange(change_posted_, true)) {
      return;
    }
    asio::post(executor_, guard_alive([this] {
                 change_posted_ = false;
                 if (!stopping_ && excess_ && trim_footprints()) {
                   update();
                 }
                 hooks_.on_change();
               }));
  }

  // For a handler that may run after this has ended.
  [[nodiscard]] std::function<void()> guard_alive(std::function<void()> work) const {
    return [work = std::move(work), alive = std::weak_ptr<int>(alive_)] {
      if (!alive.expired()) {
        run_guarded(work);
      }
    };
  }

  // What a cluster was last told.
  struct Told {
    std::shared_ptr<const DesiredState> desired;
    std::shared_ptr<const Places> places;
  };

  asio::any_io_executor executor_;
  EngineOptions options_;
  EngineHooks hooks_;
  WallTime started_;
  std::function<bool(const std::string& server)> mine_;  // empty: all are

  Footprints& footprint_store_;
  FootprintKeeper footprints_;
  TargetSet targets_;
  ContextBook book_;
  PausedContexts paused_;
  History history_;
  ContextSet contexts_;
  LoginBook logins_;

  KnownLogins known_logins_;   // that plans_ were made of
  DesiredState::Plans plans_;  // for any context
  Wanted wanted_;
  Undecided undecided_;
  std::map<std::string, Told> told_;
  mutable StatusCounts counts_;

  asio::steady_timer disk_timer_;
  asio::steady_timer update_timer_;
  bool update_pending_ = false;
  AsyncEvent settled_;
  bool change_posted_ = false;
  bool excess_ = false;  // some footprint may be larger than what is wanted
  bool stopping_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

Engine::Engine(asio::any_io_executor executor, EngineOptions options, Footprints& footprints, EngineHooks hooks)
    : impl_(std::make_unique<Impl>(executor, std::move(options), footprints, std::move(hooks))) {}

Engine::~Engine() = default;

void Engine::set_targets(TargetFiles targets) { impl_->set_targets(std::move(targets)); }
void Engine::set_kubeconfig(kube::Kubeconfig kubeconfig) { impl_->set_kubeconfig(std::move(kubeconfig)); }
void Engine::set_kubeconfig_problem(Error problem) { impl_->set_kubeconfig_problem(std::move(problem)); }
void Engine::set_login_settings(bool verify, std::map<std::string, std::chrono::sys_days> expires) {
  impl_->set_login_settings(verify, std::move(expires));
}

void Engine::set_share(std::function<bool(const std::string&)> mine) { impl_->set_share(std::move(mine)); }
bool Engine::may_remember(const std::string& context) const { return impl_->may_remember(context); }
void Engine::footprints_changed() { impl_->footprints_changed(); }
void Engine::set_logins(StoreReading logins) { impl_->set_logins(std::move(logins)); }
void Engine::expect_reading() { impl_->expect_reading(); }
void Engine::set_cred_helpers(std::map<std::string, std::string> helpers) {
  impl_->set_cred_helpers(std::move(helpers));
}

asio::awaitable<void> Engine::sync(std::optional<std::string> target, bool adopt,
                                   std::chrono::milliseconds login_time) {
  return impl_->sync(std::move(target), adopt, login_time);
}

void Engine::confirm_target(const std::string& target) { impl_->confirm_target(target); }

void Engine::forget_context(const std::string& context) { impl_->forget_context(context); }

void Engine::trust_context(const std::string& context) { impl_->trust_context(context); }

bool Engine::pause_context(const std::string& context, bool paused) { return impl_->pause_context(context, paused); }

void Engine::forget_target(const std::string& target, bool keep_secrets) { impl_->forget_target(target, keep_secrets); }

std::set<RegistryKey> Engine::logins_in_doubt() const { return impl_->logins_in_doubt(); }

StatusReport Engine::status(const StatusQuery& query) const { return impl_->status(query); }
StatusReport Engine::status(const std::string& target) const { return impl_->status({.targets = {target}}); }

FleetReport Engine::fleet() const { return impl_->fleet(); }

asio::awaitable<void> Engine::stop() { return impl_->stop(); }

}  // namespace regsync
