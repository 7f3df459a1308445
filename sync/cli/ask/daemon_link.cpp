#include "sync/cli/ask/daemon_link.hpp"

#include <future>
#include <nlohmann/json.hpp>
#include <ostream>

#include "sync/base/paths.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/report_view.hpp"
#include "sync/control/messages.hpp"
#include "sync/control/requests.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A login or file written just before this command reaches the daemon as a separate event, so a target counts as stuck
// only after it has been stuck for this long.
constexpr milliseconds settle_time{1500};

constexpr milliseconds redraw_time{100};

milliseconds left_until(Clock::time_point deadline) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - Clock::now()));
}

// A progress line that overwrites itself, on stderr so that a pipe gets only the answer.
class Progress {
 public:
  explicit Progress(Console& console)
      : err_(console.err), on_(console.err_is_terminal), columns_(columns_of(console.err)) {}
  ~Progress() {
    if (on_ && drawn_) {
      err_ << "\r\x1b[K" << std::flush;
    }
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  Progress(Progress&&) = delete;
  Progress& operator=(Progress&&) = delete;

  void draw(const StatusReport& report) {
    if (!on_) {
      return;
    }
    err_ << "\r\x1b[K" << clip(printable_line(waited_for(report)), columns_ - 1) << std::flush;
    drawn_ = true;
  }

 private:
  std::ostream& err_;
  bool on_;
  int columns_;
  bool drawn_ = false;
};

// Follows the status until enough(status) or the deadline; returns the last one.
template <typename Enough>
StatusReport follow(const StatusQuery& query, Clock::time_point deadline, Progress& progress, Enough enough) {
  StatusReport last;
  const auto on_report = [&](const StatusReport& report) {
    last = report;
    progress.draw(report);
    return Clock::now() < deadline && !enough(report);
  };
  constexpr milliseconds least{1000};
  connect()->subscribe(query, redraw_time, on_report, -1, std::max(left_until(deadline), least));
  return last;
}

}  // namespace

std::unique_ptr<ControlClient> connect() { return std::make_unique<ControlClient>(paths::control_socket()); }

std::unique_ptr<ControlClient> connect_if_running() {
  try {
    return connect();
  } catch (const Error&) {  // no daemon listens, it is another user's, or there is no session with a socket
    return nullptr;
  }
}

StatusReport ask_status(ControlClient& daemon, const StatusQuery& query, std::chrono::seconds timeout) {
  return control::report_from_json(daemon.call(control::methods::status, control::to_json(query), timeout));
}

StatusReport ask_summary(ControlClient& daemon, std::chrono::seconds timeout) {
  return ask_status(daemon, {.summary = true}, timeout);
}

StatusReport sync_and_wait(Console& console, ControlClient& daemon, const std::vector<std::string>& targets, bool adopt,
                           milliseconds time, bool detail) {
  const Clock::time_point deadline = Clock::now() + time;
  const StatusQuery summary = StatusQuery{.targets = targets, .summary = true};
  const StatusQuery query = StatusQuery{.targets = targets, .summary = !detail};
  const json params = control::to_json(control::SyncRequest{.query = query, .adopt = adopt});

  Progress progress(console);
  // The daemon answers once everything was tried; meanwhile a second connection shows the progress.
  auto tried =
      std::async(std::launch::async, [&] { return daemon.call(control::methods::sync, params, left_until(deadline)); });
  const auto is_tried = [&] { return tried.wait_for(milliseconds(0)) == std::future_status::ready; };
  if (console.err_is_terminal) {
    // Failing to show the progress must not lose the answer.
    (void)guarded([&] { follow(summary, deadline, progress, [&](const StatusReport&) { return is_tried(); }); });
  }

  StatusReport report;
  try {
    report = control::report_from_json(tried.get());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::timeout) {
      throw;
    }
    // The time is over while something is still being tried; the status says what.
    return ask_status(*connect(), query, std::chrono::seconds(5));
  }
  if (reached(report) || Clock::now() >= deadline) {
    return report;
  }

  const Clock::time_point settled = Clock::now() + settle_time;
  return follow(query, deadline, progress,
                [&](const StatusReport& now) { return reached(now) || (is_stuck(now) && Clock::now() >= settled); });
}

}  // namespace regsync::cli
