#include "daemon/daemon.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/announcements.hpp"
#include "daemon/cluster_source.hpp"
#include "daemon/control_requests.hpp"
#include "daemon/declared_targets.hpp"
#include "daemon/fleet_view.hpp"
#include "daemon/heap.hpp"
#include "daemon/http/fleet_document.hpp"
#include "daemon/http/fleet_web.hpp"
#include "daemon/hub.hpp"
#include "daemon/leadership.hpp"
#include "daemon/metrics_file.hpp"
#include "daemon/note_problem.hpp"
#include "daemon/sources/file_monitor.hpp"
#include "daemon/sources/login_sources.hpp"
#include "daemon/sources/replaced_login_aging.hpp"
#include "daemon/sources/replaced_logins.hpp"
#include "daemon/sources/store_monitor.hpp"
#include "sync/base/log.hpp"
#include "sync/base/metrics.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/config/settings.hpp"
#include "sync/engine/engine.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/logins/docker_config_file.hpp"
#include "sync/logins/other_helpers.hpp"

namespace regsync {

namespace {

using nlohmann::json;

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
      : options_(std::move(options)),
        state_(std::move(state)),
        settings_(state_->settings),
        on_change_(std::move(on_change)),
        hub_(
            executor, hub_options(), [this] { return kubeconfig(); }, hub_handlers()),
        member_(hub_.member()),
        leadership_(executor, member_),
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
             .on_login_ending = [this](const Error& notice) { announcements_.login_ends(notice); },
             .read_kubeconfig_again = [this] { clusters_.read(); }}),
        clusters_(executor, hub_, [this] { return kubeconfig(); },
                  {.on_clusters = [this](kube::Kubeconfig clusters) { engine_.set_kubeconfig(std::move(clusters)); },
                   .on_problem = [this](Error why) { engine_.set_kubeconfig_problem(std::move(why)); },
                   .on_change = [this] { on_status_change(); }}),
        replaced_aging_(executor, replaced_, [this] { return engine_.logins_in_doubt(); }),
        logins_(
            executor, options_.logins.empty() ? keyring_on(executor) : nullptr,
            [this](StoreReading logins) {
              guarded_logged("logins", [&] {
                replaced_aging_.on_reading(logins);
                engine_.set_logins(std::move(logins));
              });
            },
            [this](std::map<std::string, std::string> helpers) {
              login_file_helpers_ = std::move(helpers);
              read_cred_helpers();
            }),
        view_({.engine = engine_,
               .clusters = clusters_,
               .member = member_,
               .slots = options_.slots,
               .metrics = metrics_,
               .problems = [this] { return problems(); }}),
        announcements_(executor, view_),
        web_(
            executor, {.listen = options_.listen, .hosts = options_.allowed_hosts}, metrics_,
            [this] { return view_.report().get(); }, [this] { on_status_change(); }),
        metrics_file_(
            executor,
            [this] {
              const auto report = view_.report().get();
              return metrics_.text() + fleet_metrics(*report, std::chrono::system_clock::now());
            },
            [this] { on_status_change(); }),
        files_(executor, [this] { reload(); }),
        heap_(executor, [this] { return engine_.release_idle_memory(); }),
        requests_({.engine = engine_,
                   .targets = targets_,
                   .footprints = footprints_,
                   .leadership = leadership_,
                   .view = view_,
                   .hub = hub_,
                   .read_again =
                       [this] {
                         hub_.end_pause();
                         reload();
                       },
                   .read_logins_again = [this] { logins_.refresh(); },
                   .open_dashboard = [this] { return web_.open_dashboard(); }}) {
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
    replaced_aging_.start();
  }

  void reload() {
    read_settings();
    follow_files();  // before they are read, so that later changes are read again
    read_cred_helpers();
    targets_.read();
    clusters_.read();
    on_change_();
  }

  ControlRequests& requests() { return requests_; }

  asio::awaitable<void> stop() {
    leadership_.stop();
    replaced_aging_.cancel();
    clusters_.cancel();
    announcements_.cancel();
    web_.close();
    co_await hub_.stop_clusters();
    co_await engine_.stop();
    co_await hub_.stop_member();  // last, because nothing writes to a cluster any more
  }

 private:
  // The problems of the process itself.
  [[nodiscard]] std::vector<Error> problems() const {
    std::vector<Error> all;
    for (const auto& problem : {settings_.problem, restart_problem_, targets_.problem(), docker_config_problem_,
                                clusters_.problem(), files_.problem(), logins_.problem(),
                                member_ != nullptr ? member_->problem() : std::nullopt, metrics_file_.problem()}) {
      if (problem) {
        all.push_back(*problem);
      }
    }
    std::ranges::move(web_.problems(), std::back_inserter(all));
    return all;
  }

  // Also reports the end of a problem as a status change.
  void note(std::optional<Error>& known, std::optional<Error> now) {
    if (note_problem(known, std::move(now))) {
      on_status_change();
    }
  }

  void read_settings() {
    auto now = load_settings_or_last_good(paths::settings(), paths::last_good_settings());
    if (now.problem) {
      now.settings = settings_.settings;  // keep the settings in force
    }
    if (now.problem && now.problem != settings_.problem) {
      log::error(describe(*now.problem));
    }
    settings_ = std::move(now);
    note(restart_problem_, needed_restart());
    log::set_level(settings_.settings.log_level);
    announcements_.enable_notices(settings_.settings.notifications);
    web_.serve_metrics(settings_.settings.metrics_listen);
    metrics_file_.configure(settings_.settings.metrics_file);
    engine_.set_login_settings(settings_.settings.verify_logins, settings_.settings.expires);
    logins_.set_files(options_.logins.empty() ? settings_.settings.login_files : options_.logins);
  }

  // The owner and the concurrency are read at the start only; a change needs a restart.
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

  // Keeps it in the keyring, which a daemon with --logins does not use.
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

  [[nodiscard]] kube::Kubeconfig kubeconfig() const { return kube::Kubeconfig::load_or_in_cluster(kubeconfig_path()); }

  [[nodiscard]] Hub::Options hub_options() const {
    return {.clusters = options_.clusters,
            .keeps_state = options_.state_in_hub || !options_.lease.empty(),
            .owner_is_named = !named_owner(options_.owner, settings_.settings.owner).empty(),
            .member = {.owner = state_->owner.id, .lease = options_.lease, .slots = options_.slots}};
  }

  [[nodiscard]] FleetMember::Handlers hub_handlers() {
    return {.may_remember = [this](const std::string& context) { return engine_.may_remember(context); },
            .on_share = [this] { share_clusters(); },
            .on_footprints = [this] { engine_.footprints_changed(); },
            .on_change =
                [this] {
                  leadership_.changed();
                  on_status_change();
                }};
  }

  void share_clusters() {
    engine_.set_share([this](const std::string& server) { return member_->serves(server); });
  }

  void follow_files() {
    auto paths = kube::Kubeconfig::search_path(kubeconfig_path());
    paths.push_back(paths::settings());
    paths.push_back(default_docker_config());
    for (const auto& path : targets_.followed()) {
      paths.push_back(path);
    }
    if (paths != followed_) {
      followed_ = paths;
      files_.follow(std::move(paths));
    }
  }

  void on_status_change() {
    on_change_();
    view_.changed();
    metrics_file_.changed();
    heap_.changed();
    announcements_.changed();
  }

  DaemonOptions options_;
  std::unique_ptr<StateFolder> state_;
  SettingsInForce settings_;
  std::optional<Error> restart_problem_;  // which changed setting needs a restart
  std::function<void()> on_change_;
  std::optional<Error> docker_config_problem_;  // while set, the last good helpers stay in use
  std::map<std::string, std::string> login_file_helpers_;
  Hub hub_;
  FleetMember* const member_;  // null: not a replica, and the state is in a folder
  Leadership leadership_;
  Footprints& footprints_;
  DeclaredTargets targets_;
  Metrics metrics_;
  Engine engine_;
  ClusterSource clusters_;
  ReplacedLogins replaced_;
  ReplacedLoginAging replaced_aging_;
  LoginSources logins_;
  FleetView view_;
  Announcements announcements_;
  FleetWeb web_;
  MetricsFile metrics_file_;
  FileMonitor files_;
  std::vector<std::filesystem::path> followed_;
  Heap heap_;
  ControlRequests requests_;
};

Daemon::Daemon(asio::any_io_executor executor, DaemonOptions options, std::unique_ptr<StateFolder> state,
               std::function<void()> on_change)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(options), std::move(state), std::move(on_change))) {}

Daemon::~Daemon() = default;

void Daemon::reload() { impl_->reload(); }

asio::awaitable<json> Daemon::call(std::string method, json params) {
  return impl_->requests().call(std::move(method), std::move(params));
}

json Daemon::status(const StatusQuery& query) { return impl_->requests().status(query); }

asio::awaitable<void> Daemon::stop() { return impl_->stop(); }

}  // namespace regsync
