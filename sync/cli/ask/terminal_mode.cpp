#include "sync/cli/ask/terminal_mode.hpp"

#include <unistd.h>

#include <cerrno>

namespace regsync::cli {
namespace {

// The state for the signal handler, which gets only the signal number.
struct State {
  termios before{};
  termios during{};
  bool is_set = false;
  std::string_view enter;
  std::string_view leave;
  volatile std::sig_atomic_t is_over = 0;
};

State state;

// The following functions call only async-signal-safe functions (signal-safety(7)).

void write_out(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written <= 0) {
      return;  // no one reads the output
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void take(int when) {
  if (state.is_set) {
    ::tcsetattr(STDIN_FILENO, when, &state.during);
  }
  write_out(state.enter);
}

void give_back(int when) {
  write_out(state.leave);
  if (state.is_set) {
    ::tcsetattr(STDIN_FILENO, when, &state.before);
  }
}

void on_signal(int signal) {
  const int error = errno;
  // In the background, the terminal belongs to another program. A terminal of another session has no foreground group
  // (-1).
  const pid_t foreground = ::tcgetpgrp(STDIN_FILENO);
  if (foreground == -1 || foreground == ::getpgrp()) {
    give_back(TCSANOW);
  }
  struct sigaction fallback{};
  struct sigaction ours{};
  fallback.sa_handler = SIG_DFL;
  ::sigaction(signal, &fallback, &ours);
  sigset_t it;
  sigemptyset(&it);
  sigaddset(&it, signal);
  (void)::raise(signal);
  ::pthread_sigmask(SIG_UNBLOCK, &it, nullptr);  // the process ends here, or stops until it is continued
  ::sigaction(signal, &ours, nullptr);
  if (state.is_over == 0) {
    take(TCSANOW);
  }
  errno = error;
}

}  // namespace

TerminalMode::TerminalMode(tcflag_t off, int when, std::string_view enter, std::string_view leave) : when_(when) {
  state = {.enter = enter, .leave = leave};
  state.is_set = ::tcgetattr(STDIN_FILENO, &state.before) == 0;
  state.during = state.before;
  state.during.c_lflag &= ~off;
  if ((off & ICANON) != 0) {
    state.during.c_cc[VMIN] = 0;
    state.during.c_cc[VTIME] = 0;
  }
  struct sigaction ours{};
  ours.sa_handler = on_signal;
  ours.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < signals.size(); ++i) {
    struct sigaction before{};
    ::sigaction(signals.at(i), nullptr, &before);
    caught_.at(i) = before.sa_handler == SIG_DFL && ::sigaction(signals.at(i), &ours, nullptr) == 0;
  }
  take(when);
}

TerminalMode::~TerminalMode() {
  state.is_over = 1;
  give_back(when_);
  for (std::size_t i = 0; i < signals.size(); ++i) {
    if (caught_.at(i)) {
      (void)std::signal(signals.at(i), SIG_DFL);
    }
  }
}

bool TerminalMode::is_set() const { return state.is_set; }

}  // namespace regsync::cli
