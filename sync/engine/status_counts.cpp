#include "sync/engine/status_counts.hpp"

#include <utility>

namespace regsync {

const StatusGroup* StatusCounts::group(const std::string& target, const std::string& context, const MakeRows& make) {
  const auto [known, is_new] = by_context_[context].try_emplace(target);
  auto& group = known->second;
  if (is_new) {
    Rows rows = make();
    auto groups = groups_of(rows.rows);
    if (!groups.empty()) {
      group = std::move(groups.front());
      totals_ += group->states;
    }
    if (!rows.leftovers.empty()) {
      leftovers_[context][target] = std::move(rows.leftovers);
    } else if (const auto left = leftovers_.find(context); left != leftovers_.end()) {
      left->second.erase(target);
    }
    stale_.erase({context, target});
  }
  return group ? &*group : nullptr;
}

void StatusCounts::forget(const std::string& context, const ChangedRows& rows) {
  const auto known = by_context_.find(context);
  if (known == by_context_.end()) {
    return;
  }
  if (rows.are_all()) {
    while (!known->second.empty()) {
      forget(context, known->second, std::string(known->second.begin()->first));
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
  const auto known = targets.find(target);
  if (known == targets.end()) {
    return;
  }
  if (known->second) {
    totals_ -= known->second->states;
  }
  stale_.emplace(context, target);
  targets.erase(known);
}

void StatusCounts::forget() {
  by_context_.clear();
  leftovers_.clear();
  stale_.clear();
  totals_ = {};
  complete_ = false;
}

}  // namespace regsync
