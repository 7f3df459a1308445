#include "sync/cli/view/report_view.hpp"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "sync/base/user_manager.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/problems.hpp"
#include "sync/cli/view/report_selection.hpp"
#include "sync/cli/view/summary_lines.hpp"
#include "sync/control/messages.hpp"

namespace regsync::cli {
namespace {

Colour colour_of(SyncState state) {
  switch (state) {
    case SyncState::in_sync:
      return Colour::green;
    case SyncState::stuck:
      return Colour::red;
    default:
      return Colour::yellow;
  }
}

std::string age(WallTime now, WallTime then) {
  if (then == WallTime{}) {
    return "";
  }
  return human_age(std::chrono::duration_cast<std::chrono::seconds>(now - then));
}

std::string place_of(const StatusRow& row) {
  return row.name_space.empty() ? row.context : row.context + "/" + row.name_space;
}

// "in 5d", or "expired".
std::string when(const std::optional<WallTime>& end, WallTime now) {
  if (!end) {
    return "";
  }
  return *end <= now ? "expired" : "in " + age(*end, now);
}

std::vector<Cell> cells_of(const StatusRow& row, bool wide, WallTime now, const TargetStatus* target) {
  std::vector<Cell> cells = {row.target,
                             row.context,
                             row.name_space.empty() ? "*" : row.name_space,
                             {std::string(to_string(row.state)), colour_of(row.state)},
                             age(now, row.since)};
  if (wide) {
    cells.emplace_back(row.secret);
    cells.emplace_back(row.last_change ? age(now, *row.last_change) : "");
    cells.emplace_back(row.next_try ? "in " + age(*row.next_try, now) : "");
    cells.emplace_back(target != nullptr ? when(target->expires, now) : "");
  }
  cells.emplace_back(row.cause ? reason_of(*row.cause) : "");
  return cells;
}

std::vector<Cell> cells_of(const SummaryLine& line, WallTime now) {
  const auto name_of = [](const std::set<std::string>& names, const char* several) {
    return names.empty() ? "-" : names.size() == 1 ? *names.begin() : std::to_string(names.size()) + several;
  };
  return {name_of(line.targets, " targets"),
          name_of(line.contexts, " contexts"),
          std::to_string(line.counts.count(SyncState::in_sync)) + "/" + std::to_string(line.counts.rows()),
          age(now, line.counts.since),
          {line.status(), line.severity == Severity::ok      ? Colour::green
                          : line.severity == Severity::quiet ? Colour::yellow
                                                             : Colour::red}};
}

std::vector<Cell> cells_of(const TargetStatus& target, bool wide, WallTime now) {
  const bool fault = !target.problems.empty();
  const char* state = target.removing ? "Removing" : fault ? "Stuck" : "NoMatch";
  std::vector<Cell> cells = {target.name, "-", "-", {state, fault ? Colour::red : Colour::yellow}, ""};
  if (wide) {
    cells.insert(cells.end(), {Cell(target.secret), Cell(""), Cell(""), Cell(when(target.expires, now))});
  }
  cells.emplace_back(why_no_rows(target));
  return cells;
}

}  // namespace

std::string render_summary(const StatusReport& report, const TableLayout& layout) {
  constexpr std::size_t problem_lines = 3;  // an empty one, the message, the remedy
  const auto lines = summary_lines(report, layout.order.value_or(Order::failing_first), layout.max_lines / 2);
  Table table({"TARGET", "CONTEXT", "READY", "SINCE", "STATUS"});
  for (const SummaryLine& line : lines.lines) {
    table.add(cells_of(line, layout.now));
  }
  std::ostringstream text;
  set_columns(text, layout.columns);
  if (!table.empty()) {
    table.print(text, layout.colour, layout.headers);
  }
  if (lines.left_out > 0) {
    text << "... and " << count_of(lines.left_out, "more target") << '\n';
  }
  if (lines.folded) {
    tell(text, "(a line for each target and context: regsync status --context '*')\n");
  }
  const std::size_t room = layout.max_lines - std::min(layout.max_lines, lines.lines.size() + problem_lines);
  print_problems(text, report, layout.colour,
                 lines.folded ? std::clamp<std::size_t>(room / problem_lines, 3, most_problems) : most_problems);
  print_folded(text, render_notes(report));
  return std::move(text).str();
}

std::string render_table(const StatusReport& report, const TableLayout& layout) {
  const Order order = layout.order.value_or(Order::name);
  std::vector<std::string> header = {"TARGET", "CONTEXT", "NAMESPACE", "STATE", "SINCE"};
  if (layout.wide) {
    header.insert(header.end(), {"SECRET", "LAST CHANGE", "NEXT TRY", "EXPIRES"});
  }
  header.emplace_back("CAUSE");
  Table table(std::move(header));

  std::vector<const StatusRow*> rows;
  rows.reserve(report.rows.size());
  for (const StatusRow& row : report.rows) {
    rows.push_back(&row);
  }
  if (order == Order::latest_first) {
    std::ranges::stable_sort(rows, std::greater{}, [](const StatusRow* row) { return row->since; });
  } else if (order == Order::failing_first || rows.size() > layout.max_lines) {
    std::ranges::stable_sort(rows, {}, [](const StatusRow* row) { return is_as_asked(row->state); });
  }
  for (std::size_t i = 0; i < rows.size() && i < layout.max_lines; ++i) {
    const auto target = std::ranges::lower_bound(report.targets, rows[i]->target, {}, &TargetStatus::name);
    const bool known = target != report.targets.end() && target->name == rows[i]->target;
    table.add(cells_of(*rows[i], layout.wide, layout.now, known ? &*target : nullptr));
  }
  for (const TargetStatus* target : targets_without_rows(report)) {
    table.add(cells_of(*target, layout.wide, layout.now));
  }

  std::ostringstream text;
  set_columns(text, layout.columns);
  if (!table.empty()) {
    table.print(text, layout.colour, layout.headers);
  }
  if (rows.size() > layout.max_lines) {
    text << "... and " << rows.size() - layout.max_lines << " more\n";
  }
  print_problems(text, report, layout.colour);
  print_folded(text, render_notes(report));
  return std::move(text).str();
}

std::optional<Error> version_note(const StatusReport& report) {
  if (report.version == REGSYNC_VERSION) {
    return std::nullopt;
  }
  return Error(ErrorCode::stale, "regsyncd is version " + report.version + ", regsync is " + REGSYNC_VERSION,
               how_to_restart_regsyncd());
}

nlohmann::json to_document(const StatusReport& report) {
  nlohmann::json document = control::to_json(report);
  document["apiVersion"] = api_version;
  document["kind"] = "StatusReport";
  document["items"] = std::move(document["rows"]);
  document.erase("rows");
  for (nlohmann::json& item : document["items"]) {
    if (const auto cause = item.find("cause"); cause != item.end()) {
      (*cause)["reason"] = reason_of(control::error_from_json(*cause));
    }
  }
  return document;
}

namespace {

// The lines that fit the screen together with the next prompt.
std::size_t screen_lines(const Console& console) {
  constexpr int smallest = 24;
  return static_cast<std::size_t>(std::max(console.terminal_size().rows, smallest)) - 1;
}

}  // namespace

void print_report(Console& console, const StatusReport& report, const Format& format, const ReportView& view) {
  switch (format) {
    case Format::name:
      for (const StatusRow& row : report.rows) {
        console.out << printable_line(place_of(row) + '/' + row.secret) << '\n';
      }
      return;
    case Format::table:
    case Format::wide:
      if (report.targets.empty() && report.rows.empty() && report.groups.empty() && report.problems.empty() &&
          !report.store) {
        tell(console.err, view.when_empty);
      } else if (view.rows || format == Format::wide) {
        console.out << render_table(report, {.colour = console.colour,
                                             .now = console.now(),
                                             .wide = format == Format::wide,
                                             .headers = view.headers,
                                             .columns = columns_of(console.out)});
      } else {
        console.out << render_summary(report, {.colour = console.colour,
                                               .now = console.now(),
                                               .headers = view.headers,
                                               .max_lines = view.folded ? screen_lines(console) : SIZE_MAX,
                                               .columns = columns_of(console.out)});
      }
      return;
    default:
      print_structured(console.out, to_document(report), format);
  }
}

}  // namespace regsync::cli
