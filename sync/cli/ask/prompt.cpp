#include "sync/cli/ask/prompt.hpp"

#include <termios.h>

#include <charconv>
#include <istream>
#include <optional>
#include <ostream>
#include <set>
#include <string_view>

#include "helper/base/text.hpp"
#include "sync/cli/ask/terminal_mode.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/model/docker_config_json.hpp"

namespace regsync::cli {
namespace {

std::optional<std::size_t> number_of(std::string_view text, std::size_t count) {
  std::size_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc() || end != text.data() + text.size() || number < 1 || number > count) {
    return std::nullopt;
  }
  return number - 1;
}

// Returns nullopt for an invalid answer.
std::optional<std::vector<std::size_t>> parse_choice(std::string_view answer, std::size_t count) {
  std::set<std::size_t> chosen;
  if (answer == "all") {
    for (std::size_t i = 0; i < count; ++i) {
      chosen.insert(i);
    }
  }
  while (!answer.empty() && answer != "all") {
    const auto comma = answer.find_first_of(", ");
    const std::string_view part = answer.substr(0, comma);
    answer.remove_prefix(comma == std::string_view::npos ? answer.size() : comma + 1);
    if (part.empty()) {
      continue;
    }
    const auto dash = part.find('-');
    const auto first = number_of(part.substr(0, dash), count);
    const auto last = dash == std::string_view::npos ? first : number_of(part.substr(dash + 1), count);
    if (!first || !last || *last < *first) {
      return std::nullopt;
    }
    for (std::size_t i = *first; i <= *last; ++i) {
      chosen.insert(i);
    }
  }
  if (chosen.empty()) {
    return std::nullopt;
  }
  return std::vector<std::size_t>(chosen.begin(), chosen.end());
}

// Writes a question to the terminal from which the answer is read.
void ask(Console& console, const std::string& question) {
  if (console.in_is_terminal && !console.err_is_terminal) {
    throw UsageError("standard error is not a terminal, so nobody sees the question: " + std::string(trim(question)),
                     "run it without 2>, or with --yes or what else answers it: see --help");
  }
  console.err << question << std::flush;
}

}  // namespace

std::vector<std::size_t> choose(Console& console, const std::string& question, const std::vector<std::string>& items) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    console.err << "  " << i + 1 << ") " << printable_line(items[i]) << '\n';
  }
  for (;;) {
    ask(console, question + " [1-" + std::to_string(items.size()) + ", all]: ");
    std::string answer;
    if (!std::getline(console.in, answer)) {
      throw UsageError("nothing was chosen", "answer with a number of the list");
    }
    if (auto chosen = parse_choice(answer, items.size())) {
      return *chosen;
    }
    console.err << "Answer with numbers of the list, for example 1 or 1,3 or all.\n";
  }
}

bool confirm(Console& console, const std::string& question) {
  ask(console, printable_line(question) + " [y/N]: ");
  std::string answer;
  std::getline(console.in, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

std::string ask_line(Console& console, const std::string& question) {
  ask(console, printable_line(question) + ": ");
  std::string line;
  if (!std::getline(console.in, line)) {
    throw UsageError("nothing was given", "answer the question: " + question);
  }
  return line;
}

SecretString ask_password(Console& console, const std::string& question) {
  std::string line;
  const WipedAtEnd wiped(line);
  {
    // Before the question: what the person types at once would otherwise be echoed and then discarded.
    const TerminalMode silent(ECHO, TCSAFLUSH);
    ask(console, printable_line(question) + ": ");
    if (!std::getline(console.in, line)) {
      throw UsageError("no password was given", "type it, or pipe it in from a file: see --help");
    }
  }
  console.err << '\n';
  return SecretString(line);
}

SecretString read_password(std::istream& in) {
  std::string text(max_login_bytes + 1, '\0');  // more must be an endless stream or the wrong file
  const WipedAtEnd wiped(text);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > max_login_bytes) {
    throw UsageError("what standard input gives is longer than a password can be (512 KiB)",
                     "pipe the password in alone, as from a file that holds nothing else");
  }
  if (text.ends_with('\n')) {
    text.pop_back();
  }
  if (text.ends_with('\r')) {
    text.pop_back();
  }
  return SecretString(text);
}

}  // namespace regsync::cli
