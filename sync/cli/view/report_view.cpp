#include "sync/cli/view/report_view.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "sync/control/messages.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {
namespace {

constexpr std::size_t named_places = 3;  // of one problem; the table has them all

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

// "namespace_missing" as Kubernetes writes reasons: NamespaceMissing.
std::string reason_of(const Error& error) {
  std::string reason;
  bool upper = true;
  for (const char c : to_string(error.code())) {
    if (c == '_') {
      upper = true;
      continue;
    }
    reason += upper ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return reason;
}

std::string place_of(const StatusRow& row) {
  return row.name_space.empty() ? row.context : row.context + "/" + row.name_space;
}

// Each problem once, however many rows it has, in the order in which it comes up.
class Problems {
 public:
  void add(const std::string& place, const Error& error) {
    auto& places = [&]() -> std::vector<std::string>& {
      for (auto& [known, its_places] : problems_) {
        if (known == error) {
          return its_places;
        }
      }
      return problems_.emplace_back(error, std::vector<std::string>()).second;
    }();
    if (!place.empty()) {
      places.push_back(place);
    }
  }

  [[nodiscard]] bool know(const Error& error) const {
    return std::ranges::any_of(problems_, [&](const auto& known) { return known.first == error; });
  }

  void print(std::ostream& out, bool colour) const {
    for (const auto& [error, places] : problems_) {
      out << '\n' << paint(printable(error.message()), Colour::bold, colour);
      if (!places.empty()) {
        out << " (" << join(places, ", ", named_places) << ")";
      }
      out << '\n';
      if (!error.remedy().empty()) {
        out << "  " << paint("-> " + printable(error.remedy()), Colour::yellow, colour) << '\n';
      }
    }
  }

 private:
  std::vector<std::pair<Error, std::vector<std::string>>> problems_;
};

Problems collect(const StatusReport& report) {
  Problems problems;
  for (const Error& problem : report.problems) {
    problems.add("", problem);
  }
  if (report.store) {
    problems.add("", *report.store);
  }
  for (const TargetStatus& target : report.targets) {
    for (const Error& problem : target.problems) {
      problems.add("target " + target.name, problem);
    }
  }
  for (const ContextStatus& context : report.contexts) {
    if (context.problem) {
      problems.add("context " + context.name, *context.problem);
    }
  }
  Problems all = problems;
  for (const StatusRow& row : report.rows) {
    if (row.cause && !problems.know(*row.cause)) {
      all.add(place_of(row), *row.cause);
    }
  }
  return all;
}

std::vector<Cell> cells_of(const StatusRow& row, bool wide, WallTime now) {
  std::vector<Cell> cells = {row.target,
                             row.context,
                             row.name_space.empty() ? "*" : row.name_space,
                             {std::string(to_string(row.state)), colour_of(row.state)},
                             age(now, row.since)};
  if (wide) {
    cells.emplace_back(row.secret);
    cells.emplace_back(row.last_change ? age(now, *row.last_change) : "");
    cells.emplace_back(row.next_try ? "in " + age(*row.next_try, now) : "");
  }
  cells.emplace_back(row.cause ? reason_of(*row.cause) : "");
  return cells;
}

// A target without any row, so that it is not overlooked.
std::vector<Cell> cells_of(const TargetStatus& target, bool wide) {
  const bool fault = !target.problems.empty();
  const char* state = target.removing ? "Removing" : fault ? "Stuck" : "NoMatch";
  std::vector<Cell> cells = {target.name, "-", "-", {state, fault ? Colour::red : Colour::yellow}, ""};
  if (wide) {
    cells.insert(cells.end(), {Cell(target.secret), Cell(""), Cell("")});
  }
  cells.emplace_back(fault ? reason_of(target.problems.front()) : target.removing ? "" : "selects no namespace");
  return cells;
}

std::size_t count_in_sync(const StatusReport& report) {
  return static_cast<std::size_t>(
      std::ranges::count_if(report.rows, [](const StatusRow& row) { return row.state == SyncState::in_sync; }));
}

bool is_asked(const std::vector<std::string>& patterns, const std::string& text) {
  return patterns.empty() || matches_any(patterns, text);
}

}  // namespace

bool reached(const StatusReport& report) {
  return count_in_sync(report) == report.rows.size() &&
         std::ranges::all_of(report.targets, [](const TargetStatus& target) { return target.problems.empty(); });
}

bool is_stuck(const StatusReport& report) {
  return !reached(report) && std::ranges::all_of(report.rows, [&](const StatusRow& row) {
    const bool waits_for_store = row.state == SyncState::pending && report.store;
    return row.state == SyncState::in_sync || row.state == SyncState::stuck || waits_for_store;
  });
}

StatusReport narrowed(StatusReport report, const std::vector<std::string>& contexts,
                      const std::vector<std::string>& namespaces) {
  if (contexts.empty() && namespaces.empty()) {
    return report;
  }
  std::erase_if(report.rows, [&](const StatusRow& row) {
    return !is_asked(contexts, row.context) || !(row.name_space.empty() || is_asked(namespaces, row.name_space));
  });
  std::erase_if(report.contexts, [&](const ContextStatus& context) { return !is_asked(contexts, context.name); });
  std::erase_if(report.targets, [&](const TargetStatus& target) {
    return std::ranges::none_of(report.rows, [&](const StatusRow& row) { return row.target == target.name; });
  });
  return report;
}

std::string summary(const StatusReport& report) {
  const std::size_t good = count_in_sync(report);
  const std::size_t bad = report.rows.size() - good;
  return count_of(report.targets.size(), "target") + ": " + count_of(good, "Secret") + " in sync" +
         (bad == 0 ? "" : ", " + std::to_string(bad) + " not");
}

std::string render_table(const StatusReport& report, bool wide, bool colour, WallTime now, std::size_t max_rows) {
  std::vector<std::string> header = {"TARGET", "CONTEXT", "NAMESPACE", "STATE", "SINCE"};
  if (wide) {
    header.insert(header.end(), {"SECRET", "LAST CHANGE", "NEXT TRY"});
  }
  header.emplace_back("CAUSE");
  Table table(std::move(header));

  std::vector<const StatusRow*> rows;
  rows.reserve(report.rows.size());
  for (const StatusRow& row : report.rows) {
    rows.push_back(&row);
  }
  if (rows.size() > max_rows) {
    std::ranges::sort(rows, std::ranges::less{},
                      [](const StatusRow* row) { return std::make_pair(row->state == SyncState::in_sync, row); });
  }
  for (std::size_t i = 0; i < rows.size() && i < max_rows; ++i) {
    table.add(cells_of(*rows[i], wide, now));
  }
  for (const TargetStatus& target : report.targets) {
    if (std::ranges::none_of(report.rows, [&](const StatusRow& row) { return row.target == target.name; })) {
      table.add(cells_of(target, wide));
    }
  }

  std::ostringstream text;
  if (!table.empty()) {
    table.print(text, colour);
  }
  if (rows.size() > max_rows) {
    text << "... and " << rows.size() - max_rows << " more\n";
  }
  collect(report).print(text, colour);
  text << render_notes(report);
  return std::move(text).str();
}

std::string render_notes(const StatusReport& report) {
  std::string text;
  for (const Error& note : report.notes) {
    text += "note: " + describe(note) + '\n';
  }
  return text;
}

void print_report(Environment& environment, const StatusReport& report, Format format) {
  switch (format) {
    case Format::json:
    case Format::yaml:
      print_structured(environment.out, control::to_json(report), format);
      return;
    case Format::name:
      for (const StatusRow& row : report.rows) {
        environment.out << place_of(row) << '/' << row.secret << '\n';
      }
      return;
    case Format::table:
    case Format::wide:
      if (report.targets.empty() && report.rows.empty() && report.problems.empty() && !report.store) {
        environment.err << "No targets. Declare one: regsync add NAME --registry REGISTRY\n";
      } else {
        environment.out << render_table(report, format == Format::wide, environment.colour, environment.now());
      }
  }
}

}  // namespace regsync::cli
