// The lines of a status summary: one for each target and context, or fewer to fit a screen. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "sync/cli/view/report_view.hpp"
#include "sync/model/status_report.hpp"

namespace regsync::cli {

enum class Severity : std::uint8_t { failing, quiet, ok };  // quiet: paused, terminating, or nothing to do

struct SummaryLine {
  std::set<std::string> targets = {};
  std::set<std::string> contexts = {};  // none: the target has no Secret anywhere
  StatusGroup counts = {};              // summed over all of them
  std::string kind = {};                // lines of one kind may be merged
  Severity severity = Severity::ok;

  [[nodiscard]] std::string status() const;  // "InSync", "NamespaceMissing (3), Pending (1)"
};

struct SummaryLines {
  std::vector<SummaryLine> lines;
  bool folded = false;       // whether a line covers several targets or contexts
  std::size_t left_out = 0;  // number of targets whose lines did not fit
};

// Returns at most `most` lines: merges first the contexts of a target that are in sync, then those that fail for the
// same reasons, then targets too.
SummaryLines summary_lines(const StatusReport& report, Order order, std::size_t most);

// Why a target has no Secret anywhere; empty while it is being removed.
std::string why_no_rows(const TargetStatus& target);

}  // namespace regsync::cli
