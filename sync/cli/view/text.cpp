#include "sync/cli/view/text.hpp"

#include <algorithm>
#include <cwchar>

#include "sync/base/duration.hpp"
#include "sync/cli/view/console.hpp"

namespace regsync::cli {
namespace {

std::string_view escape_of(Colour colour) {
  switch (colour) {
    case Colour::red:
      return "\x1b[31m";
    case Colour::green:
      return "\x1b[32m";
    case Colour::yellow:
      return "\x1b[33m";
    case Colour::dim:
      return "\x1b[2m";
    case Colour::bold:
      return "\x1b[1m";
    case Colour::none:
      break;
  }
  return "";
}

struct Character {
  std::size_t bytes = 1;
  int columns = 1;
};

// Returns the first character of a text that is not empty. A byte that is not UTF-8 shows as one replacement character.
Character first_character(std::string_view text) {
  std::mbstate_t state{};
  wchar_t wide = 0;
  const std::size_t bytes = std::mbrtowc(&wide, text.data(), text.size(), &state);
  if (bytes == 0 || bytes > text.size()) {
    return {};
  }
  return {bytes, std::max(0, ::wcwidth(wide))};
}

// The length of the escape sequence (ECMA-48 CSI) at the start of the text, or 0.
std::size_t escape_length(std::string_view text) {
  if (!text.starts_with("\x1b[")) {
    return 0;
  }
  const auto end = text.find_first_of("ABCDEFGHJKSTfhlmnsu", 2);
  return end == std::string_view::npos ? text.size() : end + 1;
}

}  // namespace

std::string paint(std::string_view text, Colour colour, bool enabled) {
  if (!enabled || colour == Colour::none || text.empty()) {
    return std::string(text);
  }
  return std::string(escape_of(colour)).append(text).append("\x1b[0m");
}

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    if (const std::size_t escape = escape_length(text); escape > 0) {
      text.remove_prefix(escape);
      continue;
    }
    const Character character = first_character(text);
    width += character.columns;
    text.remove_prefix(character.bytes);
  }
  return width;
}

std::string clip(std::string_view text, int columns) {
  std::string clipped;
  while (!text.empty()) {
    if (const std::size_t escape = escape_length(text); escape > 0) {
      clipped += text.substr(0, escape);
      text.remove_prefix(escape);
      continue;
    }
    const Character character = first_character(text);
    columns -= character.columns;
    if (columns >= 0) {
      clipped += text.substr(0, character.bytes);
    }
    text.remove_prefix(character.bytes);
  }
  return clipped;
}

std::string human_age(std::chrono::seconds age) {
  const auto seconds = std::max<std::chrono::seconds::rep>(0, age.count());
  const auto with = [](auto large, const char* unit, auto small, const char* small_unit) {
    return std::to_string(large) + unit + (small != 0 ? std::to_string(small) + small_unit : "");
  };
  const auto minutes = seconds / 60;
  const auto hours = minutes / 60;
  const auto days = hours / 24;
  if (seconds < 120) {
    return std::to_string(seconds) + "s";
  }
  if (minutes < 10) {
    return with(minutes, "m", seconds % 60, "s");
  }
  if (minutes < 180) {
    return std::to_string(minutes) + "m";
  }
  if (hours < 8) {
    return with(hours, "h", minutes % 60, "m");
  }
  if (hours < 48) {
    return std::to_string(hours) + "h";
  }
  if (days < 8) {
    return with(days, "d", hours % 24, "h");
  }
  if (days < 730) {
    return std::to_string(days) + "d";
  }
  if (days < 2920) {
    return with(days / 365, "y", days % 365, "d");
  }
  return std::to_string(days / 365) + "y";
}

namespace {

struct Called {
  std::string name = "regsync";
  std::vector<std::string> commands;
};

Called& called() {
  static Called called;
  return called;
}

}  // namespace

void set_program(std::string name, std::vector<std::string> commands) {
  called() = {std::move(name), std::move(commands)};
}

std::string as_called(std::string_view text) {
  constexpr std::string_view own = "regsync ";
  std::string result;
  while (!text.empty()) {
    const auto at = std::min(text.find(own), text.size());
    result += text.substr(0, at);
    text.remove_prefix(at);
    if (text.empty()) {
      break;
    }
    const std::string_view rest = text.substr(own.size());
    const std::string_view word = rest.substr(0, rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"));
    const bool begins = result.empty() || std::string_view(" `\n(\"'").find(result.back()) != std::string_view::npos;
    const bool is_command = word == "--help" || rest.starts_with("COMMAND") ||
                            std::ranges::find(called().commands, word) != called().commands.end();
    result += begins && is_command && !result.ends_with("kubectl ") ? called().name + " " : std::string(own);
    text = rest;
  }
  return result;
}

std::chrono::milliseconds duration_of(std::string_view text, std::string_view option) {
  if (const auto duration = parse_duration(text)) {
    return *duration;
  }
  throw UsageError(std::string(option) + ": invalid duration \"" + std::string(text) + "\"",
                   std::string(duration_examples));
}

std::string count_of(std::size_t count, std::string_view singular) {
  return std::to_string(count) + " " + std::string(singular) + (count == 1 ? "" : "s");
}

std::string one_of(const std::vector<std::string>& words) {
  if (words.size() < 2) {
    return join(words);
  }
  return join(std::vector<std::string>(words.begin(), words.end() - 1)) + " or " + words.back();
}

}  // namespace regsync::cli
