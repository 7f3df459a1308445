// regsync status: how far every target is in every context, as a summary or Secret by Secret, once or live.
#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

#include "sync/cli/ask/daemon_environment.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/report_view.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/control/messages.hpp"

namespace regsync::cli {
namespace {

struct StatusOptions {
  std::vector<std::string> targets;
  std::vector<std::string> contexts;
  std::vector<std::string> namespaces;
  bool watch = false;
  bool all = false;
  bool failing = false;
  bool no_headers = false;
  Format format = Format::table;
};

// The daemon is asked for one target, or for all.
std::optional<std::string> asked_target(const StatusOptions& options) {
  return options.targets.size() == 1 ? std::optional(options.targets.front()) : std::nullopt;
}

// What was asked for. A target that the daemon does not know either is a typo.
StatusReport selected(const StatusOptions& options, StatusReport report) {
  for (const std::string& name : options.targets) {
    if (std::ranges::none_of(report.targets, [&](const TargetStatus& target) { return target.name == name; })) {
      require_target(name);
    }
  }
  if (options.targets.size() > 1) {
    const auto is_other = [&](const std::string& name) {
      return std::ranges::find(options.targets, name) == options.targets.end();
    };
    std::erase_if(report.targets, [&](const TargetStatus& target) { return is_other(target.name); });
    std::erase_if(report.rows, [&](const StatusRow& row) { return is_other(row.target); });
  }
  return narrowed(std::move(report), options.contexts, options.namespaces);
}

ReportView view_of(const StatusOptions& options) {
  ReportView view;
  view.rows = options.all || options.failing || !options.namespaces.empty();
  view.headers = !options.no_headers;
  if (options.failing) {
    view.when_empty = "Nothing fails.\n";
  }
  return view;
}

StatusReport shown(const StatusOptions& options, const StatusReport& report) {
  return options.failing ? failing(report) : report;
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
  daemon.subscribe(params_of(asked_target(options)), std::chrono::seconds(1), [&](const StatusReport& report) {
    last = selected(options, report);
    screen.draw(shown(options, last), options.format == Format::wide);
    return interrupted == 0;
  });
  return last;
}

// For a pipe: each report as it comes, JSON on one line each; tables and YAML as documents of their own.
StatusReport watch_as_stream(const StatusOptions& options, ControlClient& daemon, Console& console) {
  StatusReport last;
  bool first = true;
  daemon.subscribe(params_of(asked_target(options)), std::chrono::milliseconds(0), [&](const StatusReport& report) {
    last = selected(options, report);
    if (options.format == Format::json) {
      console.out << to_document(shown(options, last)).dump() << '\n';
    } else {
      if (!first) {
        console.out << (options.format == Format::yaml ? "---\n" : "\n");
      }
      print_report(console, shown(options, last), options.format, view_of(options));
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
      print_report(console, shown(options, report), options.format, view_of(options));
    }
  } else {
    report =
        control::report_from_json(daemon->call("status", params_of(asked_target(options)), std::chrono::seconds(10)));
    report = selected(options, std::move(report));
    print_report(console, shown(options, report), options.format, view_of(options));
  }
  if (report.all_in_sync()) {
    return exit_done;
  }
  std::vector<std::string> contexts;
  for (const ContextStatus& context : report.contexts) {
    contexts.push_back(context.name);
  }
  warn_of_environment(console, std::nullopt, contexts);
  return exit_not_as_asked;
}

}  // namespace

void define_status(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* command = add_command(app, "status", "Show what is in sync and what is not, since when, and what to do",
                                  {{"Everything, live", "regsync status --watch"},
                                   {"One target in one cluster", "regsync status myregcred --context prod"},
                                   {"In a script: exit code 0 only if all is in sync", "regsync status >/dev/null"}});
  command->add_option("NAME", options->targets, "Only these targets");
  add_strings(command, "--context", options->contexts, "Only this context, or glob; may be repeated");
  add_strings(command, "-n,--namespace", options->namespaces, "Only this namespace, or glob; may be repeated");
  command->add_flag("-A,--all,--all-namespaces", options->all, "A line for each Secret, not a summary");
  command->add_flag("--failing", options->failing, "Only what is not in sync, a line for each Secret");
  command->add_flag("--no-headers", options->no_headers, "No header line");
  command->add_flag("-w,--watch", options->watch, "Keep showing it as it changes");
  add_output(command, options->format, {Format::wide, Format::name, Format::json, Format::yaml});
  on_command(command, invocation, options, status);
}

}  // namespace regsync::cli
