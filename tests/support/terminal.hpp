// Terminal runs a program on its own terminal (a pty) and shows the screen that a person sees.
//
// It understands the output of this project's programs: lines, cursor home, erasing, colours, the alternate screen. A
// pty delivers output in parts. On the alternate screen a frame starts with cursor home and ends with erasing the rest
// of the screen; it shows only once it is complete.
//
// Not thread-safe. Output is read only when a test calls a member, so poll one (as `becomes` and `wait_until` do).
#pragma once

#include <gmock/gmock.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/process.hpp"

namespace regsync::test {

struct TerminalSize {
  int rows = 24;
  int columns = 100;
};

class Terminal {
 public:
  explicit Terminal(Program program, TerminalSize size = {});
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  Terminal(Terminal&&) = delete;
  Terminal& operator=(Terminal&&) = delete;

  void type(std::string_view keys) const;  // "\x03" is Ctrl-C
  void hang_up();                          // closes the terminal, as when its window is closed

  // The rows of the present screen, without trailing blanks and empty rows at the bottom.
  [[nodiscard]] std::string screen();
  [[nodiscard]] bool on_alternate_screen();

  // Waits until the screen matches; the failure contains the last screen. Put everything that must hold at one moment
  // into one matcher: each call may see a later frame.
  [[nodiscard]] testing::AssertionResult becomes(const testing::Matcher<const std::string&>& wanted);
  [[nodiscard]] testing::AssertionResult comes_to_show(std::string_view text);

  // All bytes written so far.
  [[nodiscard]] const std::string& bytes();

  // Waits for the end and returns the exit code; nullopt if the time is over first.
  std::optional<int> wait(std::chrono::milliseconds time = std::chrono::seconds(20));

 private:
  struct Screen {
    std::vector<std::string> rows;
    std::size_t row = 0;
    std::size_t column = 0;
  };

  void read_all();
  void show(char c);
  void obey(char command, std::string_view parameters);
  void new_line();

  TerminalSize size_;
  int master_ = -1;
  std::optional<Process> process_;
  std::string bytes_;
  std::size_t shown_ = 0;  // of bytes_
  Screen screen_;
  std::optional<Screen> covered_;  // the normal screen, while the alternate screen is shown
};

}  // namespace regsync::test
