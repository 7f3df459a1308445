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

// Returns the text between the escape sequences of a colour, or unchanged.
std::string paint(std::string_view text, Colour colour, bool enabled);

// The columns of the text on a terminal: wide and combining characters count as shown, escape sequences count as 0.
int display_width(std::string_view text);

// Cuts the text to so many columns; keeps escape sequences.
std::string clip(std::string_view text, int columns);

// Formats an age like kubectl (apimachinery util/duration HumanDuration): 5s, 2m3s, 47m, 5h, 3d.
std::string human_age(std::chrono::seconds age);

// Sets how the program was called, "regsync" or "kubectl regsync", and its commands. Call it once, before any output.
void set_program(std::string name, std::vector<std::string> commands);

// Rewrites the commands in a text to how the program was called: "regsync sync web" becomes "kubectl regsync sync web"
// for users of the plugin.
std::string as_called(std::string_view text);

// Parses the value of a command-line option as in sync/base/duration.hpp. Throws UsageError naming `option`.
std::chrono::milliseconds duration_of(std::string_view text, std::string_view option);

// "1 Secret", "3 Secrets".
std::string count_of(std::size_t count, std::string_view singular);

// "a, b or c".
std::string one_of(const std::vector<std::string>& words);

}  // namespace regsync::cli
