// TerminalMode changes the modes of the terminal, and gives them back when it ends or a signal ends or stops the
// process. One thread.
#pragma once

#include <termios.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <string_view>

namespace regsync::cli {

// As getpass(3) does it: a shell without echo is of no use. A signal that is ignored, or that somebody handles, stays
// as it is. One at a time.
class TerminalMode {
 public:
  // off: local modes (termios(3)) of standard input. when: as tcsetattr(3) has it. Where ICANON is off, a read never
  // waits. enter and leave: written to standard output with each change; they outlive this.
  TerminalMode(tcflag_t off, int when, std::string_view enter = {}, std::string_view leave = {});
  ~TerminalMode();
  TerminalMode(const TerminalMode&) = delete;
  TerminalMode& operator=(const TerminalMode&) = delete;
  TerminalMode(TerminalMode&&) = delete;
  TerminalMode& operator=(TerminalMode&&) = delete;

  // Whether standard input is a terminal, and has the modes.
  [[nodiscard]] bool is_set() const;

 private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

  int when_;
  std::array<bool, signals.size()> caught_{};
};

}  // namespace regsync::cli
