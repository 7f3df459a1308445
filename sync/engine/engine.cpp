#include "sync/engine/engine.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <iterator>
#include <utility>
#include <vector>

#include "sync/base/async_event.hpp"
#include "sync/base/log.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/cluster/cluster.hpp"
#include "sync/engine/briefing.hpp"
#include "sync/engine/context_book.hpp"
#include "sync/engine/context_checks.hpp"
#include "sync/engine/context_set.hpp"
#include "sync/engine/engine_status.hpp"
#include "sync/engine/footprint_keeper.hpp"
#include "sync/engine/history.hpp"
#include "sync/engine/intent.hpp"
#include "sync/engine/paused_contexts.hpp"
#include "sync/engine/shared_objects.hpp"
#include "sync/engine/target_set.hpp"
#include "sync/logins/login_book.hpp"
#include "sync/model/desired_state.hpp"

namespace regsync {

namespace {

using namespace std::chrono_literals;

// No event reports that a disk has room again.
constexpr auto disk_retry = 10s;

// Long enough to batch contexts that connect together.
constexpr auto update_delay = 20ms;

// The number of contexts that left the kubeconfig whose clusters are remembered.
constexpr std::size_t most_gone = 1000;

// Time beyond the grace period for reading the files again and checking the clusters.
constexpr auto settle_slack = 2s;

}  // namespace

class Engine::Impl {
 public:
  Impl(const asio::any_io_executor& executor, EngineOptions options, Footprints& footprints, EngineHooks hooks)
      : executor_(executor),
        options_(std::move(options)),
        hooks_(std::move(hooks)),
        footprints_(footprints),
        targets_(executor, options_.grace, hooks_.read_again, options_.acting),
        book_(options_.state / "contexts.json"),
        paused_(options_.state / "paused.json"),
        history_(executor, options_.state / "history.jsonl"),
        contexts_(executor, cluster_options(), options_.grace,
                  {.on_change = [this](const std::string& context,
                                       const ChangedRows& rows) { context_changed(context, rows); },
                   .on_due = [this] { update(); },
                   .read_again = hooks_.read_kubeconfig_again,
                   .on_identified = [this](const std::string& context,
                                           ClusterIdentity identity) { return met(context, std::move(identity)); },
                   .on_lost = [this](const std::string& context) { lost(context); }}),
        intent_(targets_, contexts_, footprints_),
        briefing_({.targets = targets_,
                   .contexts = contexts_,
                   .footprints = footprints_,
                   .book = book_,
                   .paused = paused_,
                   .intent = intent_}),
        shared_objects_(contexts_, book_, footprints_, briefing_, [this] { update_soon(); }),
        logins_(executor, options_.cluster.metrics,
                {.places = options_.login_places, .denied = options_.state / "denied-logins.json"},
                options_.login_settle,
                {.on_wanted = hooks_.on_wanted,
                 .on_change = [this] { update_logins(); },
                 .read_again = hooks_.read_logins_again,
                 .on_replaced = hooks_.on_login_replaced,
                 .on_ending = hooks_.on_login_ending}),
        status_({.targets = targets_.files(),
                 .intent = intent_,
                 .contexts = contexts_,
                 .footprints = footprints_,
                 .unreadable_footprints = footprints.unreadable(),
                 .book = book_,
                 .paused = paused_,
                 .started = std::chrono::system_clock::now()},
                logins_, options_.cluster.owner.annotation),
        disk_timer_(executor),
        update_timer_(executor),
        settled_(executor) {}

  void set_targets(TargetFiles targets) {
    targets_.set(std::move(targets));
    footprints_.note_files(targets_.files());
    update();
  }

  void confirm_target(const std::string& target) {
    targets_.confirm(target);
    update();
  }

  void set_kubeconfig(kube::Kubeconfig kubeconfig) {
    if (contexts_.set_kubeconfig(std::move(kubeconfig))) {
      update();
    }
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
    update_soon();  // each write asks for the share anyway, and slots change one after the other
  }

  [[nodiscard]] bool may_remember(const std::string& context) const {
    return !contexts_.contains(context) || is_mine(context);
  }

  void footprints_changed() {
    footprints_.note_files(targets_.files());
    update_soon();
  }

