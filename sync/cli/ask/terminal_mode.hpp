// TerminalMode changes the modes of the terminal, and restores them in its destructor and when a signal ends or stops
// the process. One thread.
#pragma once

#include <termios.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <string_view>

namespace regsync::cli {

// Like getpass(3), so that the shell is not left without echo. Leaves alone signals that are ignored or have a handler.
// Only one instance may exist at a time.
class TerminalMode {
 public:
  // off: local modes (termios(3)) of standard input. when: as for tcsetattr(3). If ICANON is off, a read never waits.
  // enter and leave are written to standard output with each change; they must outlive this object.
  TerminalMode(tcflag_t off, int when, std::string_view enter = {}, std::string_view leave = {});
  ~TerminalMode();
  TerminalMode(const TerminalMode&) = delete;
  TerminalMode& operator=(const TerminalMode&) = delete;
  TerminalMode(TerminalMode&&) = delete;
  TerminalMode& operator=(TerminalMode&&) = delete;

  // Whether standard input is a terminal, and the modes are set.
  [[nodiscard]] bool is_set() const;

 private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

  int when_;
  std::array<bool, signals.size()> caught_{};
};

}  // namespace regsync::cli
