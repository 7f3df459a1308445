// Explains a wrong command line, and names the nearest right one: kubectl's and docker's spellings are known. Pure.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "sync/cli/view/console.hpp"

namespace regsync::cli {

// The names of the commands that help shows.
std::vector<std::string> visible_commands(const CLI::App& app);

// The command of this name; null where there is none.
const CLI::App* find_command(const CLI::App& parent, const std::string& name);

// The command that was given; the app itself where none was.
const CLI::App* given_command(const CLI::App* app);

// The words as CLI11 wants them where kubectl is more tolerant: "-o=json" is "-o json", "--wait 5s" is "--wait=5s",
// options before the command go after it, "help add" and "add help" are "add --help", and nothing at all is help. What
// an option takes for its value stays as it is.
std::vector<std::string> as_typed_for_kubectl(std::vector<std::string> words, const CLI::App& app);

// Throws UsageError where a value is empty, as that of a shell's variable that is not set: taken as if it were not
// there, it would let the command do more than was asked.
void require_values(const CLI::App& command);

// What CLI11 found wrong.
UsageError explain(const CLI::ParseError& error, const CLI::App& app);

}  // namespace regsync::cli
