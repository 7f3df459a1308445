// "Did you mean …?" suggestions for names that users type. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace regsync {

// The number of letters to insert, delete, replace or swap with their neighbour (Damerau–Levenshtein, optimal string
// alignment), ignoring ASCII case.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate that was most likely meant, or "" if none is close. Close means that at most a third of the letters
// differ, or that the text is a prefix or suffix of exactly one candidate. No candidate is close to a text of more than
// 256 bytes.
std::string closest(std::string_view text, const std::vector<std::string>& candidates);

// A remedy: `did you mean "x"?`; for a comma-separated list of candidates, that each stands alone; otherwise the
// candidates, `there are: a, b, c`; otherwise "".
std::string did_you_mean(std::string_view text, const std::vector<std::string>& candidates);

}  // namespace regsync
