// Prints a StatusReport: as a summary or table for people, as a document for programs.
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

// In which order lines come.
enum class Order { failing_first, name, latest_first };

struct TableLayout {
  bool colour = false;
  WallTime now;
  bool wide = false;  // of a table: every column
  bool headers = true;
  std::optional<Order> order = std::nullopt;  // else what fails comes first in a summary, and a table goes by name
  std::size_t max_lines = SIZE_MAX;           // of a summary; of a table, the rows
  int columns = 0;                            // the text is folded into so many; 0: it is not
};

// A line for each target and context: how many of its Secrets are in sync, and why the others are not; what is not in
// sync first. Below, each problem once with what to do. Does not grow with the number of Secrets; contexts and targets
// that are alike become one line, and problems too, where it would have more than `max_lines`.
std::string render_summary(const StatusReport& report, const TableLayout& layout);

// The rows that fit in `max_lines` (if not all do, what is not in sync first), and below each problem once with what to
// do.
std::string render_table(const StatusReport& report, const TableLayout& layout);

// That regsyncd is of another version than this program: it goes on as it was started while a package is upgraded.
std::optional<Error> version_note(const StatusReport& report);

// The report as a document for programs: its rows are `items`.
nlohmann::json to_document(const StatusReport& report);

struct ReportView {
  bool rows = false;  // a line for each Secret; else a summary, unless the format is wide
  bool headers = true;
  bool folded = true;  // a summary fits a screen; else it has a line for each target and context
  std::string_view when_empty = "No targets. Declare one: regsync add NAME --registry REGISTRY\n";
};

// Everything, as the format says.
void print_report(Console& console, const StatusReport& report, const Format& format, const ReportView& view = {});

}  // namespace regsync::cli
