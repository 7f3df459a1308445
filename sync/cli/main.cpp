// regsync, and kubectl-regsync.
#include <clocale>
#include <cstring>
#include <string>
#include <vector>

#include "helper/base/no_core_dump.hpp"
#include "helper/base/session_bus.hpp"
#include "sync/base/log.hpp"
#include "sync/cli/cli.hpp"

namespace {

// A password that was given as an argument is in /proc/PID/cmdline for everyone to read: not for longer than it takes
// to get here.
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

}  // namespace

int main(int argc, char** argv) {
  regsync::forbid_core_dumps();
  regsync::find_session_bus();
  // Widths of characters, whatever the person's locale is called.
  static_cast<void>(std::setlocale(LC_CTYPE, "C.UTF-8"));  // where there is none, tables align less well
  regsync::log::set_level(regsync::log::Level::error);     // the answer says the rest
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  hide_passwords(argc, argv);
  regsync::cli::Console console = regsync::cli::process_console(argv[0]);
  return regsync::cli::run(arguments, console);
}
