#include "sync/cli/view/summary_lines.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <utility>

#include "sync/cli/view/problems.hpp"
#include "sync/cli/view/report_selection.hpp"

namespace regsync::cli {
namespace {

// The state of a group without reasons, for which nothing needs to be done.
std::string quiet_state(const StatusGroup& group) {
  for (const SyncState state : {SyncState::paused, SyncState::terminating}) {
    if (group.count(state) > 0) {
      return std::string(to_string(state));
    }
  }
  return std::string(to_string(SyncState::in_sync));
}

SummaryLine line_of(const StatusGroup& group) {
  SummaryLine line{.targets = {group.target}, .contexts = {group.context}, .counts = group};
  for (const auto& [reason, count] : group.reasons) {
    line.kind += (line.kind.empty() ? "" : ", ") + reason;
  }
  if (line.kind.empty()) {
    line.kind = quiet_state(group);
    line.severity = group.count(SyncState::in_sync) == group.rows() ? Severity::ok : Severity::quiet;
  } else {
    line.severity = Severity::failing;
  }
  return line;
}

SummaryLine line_of(const TargetStatus& target) {
  SummaryLine line{.targets = {target.name}, .contexts = {}, .counts = {}};
  line.kind = target.removing ? to_string(SyncState::removing) : why_no_rows(target);
  line.severity = target.problems.empty() ? Severity::quiet : Severity::failing;
  return line;
}

void add(SummaryLine& line, const SummaryLine& other) {
  line.targets.insert(other.targets.begin(), other.targets.end());
  line.contexts.insert(other.contexts.begin(), other.contexts.end());
  line.counts.states += other.counts.states;
  for (const auto& [reason, count] : other.counts.reasons) {
    line.counts.reasons[reason] += count;
  }
  line.counts.since = std::max(line.counts.since, other.counts.since);
}

// Merges lines with the same key at the place of the first.
std::vector<SummaryLine> merged(const std::vector<SummaryLine>& lines,
                                const std::function<std::string(const SummaryLine&)>& key_of) {
  std::vector<SummaryLine> result;
  std::map<std::string, std::size_t> known;
  for (const SummaryLine& line : lines) {
    const auto [place, is_new] = known.try_emplace(key_of(line), result.size());
    if (is_new) {
      result.push_back(line);
    } else {
      add(result[place->second], line);
    }
  }
  return result;
}

std::vector<SummaryLine> all_lines(const StatusReport& report, Order order) {
  std::vector<StatusGroup> groups = groups_of(report);
  if (order == Order::latest_first) {
    std::ranges::stable_sort(groups, std::greater{}, &StatusGroup::since);
  }
  std::vector<SummaryLine> lines;
  lines.reserve(groups.size());
  for (const StatusGroup& group : groups) {
    lines.push_back(line_of(group));
  }
  if (order == Order::failing_first) {
    std::ranges::stable_sort(lines, {}, &SummaryLine::severity);
  }
  for (const TargetStatus* target : targets_without_rows(report)) {
    lines.push_back(line_of(*target));
  }
  return lines;
}

}  // namespace

std::string SummaryLine::status() const {
  std::vector<std::pair<std::string, std::size_t>> reasons(counts.reasons.begin(), counts.reasons.end());
  std::ranges::stable_sort(reasons, std::greater{}, &std::pair<std::string, std::size_t>::second);
  std::string text;
  for (const auto& [reason, count] : reasons) {
    text +=
        (text.empty() ? "" : ", ") + reason_of(reason) + (counts.rows() == 1 ? "" : " (" + std::to_string(count) + ")");
  }
  return text.empty() ? kind : text;
}

SummaryLines summary_lines(const StatusReport& report, Order order, std::size_t most) {
  const std::vector<SummaryLine> all = all_lines(report, order);
  const auto target_of = [](const SummaryLine& line) { return *line.targets.begin(); };
  const auto place_of = [&](const SummaryLine& line) {
    return target_of(line) + '\n' + (line.contexts.empty() ? "" : *line.contexts.begin());
  };
  const std::array<std::function<std::string(const SummaryLine&)>, 4> keys = {
      [&](const SummaryLine& line) {
        return line.severity == Severity::failing ? place_of(line) : target_of(line) + "\n\n" + line.kind;
      },
      [&](const SummaryLine& line) { return target_of(line) + '\n' + line.kind; },
      [&](const SummaryLine& line) {
        return line.severity == Severity::failing ? target_of(line) + '\n' + line.kind : line.kind;
      },
      [](const SummaryLine& line) { return line.kind; },
  };
  SummaryLines result{.lines = all};
  for (const auto& key : keys) {
    if (result.lines.size() <= most) {
      break;
    }
    result.lines = merged(all, key);
    result.folded = true;
  }
  if (result.lines.size() > most) {
    std::set<std::string> left_out;
    for (std::size_t i = most; i < result.lines.size(); ++i) {
      left_out.insert(result.lines[i].targets.begin(), result.lines[i].targets.end());
    }
    result.left_out = left_out.size();
    result.lines.resize(most);
  }
  return result;
}

std::string why_no_rows(const TargetStatus& target) {
  return !target.problems.empty() ? reason_of(target.problems.front())
         : target.removing        ? std::string()
                                  : std::string("selects no namespace");
}

}  // namespace regsync::cli
