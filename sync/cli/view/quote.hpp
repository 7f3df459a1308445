// Text that comes from elsewhere (a server, a file, another program), made safe for the place where it is shown. Each
// place has its own function, and no other code escapes for it. Pure; any thread.
//
//   terminal         printable, printable_line
//   YAML             to_yaml_text quotes values itself (output.hpp); a comment takes printable_line
//   shell            shell_word: an argument of a command that people are told to run
//   completion       is_candidate: what is not fit is not offered; the scripts quote for their shell
//   a file's name    file_name
#pragma once

#include <string>
#include <string_view>

#include "helper/base/shell_word.hpp"

namespace regsync::cli {

// Whatever could move the cursor, change colours or the direction of text, or end a line of YAML, and what is not
// UTF-8, becomes "?"; line ends (\n) stay.
std::string printable(std::string_view text);

// The same, with a blank for each line end.
std::string printable_line(std::string_view text);

using regsync::shell_word;

// Whether a completion script can offer it: one line without control characters.
bool is_candidate(std::string_view text);

// A name of one file in one folder: no "/", never "." or "..". Percent-encoded, so that different texts differ.
std::string file_name(std::string_view text);

}  // namespace regsync::cli
