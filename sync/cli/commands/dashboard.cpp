// regsync dashboard: opens the daemon's page in a browser.
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <ostream>

#include "helper/base/error.hpp"
#include "sync/base/file_limit.hpp"
#include "sync/base/find_program.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/control/requests.hpp"

namespace regsync::cli {
namespace {

constexpr auto answer_time = std::chrono::seconds(10);

struct DashboardOptions {
  bool print_url = false;
};

bool has_desktop() { return std::getenv("DISPLAY") != nullptr || std::getenv("WAYLAND_DISPLAY") != nullptr; }

// Replaces this process with xdg-open, which may run as long as the browser. Returns if there is none.
void open_browser(const std::string& url, Console& console) {
  const auto program = has_desktop() ? find_on_path("xdg-open") : std::nullopt;
  if (!program) {
    return;
  }
  tell(console.out, "opening the dashboard in a browser; where none opens: regsync dashboard --print-url\n");
  console.out << std::flush;
  const InheritedFileLimit limit;
  ::execl(program->c_str(), "xdg-open", url.c_str(), nullptr);
}

int dashboard(const DashboardOptions& options, Console& console) {
  const auto answer = connect()->call(control::methods::dashboard, nlohmann::json::object(), answer_time);
  const std::string url = control::dashboard_answer_from_json(answer).url;
  if (!url.starts_with("http://")) {  // xdg-open would open whatever it is
    throw Error(ErrorCode::protocol, "regsyncd answered something that is not the URL of a page",
                how_to_restart_regsyncd());
  }
  if (!options.print_url) {
    open_browser(url, console);
    tell(console.err,
         "no browser can be opened here; open this URL in a browser on this machine, once, within a minute:\n");
  }
  console.out << url << '\n';
  return exit_done;
}

}  // namespace

void define_dashboard(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<DashboardOptions>();
  CLI::App* command = add_command(app, "dashboard", "Open a page of clusters and targets in a browser",
                                  {{"See what is wrong at a glance", "regsync dashboard"}});
  command->add_flag("--print-url", options->print_url, "Print where it is, and open nothing");
  on_command(command, invocation, options, dashboard);
}

}  // namespace regsync::cli
