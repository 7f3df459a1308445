#include "sync/cli/process_console.hpp"

#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string_view>

#include "helper/base/file_descriptor.hpp"
#include "helper/secret_service/secret_service_store.hpp"
#include "sync/cli/view/fold.hpp"

namespace regsync::cli {
namespace {

bool may_colour() {
  const char* no_color = std::getenv("NO_COLOR");  // no-color.org
  const char* term = std::getenv("TERM");
  return (no_color == nullptr || *no_color == '\0') && term != nullptr && std::string_view(term) != "dumb";
}

TerminalSize size_of_terminal(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    return {};
  }
  return {size.ws_col, size.ws_row};
}

// Returns a descriptor that becomes readable after this time; never if no descriptor is left.
FileDescriptor readable_after(std::chrono::milliseconds time) {
  const int timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = std::max<std::chrono::nanoseconds>(time - whole, std::chrono::nanoseconds(1));  // 0: never
  const itimerspec once{.it_interval = {}, .it_value = {.tv_sec = whole.count(), .tv_nsec = rest.count()}};
  ::timerfd_settime(timer, 0, &once, nullptr);
  return FileDescriptor(timer);
}

struct TimedStore {
  explicit TimedStore(std::chrono::milliseconds time) : over(readable_after(time)), store(Prompt::never, over.get()) {}
  const FileDescriptor over;
  SecretServiceStore store;
};

std::shared_ptr<CredentialStore> open_briefly(std::chrono::milliseconds time) {
  const auto timed = std::make_shared<TimedStore>(time);
  return {timed, &timed->store};
}

}  // namespace

Console process_console(std::string_view program) {
  const bool out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  if (out_is_terminal) {
    set_columns(std::cout, size_of_terminal(STDOUT_FILENO).columns);
  }
  const bool err_is_terminal = ::isatty(STDERR_FILENO) == 1;
  if (err_is_terminal) {
    set_columns(std::cerr, size_of_terminal(STDERR_FILENO).columns);
  }
  return {.in = std::cin,
          .out = std::cout,
          .err = std::cerr,
          .program = program.ends_with("kubectl-regsync") ? "kubectl regsync" : "regsync",
          .in_is_terminal = ::isatty(STDIN_FILENO) == 1,
          .out_is_terminal = out_is_terminal,
          .err_is_terminal = err_is_terminal,
          .colour = out_is_terminal && may_colour(),
          .terminal_size = [] { return size_of_terminal(STDOUT_FILENO); },
          .now = [] { return std::chrono::system_clock::now(); },
          .open_store = [](Prompt prompt) { return std::make_unique<SecretServiceStore>(prompt); },
          .open_briefly = open_briefly,
          .open_replaced = [] { return std::make_unique<SecretServiceStore>(Prompt::allowed, -1, Shelf::replaced); }};
}

}  // namespace regsync::cli
