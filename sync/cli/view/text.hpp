// Text for a terminal: widths, colours, ages. Pure; needs a UTF-8 LC_CTYPE for the widths (main sets it).
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "helper/base/text.hpp"
#include "sync/model/status_report.hpp"

namespace regsync::cli {

enum class Colour { none, red, green, yellow, dim, bold };

// The text between the escape sequences of a colour, or as it is.
std::string paint(std::string_view text, Colour colour, bool enabled);

// Columns that the text takes on a terminal; wide and combining characters count as they show, and escape sequences
// take none.
int display_width(std::string_view text);

// The text cut to so many columns; escape sequences survive.
std::string clip(std::string_view text, int columns);

// As kubectl writes ages (apimachinery util/duration HumanDuration): 5s, 2m3s, 47m, 5h, 3d.
std::string human_age(std::chrono::seconds age);

// How the program was called, "regsync" or "kubectl regsync", and its commands. Set once, before anything is printed.
void set_program(std::string name, std::vector<std::string> commands);

// A text for people with its commands as they type them: "regsync sync web" is "kubectl regsync sync web" for who uses
// the plugin.
std::string as_called(std::string_view text);

// The value of a command-line option, as sync/base/duration.hpp reads it. Throws UsageError naming `option`.
std::chrono::milliseconds duration_of(std::string_view text, std::string_view option);

// "1 Secret", "3 Secrets".
std::string count_of(std::size_t count, std::string_view singular);

// "a, b or c".
std::string one_of(const std::vector<std::string>& words);

}  // namespace regsync::cli
