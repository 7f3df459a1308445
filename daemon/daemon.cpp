#include "daemon/daemon.hpp"

#include <systemd/sd-daemon.h>

#include <asio/steady_timer.hpp>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "daemon/declared_targets.hpp"
#include "daemon/desktop/desktop_notices.hpp"
#include "daemon/desktop/notification_bus.hpp"
#include "daemon/heap.hpp"
#include "daemon/http/fleet_document.hpp"
#include "daemon/http/fleet_web.hpp"
#include "daemon/hub.hpp"
#include "daemon/metrics_file.hpp"
#include "daemon/note_problem.hpp"
#include "daemon/paced.hpp"
#include "daemon/sources/file_monitor.hpp"
#include "daemon/sources/login_sources.hpp"
#include "daemon/sources/replaced_logins.hpp"
#include "daemon/sources/store_monitor.hpp"
#include "helper/base/text.hpp"
#include "sync/base/async_event.hpp"
#include "sync/base/coalesced_call.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/log.hpp"
#include "sync/base/metrics.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/config/settings.hpp"
#include "sync/control/messages.hpp"
#include "sync/engine/engine.hpp"
#include "sync/kube/config/client_environment.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/logins/docker_config_file.hpp"
#include "sync/logins/other_helpers.hpp"

namespace regsync {

namespace {

using nlohmann::json;

// A notice is of what has lasted for a minute.
constexpr auto notice_delay = std::chrono::seconds(15);

// Lists and bulks leave a heap behind that is mostly free: looked at when they are over, and seldom while they last.
constexpr auto trim_delay = std::chrono::seconds(2);

// No event tells of the files that the hub's kubeconfig names.
constexpr auto hub_retry = std::chrono::seconds(10);

// A list of the footprints that takes longer is one that fails; and whoever asks waits ten seconds for an answer.
constexpr auto longest_takeover = std::chrono::seconds(5);

// What `systemctl status` shows is read by people.
constexpr auto summary_delay = std::chrono::seconds(1);

LoginSources::MakeStore keyring_on(const asio::any_io_executor& executor) {
  return [executor](LoginSource::Handler on_reading) {
    return std::make_unique<StoreMonitor>(executor, std::move(on_reading));
  };
}

}  // namespace

class Daemon::Impl {
 public:
  Impl(asio::any_io_executor executor, DaemonOptions options, std::unique_ptr<StateFolder> state,
       std::function<void()> on_change)
      : executor_(executor),
        options_(std::move(options)),
        state_(std::move(state)),
        settings_(state_->settings),
        on_change_(std::move(on_change)),
        hub_told_(executor),
        hub_(make_hub()),
        member_(hub_.member()),
        footprints_(member_ != nullptr ? member_->footprints() : state_->footprints),
        targets_(paths::targets(), [this](TargetFiles files) { engine_.set_targets(std::move(files)); }),
        engine_(
            executor,
            {.cluster = {.owner = state_->owner, .concurrency = settings_.settings.concurrency, .metrics = &metrics_},
             .state = paths::state_home(),
             .login_places = paths::login_places()},
            footprints_,
            {.on_wanted = [this](const std::set<RegistryKey>& wanted) { logins_.want(wanted); },
             .on_change = [this] { on_status_change(); },
             .read_again = [this] { targets_.read(); },
             .read_logins_again = [this] { logins_.refresh(); },
             .on_login_replaced = [this](const std::shared_ptr<const Credential>& login) { keep_replaced(login); },
             .on_login_ending = [this](const Error& notice) { notices_.login_ends(notice.message(), notice.remedy()); },
             .read_kubeconfig_again = [this] { read_kubeconfig(); }}),
        show_notices_(executor, notice_delay, "desktop notifications", [this] { show_notices(); }),
        drop_replaced_(executor),
        retry_hub_(executor, hub_retry, "kubeconfig", [this] { read_kubeconfig(); }),
        logins_(
            executor, options_.logins.empty() ? keyring_on(executor) : nullptr,
            [this](StoreReading logins) {
              guarded_logged("logins", [&] {
                store_is_open_ = logins.provider && logins.provider->program != login_files_program && !logins.problem;
                engine_.set_logins(std::move(logins));
              });
            },
            [this](std::map<std::string, std::string> helpers) {
              login_file_helpers_ = std::move(helpers);
              read_cred_helpers();
            }),
        view_([this](const std::shared_ptr<const FleetReport>& before) { return fleet(before.get()); }),
        summary_text_([this](const auto&) { return summary(); }),
        web_(
            executor, {.listen = options_.listen, .hosts = options_.allowed_hosts}, metrics_,
            [this] { return view_.get(); }, [this] { on_status_change(); }),
        metrics_file_(
            executor,
            [this] {
              const auto report = view_.get();
              return metrics_.text() + fleet_metrics(*report, std::chrono::system_clock::now());
            },
            [this] { on_status_change(); }),
        files_(executor, [this] { reload(); }),
        trim_(executor, trim_delay, "memory", [this] { give_memory_back(); }),
        summary_(executor, summary_delay, "summary", [this] { tell_systemd(); }) {
    if (settings_.problem) {
      log::error(describe(*settings_.problem));
    }
    if (member_ != nullptr) {
      share_clusters();
    }
    reload();
    if (member_ != nullptr) {
      member_->start();
    }
    drop_replaced_logins_after(std::chrono::minutes(1));
  }

