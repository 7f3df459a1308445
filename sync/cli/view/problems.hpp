// Prints the problems and notes of a StatusReport, each once, with what to do.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/model/status_report.hpp"

namespace regsync::cli {

// "namespace_missing" as Kubernetes writes reasons: NamespaceMissing.
std::string reason_of(std::string_view code);
std::string reason_of(const Error& error);

inline constexpr std::size_t most_problems = 10;  // that are printed one by one, where there is room

// Below a table: each problem once, however many Secrets it has, with the first places and the remedy. If there are
// more than `most`, those with one error code are one, but for input that is wrong: each is to be corrected by itself.
void print_problems(std::ostream& out, const StatusReport& report, bool colour, std::size_t most = most_problems);

struct PlacedProblem {
  std::string place;  // context/namespace
  Error error;
};

// The same as warnings.
void print_warnings(std::ostream& out, const std::vector<PlacedProblem>& problems);

// One line for each of the report's notes.
std::string render_notes(const StatusReport& report);

}  // namespace regsync::cli
