// The lines of a status summary: one for each target and context, or fewer where they are to fit a screen. Pure.
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
  std::set<std::string> contexts = {};  // none: a target that has no Secret anywhere
  StatusGroup counts = {};              // of all of them
  std::string kind = {};                // what lines that may become one have in common
  Severity severity = Severity::ok;

  [[nodiscard]] std::string status() const;  // "InSync", "NamespaceMissing (3), Pending (1)"
};

struct SummaryLines {
  std::vector<SummaryLine> lines;
  bool folded = false;       // some line stands for several targets or contexts
  std::size_t left_out = 0;  // targets whose lines did not fit
};

// As many as `most`: first contexts of one target that are in sync become one line, then those that fail for the same
// reasons, then targets too.
SummaryLines summary_lines(const StatusReport& report, Order order, std::size_t most);

// Why a target has no Secret anywhere; empty while it is removed.
std::string why_no_rows(const TargetStatus& target);

}  // namespace regsync::cli
