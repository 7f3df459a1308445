// A StatusReport for people and for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "sync/cli/console.hpp"
#include "sync/cli/view/output.hpp"
#include "sync/model/status_report.hpp"

namespace regsync::cli {

// Whether every row is in sync and no target has a problem. (A locked keyring alone is no reason to wait: what was
// synced stays so. StatusReport::all_in_sync says whether everything is well.)
bool reached(const StatusReport& report);

// Whether waiting longer is of no use: all that is not in sync waits for a person, or is in a context that was tried
// and cannot be used now.
bool is_stuck(const StatusReport& report);

// Only the rows and targets of these contexts and namespaces (globs; none: all). Throws Error(not_found), with the
// nearest name, for a pattern that selects nothing of the report: what is not looked at must not pass as in sync.
StatusReport narrowed(StatusReport report, const std::vector<std::string>& contexts,
                      const std::vector<std::string>& namespaces);

// "2 targets: 4 Secrets in sync, 1 not".
std::string summary(const StatusReport& report);

// Only what is not in sync.
StatusReport failing(StatusReport report);

// A line for each target and context: how many of its Secrets are in sync, and why the others are not; what is not in
// sync first. Below, each problem once with what to do. Fits a screen however many Secrets there are.
std::string render_summary(const StatusReport& report, bool colour, WallTime now, bool headers = true);

// The rows that fit in `max_rows` (what is not in sync first, then the rest), and below each problem once with what
// to do.
std::string render_table(const StatusReport& report, bool wide, bool colour, WallTime now,
                         std::size_t max_rows = SIZE_MAX, bool headers = true);

// The report as a document for programs: its rows are `items`.
nlohmann::json to_document(const StatusReport& report);

struct ReportView {
  bool rows = false;  // a line for each Secret; else a summary, unless the format is wide
  bool headers = true;
  std::string_view when_empty = "No targets. Declare one: regsync add NAME --registry REGISTRY\n";
};

// One line for each of the report's notes.
std::string render_notes(const StatusReport& report);

// Everything, as the format says.
void print_report(Console& console, const StatusReport& report, Format format, const ReportView& view = {});

}  // namespace regsync::cli
