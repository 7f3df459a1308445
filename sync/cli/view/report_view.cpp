#include "sync/cli/view/report_view.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "sync/base/suggest.hpp"
#include "sync/control/messages.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {
namespace {

constexpr std::size_t named_places = 3;     // of one problem; the table has them all
constexpr std::size_t shown_problems = 10;  // so that a table of failures stays on one screen

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

// A remedy of one context is for its cluster: "kubectl create namespace x" would go to the current one.
std::string for_context(std::string remedy, const std::string& context) {
  constexpr std::string_view program = "kubectl ";
  const std::string option = "--context " + shell_word(context) + " ";
  for (auto at = remedy.find(program); at != std::string::npos; at = remedy.find(program, at)) {
    at += program.size();
    const std::string_view rest = std::string_view(remedy).substr(at);
    if (!rest.starts_with("--context") && !rest.starts_with("config")) {
      remedy.insert(at, option);
    }
  }
  return remedy;
}

std::string remedy_of(const StatusRow& row) {
  if (row.cause->code() == ErrorCode::forbidden) {
    const std::string context = "--context " + shell_word(row.context);
    return "have an administrator run: regsync rbac " + row.target + " " + context + " | kubectl " + context +
           " apply -f -; then: regsync sync " + row.target;
  }
  return for_context(row.cause->remedy(), row.context);
}

// Each problem once, however many rows it has, in the order in which it comes up. Causes of rows that differ only by
// the namespace they name are one problem: those of one context with one code.
class Problems {
 public:
  void add(const std::string& place, const Error& error) {
    told_.insert(error.message());
    Problem& problem = find(error.message() + '\n' + error.remedy(), error);
    if (!place.empty()) {
      problem.places.push_back(place);
    }
  }

  void add_row(const StatusRow& row) {
    if (!row.cause || told_.contains(row.cause->message())) {
      return;
    }
    Problem& problem = find(row.context + '\n' + std::string(to_string(row.cause->code())),
                            {row.cause->code(), row.cause->message(), remedy_of(row)});
    problem.places.push_back(place_of(row));
    problem.alike = problem.alike && problem.error.message() == row.cause->message();
  }

  void print(std::ostream& out, bool colour) const {
    for (std::size_t i = 0; i < problems_.size() && i < shown_problems; ++i) {
      const auto& [error, places, alike] = problems_[i];
      out << '\n' << paint(printable(error.message()), Colour::bold, colour);
      if (!alike) {
        out << " (and " << places.size() - 1 << " more like it: " << one_line(join(places, ", ", named_places)) << ")";
      } else if (!places.empty()) {
        out << " (" << one_line(join(places, ", ", named_places)) << ")";
      }
      out << '\n';
      if (!error.remedy().empty()) {
        out << "  " << paint("-> " + printable(error.remedy()), Colour::yellow, colour) << '\n';
      }
    }
    if (problems_.size() > shown_problems) {
      out << "\nand " << count_of(problems_.size() - shown_problems, "more problem")
          << "; one target at a time: regsync status NAME\n";
    }
  }

 private:
  struct Problem {
    Error error;
    std::vector<std::string> places;
    bool alike = true;  // every place has this very message
  };

  Problem& find(const std::string& key, const Error& error) {
    const auto [known, is_new] = by_key_.try_emplace(key, problems_.size());
    if (is_new) {
      problems_.push_back({error, {}});
    }
    return problems_[known->second];
  }

  std::vector<Problem> problems_;
  std::unordered_map<std::string, std::size_t> by_key_;
  std::unordered_set<std::string> told_;  // messages of targets and contexts, which their rows repeat
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
  for (const StatusRow& row : report.rows) {
    problems.add_row(row);
  }
  return problems;
}

// The rows of one target in one context.
struct Group {
  const StatusRow* first = nullptr;
  std::size_t rows = 0;
  std::size_t in_sync = 0;
  WallTime since;                             // of the latest change of state
  std::map<std::string, std::size_t> causes;  // of those not in sync: reasons, or states where there is none

