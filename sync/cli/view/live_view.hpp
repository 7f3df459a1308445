// LiveView is the screen of `regsync status --watch`: which part of a report is shown, and how keys change that.
//
// Pure: keys and reports come in, lines go out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sync/cli/view/console.hpp"
#include "sync/cli/view/report_view.hpp"
#include "sync/model/status_report.hpp"

namespace regsync::cli {

class LiveView {
 public:
  // rows: a line for each Secret, otherwise for each target and context; failing: only what is not in sync.
  LiveView(bool rows, bool wide, bool failing) : rows_(rows), wide_(wide), failing_(failing) {}

  // Keys as a terminal sends them; several may come at once.
  void press(std::string_view keys);

  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool rows() const { return rows_; }

  // Returns the screen: a title, a fixed header, and the part of the body that fits. Remembers the scroll limit.
  std::vector<std::string> lines(const StatusReport& report, bool colour, WallTime now, const TerminalSize& size);

 private:
  void press_one(std::string_view key);
  void type(std::string_view key);
  [[nodiscard]] StatusReport shown(StatusReport report) const;
  [[nodiscard]] std::string title(const StatusReport& report) const;

  bool rows_;
  bool wide_;
  bool failing_;
  Order order_ = Order::failing_first;
  std::string filter_;
  bool typing_ = false;  // whether the filter is being typed
  bool ended_ = false;
  int top_ = 0;     // the first line of the body that shows
  int page_ = 1;    // lines of the body that fit
  int bottom_ = 0;  // the largest top_
};

}  // namespace regsync::cli
