// Makes external text (of a server, a file, another program) safe for the place where it is shown. Each place has its
// own function; no other code escapes text. Pure; any thread.
//
//   terminal         printable, printable_line
//   YAML             to_yaml_text quotes values itself (output.hpp); a comment takes printable_line
//   shell            shell_word: an argument of a command for people to run
//   completion       is_candidate: unsafe text is not offered; the scripts quote for their shell
//   a file's name    file_name
#pragma once

#include <string>
#include <string_view>

#include "helper/base/shell_word.hpp"

namespace regsync::cli {

// Replaces with "?" every character that could move the cursor, change colours or text direction, or end a line of
// YAML, and every byte that is not UTF-8. Keeps line ends (\n).
std::string printable(std::string_view text);

// The same, but replaces each line end with a blank.
std::string printable_line(std::string_view text);

using regsync::shell_word;

// Whether a completion script can offer it: one line without control characters.
bool is_candidate(std::string_view text);

// Returns a file name: without "/", never "." or "..". Percent-encoded, so that different texts get different names.
std::string file_name(std::string_view text);

}  // namespace regsync::cli
