// Prints a StatusReport: as a summary or table for people, or as a document for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "sync/cli/view/console.hpp"
#include "sync/cli/view/output.hpp"
#include "sync/cli/view/problems.hpp"
#include "sync/cli/view/report_selection.hpp"
#include "sync/model/status_report.hpp"

namespace regsync::cli {

// The order of lines.
enum class Order { failing_first, name, latest_first };

struct TableLayout {
  bool colour = false;
  WallTime now;
  bool wide = false;  // all columns of a table
  bool headers = true;
  std::optional<Order> order = std::nullopt;  // nullopt: failing first in a summary, by name in a table
  std::size_t max_lines = SIZE_MAX;           // of a summary, or rows of a table
  int columns = 0;                            // folds the text to so many; 0: does not fold
};

// Returns a line for each target and context: how many of its Secrets are in sync, and why the others are not; failing
// lines first. Below, each problem once with its remedy. The length does not depend on the number of Secrets. Beyond
// `max_lines`, similar contexts and targets share a line, and similar problems are merged.
std::string render_summary(const StatusReport& report, const TableLayout& layout);

// Returns the rows that fit in `max_lines` (if not all do, those not in sync first), and below each problem once with
// its remedy.
std::string render_table(const StatusReport& report, const TableLayout& layout);

// Returns a note if regsyncd has another version than this program: it keeps running while a package is upgraded.
std::optional<Error> version_note(const StatusReport& report);

// Returns the report as a document for programs; its rows are `items`.
nlohmann::json to_document(const StatusReport& report);

struct ReportView {
  bool rows = false;  // a line for each Secret; otherwise a summary, unless the format is wide
  bool headers = true;
  bool folded = true;  // a summary fits a screen; otherwise it has a line for each target and context
  std::string_view when_empty = "No targets. Declare one: regsync add NAME --registry REGISTRY\n";
};

// Prints the report in the given format.
void print_report(Console& console, const StatusReport& report, const Format& format, const ReportView& view = {});

}  // namespace regsync::cli
