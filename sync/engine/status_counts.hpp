// StatusCounts holds the row counts of each target in each context until something there may have changed: with 100,000
// Secrets in a hundred contexts, a change of one Secret recounts only those of its target in its context.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sync/cluster/cluster.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

class StatusCounts {
 public:
  // The rows of a target in a context.
  struct Rows {
    std::vector<StatusRow> rows;
    std::set<std::string> leftovers;  // names of Secrets that the rows depend on, besides the wanted one
  };
  using MakeRows = std::function<Rows()>;
  using Place = std::pair<std::string, std::string>;  // a context, and a target there

  // Null if there are no rows. Calls `make` only if it has to recount; valid until the next forget().
  const StatusGroup* group(const std::string& target, const std::string& context, const MakeRows& make);

  // These rows of one context, or all rows of all contexts, may have changed.
  void forget(const std::string& context, const ChangedRows& rows);
  void forget();

  // The sum of all groups. To update it, call group() for each place: for all places, or only for the stale ones if
  // that was done since the last forget() of all.
  [[nodiscard]] const StateCounts& totals() const { return totals_; }
  [[nodiscard]] bool complete() const { return complete_; }
  void note_complete() { complete_ = true; }
  [[nodiscard]] const std::set<Place>& stale() const { return stale_; }

 private:
  using Targets = std::map<std::string, std::optional<StatusGroup>>;  // of counted targets

  void forget(const std::string& context, Targets& targets, const std::string& target);

  std::map<std::string, Targets> by_context_;
  // By context, then by target: Rows::leftovers, if any.
  std::map<std::string, std::map<std::string, std::set<std::string>>> leftovers_;
  StateCounts totals_;
  std::set<Place> stale_;
  bool complete_ = false;
};

}  // namespace regsync