  void reload() {
    read_settings();
    follow_files();  // before they are read: what changes from then on is read again
    read_cred_helpers();
    targets_.read();
    read_kubeconfig();
    on_change_();
  }

  json answer(const StatusQuery& query) {
    require_known(query.targets);
    StatusReport report = engine_.status(query);
    add_process(report);
    return control::to_json(report);
  }

  asio::awaitable<json> call(std::string method, json params) {
    if (method == "sync") {
      co_return co_await sync(std::move(params));
    }
    if (method == "remove") {
      co_await wait_to_lead();
      const std::string target(text_at(params, {"target"}));
      const bool keep_secrets = flag_at(params, {"keepSecrets"});
      const bool summary = flag_at(params, {"summary"});
      co_return co_await remove(target, keep_secrets, summary);
    }
    if (method == "declare") {
      const std::string target(text_at(params, {"target"}));
      targets_.read();
      targets_.require_declared(target);
      engine_.confirm_target(target);
      co_return json::object();
    }
    if (method == "forgettableContexts") {
      co_await wait_to_lead();
      co_return json{{"contexts", engine_.forgettable_contexts(std::string(text_at(params, {"pattern"})))}};
    }
    if (method == "forgetContexts") {
      co_await wait_to_lead();
      engine_.forget_contexts(params.at("contexts").get<std::set<std::string>>());
      co_return json::object();
    }
    if (method == "trustContext") {
      co_await wait_to_lead();
      engine_.trust_context(std::string(text_at(params, {"context"})));
      co_return json::object();
    }
    if (method == "dashboard") {
      co_return json{{"url", web_.open_dashboard()}};
    }
    if (method == "pauseContext") {
      co_await wait_to_lead();
      const std::string context(text_at(params, {"context"}));
      const bool paused = flag_at(params, {"paused"});
      if (paused && member_ != nullptr) {
        throw cannot_pause(context);
      }
      co_return json{{"changed", engine_.pause_context(context, paused)}};
    }
    throw Error(ErrorCode::protocol, "no such method: " + method,
                "regsync and regsyncd may be of different versions; " + how_to_restart_regsyncd());
  }

  asio::awaitable<void> stop() {
    stopping_ = true;
    hub_told_.notify_all();
    drop_replaced_.cancel();
    retry_hub_.cancel();
    show_notices_.cancel();
    web_.close();
    co_await hub_.stop_clusters();
    co_await engine_.stop();
    co_await hub_.stop_member();  // nothing is written to a cluster any more
  }

 private:
  // A pause is a file of this replica's, which whoever takes over does not have.
  [[nodiscard]] Error cannot_pause(const std::string& context) const {
    return {ErrorCode::invalid_input,
            "context " + context + " cannot be paused: a replica that takes over would not know of it",
            std::string("pause its targets in their files (paused: true), or take it out of the ") +
                (hub_.describes_clusters() ? "fleet: take the label that regsyncd --clusters selects off its Secret"
                                           : "kubeconfig")};
  }

  // Those of the process itself.
  void add_problems(StatusReport& report) const {
    for (const auto& problem : {settings_.problem, restart_problem_, targets_.problem(), docker_config_problem_,
                                hub_problem_, files_.problem(), logins_.problem(),
                                member_ != nullptr ? member_->problem() : std::nullopt, metrics_file_.problem()}) {
      if (problem) {
        report.problems.push_back(*problem);
      }
    }
    if (const auto note = member_ != nullptr ? member_->note() : std::nullopt) {
      report.notes.push_back(*note);
    }
    const auto web = web_.problems();
    report.problems.insert(report.problems.end(), web.begin(), web.end());
  }

