#include "sync/cli/view/quote.hpp"

#include <algorithm>

#include "helper/base/text.hpp"
#include "sync/base/percent_encoding.hpp"

namespace regsync::cli {

std::string printable(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const std::string_view before = text;
    const auto point = take_code_point(text);
    if (!point) {
      text.remove_prefix(1);  // not UTF-8
    }
    if (point == U'\n' || (point && !changes_the_terminal(*point))) {
      safe += before.substr(0, before.size() - text.size());
    } else {
      safe += '?';
    }
  }
  return safe;
}

std::string printable_line(std::string_view text) {
  std::string line = printable(text);
  std::ranges::replace(line, '\n', ' ');
  return line;
}

bool is_candidate(std::string_view text) { return !has_control_characters(text) && printable(text) == text; }

std::string file_name(std::string_view text) {
  constexpr std::string_view plain = "-._~@";
  if (text == "." || text == "..") {
    return percent_encoded(text, "");
  }
  return percent_encoded(text, plain);
}

}  // namespace regsync::cli
