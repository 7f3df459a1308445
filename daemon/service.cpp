#include "daemon/service.hpp"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "helper/base/text.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/log.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/control/messages.hpp"
#include "sync/control/requests.hpp"

namespace regsync {

namespace {

using nlohmann::json;

// No event reports every fix: room on the disk, a file system that is writable again.
constexpr auto retry_interval = std::chrono::seconds(2);

// Returns the report of a daemon that has not started: the targets, none of which is synced.
StatusReport report_of(const Error& held, std::chrono::system_clock::time_point started) {
  StatusReport report;
  report.version = REGSYNC_VERSION;
  report.pid = getpid();
  report.started = started;
  report.problems.push_back(held);
  const auto unreadable = guarded([&] {
    for (const auto& [name, file] : TargetDirectory(paths::targets()).load()) {
      TargetStatus status{.name = name, .secret = name, .registries = {}, .problems = {held}};
      if (file.target) {
        status.secret = file.target->secret;
        status.registries = file.target->registries;
      }
      report.targets.push_back(std::move(status));
    }
  });
  if (unreadable) {
    report.problems.push_back(*unreadable);
  }
  return report;
}

}  // namespace

Service::Service(asio::any_io_executor executor, DaemonOptions options)
    : executor_(std::move(executor)), options_(std::move(options)), retry_(executor_) {
  begin();
  control_ = std::make_unique<ControlServer>(
      executor_, paths::control_socket(), options_.control_socket,
      ControlServer::Methods{
          .call = [this](std::string method, json params) { return call(std::move(method), std::move(params)); },
          .status = [this](const json& params) { return status(control::query_from_json(params)); }});
}

void Service::reload() {
  if (daemon_) {
    daemon_->reload();
  } else {
    begin();
  }
}

// May also be called by a timer that had already expired when it was cancelled.
void Service::begin() {
  if (daemon_ || stopping_) {
    return;
  }
  auto problem = guarded([this] {
    auto state = std::make_unique<StateFolder>(options_.owner);
    daemon_ = std::make_unique<Daemon>(executor_, options_, std::move(state), [this] {
      if (control_) {
        control_->status_changed();
      }
    });
  });
  if (problem && problem->code() == ErrorCode::already_exists) {
    if (!control_) {
      throw Error(*problem);  // only at the start; later the other process may end
    }
  } else if (problem) {
    problem = problem->within("nothing is synced");
  }
  const bool is_news = problem && problem != held_;
  held_ = std::move(problem);
  if (held_) {
    if (is_news) {
      log::error(describe(*held_));
    }
    sd_notify(0, ("STATUS=" + one_line(held_->message())).c_str());  // one_line: another line would be another variable
    begin_later();
  } else {
    retry_.cancel();
    sd_notify(0, "STATUS=Following the keyring and the clusters");
  }
  if (control_) {
    control_->status_changed();
  }
}

void Service::begin_later() {
  retry_.expires_after(retry_interval);
  retry_.async_wait([this](const asio::error_code& error) {
    if (!error) {
      guarded_logged("start", [this] { begin(); });
    }
  });
}

asio::awaitable<json> Service::call(std::string method, json params) {
  if (method == control::methods::status) {
    co_return status(control::query_from_json(params));
  }
  if (daemon_) {
    co_return co_await daemon_->call(std::move(method), std::move(params));
  }
  throw Error(*held_);
}

json Service::status(const StatusQuery& query) {
  if (daemon_) {
    return daemon_->status(query);
  }
  // Ignores contexts and namespaces of the query, about which nothing is known.
  return control::to_json(selected(report_of(*held_, started_), {.targets = query.targets, .failing = query.failing}));
}

asio::awaitable<void> Service::stop() {
  stopping_ = true;
  retry_.cancel();
  control_->close();  // first, so that no client gets an answer from a stopping engine
  if (daemon_) {
    co_await daemon_->stop();
  }
  co_await control_->stop();
}

}  // namespace regsync
