// StatusQuery selects a part of a StatusReport. Pure; any thread.
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
  bool failing = false;                      // only rows that are not as asked
  bool summary = false;                      // groups instead of rows; `namespaces` is then ignored
};

// Applies a query to a report piece by piece, so that unselected rows need not be kept.
class StatusSelection {
 public:
  explicit StatusSelection(StatusQuery query) : query_(std::move(query)) {}

  // Removes the rows that were not selected.
  void keep(std::vector<StatusRow>& rows);

  // The rest of the report, whose rows were given to keep(). Throws Error(not_found), with the nearest name, if a
  // pattern matches nothing in the report and the rows: what is not checked must not pass as in sync.
  StatusReport finish(StatusReport report);

 private:
  StatusQuery query_;
  std::set<std::string> targets_;     // in the selected places
  std::set<std::string> contexts_;    // all that occurred
  std::set<std::string> namespaces_;  // in the selected contexts
  bool unread_ = false;               // a context that cannot be read may hold any namespace
};

// Throws Error(not_found), with the nearest name, for a pattern that matches none of the names. `what`: "namespace".
void require_matches(const std::vector<std::string>& patterns, const std::set<std::string>& names,
                     const std::string& what);

// Both steps, for a complete report.
StatusReport selected(StatusReport report, StatusQuery query);

// Targets that have neither a row nor a group, so that a display can still list them.
std::vector<const TargetStatus*> targets_without_rows(const StatusReport& report);

}  // namespace regsync
