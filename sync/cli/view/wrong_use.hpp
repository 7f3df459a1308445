// Explains a wrong command line, and suggests the nearest valid one; knows the spellings of kubectl and docker. Pure.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "sync/cli/view/console.hpp"

namespace regsync::cli {

// The names of the commands that help shows.
std::vector<std::string> visible_commands(const CLI::App& app);

// Returns the command of this name, or null.
const CLI::App* find_command(const CLI::App& parent, const std::string& name);

// Returns the given command, or the app itself if none was given.
const CLI::App* given_command(const CLI::App* app);

// Rewrites words that kubectl accepts and CLI11 does not: "-o=json" becomes "-o json", "--wait 5s" becomes "--wait=5s",
// options before the command move after it, "help add" and "add help" become "add --help", and no words at all become
// help. Leaves the values of options unchanged.
std::vector<std::string> as_typed_for_kubectl(std::vector<std::string> words, const CLI::App& app);

// Throws UsageError for an empty value, which usually comes from an unset shell variable: if it were ignored, the
// command would do more than requested.
void require_values(const CLI::App& command);

// Explains an error of CLI11.
UsageError explain(const CLI::ParseError& error, const CLI::App& app);

}  // namespace regsync::cli
