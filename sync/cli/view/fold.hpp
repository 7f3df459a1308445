// Folds long lines for a terminal at word boundaries.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

namespace regsync::cli {

// Returns the text folded to so many columns. A sentence breaks between words, a table row in its last cell or, failing
// that, between cells; continuation lines are indented. A command is not broken, so that it can be copied: it moves to
// a line of its own, and the terminal wraps one that is too long.
std::string folded(std::string_view text, int columns);

// Sets the columns of the terminal that a stream writes to. A stream without them prints text unfolded.
void set_columns(std::ostream& stream, int columns);
int columns_of(std::ostream& stream);  // 0: none

// Prints the text folded for the stream.
void print_folded(std::ostream& stream, std::string_view text);

// Prints sentences for a person: folded, with commands as the person types them (as_called()).
void tell(std::ostream& stream, std::string_view text);

}  // namespace regsync::cli
