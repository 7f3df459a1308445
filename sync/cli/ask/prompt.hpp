// Asks the person at the terminal. Blocks; one thread.
#pragma once

#include <string>
#include <vector>

#include "helper/base/secret_string.hpp"
#include "sync/cli/view/console.hpp"

namespace regsync::cli {

// Shows the numbered items and reads a choice: "1", "1,3", "2-4" or "all"; asks again until the answer is valid. The
// result is never empty. Throws UsageError at end of file.
std::vector<std::size_t> choose(Console& console, const std::string& question, const std::vector<std::string>& items);

// Asks "question [y/N]" and reads the answer; no at end of file.
bool confirm(Console& console, const std::string& question);

// Reads one line. Throws UsageError at end of file.
std::string ask_line(Console& console, const std::string& question);

// Reads a password from the terminal, without echo.
SecretString ask_password(Console& console, const std::string& question);

// Reads the whole input without one newline at its end, as `docker login --password-stdin` reads it.
SecretString read_password(std::istream& in);

}  // namespace regsync::cli
