#include "daemon/http/fleet_document.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "sync/base/rfc3339.hpp"
#include "sync/control/messages.hpp"

namespace regsync {

namespace {

using nlohmann::json;

json seconds_of(const std::optional<WallTime>& time) {
  return time ? json(std::chrono::system_clock::to_time_t(*time)) : json();
}

json states() {
  json names = json::array();
  for (const SyncState state : sync_states) {
    names.push_back(to_string(state));
  }
  return names;
}

// Assigns one index to equal values.
class Index {
 public:
  std::size_t of(const std::string& key, const std::function<json()>& make) {
    const auto [known, is_new] = indices_.try_emplace(key, indices_.size());
    if (is_new) {
      items_.push_back(make());
    }
    return known->second;
  }
  json take() { return std::move(items_); }

 private:
  std::map<std::string, std::size_t> indices_;
  json items_ = json::array();
};

json errors_of(const std::vector<Error>& errors) {
  json items = json::array();
  for (const Error& error : errors) {
    items.push_back(control::to_json(error));
  }
  return items;
}

// Omits the zeros at the end.
json counts_of(const StateCounts& counts) {
  json items = json::array();
  for (std::size_t left = counts.all(); const SyncState state : sync_states) {
    if (left == 0 && !items.empty()) {
      break;
    }
    items.push_back(counts[state]);
    left -= counts[state];
  }
  return items;
}

// Uses a short array, because twenty thousand cells are usual.
json cell_of(const StatusGroup& group, std::size_t target, std::size_t context, Index& causes) {
  json item = {target, context, counts_of(group.states)};
  if (!group.is_as_asked()) {
    json reasons = json::array();
    for (const StatusCause& cause : group.causes) {
      const Error& error = cause.error;
      const auto index =
          causes.of(std::string(to_string(error.code())) + '\n' + error.message() + '\n' + error.remedy(),
                    [&] { return control::to_json(error); });
      reasons.push_back({index, cause.count});
    }
    item.push_back(seconds_of(group.failing_since));
    item.push_back(seconds_of(group.last_in_sync));
    item.push_back(std::move(reasons));
  }
  return item;
}

json context_of(const ContextStatus& context) {
  json item = {{"name", context.name}, {"server", context.server}, {"connected", context.connected}};
  if (context.problem) {
    item["problem"] = control::to_json(*context.problem);
  }
  if (context.paused) {
    item["paused"] = true;
  }
  return item;
}

json target_of(const TargetStatus& target) {
  json item = {{"name", target.name},
               {"secret", target.secret},
               {"registries", target.registries},
               {"removing", target.removing},
               {"problems", errors_of(target.problems)}};
  if (target.paused) {
    item["paused"] = true;
  }
  return item;
}

json logins_of(const FleetReport& report) {
  json items = json::array();
  for (const LoginStatus& login : report.logins) {
    json item = {{"registry", login.registry}, {"inDoubt", login.in_doubt}};
    if (!login.helper.empty()) {
      item["helper"] = login.helper;
    }
    if (login.expires) {
      item["expires"] = seconds_of(login.expires);
    }
    if (login.problem) {
      item["problem"] = control::to_json(*login.problem);
    }
    items.push_back(std::move(item));
  }
  return items;
}

class Families {
 public:
  prometheus::MetricFamily& add(const char* name, const char* help) {
    auto& family = families_.emplace_back();
    family.name = name;
    family.help = help;
    family.type = prometheus::MetricType::Gauge;
    return family;
  }
  [[nodiscard]] std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

using Labels = std::vector<prometheus::ClientMetric::Label>;

void set(prometheus::MetricFamily& family, Labels labels, double value) {
  auto& metric = family.metric.emplace_back();
  metric.label = std::move(labels);
  metric.gauge.value = value;
}

double seconds(WallTime time) { return std::chrono::duration<double>(time.time_since_epoch()).count(); }

// Always writes the series "in sync", so that a sum over a target exists; other states only if not zero.
void add_secrets(const FleetReport& report, Families& families) {
  auto& family = families.add("regsync_secrets",
                              "Secrets by state: InSync, Pending, Retrying, Stuck, Removing, Terminating, Paused");
  for (const StatusGroup& group : report.overview.groups) {
    for (const SyncState state : sync_states) {
      if (state == SyncState::in_sync || group.count(state) > 0) {
        set(family, {{"target", group.target}, {"context", group.context}, {"state", std::string(to_string(state))}},
            static_cast<double>(group.count(state)));
      }
    }
  }
}

void add_last_success(const FleetReport& report, WallTime now, Families& families) {
  auto& family = families.add("regsync_last_success_timestamp_seconds",
                              "When all Secrets of the target in the context were last in sync");
  for (const StatusGroup& group : report.overview.groups) {
    if (const auto when = group.is_as_asked() ? now : group.last_in_sync) {
      set(family, {{"target", group.target}, {"context", group.context}}, seconds(*when));
    }
  }
}

}  // namespace

std::string fleet_document(const FleetReport& report) {
  const StatusReport& overview = report.overview;
  Index targets;
  Index contexts;
  Index causes;
  for (const auto& target : overview.targets) {
    targets.of(target.name, [&] { return target_of(target); });
  }
  for (const auto& context : overview.contexts) {
    contexts.of(context.name, [&] { return context_of(context); });
  }
  json cells = json::array();
  for (const StatusGroup& group : overview.groups) {
    const auto target = targets.of(group.target, [&] { return json{{"name", group.target}}; });
    // A context that is not in the kubeconfig has only cells.
    const auto context = contexts.of(group.context, [&] { return json{{"name", group.context}}; });
    cells.push_back(cell_of(group, target, context, causes));
  }
  json document = {{"apiVersion", "regsync.dev/v1"},
                   {"kind", "Fleet"},
                   {"version", overview.version},
                   {"started", to_rfc3339(overview.started)},
                   {"ready", report.ready()},
                   {"role", report.role},
                   {"standsBy", report.stands_by()},
                   {"states", states()},
                   {"inKubeconfig", report.in_kubeconfig},
                   {"targets", targets.take()},
                   {"contexts", contexts.take()},
                   {"logins", logins_of(report)},
                   {"problems", errors_of(overview.problems)},
                   {"notes", errors_of(overview.notes)},
                   {"causes", causes.take()},
                   {"cells", std::move(cells)}};
  if (overview.store) {
    document["store"] = control::to_json(*overview.store);
  }
  return document.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

std::string fleet_metrics(const FleetReport& report, WallTime now) {
  const StatusReport& overview = report.overview;
  Families families;
  set(families.add("regsync_build_info", "The version that runs"), {{"version", overview.version}}, 1);
  add_secrets(report, families);
  add_last_success(report, now, families);
  set(families.add("regsync_slots_held",
                   "Leases whose clusters this replica serves: 0 where it stands by or takes over; 1 without replicas"),
      {}, report.role.empty() ? 1 : static_cast<double>(report.slots_held));
  set(families.add("regsync_slots", "Leases that share the clusters among the replicas; 0 without replicas"), {},
      report.role.empty() ? 0 : static_cast<double>(report.slots));
  set(families.add("regsync_waiting", "What must be read before all clusters of this process are served; 0: nothing"),
      {}, static_cast<double>(report.waits_for.size()));
  // A paused context is as requested even if it has a problem, so it must not raise an alert.
  auto& connected =
      families.add("regsync_context_connected",
                   "1 where the last list or watch succeeded, else 0; missing where the context is paused");
  for (const ContextStatus& context : overview.contexts) {
    if (!context.paused) {
      set(connected, {{"context", context.name}}, context.connected ? 1 : 0);
    }
  }
  set(families.add("regsync_contexts_readable",
                   "1 where the kubeconfig, or what describes the clusters in its place, can be read, else 0"),
      {}, report.contexts_problem ? 0 : 1);
  auto& problems =
      families.add("regsync_target_problems",
                   "Problems of the target itself: its file, its logins, or where it is remembered what it "
                   "has; 0 where it is paused");
  for (const TargetStatus& target : overview.targets) {
    const auto own = std::ranges::count_if(target.problems,
                                           [&](const Error& problem) { return problem != report.contexts_problem; });
    set(problems, {{"target", target.name}}, target.paused ? 0 : static_cast<double>(own));
  }
  set(families.add("regsync_daemon_problems", "Problems of the daemon itself: settings, files that it follows"), {},
      static_cast<double>(overview.problems.size()));
  set(families.add("regsync_logins_readable", "1 where the keyring can be read, else 0"), {}, overview.store ? 0 : 1);
  return families.text();
}

}  // namespace regsync
