// Makes the console of this process: the standard streams, their terminal, if any, and the Secret Service.
#pragma once

#include <string_view>

#include "sync/cli/view/console.hpp"

namespace regsync::cli {

// program: argv[0]. The console uses std::cin, std::cout and std::cerr, and opens the keyring only when a command needs
// it.
Console process_console(std::string_view program);

}  // namespace regsync::cli
