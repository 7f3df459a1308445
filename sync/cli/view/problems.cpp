#include "sync/cli/view/problems.hpp"

#include <algorithm>
#include <ostream>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/cli/view/report_selection.hpp"
#include "sync/cli/view/text.hpp"
#include "sync/model/remedy.hpp"

namespace regsync::cli {
namespace {

constexpr std::size_t named_places = 3;  // places listed for one problem; the table has all

// Collects each problem once, in order of appearance.
class Problems {
 public:
  void add(const std::string& place, const Error& error) {
    told_.insert(error.message());
    Problem& problem = find(error.message() + '\n' + error.remedy(), error);
    if (!place.empty()) {
      problem.places.push_back(place);
      problem.count += 1;
    }
  }

  // Causes of one context with the same code are one problem, or one for each target if the remedy names the target.
  void add_cause(const StatusGroup& group, const StatusCause& cause) {
    const Error& error = cause.error;
    if (told_.contains(error.message())) {
      return;
    }
    Problem& problem = find(group.context + '\n' + std::string(to_string(error.code())) + '\n' +
                                (is_remedied_per_target(error.code()) ? group.target : std::string()),
                            error);
    for (const std::string& name_space : cause.namespaces) {
      problem.places.push_back(name_space.empty() ? group.context : group.context + "/" + name_space);
    }
    problem.count += cause.count;
    problem.alike = problem.alike && cause.alike && error.message() == problem.error.message();
  }

  // Prints `lead` before each.
  void print(std::ostream& out, bool colour, std::size_t most, const std::string& lead) {
    if (problems_.size() > most) {
      merge_by_code();
    }
    for (std::size_t i = 0; i < problems_.size() && i < most; ++i) {
      const Problem& problem = problems_[i];
      std::string text = lead + paint(printable(problem.error.message()), Colour::bold, colour);
      if (!problem.alike) {
        text +=
            " (and " + std::to_string(problem.count - 1) + " more like it: " + printable_line(places_of(problem)) + ")";
      } else if (!problem.places.empty()) {
        text += " (" + printable_line(places_of(problem)) + ")";
      }
      print_folded(out, text + '\n');
      if (!problem.error.remedy().empty()) {
        tell(out, "  " + paint("-> " + printable(problem.error.remedy()), Colour::yellow, colour) + '\n');
      }
    }
    if (problems_.size() > most) {
      out << "\nand " << count_of(problems_.size() - most, "more problem")
          << as_called("; one target at a time: regsync status NAME") << '\n';
    }
  }

 private:
  struct Problem {
    Error error;
    std::vector<std::string> places;  // the first places
    std::size_t count = 0;
    bool alike = true;  // whether every place has this message
  };

  static std::string places_of(const Problem& problem) {
    const std::vector<std::string> named(
        problem.places.begin(),
        problem.places.begin() + static_cast<std::ptrdiff_t>(std::min(problem.places.size(), named_places)));
    const std::size_t more = problem.count - named.size();
    return join(named) + (more == 0 ? "" : " and " + std::to_string(more) + " more");
  }

  void merge_by_code() {
    std::vector<Problem> merged;
    for (Problem& problem : problems_) {
      const ErrorCode code = problem.error.code();
      const auto known = code == ErrorCode::invalid_input
                             ? merged.end()
                             : std::ranges::find(merged, code, [](const Problem& one) { return one.error.code(); });
      problem.count = std::max<std::size_t>(problem.count, 1);
      if (known == merged.end()) {
        merged.push_back(std::move(problem));
        continue;
      }
      known->places.insert(known->places.end(), problem.places.begin(), problem.places.end());
      known->count += problem.count;
      known->alike = false;
    }
    problems_ = std::move(merged);
  }

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

}  // namespace

std::string reason_of(std::string_view code) {
  std::string reason;
  bool upper = true;
  for (const char c : code) {
    if (c == '_') {
      upper = true;
      continue;
    }
    reason += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return reason;
}

std::string reason_of(const Error& error) { return reason_of(to_string(error.code())); }

void print_problems(std::ostream& out, const StatusReport& report, bool colour, std::size_t most) {
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
    if (context.problem && !context.paused) {
      problems.add("context " + context.name, *context.problem);
    }
  }
  for (const StatusGroup& group : groups_of(report)) {
    for (const StatusCause& cause : group.causes) {
      problems.add_cause(group, cause);
    }
  }
  problems.print(out, colour, most, "\n");
}

void print_warnings(std::ostream& out, const std::vector<PlacedProblem>& problems) {
  Problems warnings;
  for (const auto& [place, error] : problems) {
    warnings.add(place, error);
  }
  warnings.print(out, /*colour=*/false, most_problems, "warning: ");
}

std::string render_notes(const StatusReport& report) {
  std::string text;
  for (const Error& note : report.notes) {
    text += "note: " + printable(as_called(describe(note))) + '\n';
  }
  return text;
}

}  // namespace regsync::cli
