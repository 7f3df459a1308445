// The programs regsync and kubectl-regsync.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstring>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include "helper/base/start_process.hpp"
#include "sync/base/file_limit.hpp"
#include "sync/base/log.hpp"
#include "sync/cli/cli.hpp"
#include "sync/cli/process_console.hpp"
#include "sync/cli/view/output.hpp"

namespace {

// Overwrites passwords in the arguments, which everyone can read in /proc/PID/cmdline, as early as possible.
void hide_passwords(int argc, char** argv) {
  constexpr std::string_view option = "--docker-password";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == option && i + 1 < argc) {
      std::memset(argv[i + 1], 'x', std::strlen(argv[i + 1]));
    }
    if (argument.starts_with(option) && argument.size() > option.size() && argument[option.size()] == '=') {
      std::memset(argv[i] + option.size() + 1, 'x', argument.size() - option.size() - 1);
    }
  }
}

bool reader_is_gone() {
  pollfd out{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

// A command fails if its output was lost because a disk is full or the output is closed. (A reader that ends early,
// like head(1), is not an error.)
int after_output(int exit_code) {
  errno = 0;
  std::cout.flush();
  if (std::cout.good() || reader_is_gone()) {
    return exit_code;
  }
  const std::string why = errno == 0 ? "" : ": " + std::generic_category().message(errno);
  regsync::cli::print_error(std::cerr,
                            regsync::Error(regsync::ErrorCode::internal, "the output cannot be written" + why,
                                           "see whether it goes to a place that is open and has space left"));
  return std::max(exit_code, regsync::cli::exit_not_as_asked);
}

}  // namespace

int main(int argc, char** argv) {
  regsync::start_process();
  regsync::raise_file_limit();  // for connections to a thousand contexts
  // For the widths of characters, in any locale of the person.
  static_cast<void>(std::setlocale(LC_CTYPE, "C.UTF-8"));  // without it, tables align less well
  regsync::log::set_level(regsync::log::Level::error);     // the output says the rest
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  hide_passwords(argc, argv);
  regsync::cli::Console console = regsync::cli::process_console(argv[0]);
  return after_output(regsync::cli::run(arguments, console));
}