  // What the engine does not know of.
  void add_process(StatusReport& report) const {
    add_problems(report);
    report.environment = kube::client_environment();
  }

  [[nodiscard]] bool is_known(const std::string& target) const {
    return targets_.contains(target) || footprints_.all().contains(target);
  }

  // Throws not_found, with the nearest name. A file that was written just now may not have been read yet.
  void require_known(const std::vector<std::string>& targets) {
    const auto known = [this](const auto& target) { return is_known(target); };
    if (!std::ranges::all_of(targets, known)) {
      targets_.read();
    }
    const auto unknown = std::ranges::find_if_not(targets, known);
    if (unknown != targets.end()) {
      throw targets_.not_found(*unknown);
    }
  }

  // before: null at first.
  FleetReport fleet(const FleetReport* before) {
    FleetReport report = engine_.fleet();
    if (before != nullptr) {
      carry_completeness(*before, report);
      carry_last_in_sync(*before, report, std::chrono::system_clock::now());
    }
    add_problems(report.overview);
    if (!knows_clusters_) {
      report.waits_for.emplace_back(hub_.describes_clusters() ? "the Secrets of the clusters" : "a kubeconfig");
    }
    if (member_ != nullptr) {
      std::ranges::move(member_->waits_for(), std::back_inserter(report.waits_for));
      report.role = member_->role();
      report.slots = options_.slots;
      report.slots_held = member_->slots_held();
    }
    std::set<std::string> contexts;
    for (const auto& context : report.overview.contexts) {
      contexts.insert(context.name);
    }
    metrics_.keep_contexts(contexts);
    return report;
  }

  [[nodiscard]] std::string summary() const {
    return summary_of(engine_.totals()) + (engine_.store_problem() ? "; not all logins can be read" : "");
  }

  void tell_systemd() {
    sd_notify(0, ("STATUS=" + one_line(*summary_text_.get())).c_str());
    if (summary_text_.stale()) {
      summary_.ask();
    }
  }

  void show_notices() {
    if (notices_.notify_about(*view_.get(), std::chrono::system_clock::now()) || view_.stale()) {
      show_notices_.ask();
    }
  }

  // Only of a keyring that is there and open: to ask would start one that the person stopped.
  void drop_replaced_logins_after(std::chrono::seconds time) {
    drop_replaced_.expires_after(time);
    drop_replaced_.async_wait([this](const asio::error_code& error) {
      if (error) {
        return;
      }
      guarded_logged("keyring", [this] {
        if (store_is_open_) {
          replaced_.drop_old(engine_.logins_in_doubt());
        }
      });
      drop_replaced_logins_after(std::chrono::hours(1));
    });
  }

  // One that is over is told of as well.
  void note(std::optional<Error>& known, std::optional<Error> now) {
    if (note_problem(known, std::move(now))) {
      on_status_change();
    }
  }

  void read_settings() {
    auto now = load_settings_or_last_good(paths::settings(), paths::last_good_settings());
    if (now.problem) {
      now.settings = settings_.settings;  // what was in force stays so
    }
    if (now.problem && now.problem != settings_.problem) {
      log::error(describe(*now.problem));
    }
    settings_ = std::move(now);
    note(restart_problem_, needed_restart());
    log::set_level(settings_.settings.log_level);
    notices_.enable(settings_.settings.notifications);
    web_.serve_metrics(settings_.settings.metrics_listen);
    metrics_file_.configure(settings_.settings.metrics_file);
    engine_.set_login_settings(settings_.settings.verify_logins, settings_.settings.expires);
    logins_.set_files(options_.logins.empty() ? settings_.settings.login_files : options_.logins);
  }

  // What was taken from the settings at the start stays in force.
  [[nodiscard]] std::optional<Error> needed_restart() const {
    const Settings& begun = state_->settings.settings;
    const Settings& now = settings_.settings;
    const bool other_owner = named_owner(options_.owner, now.owner) != named_owner(options_.owner, begun.owner);
    if (!other_owner && now.concurrency == begun.concurrency) {
      return std::nullopt;
    }
    return Error(ErrorCode::invalid_input,
                 paths::settings().string() + ": regsyncd took " + (other_owner ? "owner" : "concurrency") +
                     " when it started, and goes on with that",
                 how_to_restart_regsyncd());
  }

  void give_memory_back() {
    const IdleRelease release = engine_.release_idle_memory();
    if (release.busy) {
      trim_.ask();
    }
    heap_.give_back(release.released);
  }

