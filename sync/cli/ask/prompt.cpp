#include "sync/cli/ask/prompt.hpp"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <istream>
#include <iterator>
#include <optional>
#include <ostream>
#include <set>
#include <string_view>

#include "sync/cli/view/quote.hpp"

namespace regsync::cli {
namespace {

std::optional<std::size_t> number_of(std::string_view text, std::size_t count) {
  std::size_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc() || end != text.data() + text.size() || number < 1 || number > count) {
    return std::nullopt;
  }
  return number - 1;
}

// Nothing where the answer makes no sense.
std::optional<std::vector<std::size_t>> parse_choice(std::string_view answer, std::size_t count) {
  std::set<std::size_t> chosen;
  if (answer == "all") {
    for (std::size_t i = 0; i < count; ++i) {
      chosen.insert(i);
    }
  }
  while (!answer.empty() && answer != "all") {
    const auto comma = answer.find_first_of(", ");
    const std::string_view part = answer.substr(0, comma);
    answer.remove_prefix(comma == std::string_view::npos ? answer.size() : comma + 1);
    if (part.empty()) {
      continue;
    }
    const auto dash = part.find('-');
    const auto first = number_of(part.substr(0, dash), count);
    const auto last = dash == std::string_view::npos ? first : number_of(part.substr(dash + 1), count);
    if (!first || !last || *last < *first) {
      return std::nullopt;
    }
    for (std::size_t i = *first; i <= *last; ++i) {
      chosen.insert(i);
    }
  }
  if (chosen.empty()) {
    return std::nullopt;
  }
  return std::vector<std::size_t>(chosen.begin(), chosen.end());
}

// The terminal without echo, for as long as this lives. A signal that ends or stops the process gives the echo back
// first, as getpass(3) does: a shell without it is of no use. One at a time.
class NoEcho {
 public:
  NoEcho() {
    if (::tcgetattr(STDIN_FILENO, &echoing_) != 0) {
      return;
    }
    silent_ = echoing_;
    silent_.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    catch_signals();
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent_) == 0;
  }
  ~NoEcho() {
    silent_ = echoing_;  // also for a signal from now on
    if (changed_) {
      ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &echoing_);
    }
    for (std::size_t i = 0; i < caught_; ++i) {
      ::sigaction(signals.at(i), &actions_.at(i), nullptr);
    }
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  NoEcho(NoEcho&&) = delete;
  NoEcho& operator=(NoEcho&&) = delete;

 private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

  void catch_signals() {
    struct sigaction ours{};
    ours.sa_handler = on_signal;
    ours.sa_flags = SA_RESTART;
    for (; caught_ < signals.size(); ++caught_) {
      struct sigaction& before = actions_.at(caught_);
      ::sigaction(signals.at(caught_), &ours, &before);
      if (before.sa_handler == SIG_IGN) {  // as nohup(1) wants it
        ::sigaction(signals.at(caught_), &before, nullptr);
      }
    }
  }

  // Calls only what is safe in a handler (signal-safety(7)).
  static void on_signal(int signal) {
    const int error = errno;
    // In the background, the terminal is another program's. One that is not the session's has no foreground (-1).
    const pid_t foreground = ::tcgetpgrp(STDIN_FILENO);
    if (foreground == -1 || foreground == ::getpgrp()) {
      ::tcsetattr(STDIN_FILENO, TCSANOW, &echoing_);
    }
    struct sigaction fallback{};
    struct sigaction ours{};
    fallback.sa_handler = SIG_DFL;
    ::sigaction(signal, &fallback, &ours);
    sigset_t it;
    sigemptyset(&it);
    sigaddset(&it, signal);
    (void)::raise(signal);
    ::pthread_sigmask(SIG_UNBLOCK, &it, nullptr);  // here it ends, or stops until it is continued
    ::sigaction(signal, &ours, nullptr);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &silent_);
    errno = error;
  }

  inline static termios echoing_{};
  inline static termios silent_{};
  bool changed_ = false;
  std::size_t caught_ = 0;
  std::array<struct sigaction, signals.size()> actions_{};
};

}  // namespace

std::vector<std::size_t> choose(Console& console, const std::string& question, const std::vector<std::string>& items) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    console.err << "  " << i + 1 << ") " << one_line(items[i]) << '\n';
  }
  for (;;) {
    console.err << question << " [1-" << items.size() << ", all]: " << std::flush;
    std::string answer;
    if (!std::getline(console.in, answer)) {
      throw UsageError("nothing was chosen", "answer with a number of the list");
    }
    if (auto chosen = parse_choice(answer, items.size())) {
      return *chosen;
    }
    console.err << "Answer with numbers of the list, for example 1 or 1,3 or all.\n";
  }
}

bool confirm(Console& console, const std::string& question) {
  console.err << one_line(question) << " [y/N]: " << std::flush;
  std::string answer;
  std::getline(console.in, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

std::string ask_line(Console& console, const std::string& question) {
  console.err << one_line(question) << ": " << std::flush;
  std::string line;
  if (!std::getline(console.in, line)) {
    throw UsageError("nothing was given", "answer the question: " + question);
  }
  return line;
}

SecretString ask_password(Console& console, const std::string& question) {
  std::string line;
  {
    // Before the question: what is typed as soon as that shows would be echoed, and then thrown away.
    const NoEcho silent;
    console.err << one_line(question) << ": " << std::flush;
    if (!std::getline(console.in, line)) {
      throw UsageError("no password was given", "type it, or pipe it in from a file: see --help");
    }
  }
  console.err << '\n';
  return SecretString(line);
}

SecretString read_password(std::istream& in) {
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (text.ends_with('\n')) {
    text.pop_back();
  }
  if (text.ends_with('\r')) {
    text.pop_back();
  }
  return SecretString(text);
}

}  // namespace regsync::cli
