// The rows of each target in each context, counted, and kept until something there may have changed: of 100,000 Secrets
// in a hundred contexts, a change of one Secret counts those of its target in its context again.
//
// Lives on the io_context thread, owned by the EngineStatus.
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
    std::set<std::string> leftovers;  // names of Secrets on which they depend, beside the one that the target wants
  };
  using MakeRows = std::function<Rows()>;
  using Place = std::pair<std::string, std::string>;  // a context, and a target there

  // Null where there are no rows. Calls `make` only where it has to count again; valid until the next forget().
  const StatusGroup* group(const std::string& target, const std::string& context, const MakeRows& make);

  // These rows of one context, or all of all contexts, may differ now.
  void forget(const std::string& context, const ChangedRows& rows);
  void forget();

  // The sum of all groups. To bring it up to date, ask for the group of each place: of all places there are, or of the
  // stale ones where that was done since the last forget() of all.
  [[nodiscard]] const StateCounts& totals() const { return totals_; }
  [[nodiscard]] bool complete() const { return complete_; }
  void note_complete() { complete_ = true; }
  [[nodiscard]] const std::set<Place>& stale() const { return stale_; }

 private:
  using Targets = std::map<std::string, std::optional<StatusGroup>>;  // of those that were counted

  void forget(const std::string& context, Targets& targets, const std::string& target);

  std::map<std::string, Targets> by_context_;
  // By context, then by target: Rows::leftovers, where there are any.
  std::map<std::string, std::map<std::string, std::set<std::string>>> leftovers_;
  StateCounts totals_;
  std::set<Place> stale_;
  bool complete_ = false;
};

}  // namespace regsync