  // In the keyring, which a daemon that takes its logins from files alone does not use.
  void keep_replaced(const std::shared_ptr<const Credential>& login) {
    if (options_.logins.empty()) {
      replaced_.keep(login);
    }
  }

  void read_cred_helpers() {
    note(docker_config_problem_, guarded([this] {
           auto helpers = other_helpers(settings_.settings);
           helpers.insert(login_file_helpers_.begin(), login_file_helpers_.end());
           engine_.set_cred_helpers(std::move(helpers));
         }));
  }

  [[nodiscard]] const std::optional<std::filesystem::path>& kubeconfig_path() const {
    return options_.kubeconfig ? options_.kubeconfig : settings_.settings.kubeconfig;
  }

  void read_kubeconfig() {
    const auto problem = guarded([this] {
      if (hub_.describes_clusters()) {
        follow_clusters();
      } else {
        set_kubeconfig(kubeconfig());
      }
    });
    if (problem) {
      engine_.set_kubeconfig_problem(*problem);
    } else {
      note(hub_problem_, guarded([this] { hub_.refresh(); }));
    }
    if (hub_problem_ || (problem && hub_.describes_clusters())) {
      retry_hub_.ask();
    }
  }

  [[nodiscard]] kube::Kubeconfig kubeconfig() const { return kube::Kubeconfig::load_or_in_cluster(kubeconfig_path()); }

  void set_kubeconfig(kube::Kubeconfig clusters) {
    knows_clusters_ = true;
    engine_.set_kubeconfig(std::move(clusters));
  }

  Hub make_hub() {
    const bool keeps_state = options_.state_in_hub || !options_.lease.empty();
    // Replicas that would each make an owner of their own would fight over every Secret.
    if (keeps_state && named_owner(options_.owner, settings_.settings.owner).empty()) {
      throw Error(ErrorCode::invalid_input, "--lease and --state configmaps need an owner that all replicas share",
                  "name it: --owner NAME");
    }
    if (keeps_state && !can_own_config_maps(state_->owner.id)) {
      throw Error(
          ErrorCode::invalid_input,
          "the owner \"" + state_->owner.id + "\" cannot be part of the name of a ConfigMap, where the state is kept",
          R"(begin and end it with a letter or digit, without ".." in it)");
    }
    return {executor_,
            {.clusters = options_.clusters,
             .keeps_state = keeps_state,
             .member = {.owner = state_->owner.id, .lease = options_.lease, .slots = options_.slots}},
            [this] { return kubeconfig(); },
            {.may_remember = [this](const std::string& context) { return engine_.may_remember(context); },
             .on_share = [this] { share_clusters(); },
             .on_footprints = [this] { engine_.footprints_changed(); },
             .on_change =
                 [this] {
                   hub_told_.notify_all();
                   on_status_change();
                 }}};
  }

  void share_clusters() {
    engine_.set_share([this](const std::string& server) { return member_->serves(server); });
  }

  // Throws where this replica serves none of the clusters, or not all that are its own.
  void expect_to_lead() const {
    if (member_ == nullptr) {
      return;
    }
    if (const auto missing = member_->waits_for(); !missing.empty()) {
      // Not `timeout`: whoever gets that takes it that the work goes on.
      throw Error(ErrorCode::invalid_input, "this replica has not read what it needs of the hub yet: " + join(missing),
                  "try again in a moment; where it lasts, regsync status says why");
    }
    if (member_->stands_by()) {
      throw Error(ErrorCode::invalid_input, member_->note()->message(), "ask a replica that leads");
    }
  }

  [[nodiscard]] bool waits_for_hub() const { return member_ != nullptr && !member_->waits_for().empty(); }

  // One that has just begun, or takes over, does so a moment later.
  asio::awaitable<void> wait_to_lead() {
    const auto deadline = std::chrono::steady_clock::now() + longest_takeover;
    const auto is_over = [this] { return stopping_ || !waits_for_hub(); };
    co_await hub_told_.wait_until(is_over, deadline);
    expect_to_lead();
  }

  // What it says of the clusters counts only if they were this replica's until its end. For those that became so
  // meanwhile it is done once more.
  asio::awaitable<void> sync_as_leader(std::vector<std::string> targets, bool adopt) {
    co_await engine_.sync(targets, adopt);
    if (waits_for_hub()) {
      co_await wait_to_lead();
      co_await engine_.sync(std::move(targets), adopt);
    }
    expect_to_lead();
  }

