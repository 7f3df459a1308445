#include "sync/engine/engine_status.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "sync/cluster/cluster.hpp"
#include "sync/model/remedy.hpp"

namespace regsync {

namespace {

// The user who removed a target asks soon or never.
constexpr auto left_is_told = std::chrono::hours(24);

}  // namespace

EngineStatus::EngineStatus(EngineState state, const LoginBook& logins, std::string owner)
    : state_(state), logins_(logins), owner_(std::move(owner)) {}

StatusReport EngineStatus::report(const StatusQuery& query) const {
  auto report = query.summary ? summary(query) : rows(query);
  for (StatusRow& row : report.rows) {
    if (row.cause) {
      row.cause = told(*row.cause, row.target, row.context);
    }
  }
  for (StatusGroup& group : report.groups) {
    for (StatusCause& cause : group.causes) {
      cause.error = told(cause.error, group.target, group.context);
    }
  }
  for (const auto& target : query.targets) {
    const auto contexts = left_.find(target);
    if (contexts != left_.end() && !state_.targets.contains(target)) {  // unless it was declared again
      for (const auto& [context, left] : contexts->second) {
        std::ranges::transform(left.secrets, std::back_inserter(report.notes),
                               [&](const Error& error) { return told(error, target, context); });
      }
    }
  }
  return report;
}

Error EngineStatus::told(const Error& error, const std::string& target, const std::string& context) const {
  return for_context(error, target, context, state_.contexts.in_kubeconfig());
}

FleetReport EngineStatus::fleet() const {
  FleetReport fleet;
  fleet.logins = logins_.statuses();
  fleet.in_kubeconfig = state_.contexts.in_kubeconfig();
  fleet.contexts_problem = state_.contexts.kubeconfig_problem();
  fleet.overview = summary({});
  counts_.note_complete();
  return fleet;
}

StateCounts EngineStatus::totals() const {
  if (!counts().complete()) {
    visit_contexts(state_, [&](const auto& target, const auto& context) { count(target, context); });
    counts_.note_complete();
  }
  for (const auto& [context, target] : std::set(counts_.stale())) {
    count(target, context);
  }
  return counts_.totals();
}

void EngineStatus::changed() {
  counts_.forget();
  changed_.clear();
}

void EngineStatus::changed(const std::string& context, const ChangedRows& rows) {
  counts_.forget(context, rows);
  changed_[context].insert(rows.secret);
}

void EngineStatus::note_left(const std::string& target, const std::string& context, std::vector<Error> left,
                             WallTime now) {
  for (auto& [name, contexts] : left_) {
    std::erase_if(contexts, [&](const auto& item) { return item.second.since + left_is_told < now; });
  }
  std::erase_if(left_, [](const auto& item) { return item.second.empty(); });
  if (!left.empty()) {
    left_[target][context] = {std::move(left), now};
  } else if (const auto contexts = left_.find(target); contexts != left_.end()) {
    contexts->second.erase(context);
  }
}

StatusReport EngineStatus::rows(const StatusQuery& query) const {
  StatusSelection selection(query);
  std::vector<StatusRow> all;
  auto report = without_rows(query.targets, [&](const auto& target, const auto& context) {
    auto rows = rows_of(state_, target, context).rows;
    selection.keep(rows);
    all.insert(all.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  });
  report.rows = std::move(all);
  return selection.finish(std::move(report));
}

StatusReport EngineStatus::summary(const StatusQuery& query) const {
  std::vector<StatusGroup> groups;
  auto report = without_rows(query.targets, [&](const auto& target, const auto& context) {
    if (const StatusGroup* group = count(target, context)) {
      groups.push_back(*group);
    }
  });
  report.groups = std::move(groups);
  return StatusSelection(query).finish(std::move(report));
}

StatusReport EngineStatus::without_rows(const std::vector<std::string>& targets, const VisitContext& visit) const {
  const auto now = std::chrono::system_clock::now();
  StatusReport report;
  report.version = REGSYNC_VERSION;
  report.pid = getpid();
  report.owner = owner_;
  report.started = state_.started;
  report.store = logins_.store_problem();
  const auto ends = logins_.wanted_ends();
  report.problems = logins_.problems(ends, now);
  report.notes = logins_.notices(ends, now);
  if (const auto& problem = state_.paused.problem()) {
    report.problems.push_back(*problem);
  }
  report.logins = logins_.all();
  add_state(state_, ends, now, targets, report, visit);
  return report;
}

const StatusGroup* EngineStatus::count(const std::string& target, const std::string& context) const {
  return counts().group(target, context, [&] { return rows_of(state_, target, context); });
}

// The counts, without those made doubtful by a change through another context of the same cluster: these are collected
// once for many changes, because each change may concern the counts of a hundred contexts.
StatusCounts& EngineStatus::counts() const {
  for (const auto& [context, secrets] : std::exchange(changed_, {})) {
    for (const auto& peer : state_.book.peers(context)) {
      const auto cluster = state_.contexts.find(peer);
      for (const auto& secret : cluster ? secrets : std::set<std::string>()) {
        counts_.forget(peer, secret.empty() ? ChangedRows() : cluster->rows_about(secret));
      }
    }
  }
  return counts_;
}

}  // namespace regsync
