// regsync status: shows the state of every target in every context, as a summary or Secret by Secret, once or live.
#include <poll.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <sstream>
#include <string_view>
#include <utility>

#include "sync/cli/ask/daemon_environment.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/terminal_mode.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/live_view.hpp"
#include "sync/cli/view/report_view.hpp"

namespace regsync::cli {
namespace {

struct StatusOptions {
  std::vector<std::string> targets;
  std::vector<std::string> contexts;
  std::vector<std::string> namespaces;
  bool watch = false;
  bool all = false;
  bool failing = false;
  Format format = Format::table;
};

// Whether the answer lists single Secrets; otherwise the daemon only counts them, which is as fast for 100,000 as for
// ten.
bool needs_rows(const StatusOptions& options) {
  return options.all || options.failing || !options.namespaces.empty() || options.format != Format::table;
}

StatusQuery query_of(const StatusOptions& options, bool rows) {
  return {.targets = options.targets,
          .contexts = options.contexts,
          .namespaces = options.namespaces,
          .failing = options.failing,
          .summary = !rows};
}

ReportView view_of(const StatusOptions& options) {
  ReportView view;
  view.rows = options.all || options.failing || !options.namespaces.empty();
  view.headers = options.format.headers();
  view.folded = options.contexts.empty();
  if (options.failing) {
    view.when_empty = "Nothing fails.\n";
  }
  return view;
}

StatusReport with_version_note(StatusReport report) {
  if (auto note = version_note(report)) {
    report.notes.push_back(*std::move(note));
  }
  return report;
}

volatile std::sig_atomic_t interrupted = 0;

// While this lives, SIGINT and SIGTERM end the wait of ControlClient::subscribe instead of the process, so that the
// terminal is left as it was found. They are delivered only during that wait, so that none is missed just before it.
class Interruptible {
 public:
  Interruptible() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals, &old_mask_);
    struct sigaction action{};
    action.sa_handler = [](int) { interrupted = 1; };  // no SA_RESTART
    ::sigaction(SIGINT, &action, &old_int_);
    ::sigaction(SIGTERM, &action, &old_term_);
  }
  ~Interruptible() {
    ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
    ::sigaction(SIGINT, &old_int_, nullptr);
    ::sigaction(SIGTERM, &old_term_, nullptr);
  }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;
  Interruptible(Interruptible&&) = delete;
  Interruptible& operator=(Interruptible&&) = delete;

 private:
  sigset_t old_mask_{};
  struct sigaction old_int_{};
  struct sigaction old_term_{};
};

