// The console of this process: standard streams, the terminal that they may be, and the Secret Service.
#pragma once

#include <string_view>

#include "sync/cli/view/console.hpp"

namespace regsync::cli {

// program: argv[0]. It uses std::cin, std::cout and std::cerr, and opens the keyring when a command asks for it.
Console process_console(std::string_view program);

}  // namespace regsync::cli
