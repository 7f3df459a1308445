// regsync status: every target × context × namespace, once or live.
#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/report_view.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/control/messages.hpp"

namespace regsync::cli {
namespace {

struct StatusOptions {
  std::optional<std::string> target;
  std::vector<std::string> contexts;
  std::vector<std::string> namespaces;
  bool watch = false;
  Format format = Format::table;
};

// A target that the daemon does not know either is a typo.
void require_known(const StatusOptions& options, const StatusReport& report) {
  if (!options.target) {
    return;
  }
  const auto is_asked = [&](const TargetStatus& target) { return target.name == *options.target; };
  if (std::ranges::none_of(report.targets, is_asked)) {
    require_target(*options.target);
  }
}

volatile std::sig_atomic_t interrupted = 0;

// While this lives, SIGINT and SIGTERM end the wait of ControlClient::subscribe instead of the process, so that the
// terminal is left as it was found.
class Interruptible {
 public:
  Interruptible() {
    struct sigaction action{};
    action.sa_handler = [](int) { interrupted = 1; };  // no SA_RESTART
    ::sigaction(SIGINT, &action, &old_int_);
    ::sigaction(SIGTERM, &action, &old_term_);
  }
  ~Interruptible() {
    ::sigaction(SIGINT, &old_int_, nullptr);
    ::sigaction(SIGTERM, &old_term_, nullptr);
  }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;
  Interruptible(Interruptible&&) = delete;
  Interruptible& operator=(Interruptible&&) = delete;

 private:
  struct sigaction old_int_{};
  struct sigaction old_term_{};
};

// The alternate screen of the terminal, without cursor; what was there comes back.
class Screen {
 public:
  explicit Screen(Console& console) : console_(console) { console_.out << "\x1b[?1049h\x1b[?25l"; }
  ~Screen() { console_.out << "\x1b[?25h\x1b[?1049l" << std::flush; }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  Screen(Screen&&) = delete;
  Screen& operator=(Screen&&) = delete;

  // Line by line over what is there, so that nothing flickers.
  void draw(const StatusReport& report, bool wide) {
    const TerminalSize size = console_.terminal_size();
    constexpr int around_rows = 8;  // title, header, and some room for problems
    const auto rows = static_cast<std::size_t>(std::max(1, size.rows - around_rows));
    std::istringstream lines(render_table(report, wide, console_.colour, console_.now(), rows));
    std::string text = "\x1b[H" +
                       clip(paint(summary(report), Colour::bold, console_.colour) + "   (regsyncd " + report.version +
                                "; end with Ctrl-C)",
                            size.columns) +
                       "\x1b[K\r\n\x1b[K";
    std::string line;
    for (int used = 2; used < size.rows && std::getline(lines, line); ++used) {
      text += "\r\n" + clip(line, size.columns) + "\x1b[0m\x1b[K";
    }
    console_.out << text << "\x1b[J" << std::flush;
  }

 private:
  Console& console_;
};

StatusReport watch_on_screen(const StatusOptions& options, ControlClient& daemon, Console& console) {
  StatusReport last;
  Screen screen(console);
  daemon.subscribe(params_of(options.target), std::chrono::seconds(1), [&](const StatusReport& report) {
    require_known(options, report);
    last = narrowed(report, options.contexts, options.namespaces);
    screen.draw(last, options.format == Format::wide);
    return interrupted == 0;
  });
  return last;
}

// For a pipe: each report as it comes, JSON on one line each; tables and YAML as documents of their own.
StatusReport watch_as_stream(const StatusOptions& options, ControlClient& daemon, Console& console) {
  StatusReport last;
  bool first = true;
  daemon.subscribe(params_of(options.target), std::chrono::milliseconds(0), [&](const StatusReport& report) {
    require_known(options, report);
    last = narrowed(report, options.contexts, options.namespaces);
    if (options.format == Format::json) {
      console.out << control::to_json(last).dump() << '\n';
    } else {
      if (!first) {
        console.out << (options.format == Format::yaml ? "---\n" : "\n");
      }
      print_report(console, last, options.format);
    }
    console.out << std::flush;
    first = false;
    return interrupted == 0 && console.out.good();
  });
  return last;
}

int status(const StatusOptions& options, Console& console) {
  const auto daemon = connect();
  StatusReport report;
  if (options.watch) {
    const Interruptible scope;
    const bool screen = console.out_is_terminal && (options.format == Format::table || options.format == Format::wide);
    report = screen ? watch_on_screen(options, *daemon, console) : watch_as_stream(options, *daemon, console);
    if (screen) {
      print_report(console, report, options.format);
    }
  } else {
    report = control::report_from_json(daemon->call("status", params_of(options.target), std::chrono::seconds(10)));
    require_known(options, report);
    report = narrowed(std::move(report), options.contexts, options.namespaces);
    print_report(console, report, options.format);
  }
  return report.all_in_sync() ? exit_done : exit_not_as_asked;
}

}  // namespace

void define_status(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* command = add_command(app, "status", "Show what is in sync and what is not, since when, and what to do",
                                  {{"Everything, live", "regsync status --watch"},
                                   {"One target in one cluster", "regsync status myregcred --context prod"},
                                   {"In a script: exit code 0 only if all is in sync", "regsync status >/dev/null"}});
  command->add_option("NAME", options->target, "Only this target");
  add_strings(command, "--context", options->contexts, "Only this context, or glob; may be repeated");
  add_strings(command, "-n,--namespace", options->namespaces, "Only this namespace, or glob; may be repeated");
  command->add_flag("-w,--watch", options->watch, "Keep showing it as it changes");
  add_output(command, options->format, {Format::wide, Format::name, Format::json, Format::yaml});
  on_command(command, invocation, options, status);
}

}  // namespace regsync::cli