  void set_logins(StoreReading logins) { logins_.take(std::move(logins)); }

  void expect_reading() { logins_.expect_reading(); }

  asio::awaitable<void> sync(std::vector<std::string> targets, bool adopt, std::chrono::milliseconds login_time) {
    co_await logins_.complete(login_time);
    if (footprints_.holds_any()) {
      update();  // the user may have repaired the disk
    }
    co_await try_everything(targets);
    const bool again = co_await wait_for_unsettled(targets);
    if (again) {
      co_await try_everything(targets);
    }
    if (update_pending_) {  // the identity of a context has just become known
      update();
      for (const auto& cluster : concerned(targets)) {
        co_await cluster->settled();
      }
    }
    if (adopt) {
      co_await take_over(targets);
    }
    history_.flush();
    if (update_pending_) {
      update();
    }
    if (!stopping_ && excess_ && trim_footprints()) {
      update();  // now, so that a finished removal does not show as in progress
    }
  }

  void forget_target(const std::string& target, bool keep_secrets, const std::function<void()>& remove_file) {
    const Footprint* known = footprints_.find(target);
    const Footprint before = known == nullptr ? Footprint() : *known;
    footprints_.forget(target, keep_secrets);
    if (const auto failure = guarded(remove_file)) {
      footprints_.restore(target, before);
      throw Error(*failure);
    }
    status_.forget_left(target);
    targets_.erase(target);
    update();
  }

  [[nodiscard]] std::vector<std::string> forgettable_contexts(const std::string& pattern) const {
    return regsync::forgettable_contexts(pattern, contexts_.names(), contexts_.in_kubeconfig(), footprints_.all());
  }

  void forget_contexts(const std::set<std::string>& contexts) {
    const std::vector<std::string> gone = contexts_that_are_gone(contexts_.names(), footprints_.all());
    for (const auto& context : contexts) {
      require_forgettable(context, contexts_.names(), contexts_.in_kubeconfig(), gone);
    }
    footprints_.forget_contexts(contexts);
    for (const auto& context : contexts) {
      book_.forget(context);
      log::info("context forgotten; what is left in it stays", {.context = context});
    }
    update();
  }