  [[nodiscard]] bool is_ready() const { return in_sync == rows; }
};

std::vector<Group> groups_of(const StatusReport& report) {
  std::vector<Group> groups;
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> known;
  for (const StatusRow& row : report.rows) {
    const auto [place, is_new] = known.try_emplace({row.target, row.context}, groups.size());
    if (is_new) {
      groups.emplace_back().first = &row;
    }
    Group& group = groups[place->second];
    ++group.rows;
    group.since = std::max(group.since, row.since);
    if (row.state == SyncState::in_sync) {
      ++group.in_sync;
    } else {
      ++group.causes[row.cause ? reason_of(*row.cause) : std::string(to_string(row.state))];
    }
  }
  std::ranges::stable_sort(groups, {}, [](const Group& group) { return group.is_ready(); });
  return groups;
}

Cell status_cell(const Group& group) {
  if (group.is_ready()) {
    return {"InSync", Colour::green};
  }
  std::vector<std::pair<std::string, std::size_t>> causes(group.causes.begin(), group.causes.end());
  std::ranges::stable_sort(causes, std::greater{}, &std::pair<std::string, std::size_t>::second);
  std::string text;
  for (const auto& [reason, count] : causes) {
    text += (text.empty() ? "" : ", ") + reason + (group.rows == 1 ? "" : " (" + std::to_string(count) + ")");
  }
  return {text, Colour::red};
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
std::vector<const TargetStatus*> targets_without_rows(const StatusReport& report) {
  std::set<std::string_view> with_rows;
  for (const StatusRow& row : report.rows) {
    with_rows.insert(row.target);
  }
  std::vector<const TargetStatus*> targets;
  for (const TargetStatus& target : report.targets) {
    if (!with_rows.contains(target.name)) {
      targets.push_back(&target);
    }
  }
  return targets;
}

std::string why_no_rows(const TargetStatus& target) {
  return !target.problems.empty() ? reason_of(target.problems.front())
         : target.removing        ? std::string()
                                  : std::string("selects no namespace");
}

std::vector<Cell> cells_of(const TargetStatus& target, bool wide) {
  const bool fault = !target.problems.empty();
  const char* state = target.removing ? "Removing" : fault ? "Stuck" : "NoMatch";
  std::vector<Cell> cells = {target.name, "-", "-", {state, fault ? Colour::red : Colour::yellow}, ""};
  if (wide) {
    cells.insert(cells.end(), {Cell(target.secret), Cell(""), Cell("")});
  }
  cells.emplace_back(why_no_rows(target));
  return cells;
}

std::size_t count_in_sync(const StatusReport& report) {
  return static_cast<std::size_t>(
      std::ranges::count_if(report.rows, [](const StatusRow& row) { return row.state == SyncState::in_sync; }));
}

void require_selected(const std::vector<std::string>& patterns, const std::set<std::string>& names,
                      const std::string& what) {
  for (const std::string& pattern : patterns) {
    if (std::ranges::none_of(names, [&](const std::string& name) { return glob_match(pattern, name); })) {
      throw Error(ErrorCode::not_found, "no target has a Secret in " + what + " \"" + pattern + "\"",
                  did_you_mean(pattern, {names.begin(), names.end()}));
    }
  }
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
  const auto is_cut_off = [&report](const std::string& name) {
    return std::ranges::any_of(report.contexts, [&name](const ContextStatus& context) {
      return context.name == name && context.problem.has_value();
    });
  };
  return !reached(report) && std::ranges::all_of(report.rows, [&](const StatusRow& row) {
    const bool waits_for_store = row.state == SyncState::pending && report.store;
    return row.state == SyncState::in_sync || row.state == SyncState::stuck || waits_for_store ||
           is_cut_off(row.context);
  });
}

namespace {

void drop_targets_without_rows(StatusReport& report) {
  std::set<std::string> without;
  for (const TargetStatus* target : targets_without_rows(report)) {
    without.insert(target->name);
  }
  std::erase_if(report.targets, [&](const TargetStatus& target) { return without.contains(target.name); });
}

}  // namespace

StatusReport failing(StatusReport report) {
  std::erase_if(report.rows, [](const StatusRow& row) { return row.state == SyncState::in_sync; });
  std::set<std::string> with_rows;
  for (const StatusRow& row : report.rows) {
    with_rows.insert(row.target);
  }
  std::erase_if(report.targets, [&](const TargetStatus& target) {
    return target.problems.empty() && !with_rows.contains(target.name);
  });
  return report;
}

StatusReport narrowed(StatusReport report, const std::vector<std::string>& contexts,
                      const std::vector<std::string>& namespaces) {
  if (contexts.empty() && namespaces.empty()) {
    return report;
  }
  std::set<std::string> known_contexts;
  std::set<std::string> known_namespaces;
  bool unread = false;  // a context that cannot be read may hold any namespace
  for (const ContextStatus& context : report.contexts) {
    known_contexts.insert(context.name);
  }
  for (const StatusRow& row : report.rows) {
    known_contexts.insert(row.context);
    if (is_asked(contexts, row.context)) {
      unread = unread || row.name_space.empty();
      known_namespaces.insert(row.name_space);
    }
  }
  require_selected(contexts, known_contexts, "context");
  if (!unread) {
    require_selected(namespaces, known_namespaces, "namespace");
  }
  std::erase_if(report.rows, [&](const StatusRow& row) {
    return !is_asked(contexts, row.context) || !(row.name_space.empty() || is_asked(namespaces, row.name_space));
  });
  std::erase_if(report.contexts, [&](const ContextStatus& context) { return !is_asked(contexts, context.name); });
  drop_targets_without_rows(report);
  return report;
}

std::string summary(const StatusReport& report) {
  const std::size_t good = count_in_sync(report);
  const std::size_t bad = report.rows.size() - good;
  return count_of(report.targets.size(), "target") + ": " + count_of(good, "Secret") + " in sync" +
         (bad == 0 ? "" : ", " + std::to_string(bad) + " not");
}

std::string render_summary(const StatusReport& report, bool colour, WallTime now, bool headers) {
  Table table({"TARGET", "CONTEXT", "READY", "SINCE", "STATUS"});
  for (const Group& group : groups_of(report)) {
    table.add({group.first->target, group.first->context,
               std::to_string(group.in_sync) + "/" + std::to_string(group.rows), age(now, group.since),
               status_cell(group)});
  }
  for (const TargetStatus* target : targets_without_rows(report)) {
    table.add({target->name,
               "-",
               "0/0",
               "",
               {target->removing ? "Removing" : why_no_rows(*target),
                target->problems.empty() ? Colour::yellow : Colour::red}});
  }
  std::ostringstream text;
  if (!table.empty()) {
    table.print(text, colour, headers);
  }
  collect(report).print(text, colour);
  text << render_notes(report);
  return std::move(text).str();
}

std::string render_table(const StatusReport& report, bool wide, bool colour, WallTime now, std::size_t max_rows,
                         bool headers) {
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
  for (const TargetStatus* target : targets_without_rows(report)) {
    table.add(cells_of(*target, wide));
  }

  std::ostringstream text;
  if (!table.empty()) {
    table.print(text, colour, headers);
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

void print_report(Console& console, const StatusReport& report, Format format, const ReportView& view) {
  switch (format) {
    case Format::json:
    case Format::yaml:
      print_structured(console.out, to_document(report), format);
      return;
    case Format::name:
      for (const StatusRow& row : report.rows) {
        console.out << one_line(place_of(row) + '/' + row.secret) << '\n';
      }
      return;
    case Format::table:
    case Format::wide:
      if (report.targets.empty() && report.rows.empty() && report.problems.empty() && !report.store) {
        console.err << view.when_empty;
      } else if (view.rows || format == Format::wide) {
        console.out << render_table(report, format == Format::wide, console.colour, console.now(), SIZE_MAX,
                                    view.headers);
      } else {
        console.out << render_summary(report, console.colour, console.now(), view.headers);
      }
  }
}

}  // namespace regsync::cli
