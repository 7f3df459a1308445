#include "sync/cli/view/quote.hpp"

#include <algorithm>

#include "sync/base/percent_encoding.hpp"

namespace regsync::cli {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

}  // namespace

std::string printable(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool c1 = byte == 0xC2 && next >= 0x80 && next < 0xA0;  // U+0080 to U+009F, in UTF-8
    safe += c1 || (is_control(text[i]) && text[i] != '\n') ? '?' : text[i];
    if (c1) {
      ++i;
    }
  }
  return safe;
}

std::string one_line(std::string_view text) {
  std::string line = printable(text);
  std::ranges::replace(line, '\n', ' ');
  return line;
}

bool is_candidate(std::string_view text) { return std::ranges::none_of(text, is_control) && printable(text) == text; }

std::string file_name(std::string_view text) {
  constexpr std::string_view plain = "-._~@";
  if (text == "." || text == "..") {
    return percent_encoded(text, "");
  }
  return percent_encoded(text, plain);
}

}  // namespace regsync::cli
