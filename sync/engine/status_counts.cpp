#include "sync/engine/status_counts.hpp"

#include <algorithm>
#include <cstddef>

#include "sync/model/remedy.hpp"

namespace regsync {

const StatusCounts::Summary& StatusCounts::summary(const std::string& target, const std::string& context,
                                                   const MakeRows& make) {
  Counts& counts = by_context_[context][target];
  if (!counts.summary) {
    const auto rows = rows_of(target, context, make).rows;
    counts.summary = Summary{groups_of(rows), causes_of(rows)};
    for (auto& cause : counts.summary->causes) {
      cause.error = for_context(cause.error, cause.target, cause.context);
    }
  }
  return *counts.summary;
}

const FleetCell* StatusCounts::cell(const std::string& target, const std::string& context, const MakeRows& make) {
  Counts& counts = by_context_[context][target];
  if (!counts.counted) {
    counts.cell = cell_of(rows_of(target, context, make).rows);
    counts.counted = true;
    if (counts.cell) {
      for (std::size_t i = 0; i < totals_.size(); ++i) {
        totals_.at(i) += counts.cell->secrets.at(i);
      }
    }
    stale_.erase({context, target});
  }
  return counts.cell ? &*counts.cell : nullptr;
}

StatusCounts::Rows StatusCounts::rows_of(const std::string& target, const std::string& context, const MakeRows& make) {
  Rows rows = make();
  if (!rows.leftovers.empty()) {
    leftovers_[context][target] = rows.leftovers;
  } else if (const auto known = leftovers_.find(context); known != leftovers_.end()) {
    known->second.erase(target);
  }
  return rows;
}

void StatusCounts::forget(const std::string& context, const ChangedRows& rows) {
  const auto known = by_context_.find(context);
  if (known == by_context_.end()) {
    return;
  }
  if (rows.are_all()) {
    for (auto& counts : known->second) {
      forget(context, counts);
    }
    return;
  }
  for (const auto& target : rows.targets) {
    forget(context, known->second, target);
  }
  if (const auto left = leftovers_.find(context); left != leftovers_.end()) {
    for (const auto& [target, secrets] : left->second) {
      if (secrets.contains(rows.secret)) {
        forget(context, known->second, target);
      }
    }
  }
}

void StatusCounts::forget(const std::string& context, Targets& targets, const std::string& target) {
  if (const auto counts = targets.find(target); counts != targets.end()) {
    forget(context, *counts);
  }
}

void StatusCounts::forget(const std::string& context, Targets::value_type& item) {
  auto& [target, counts] = item;
  counts.summary.reset();
  if (!counts.counted) {
    return;
  }
  if (counts.cell) {
    for (std::size_t i = 0; i < totals_.size(); ++i) {
      totals_.at(i) -= counts.cell->secrets.at(i);
    }
  }
  counts.counted = false;
  counts.cell.reset();
  stale_.emplace(context, target);
}

void StatusCounts::forget() {
  by_context_.clear();
  leftovers_.clear();
  stale_.clear();
  totals_ = {};
  complete_ = false;
}

}  // namespace regsync
