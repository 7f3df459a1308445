// A program on a terminal of its own (a pty), as a person sees it.
//
// Understands what the programs of this project write: lines, cursor home, erasing, colours, the alternate screen.
// A pty hands on parts of what was written. Of a frame, which on the alternate screen begins with cursor home and ends
// with the erasure of the rest of the screen, nothing shows until all of it has come.
//
// Not thread-safe; what the program writes is read when a test looks, so look (becomes and wait_until do).
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
  void hang_up();                          // as a window that is closed: the program alone is left

  // The rows as they show now, without the blanks at their ends and the empty rows at the bottom.
  [[nodiscard]] std::string screen();
  [[nodiscard]] bool on_alternate_screen();

  // Waits until the screen is as wanted; else the failure holds the last screen. What a test wants of one moment goes
  // into one matcher: each look may see a later frame than the look before.
  [[nodiscard]] testing::AssertionResult becomes(const testing::Matcher<const std::string&>& wanted);
  [[nodiscard]] testing::AssertionResult comes_to_show(std::string_view text);

  // Every byte that was written.
  [[nodiscard]] const std::string& bytes();

  // The exit code, once it has ended; nullopt when the time is over first.
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
  std::optional<Screen> covered_;  // by the alternate screen
};

}  // namespace regsync::test
