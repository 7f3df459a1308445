// Folds long lines for a terminal: between words, and not where the terminal's edge happens to be.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

namespace regsync::cli {

// Each line in so many columns. A sentence breaks between words, and a table's row in its last cell or else between
// cells; what follows is indented. A command stays whole, so that it can be copied: it moves to a line of its own, and
// one that is longer than the terminal is left to the terminal, which wraps it without a line end.
std::string folded(std::string_view text, int columns);

// The columns of the terminal that a stream writes to; streams that nobody set have none, and print text as it is.
void set_columns(std::ostream& stream, int columns);
int columns_of(std::ostream& stream);  // 0: none

// The text, folded for the stream.
void print_folded(std::ostream& stream, std::string_view text);

// Sentences for a person: folded, and with their commands as the person types them (as_called()).
void tell(std::ostream& stream, std::string_view text);

}  // namespace regsync::cli
