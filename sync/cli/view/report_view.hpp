// A StatusReport for people and for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "sync/cli/console.hpp"
#include "sync/cli/view/output.hpp"
#include "sync/model/status_report.hpp"

namespace regsync::cli {

// Whether every row is in sync and no target has a problem. (A locked keyring alone is no reason to wait: what was
// synced stays so. StatusReport::all_in_sync says whether everything is well.)
bool reached(const StatusReport& report);

// Whether waiting longer is of no use: all that is not in sync waits for a person.
bool is_stuck(const StatusReport& report);

// Only the rows and targets of these contexts and namespaces (globs; none: all).
StatusReport narrowed(StatusReport report, const std::vector<std::string>& contexts,
                      const std::vector<std::string>& namespaces);

// "2 targets: 4 Secrets in sync, 1 not".
std::string summary(const StatusReport& report);

// The rows that fit in `max_rows` (what is not in sync first, then the rest), and below each problem once with what
// to do.
std::string render_table(const StatusReport& report, bool wide, bool colour, WallTime now,
                         std::size_t max_rows = SIZE_MAX);

// One line for each of the report's notes.
std::string render_notes(const StatusReport& report);

// Everything, as the format says.
void print_report(Console& console, const StatusReport& report, Format format);

}  // namespace regsync::cli
