#include "daemon/daemon.hpp"

#include <malloc.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/coalesced_call.hpp"
#include "daemon/control_server.hpp"
#include "daemon/metrics_exporter.hpp"
#include "daemon/sources/file_monitor.hpp"
#include "daemon/sources/store_monitor.hpp"
#include "sync/base/instance_lock.hpp"
#include "sync/base/log.hpp"
#include "sync/base/metrics.hpp"
#include "sync/base/paths.hpp"
#include "sync/config/settings.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/control/messages.hpp"
#include "sync/engine/engine.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/engine/owner_file.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/logins/docker_config_file.hpp"

namespace regsync {

namespace {

using nlohmann::json;

// Lists and bulks leave a heap behind that is mostly free: looked at when they are over, and seldom while they last.
constexpr auto trim_delay = std::chrono::seconds(2);

std::optional<std::string> optional_target(const json& params) {
  const auto target = params.find("target");
  return target == params.end() || target->is_null() ? std::nullopt : std::optional(target->get<std::string>());
}

}  // namespace

class Daemon::Impl {
 public:
  Impl(asio::any_io_executor executor, DaemonOptions options)
      : options_(std::move(options)),
        lock_(paths::lock(), "regsyncd"),
        settings_(load_settings(paths::settings())),
        footprints_(paths::footprints()),
        directory_(paths::targets()),
        engine_(executor,
                {.cluster = {.owner = load_owner(paths::owner()),
                             .concurrency = settings_.concurrency,
                             .metrics = &metrics_}},
                footprints_,
                {.on_wanted = [this](const std::set<RegistryKey>& wanted) { store_.want(wanted); },
                 .on_change = [this] { on_status_change(); },
                 .read_again = [this] { read_targets(); }}),
        store_(executor, [this](StoreReading logins) { engine_.set_logins(std::move(logins)); }),
        exporter_(executor, metrics_),
        files_(executor, [this] { reload(); }),
        control_(
            executor, paths::control_socket(),
            {.call = [this](std::string method, json params) { return call(std::move(method), std::move(params)); },
             .status = [this](const std::optional<std::string>& target) { return status(target); }}),
        trim_(executor, trim_delay, [] { malloc_trim(0); }) {
    std::filesystem::create_directories(directory_.folder());
    reload();
  }

  void reload() {
    try {
      settings_ = load_settings(paths::settings());
      log::set_level(settings_.log_level);
      exporter_.configure(settings_);
    } catch (const Error& error) {
      log::error(describe(error));  // the last good settings stay in force
    }
    read_cred_helpers();
    read_targets();
    read_kubeconfig();
    follow_files();
  }

  asio::awaitable<void> stop() {
    control_.close();  // first, so that nobody takes what an ending engine says for an answer
    co_await engine_.stop();
    co_await control_.stop();
  }

 private:
  [[nodiscard]] StatusReport status(const std::optional<std::string>& target) const {
    StatusReport report = engine_.status(target);
    for (const char* name : {"KUBECONFIG", "PATH"}) {
      if (const char* value = std::getenv(name)) {
        report.environment[name] = value;
      }
    }
    return report;
  }

  void read_targets() {
    try {
      auto files = directory_.load(targets_);
      for (const auto& [name, file] : files) {
        const auto known = targets_.find(name);
        if (file.problem && (known == targets_.end() || !known->second.problem)) {
          log::warning(describe(*file.problem), {.target = name});
        }
      }
      targets_ = files;
      engine_.set_targets(std::move(files));
    } catch (const Error& error) {
      log::error(describe(error));
    }
  }

  void read_cred_helpers() {
    try {
      engine_.set_cred_helpers(DockerConfigFile(default_docker_config()).foreign_helpers());
    } catch (const Error& error) {
      log::warning(describe(error));  // what it said last stays in force
    }
  }

  void read_kubeconfig() {
    try {
      const auto path = options_.kubeconfig ? options_.kubeconfig : settings_.kubeconfig;
      engine_.set_kubeconfig(kube::Kubeconfig::load_or_in_cluster(path));
    } catch (const Error& error) {
      engine_.set_kubeconfig_problem(error);
    }
  }

  void follow_files() {
    auto paths = kube::Kubeconfig::search_path(options_.kubeconfig ? options_.kubeconfig : settings_.kubeconfig);
    paths.push_back(paths::settings());
    paths.push_back(default_docker_config());
    paths.push_back(directory_.folder());
    if (paths != followed_) {
      followed_ = paths;
      files_.follow(std::move(paths));
    }
  }

  asio::awaitable<json> call(std::string method, json params) {
    if (method == "status") {
      co_return control::to_json(status(optional_target(params)));
    }
    if (method == "sync") {
      co_return co_await sync(optional_target(params), params.value("adopt", false));
    }
    if (method == "remove") {
      co_return co_await remove(params.at("target").get<std::string>(), params.value("keepSecrets", false));
    }
    if (method == "declare") {
      read_targets();
      engine_.confirm_target(params.at("target").get<std::string>());
      co_return json::object();
    }
    if (method == "reload") {
      reload();
      co_return json::object();
    }
    if (method == "setLogLevel") {
      log::set_level(log::parse_level(params.at("level").get<std::string>()));
      co_return json::object();
    }
    throw Error(ErrorCode::protocol, "no such method: " + method,
                "regsync and regsyncd may be of different versions: systemctl --user restart regsyncd");
  }

  asio::awaitable<json> sync(std::optional<std::string> target, bool adopt) {
    reload();  // a target written just before this call counts, whether inotify told us or not
    if (target && !targets_.contains(*target)) {
      throw Error(ErrorCode::not_found, "there is no target " + *target, "see regsync list");
    }
    engine_.expect_reading();
    store_.refresh();
    co_await engine_.sync(target, adopt);
    co_return control::to_json(status(target));
  }

  // The intent is on disk before the file goes: whatever happens in between, the Secrets are not forgotten.
  asio::awaitable<json> remove(std::string target, bool keep_secrets) {
    read_targets();
    const bool known = targets_.contains(target) || footprints_.all().contains(target);
    if (!known) {
      throw Error(ErrorCode::not_found, "there is no target " + target, "see regsync list");
    }
    engine_.forget_target(target, keep_secrets);
    directory_.remove(target);
    targets_.erase(target);
    log::info(keep_secrets ? "target removed, its Secrets are kept" : "target removed", {.target = target});
    co_await engine_.sync(target, false);
    co_return control::to_json(status(target));
  }

  void on_status_change() {
    control_.status_changed();
    exporter_.changed();
    trim_.ask();
  }

  DaemonOptions options_;
  InstanceLock lock_;
  Settings settings_;
  FootprintStore footprints_;
  TargetDirectory directory_;
  TargetFiles targets_;
  Metrics metrics_;
  Engine engine_;
  StoreMonitor store_;
  MetricsExporter exporter_;
  FileMonitor files_;
  ControlServer control_;
  std::vector<std::filesystem::path> followed_;
  CoalescedCall trim_;  // gives memory back
};

Daemon::Daemon(asio::any_io_executor executor, DaemonOptions options)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(options))) {}

Daemon::~Daemon() = default;

void Daemon::reload() { impl_->reload(); }

asio::awaitable<void> Daemon::stop() { return impl_->stop(); }

}  // namespace regsync
