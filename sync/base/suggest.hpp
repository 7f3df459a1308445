// "Did you mean …?" for names that people type. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace regsync {

// How many letters must be inserted, deleted, replaced or swapped with their neighbour (Damerau–Levenshtein,
// optimal string alignment), without regard to ASCII case.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate that was most likely meant, or "" where none is near: at most a third of the letters differ, or the
// text begins or ends exactly one candidate. None is near a text of more than 256 bytes.
std::string closest(std::string_view text, const std::vector<std::string>& candidates);

// A remedy: `did you mean "x"?`, for a list of names that each is to stand alone, else what there is:
// `there are: a, b, c`, else "".
std::string did_you_mean(std::string_view text, const std::vector<std::string>& candidates);

}  // namespace regsync
