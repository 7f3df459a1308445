#include "tests/support/terminal.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>
#include <tuple>
#include <utility>

#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

[[noreturn]] void throw_errno(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

int open_master() {
  const int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) {
    throw_errno("posix_openpt");
  }
  return master;
}

constexpr std::string_view cursor_home = "\x1b[H";
constexpr std::string_view erase_below = "\x1b[J";

// ECMA-48, 5.4: ESC [, parameters, one final byte. The length of the sequence; 0 if it is incomplete.
std::size_t sequence_length(std::string_view text) {
  for (std::size_t i = 2; i < text.size(); ++i) {
    if (text[i] >= '@' && text[i] <= '~') {
      return i + 1;
    }
  }
  return 0;
}

}  // namespace

Terminal::Terminal(Program program, TerminalSize size) : size_(size), master_(open_master()) {
  screen_.rows.resize(static_cast<std::size_t>(size.rows));
  std::array<char, 64> name{};
  if (ptsname_r(master_, name.data(), name.size()) != 0) {
    throw_errno("ptsname_r");
  }
  const int slave = open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) {
    throw_errno("open a terminal");
  }
  winsize window{};
  window.ws_row = static_cast<unsigned short>(size.rows);
  window.ws_col = static_cast<unsigned short>(size.columns);
  ioctl(slave, TIOCSWINSZ, &window);
  program.terminal = slave;
  program.env.try_emplace("TERM", "xterm");
  process_.emplace(program);
  close(slave);
}

Terminal::~Terminal() {
  process_.reset();
  hang_up();
}

void Terminal::hang_up() {
  if (master_ >= 0) {
    close(std::exchange(master_, -1));
  }
}

void Terminal::type(std::string_view keys) const {
  if (write(master_, keys.data(), keys.size()) != static_cast<ssize_t>(keys.size())) {
    throw_errno("type on a terminal");
  }
}

std::string Terminal::screen() {
  read_all();
  std::string text;
  std::size_t filled = 0;
  for (const std::string& row : screen_.rows) {
    text.append(row, 0, row.find_last_not_of(' ') + 1);
    filled = text.empty() || text.back() == '\n' ? filled : text.size();
    text += '\n';
  }
  text.resize(filled);
  return text;
}

testing::AssertionResult Terminal::becomes(const testing::Matcher<const std::string&>& wanted) {
  std::string last;
  if (wait_until([&] { return wanted.Matches(last = screen()); })) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "the screen never " << testing::DescribeMatcher<const std::string&>(wanted)
                                     << "; at last it is\n"
                                     << last;
}

testing::AssertionResult Terminal::comes_to_show(std::string_view text) {
  return becomes(testing::HasSubstr(std::string(text)));
}

bool Terminal::on_alternate_screen() {
  read_all();
  return covered_.has_value();
}

const std::string& Terminal::bytes() {
  read_all();
  return bytes_;
}

std::optional<int> Terminal::wait(std::chrono::milliseconds time) {
  std::optional<int> exit_code;
  wait_until(
      [&] {
        read_all();  // otherwise a program with much output would block
        exit_code = process_->wait(std::chrono::milliseconds(0));
        return exit_code.has_value();
      },
      time);
  return exit_code;
}

void Terminal::read_all() {
  std::array<char, 4096> part{};
  for (ssize_t size = 0; (size = read(master_, part.data(), part.size())) > 0;) {
    bytes_.append(part.data(), static_cast<std::size_t>(size));
  }
  while (shown_ < bytes_.size()) {
    const std::string_view rest = std::string_view(bytes_).substr(shown_);
    if (rest.starts_with("\x1b")) {
      const std::size_t length = sequence_length(rest);
      const bool frame_begins = covered_ && rest.starts_with(cursor_home);
      if (length == 0 || (frame_begins && rest.find(erase_below) == std::string_view::npos)) {
        return;
      }
      obey(rest[length - 1], rest.substr(2, length - 3));
      shown_ += length;
    } else {
      show(rest.front());
      ++shown_;
    }
  }
}

void Terminal::new_line() {
  if (screen_.row + 1 < screen_.rows.size()) {
    ++screen_.row;
  } else {
    screen_.rows.erase(screen_.rows.begin());
    screen_.rows.emplace_back();
  }
}

void Terminal::show(char c) {
  if (c == '\r') {
    screen_.column = 0;
  } else if (c == '\n') {
    new_line();
  } else if (c == '\b') {
    screen_.column -= screen_.column > 0 ? 1 : 0;
  } else if (c == '\a') {
    return;
  } else {
    if (screen_.column == static_cast<std::size_t>(size_.columns)) {
      screen_.column = 0;
      new_line();
    }
    std::string& row = screen_.rows[screen_.row];
    if (row.size() <= screen_.column) {
      row.resize(screen_.column + 1, ' ');
    }
    row[screen_.column++] = c;
  }
}

void Terminal::obey(char command, std::string_view parameters) {
  const bool to_the_end = parameters.empty() || parameters == "0";
  if (command == 'm' || (parameters.starts_with("?") && parameters != "?1049")) {
    return;  // ignore colours, cursor visibility and other modes
  }
  if (command == 'H' && parameters.empty()) {
    screen_.row = screen_.column = 0;
  } else if (command == 'K' && to_the_end) {
    std::string& row = screen_.rows[screen_.row];
    row.resize(std::min(row.size(), screen_.column));
  } else if (command == 'J' && to_the_end) {
    std::string& row = screen_.rows[screen_.row];
    row.resize(std::min(row.size(), screen_.column));
    for (std::size_t below = screen_.row + 1; below < screen_.rows.size(); ++below) {
      screen_.rows[below].clear();
    }
  } else if (parameters == "?1049" && command == 'h') {
    covered_ = std::exchange(screen_, {.rows = std::vector<std::string>(screen_.rows.size())});
  } else if (parameters == "?1049" && command == 'l' && covered_) {
    screen_ = *std::exchange(covered_, std::nullopt);
  } else {
    throw std::runtime_error("this terminal does not know ESC [ " + std::string(parameters) + command);
  }
}

}  // namespace regsync::test