  // What the hub tells, it tells by itself.
  void follow_clusters() {
    const bool begins =
        hub_.follow_clusters({.on_clusters = [this](kube::Kubeconfig clusters) { set_kubeconfig(std::move(clusters)); },
                              .on_problem = [this](Error why) { engine_.set_kubeconfig_problem(std::move(why)); }});
    if (begins) {
      engine_.set_kubeconfig_problem(
          {ErrorCode::kubeconfig, "the Secrets of the clusters are not listed yet", "wait a moment"});
    }
  }

  void follow_files() {
    auto paths = kube::Kubeconfig::search_path(kubeconfig_path());
    paths.push_back(paths::settings());
    paths.push_back(default_docker_config());
    paths.push_back(targets_.folder());
    if (paths != followed_) {
      followed_ = paths;
      files_.follow(std::move(paths));
    }
  }

  asio::awaitable<json> sync(json params) {
    hub_.end_pause();
    reload();  // a target written just before this call counts, whether inotify told us or not
    co_await wait_to_lead();
    const StatusQuery query = control::query_from_json(params);
    require_known(query.targets);
    engine_.expect_reading();
    logins_.refresh();
    const bool adopt = flag_at(params, {"adopt"});
    co_await sync_as_leader(query.targets, adopt);
    co_return answer(query);
  }

  // The intent is on disk before the file goes: whatever happens in between, the Secrets are not forgotten.
  asio::awaitable<json> remove(std::string target, bool keep_secrets, bool summary) {
    targets_.read();
    require_known({target});
    targets_.require_removable(target);
    engine_.forget_target(target, keep_secrets, [&] { targets_.remove(target); });
    log::info(keep_secrets ? "target removed, its Secrets are kept" : "target removed", {.target = target});
    StatusQuery query;
    query.targets = {target};
    co_await sync_as_leader(query.targets, false);
    query.summary = summary;
    StatusReport left = engine_.status(query);
    add_process(left);
    co_return control::to_json(left);
  }

  void on_status_change() {
    on_change_();
    view_.changed();
    summary_text_.changed();
    metrics_file_.changed();
    trim_.ask();
    show_notices_.ask();
    if (std::getenv("NOTIFY_SOCKET") != nullptr) {  // sd_notify(3): else nobody shows it
      summary_.ask();
    }
  }

  asio::any_io_executor executor_;
  DaemonOptions options_;
  std::unique_ptr<StateFolder> state_;
  SettingsInForce settings_;
  std::optional<Error> restart_problem_;  // what of them needs one to come into force
  std::function<void()> on_change_;
  std::optional<Error> docker_config_problem_;  // what it said last stays in force
  std::optional<Error> hub_problem_;            // the kubeconfig's, as the hub's; the credentials in use stay in force
  AsyncEvent hub_told_;                         // FleetMember::Handlers::on_change
  bool stopping_ = false;
  std::map<std::string, std::string> login_file_helpers_;
  Hub hub_;
  FleetMember* const member_;    // null: this is no replica, and its state is in a folder
  bool knows_clusters_ = false;  // they were read once
  Footprints& footprints_;
  DeclaredTargets targets_;
  Metrics metrics_;
  NotificationBus desktop_;
  DesktopNotices notices_{[this](DesktopNotice notice) { desktop_.show(std::move(notice)); }};
  Engine engine_;
  CoalescedCall show_notices_;
  bool store_is_open_ = false;  // as the last reading said
  ReplacedLogins replaced_;
  asio::steady_timer drop_replaced_;
  CoalescedCall retry_hub_;
  LoginSources logins_;
  Paced<FleetReport> view_;
  Paced<std::string> summary_text_;
  FleetWeb web_;
  MetricsFile metrics_file_;
  FileMonitor files_;
  std::vector<std::filesystem::path> followed_;
  CoalescedCall trim_;  // gives memory back
  Heap heap_;
  CoalescedCall summary_;  // tells systemd the summary
};

Daemon::Daemon(asio::any_io_executor executor, DaemonOptions options, std::unique_ptr<StateFolder> state,
               std::function<void()> on_change)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(options), std::move(state), std::move(on_change))) {}

Daemon::~Daemon() = default;

void Daemon::reload() { impl_->reload(); }

asio::awaitable<json> Daemon::call(std::string method, json params) {
  return impl_->call(std::move(method), std::move(params));
}

json Daemon::status(const StatusQuery& query) { return impl_->answer(query); }

asio::awaitable<void> Daemon::stop() { return impl_->stop(); }

}  // namespace regsync