// Writes to standard output in pieces of PIPE_BUF, which a writable pipe accepts without blocking. Waits for a reader
// or a signal, like ControlClient. Returns false after a signal or if the output is closed.
bool write_out(std::string_view text) {
  sigset_t none;
  sigemptyset(&none);
  while (!text.empty()) {
    pollfd writable{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
    if (::ppoll(&writable, 1, nullptr, &none) < 0 && interrupted != 0) {
      return false;
    }
    if ((writable.revents & POLLOUT) == 0) {
      if ((writable.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
        return false;
      }
      continue;
    }
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (written < 0 && errno != EINTR && errno != EAGAIN) {
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  return true;
}

// Switches to the alternate screen, hides the cursor and reads single keys; the destructor restores the terminal.
class Screen {
 public:
  // The descriptor for keys, or -1.
  [[nodiscard]] int input() const { return mode_.is_set() ? STDIN_FILENO : -1; }

  // The keys pressed since the last call.
  [[nodiscard]] std::string keys() const {
    std::array<char, 64> bytes{};
    const ssize_t size = mode_.is_set() ? ::read(STDIN_FILENO, bytes.data(), bytes.size()) : 0;
    return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }

  // Overwrites line by line, to avoid flicker. Returns false if the output is closed.
  static bool draw(const std::vector<std::string>& lines, const TerminalSize& size) {
    std::string text = "\x1b[H";
    for (int i = 0; i < size.rows && i < static_cast<int>(lines.size()); ++i) {
      text += (i == 0 ? "" : "\r\n") + clip(lines[static_cast<std::size_t>(i)], size.columns) + "\x1b[0m\x1b[K";
    }
    return write_out(text + "\x1b[J");
  }

 private:
  TerminalMode mode_{ICANON | ECHO, TCSANOW, "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"};
};

// Returns nullopt if a signal came before the first report, like watch_as_stream.
std::optional<StatusReport> watch_on_screen(const StatusOptions& options, Console& console) {
  std::optional<StatusReport> last;
  LiveView view(needs_rows(options), options.format == Format::wide, options.failing);
  const Screen screen;
  bool is_seen = true;
  // Subscribes again, on a new connection, when the view switches between rows and summary, and after this process was
  // stopped.
  while (!view.ended() && interrupted == 0 && is_seen) {
    const auto daemon = connect();
    const bool rows = view.rows();
    StatusQuery query = query_of(options, rows);
    query.failing = false;  // the view filters, since a key changes that
    const auto on_report = [&](const StatusReport& report) {
      view.press(screen.keys());
      last = with_version_note(report);
      const TerminalSize size = console.terminal_size();
      is_seen = Screen::draw(view.lines(*last, console.colour, console.now(), size), size);
      return interrupted == 0 && is_seen && !view.ended() && view.rows() == rows;
    };
    daemon->subscribe(query, std::chrono::seconds(1), on_report, screen.input());
  }
  return last;
}

// While this lives, it captures what is printed to the stream.
class Printed {
 public:
  explicit Printed(std::ostream& out) : out_(out), before_(out.rdbuf(&text_)) {}
  ~Printed() { out_.rdbuf(before_); }
  Printed(const Printed&) = delete;
  Printed& operator=(const Printed&) = delete;
  Printed(Printed&&) = delete;
  Printed& operator=(Printed&&) = delete;

  [[nodiscard]] std::string_view text() const { return text_.view(); }

 private:
  std::ostream& out_;
  std::stringbuf text_;
  std::streambuf* before_;
};

bool is_pipe(int fd) {
  struct stat status{};
  return ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

// For a pipe: prints each report as it arrives, as one line of JSON, or as a separate table or YAML document.
std::optional<StatusReport> watch_as_stream(const StatusOptions& options, ControlClient& daemon, Console& console) {
  std::optional<StatusReport> last;
  const auto on_report = [&](const StatusReport& report) {
    const bool first = !std::exchange(last, with_version_note(report));
    const Printed printed(console.out);
    if (options.format == Format::json) {
      console.out << to_json_text(to_document(*last)) << '\n';
    } else {
      if (!first) {
        console.out << (options.format == Format::yaml ? "---\n" : "\n");
      }
      print_report(console, *last, options.format, view_of(options));
    }
    return write_out(printed.text()) && interrupted == 0;
  };
  // poll(2) reports a pipe without a reader as an error, which ends the wait.
  const int reader_is_gone = is_pipe(STDOUT_FILENO) ? STDOUT_FILENO : -1;
  daemon.subscribe(query_of(options, needs_rows(options)), std::chrono::milliseconds(0), on_report, reader_is_gone);
  return last;
}

int status(const StatusOptions& options, Console& console) {
  StatusReport report;
  if (options.watch) {
    const Interruptible scope;
    const bool screen = console.out_is_terminal && (options.format == Format::table || options.format == Format::wide);
    auto last = screen ? watch_on_screen(options, console) : watch_as_stream(options, *connect(), console);
    if (!last) {
      return exit_not_as_asked;
    }
    report = *std::move(last);
    if (screen) {
      report = selected(std::move(report), {.failing = options.failing});
      print_report(console, report, options.format, view_of(options));
    }
  } else {
    report =
        with_version_note(ask_status(*connect(), query_of(options, needs_rows(options)), std::chrono::seconds(10)));
    print_report(console, report, options.format, view_of(options));
  }
  if (report.all_in_sync()) {
    return report.problems.empty() ? exit_done : exit_not_as_asked;
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
  add_no_headers(command, options->format);
  command->add_flag("-w,--watch", options->watch, "Keep showing it as it changes");
  add_output(command, options->format, {Format::wide, Format::name, Format::json, Format::yaml});
  on_command(command, invocation, options, status);
}

}  // namespace regsync::cli
