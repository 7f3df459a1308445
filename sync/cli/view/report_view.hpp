// A StatusReport for people and for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "sync/cli/console.hpp"
#include "sync/cli/view/output.hpp"
#include "sync/cli/view/problems.hpp"
#include "sync/cli/view/report_selection.hpp"
#include "sync/model/status_report.hpp"

namespace regsync::cli {

// In which order lines come.
enum class Order { failing_first, name, latest_first };

// Both texts are folded into so many columns, if there are any.

// A line for each target and context: how many of its Secrets are in sync, and why the others are not; what is not in
// sync first. Below, each problem once with what to do. Does not grow with the number of Secrets; contexts and targets
// that are alike become one line, and problems too, where it would have more than `max_lines`.
std::string render_summary(const StatusReport& report, bool colour, WallTime now, bool headers = true,
                           Order order = Order::failing_first, std::size_t max_lines = SIZE_MAX, int columns = 0);

// The rows that fit in `max_rows` (if not all do, what is not in sync first), and below each problem once with what to
// do.
std::string render_table(const StatusReport& report, bool wide, bool colour, WallTime now,
                         std::size_t max_rows = SIZE_MAX, bool headers = true, Order order = Order::name,
                         int columns = 0);

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