  void trust_context(const std::string& context) {
    require_met(context, book_);
    const ContextBook::Known before = *book_.find(context);
    book_.trust(context);
    if (before.held) {
      leave_behind(context, before);
    }
    remember_pin(context);
    book_.save();
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

  [[nodiscard]] const EngineStatus& status() const { return status_; }

  [[nodiscard]] std::optional<Error> store_problem() const { return logins_.store_problem(); }

  IdleRelease release_idle_memory() {
    IdleRelease all;
    for (const auto& [context, cluster] : contexts_.clusters()) {
      all += cluster->release_idle_memory();
    }
    return all;
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
  // Shared, to keep them alive: one may be replaced while another is awaited.
  [[nodiscard]] std::vector<std::shared_ptr<Cluster>> concerned(const std::vector<std::string>& targets) const {
    std::vector<std::shared_ptr<Cluster>> clusters;
    for (const auto& [name, cluster] : contexts_.clusters()) {
      const auto concerns_it = [&](const auto& target) { return concerns(target, name); };
      if (targets.empty() || std::ranges::any_of(targets, concerns_it)) {
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

  asio::awaitable<void> try_everything(std::vector<std::string> targets) {
    const auto clusters = concerned(targets);
    for (const auto& cluster : clusters) {
      cluster->kick();
    }
    for (const auto& cluster : clusters) {
      co_await cluster->settled();
    }
  }

  // Lets the clusters take over what is in the way now, and nothing after this ends, however it ends: the requester may
  // be gone before a cluster has answered.
  asio::awaitable<void> take_over(std::vector<std::string> targets) {
    const auto clusters = concerned(targets);
    try {
      for (const auto& cluster : clusters) {
        cluster->adopt(targets);
      }
      for (const auto& cluster : clusters) {
        co_await cluster->settled();
        cluster->end_adoptions();
      }
    } catch (const std::exception&) {
      for (const auto& cluster : clusters) {
        cluster->end_adoptions();
      }
      throw;
    }
  }

  // Waits until it is certain that targets which seem to cover less than before really do, for uncertain current
  // namespaces, for namespaces that have just lost a label, and for pinned contexts. Returns whether there was anything
  // to wait for.
  asio::awaitable<bool> wait_for_unsettled(std::vector<std::string> targets) {
    const auto is_asked = [&](const std::string& name) {
      return targets.empty() || std::ranges::find(targets, name) != targets.end();
    };
    const auto waits = [&] {
      return std::ranges::any_of(targets_.files(),
                                 [&](const auto& file) {
                                   return is_asked(file.first) && !file.second.problem &&
                                          (holds_back_deletions(file.first) ||
                                           intent_.undecided().contains(file.first) || waits_for_identity(file.first));
                                 }) ||
             std::ranges::any_of(footprints_.all(),
                                 [&](const auto& item) {
                                   return item.second.forgotten && is_asked(item.first) &&
                                          waits_for_identity(item.first);
                                 }) ||
             std::ranges::any_of(footprints_.all(),
                                 [&](const auto& item) {
                                   return may_give_up_soon(item.first, item.second) &&
                                          std::ranges::any_of(intent_.plans(), [&](const auto& plan) {
                                            return is_asked(plan.first) && plan.first != item.first &&
                                                   has_secret(item.second, plan.second->target.secret);
                                          });
                                 }) ||
             std::ranges::any_of(concerned(targets),
                                 [&](const auto& cluster) { return cluster->awaits_labels(is_asked); });
    };
    if (!waits()) {
      co_return false;
    }
    const auto deadline = std::chrono::steady_clock::now() + options_.grace + settle_slack;
    const auto is_over = [&] { return stopping_ || !waits(); };
    co_await settled_.wait_until(is_over, deadline);
    co_return true;
  }

  // Whether it will soon be certain that a target, which seems to cover less or to have lost its file, really does.
  [[nodiscard]] bool may_give_up_soon(const std::string& target, const Footprint& footprint) const {
    const auto file = targets_.files().find(target);
    return file == targets_.files().end() ? !footprint.forgotten && !targets_.lost(target)
                                          : !file->second.problem && holds_back_deletions(target);
  }

  static bool has_secret(const Footprint& footprint, const std::string& secret) {
    return std::ranges::any_of(footprint.contexts,
                               [&](const auto& context) { return context.second.secrets.contains(secret); });
  }

  // Whether a context answers whose identity is not known yet, and the target pins it or may have Secrets to delete
  // there.
  [[nodiscard]] bool waits_for_identity(const std::string& target) const {
    const Target* known = targets_.find(target);
    const Footprint* footprint = footprints_.find(target);
    const auto matters = [&](const std::string& context) {
      return (known != nullptr && pins(*known, context)) ||
             (footprint != nullptr && footprint->contexts.contains(context) &&
              footprints_.has_excess(target, intent_.wanted()));
    };
    return std::ranges::any_of(contexts_.clusters(), [&](const auto& item) {
      return (!contexts_.identified(item.first) || contexts_.may_say_more(item.first)) && item.second->answers() &&
             matters(item.first);
    });
  }

  [[nodiscard]] bool holds_back_deletions(const std::string& target) const {
    const auto plan = intent_.plans().find(target);
    const bool logged_out =
        plan != intent_.plans().end() && !plan->second->waiting && !plan->second->carried_over.empty();
    return !targets_.settled(target) &&
           (footprints_.has_excess(target, intent_.wanted()) || (logged_out && targets_.removes_on_logout(target)));
  }

  ClusterOptions cluster_options() {
    ClusterOptions options = options_.cluster;
    options.label_grace = options_.grace;
    options.on_written = [this, told = options.on_written](const Change& change) {
      history_.add(change);
      if (told) {
        told(change);
      }
    };
    options.may_write = [this](const std::string& server) { return !mine_ || mine_(server); };
    options.check_elsewhere = [this](std::string context, Key key, std::string uid, Taking taking) {
      return shared_objects_.check(std::move(context), std::move(key), std::move(uid), taking);
    };
    return options;
  }

  // All contexts of one address belong to one replica, so that it sees which of them want the same object.
  [[nodiscard]] bool is_mine(const std::string& context) const { return !mine_ || mine_(contexts_.server(context)); }

  // Returns false if the context's pin holds it because its identity may not be read. Throws if it moves to another
  // cluster again too soon, or if what it leaves behind cannot be written: it then counts as not met.
  bool met(const std::string& context, ClusterIdentity identity) {
    const bool pinned = intent_.is_pinned(context);
    const bool is_new = book_.find(context) == nullptr;
    recall_pin(context, identity.server);
    const auto* known = book_.find(context);
    const ContextBook::Known before = known == nullptr ? ContextBook::Known() : *known;
    const WallTime now = std::chrono::system_clock::now();
    if (before.changed && now >= *before.changed && now - *before.changed < options_.move_pause &&
        book_.moves_to(context, identity, pinned)) {
      throw Error(ErrorCode::kubeconfig,
                  "context " + context + " leads to another cluster than before once more, within a short time",
                  "nothing to do: where it stays so, it counts within a minute; until then no removal is called done");
    }
    const auto met = book_.meet(context, std::move(identity), pinned, now);
    if (is_new) {
      keep_pause(context);
      trim_book();
    }
    if (met == ContextBook::Met::elsewhere) {
      if (!book_.is_held(context)) {
        leave_behind(context, before);
      }
      log::warning("leads to another cluster than before", {.context = context});
      history_.add_context(context, "leads to another cluster than before");
      book_.save();
    }
    if (book_.is_unsure(context) && !before.held) {
      log::warning(describe(context_held(context, book_)));
    }
    if (met != ContextBook::Met::as_before || pinned) {
      update_soon();
    } else {
      settled_.notify_all();
      tell_change();  // footprints that waited for this may be trimmed now
    }
    return !book_.is_unsure(context);
  }

  // A replica that takes over has no book, or an outdated one.
  void recall_pin(const std::string& context, const std::string& server) {
    for (const auto& [target, plan] : intent_.plans()) {
      const auto uid = pins(plan->target, context) ? footprints_.pinned(target, context) : std::nullopt;
      if (uid) {
        book_.recall(context, {.uid = *uid, .server = server, .authorities = {}});
        return;
      }
    }
  }

  void remember_pin(const std::string& context) {
    const ContextBook::Known* known = book_.find(context);
    if (!footprints_.keeps_pins() || known == nullptr || known->held) {
      return;
    }
    for (const auto& [target, plan] : intent_.plans()) {
      if (pins(plan->target, context)) {
        footprints_.remember_pin(target, context, known->identity.uid);
      }
    }
    for (const std::string& target : pinned_before(context)) {
      footprints_.remember_pin(target, context, {});
    }
  }

  // The targets that pin a context only in their footprint: their files no longer do.
  [[nodiscard]] std::vector<std::string> pinned_before(const std::string& context) const {
    std::vector<std::string> targets;
    for (const auto& [target, footprint] : footprints_.all()) {
      if (!footprint.pinned.empty() && footprint.pinned.contains(context)) {
        const auto plan = intent_.plans().find(target);
        if (plan != intent_.plans().end() && !pins(plan->second->target, context)) {
          targets.push_back(target);
        }
      }
    }
    return targets;
  }

  // The book records that a context moved to another cluster only after the footprints do: a process that is killed in
  // between, or cannot write them, meets the new cluster again and repeats this.
  void leave_behind(const std::string& context, const ContextBook::Known& before) {
    std::map<std::string, ContextBook::Known> known = book_.all();
    known.insert_or_assign(context, before);
    if (const auto failure = guarded([&] { remember_former(context, before.identity); })) {
      book_.put_back(std::move(known));
      throw Error(failure->within("context " + context +
                                  " leads to another cluster than before; what was made in the former one cannot be "
                                  "written down"));
    }
  }

  // What was made through a context that moved is still in the former cluster. That cluster is remembered under another
  // name, like a context that is gone; and under the context's own name again if it moves back.
  void remember_former(const std::string& context, const ClusterIdentity& before) {
    if (before.server.empty()) {
      return;  // never met
    }
    // Places with pending removals are not dropped.
    const auto may_drop = [this](const std::string& former) {
      return std::ranges::none_of(footprints_.all(), [&](const auto& item) {
        return item.second.forgotten && item.second.contexts.contains(former);
      });
    };
    std::vector<std::string> dropped;
    footprints_.copy_context(context, book_.keep_former(context, before, std::chrono::system_clock::now(),
                                                        formers_of(context), may_drop, dropped));
    for (const auto& former : dropped) {
      log::warning("what was made there is not remembered any more: " + former, {.context = context});
      history_.add_context(context, "what was made in a former cluster is not remembered any more: " + former);
      footprints_.forget_contexts({former});
    }
    if (const auto former = book_.returned_from(context)) {
      footprints_.copy_context(*former, context);
      footprints_.forget_contexts({*former});
      book_.forget(*former);
    }
  }

  // The former clusters in footprints: a replica's book does not outlive it.
  [[nodiscard]] std::set<std::string> formers_of(const std::string& context) const {
    std::set<std::string> formers;
    for (const auto& [target, footprint] : footprints_.all()) {
      for (const auto& [name, places] : footprint.contexts) {
        if (former_context(name) == context) {
          formers.insert(name);
        }
      }
    }
    return formers;
  }

  // Clusters of a fleet come and go, and the book is always written whole. Of the clusters that are gone, it keeps
  // those that a pin, a pause or a footprint needs.
  void trim_book() {
    const auto most = std::max(contexts_.names().size(), trimmed_book_) + most_gone;
    if (book_.all().size() <= most || contexts_.kubeconfig_problem() || footprints_.has_unreadable()) {
      return;
    }
    std::set<std::string> needed = paused_.names();
    needed.insert(contexts_.names().begin(), contexts_.names().end());
    for (const auto& [name, file] : targets_.files()) {
      if (!file.target) {
        return;  // it may name some of them
      }
      needed.insert(file.target->contexts.begin(), file.target->contexts.end());
    }
    for (const auto& [target, footprint] : footprints_.all()) {
      for (const auto& [context, places] : footprint.contexts) {
        needed.insert(context);
      }
    }
    book_.drop_unless([&](const std::string& context) { return needed.contains(context); });
    trimmed_book_ = book_.all().size();
  }

  // A lost book counts as lost until each pinned context was met.
  void end_loss_of_book() {
    if (!book_.is_lost()) {
      return;
    }
    std::set<std::string> pinned;  // including those missing from the kubeconfig: pins name contexts plainly
    for (const auto& [name, file] : targets_.files()) {
      if (!file.target) {
        return;  // it may pin some of them
      }
      if (file.target->pin) {
        std::ranges::copy_if(file.target->contexts, std::inserter(pinned, pinned.end()),
                             [](const std::string& context) { return !is_glob(context); });
      }
    }
    if (!pinned.empty() &&
        std::ranges::all_of(pinned, [this](const std::string& name) { return book_.find(name) != nullptr; })) {
      book_.end_loss();
    }
  }

  // Paused names that are not in the kubeconfig (any more).
  [[nodiscard]] std::set<std::string> absent_paused() const {
    std::set<std::string> absent = paused_.names();
    std::erase_if(absent, [this](const std::string& name) { return contexts_.contains(name); });
    return absent;
  }

  // Contexts that were never met: each may be a renamed paused one.
  [[nodiscard]] std::set<std::string> maybe_paused() const {
    std::set<std::string> unmet;
    if (!absent_paused().empty()) {
      std::ranges::copy_if(contexts_.names(), std::inserter(unmet, unmet.end()),
                           [this](const std::string& name) { return book_.find(name) == nullptr; });
    }
    return unmet;
  }

  // A context was met for the first time.
  void keep_pause(const std::string& context) {
    for (const auto& name : absent_paused()) {
      if (book_.same(context, name) == Same::yes) {
        log::info("the context is paused, as it was under the name " + name, {.context = context});
        run_guarded([&] { paused_.rename(name, context); });
        return;
      }
    }
  }

  // Another cluster may answer at its address next.
  void lost(const std::string& context) {
    book_.unlearn(context);
    if (intent_.is_pinned(context)) {
      run_guarded([&] { briefing_.tell(context); });  // at once: after a cut, the queue is not paused
      update_soon();
    }
  }

  // Batches the updates for contexts that connect together.
  void update_soon() {
    if (std::exchange(update_pending_, true)) {
      return;
    }
    update_timer_.expires_after(update_delay);
    update_timer_.async_wait([this](const asio::error_code& error) {
      if (!error) {
        run_guarded([this] { update(); });
      }
    });
  }

  // Brings everything in line with the three inputs. Cheap if nothing changed.
  void update() {
    if (stopping_) {
      return;
    }
    update_pending_ = false;
    update_timer_.cancel();
    logins_.want(targets_.files());
    intent_.make_plans(logins_.known());
    const auto fresh =
        contexts_.update([this](const std::string& context) { return is_mine(context) && intent_.needs(context); });
    for (const auto& context : fresh) {
      briefing_.forget(context);
    }
    paused_.set_in_doubt(maybe_paused());
    intent_.resolve();
    remember_places();
    for (const auto& [context, cluster] : contexts_.clusters()) {
      if (contexts_.identified(context)) {
        remember_pin(context);
      }
    }
    end_loss_of_book();
    book_.save();
    briefing_.tell_all();
    retry_disk();
    excess_ = true;  // until trim_footprints() has checked
    settled_.notify_all();
    changed();
  }

  // A target that this process does not act for is not bound to the current namespace either.
  void remember_places() {
    if (!options_.acting) {
      footprints_.remember(intent_.wanted());
      return;
    }
    Wanted wanted = intent_.wanted();
    std::erase_if(wanted, [this](const auto& item) { return !targets_.acts_for(item.first); });
    footprints_.remember(wanted);
  }

  // Changed logins change plans, and nothing else: only the contexts of their targets are updated.
  void update_logins() {
    if (stopping_) {
      return;
    }
    if (footprints_.holds_any()) {
      update();  // the disk may have room again
      return;
    }
    const auto before = intent_.plans();
    intent_.make_plans(logins_.known());
    std::map<std::string, std::vector<std::string>> concerned;  // by context: targets whose plans changed
    for (const auto& [target, plan] : intent_.plans()) {
      const auto known = before.find(target);
      if (known != before.end() && known->second == plan) {
        continue;
      }
      // What a target gives up on its last logout, another one may want through another context.
      if (known == before.end() || known->second->target != plan->target || known->second->remove != plan->remove) {
        update();
        return;
      }
      for (const auto& [context, meant] : intent_.wanted().at(target)) {
        concerned[context].push_back(target);
      }
    }
    if (!briefing_.tell_logins(concerned)) {
      update();
      return;
    }
    settled_.notify_all();
    tell_change();
  }

  // Trims footprints to where Secrets are wanted, as soon as the rest is known to be clean.
  bool trim_footprints() {
    if (update_pending_) {
      return false;  // the clusters do not have the latest desired state yet
    }
    excess_ = false;
    const auto may_trim = [this](const std::string& target) {
      // A file that is unreadable or may be partial does not show what is unwanted.
      const Target* known = targets_.find(target);
      return targets_.lost(target) ||
             (known != nullptr && targets_.settled(target) && !known->paused && !intent_.undecided().contains(target));
    };
    const auto is_clean = [this](const std::string& target, const std::string& context, const Places& places) {
      excess_ = true;
      const auto cluster = contexts_.find(context);
      const Target* known = targets_.find(target);
      const Footprint* footprint = footprints_.find(target);
      const bool is_left = known == nullptr ? footprint->forgotten : !contexts_.selects(*known, context);
      if (!cluster && !contexts_.contains(context) && is_left) {
        return is_clean_through_a_peer(target, context, places);
      }
      if (!cluster || !contexts_.identified(context) || contexts_.problems().contains(context) ||
          paused_.contains(context) || book_.is_held(context)) {
        return false;
      }
      if (known == nullptr && !footprint->forgotten) {
        return cluster->is_empty_of(target, places);  // the file is gone, and its Secrets are kept
      }
      const bool clean =
          (known == nullptr || briefing_.may_delete(*known, context)) && cluster->is_clean_of(target, places);
      if (clean && footprint->forgotten && !footprint->keeps) {
        status_.note_left(target, context, cluster->left_alone(target, places), std::chrono::system_clock::now());
      }
      return clean;
    };
    const bool changed = footprints_.trim(intent_.wanted(), may_trim, is_clean);
    retry_disk();
    return changed;
  }

  // For a context that is gone: whether another one leads to the same cluster (for example, after a rename) and shows
  // nothing unwanted.
  [[nodiscard]] bool is_clean_through_a_peer(const std::string& target, const std::string& context,
                                             const Places& places) const {
    return std::ranges::any_of(book_.peers(context), [&](const std::string& peer) {
      const auto cluster = contexts_.find(peer);
      return cluster && contexts_.contains(peer) && contexts_.identified(peer) &&
             !contexts_.problems().contains(peer) && !paused_.contains(peer) && !book_.is_held(peer) &&
             cluster->is_clean_of(target, places);
    });
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
    status_.changed();
    tell_change();
  }

  void context_changed(const std::string& context, const ChangedRows& rows) {
    status_.changed(context, rows);
    tell_change();
  }

  // Coalesces any number of changes within one turn of the event loop.
  void tell_change() {
    if (std::exchange(change_posted_, true)) {
      return;
    }
    asio::post(executor_, guard_alive([this] {
                 change_posted_ = false;
                 settled_.notify_all();
                 if (!stopping_ && excess_ && trim_footprints()) {
                   update();
                 }
                 hooks_.on_change();
               }));
  }

  // For a handler that may run after this object is destroyed.
  [[nodiscard]] std::function<void()> guard_alive(std::function<void()> work) const {
    return [work = std::move(work), alive = std::weak_ptr<int>(alive_)] {
      if (!alive.expired()) {
        run_guarded(work);
      }
    };
  }

  asio::any_io_executor executor_;
  EngineOptions options_;
  EngineHooks hooks_;
  std::function<bool(const std::string& server)> mine_;  // empty: all clusters

  FootprintKeeper footprints_;
  TargetSet targets_;
  ContextBook book_;
  PausedContexts paused_;
  History history_;
  ContextSet contexts_;
  Intent intent_;
  Briefing briefing_;
  SharedObjects shared_objects_;
  LoginBook logins_;

  EngineStatus status_;

  asio::steady_timer disk_timer_;
  asio::steady_timer update_timer_;
  bool update_pending_ = false;
  AsyncEvent settled_;
  bool change_posted_ = false;
  bool excess_ = false;           // some footprint may exceed what is wanted
  std::size_t trimmed_book_ = 0;  // size of the book after the last trim
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

asio::awaitable<void> Engine::sync(std::vector<std::string> targets, bool adopt, std::chrono::milliseconds login_time) {
  return impl_->sync(std::move(targets), adopt, login_time);
}

void Engine::confirm_target(const std::string& target) { impl_->confirm_target(target); }

std::vector<std::string> Engine::forgettable_contexts(const std::string& pattern) const {
  return impl_->forgettable_contexts(pattern);
}

void Engine::forget_contexts(const std::set<std::string>& contexts) { impl_->forget_contexts(contexts); }

void Engine::trust_context(const std::string& context) { impl_->trust_context(context); }

bool Engine::pause_context(const std::string& context, bool paused) { return impl_->pause_context(context, paused); }

void Engine::forget_target(const std::string& target, bool keep_secrets, const std::function<void()>& remove_file) {
  impl_->forget_target(target, keep_secrets, remove_file);
}

std::set<RegistryKey> Engine::logins_in_doubt() const { return impl_->logins_in_doubt(); }

StateCounts Engine::totals() const { return impl_->status().totals(); }

std::optional<Error> Engine::store_problem() const { return impl_->store_problem(); }

StatusReport Engine::status(const StatusQuery& query) const { return impl_->status().report(query); }
StatusReport Engine::status(const std::string& target) const { return impl_->status().report({.targets = {target}}); }

IdleRelease Engine::release_idle_memory() { return impl_->release_idle_memory(); }

FleetReport Engine::fleet() const { return impl_->status().fleet(); }

asio::awaitable<void> Engine::stop() { return impl_->stop(); }

}  // namespace regsync
