// Prints the problems and notes of a StatusReport, each once, with its remedy.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/model/status_report.hpp"

namespace regsync::cli {

// Converts "namespace_missing" to the form of Kubernetes reasons: NamespaceMissing.
std::string reason_of(std::string_view code);
std::string reason_of(const Error& error);

inline constexpr std::size_t most_problems = 10;  // printed one by one if there is room

// Prints each problem once, for all its Secrets, with the first places and the remedy. If there are more than `most`,
// merges those with the same error code, except invalid input, since each must be corrected separately.
void print_problems(std::ostream& out, const StatusReport& report, bool colour, std::size_t most = most_problems);

struct PlacedProblem {
  std::string place;  // context/namespace
  Error error;
};

// Prints problems as warnings.
void print_warnings(std::ostream& out, const std::vector<PlacedProblem>& problems);

// Returns a line for each note of the report.
std::string render_notes(const StatusReport& report);

}  // namespace regsync::cli
