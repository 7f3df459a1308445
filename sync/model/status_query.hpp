// A part of a StatusReport that somebody asks for. Pure; any thread.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "sync/model/status_report.hpp"

namespace regsync {

struct StatusQuery {
  std::vector<std::string> targets = {};     // names; none: all
  std::vector<std::string> contexts = {};    // names or globs; none: all
  std::vector<std::string> namespaces = {};  // names or globs; none: all
  bool failing = false;                      // only what is not as asked
  bool summary = false;                      // groups instead of rows; namespaces do not count then
};

// Applies a query to a report piece by piece, so that rows that nobody asked for need not be kept.
class StatusSelection {
 public:
  explicit StatusSelection(StatusQuery query) : query_(std::move(query)) {}

  // Leaves the rows that were asked for.
  void keep(std::vector<StatusRow>& rows);

  // The rest of the report, whose rows were given to keep(). Throws Error(not_found), with the nearest name, where a
  // pattern matches none of what the report and the rows have: what is not looked at must not pass as in sync.
  StatusReport finish(StatusReport report);

 private:
  StatusQuery query_;
  std::set<std::string> targets_;     // of the places that were asked for
  std::set<std::string> contexts_;    // all that were seen
  std::set<std::string> namespaces_;  // of the contexts that were asked for
  bool unread_ = false;               // a context that cannot be read may hold any namespace
};

// Throws Error(not_found), with the nearest name, for a pattern that matches none of the names. `what`: "namespace".
void require_matches(const std::vector<std::string>& patterns, const std::set<std::string>& names,
                     const std::string& what);

// Both steps for a report that is complete.
StatusReport selected(StatusReport report, StatusQuery query);

// Targets that have neither a row nor a group, so that they are not overlooked.
std::vector<const TargetStatus*> targets_without_rows(const StatusReport& report);

}  // namespace regsync
