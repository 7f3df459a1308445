#include "sync/cli/view/wrong_use.hpp"

#include <algorithm>
#include <map>
#include <sstream>

#include "sync/base/duration.hpp"
#include "sync/base/suggest.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/cli/view/text.hpp"

namespace regsync::cli {
namespace {

std::string meant_command(const std::string& command) { return "did you mean \"" + command + "\"?"; }

// Returns what to do instead of a command that regsync does not have; empty if unknown.
std::string instead_of(const std::string& word, const CLI::App& app) {
  if (word == "start") {
    return how_to_start_regsyncd();
  }
  if (word == "stop") {
    return how_to_stop_regsyncd();
  }
  if (word == "restart") {
    return how_to_restart_regsyncd();
  }
  // Commands of kubectl and docker that regsync has under another name.
  static const std::map<std::string, std::string> others = {
      {"annotate", "regsync set"},
      {"config", "regsync set"},
      {"create", "regsync add"},
      {"events", "regsync history"},
      {"log", "regsync history"},
      {"logs", "regsync history"},
      {"new", "regsync add"},
      {"patch", "regsync set"},
      {"uninstall", "regsync setup --undo"},
      {"update", "regsync set"},
      {"watch", "regsync status --watch"},
  };
  if (const auto other = others.find(word); other != others.end()) {
    return meant_command(other->second);
  }
  const std::string meant = closest(word, visible_commands(app));
  return meant.empty() ? "" : meant_command("regsync " + meant);
}

// Returns what to do instead of an option of kubectl that a command does not have.
std::string nearest_option(const std::string& option, const CLI::App& command) {
  static const std::map<std::string, std::string> others = {
      {"--all", "name the targets"},
      {"--name", "the name comes without an option: regsync add NAME"},
      {"--selector", "targets have no labels; name them"},
      {"--server", "clusters are contexts of the kubeconfig: --context"},
      {"--template", "use -o jsonpath='{.items[*].name}'"},
      {"-l", "targets have no labels; name them"},
  };
  const auto has = [&](const char* name) { return command.get_option_no_throw(name) != nullptr; };
  if (option == "--wait" && has("--timeout")) {
    return "it waits anyway, at most --timeout DURATION";
  }
  if (option == "--timeout" && has("--wait")) {
    return "use --wait=DURATION";
  }
  std::vector<std::string> names;
  for (const CLI::Option* known : command.get_options()) {
    for (const std::string& name : known->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  if (const std::string meant = closest(option, names); !meant.empty()) {
    return "did you mean " + meant + "?";
  }
  const auto other = others.find(option);
  if (other != others.end()) {
    return other->second;
  }
  if (option == "--force") {
    std::vector<std::string> kin;
    for (const char* name : {"--yes", "--replace"}) {
      if (has(name)) {
        kin.emplace_back(name);
      }
    }
    return kin.empty() ? "" : "see " + join(kin, " and ");
  }
  if (command.get_name() == "set") {
    return "fields come without dashes, as in regsync set NAME namespaces+=team-c";
  }
  if (option == "-o" || option == "--output") {
    return "regsync get and regsync status print other formats";
  }
  return {};
}

// Guesses the meaning of an argument that the command does not take.
std::string nearest_argument(const std::string& word, const CLI::App& command) {
  const auto has = [&](const char* option) { return command.get_option_no_throw(option) != nullptr; };
  if (has("--wait") && word.find_first_of("0123456789") == 0) {
    return "--wait takes a duration: --wait=30s, --wait=1m30s";
  }
  if (has("--registry") && word.find('.') != std::string::npos) {
    return "did you mean --registry " + shell_word(word) + "?";
  }
  if (has("--dry-run") && (word == "client" || word == "server")) {
    return "write --dry-run=" + word;
  }
  if (has("--filename")) {
    return "did you mean -f " + shell_word(word) + "?";
  }
  const bool names_one = std::ranges::any_of(command.get_options(), [](const CLI::Option* option) {
    return option->get_positional() && option->get_name() == "NAME";
  });
  return names_one ? "it takes one name at a time" : "";
}

// Returns the usage with the required arguments: "regsync apply --filename FILE".
std::string usage_of(const CLI::App& command) {
  std::string line = "regsync " + command.get_name();
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional() && !option->get_group().empty()) {
      line += option->get_required() ? " " + option->get_name() : " [" + option->get_name() + "]";
    } else if (option->get_required()) {
      line += " " + option->get_name() + " " + option->get_type_name();
    }
  }
  return line;
}

}  // namespace

const CLI::App* given_command(const CLI::App* app) {
  const auto commands = app->get_subcommands();
  return commands.empty() ? app : given_command(commands.front());
}

const CLI::App* find_command(const CLI::App& parent, const std::string& name) {
  const auto found = parent.get_subcommands([&](const CLI::App* command) { return command->check_name(name); });
  return found.empty() ? nullptr : found.front();
}

std::vector<std::string> visible_commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_group().empty()) {
      names.push_back(command->get_name());
    }
  }
  return names;
}

namespace {

using Words = std::vector<std::string>;

// Whether CLI11 takes the next word as a value, whatever it starts with.
bool takes_next(const std::string& word, const CLI::App& command) {
  const auto needs_value = [](const CLI::Option* option) {
    return option != nullptr && option->get_items_expected_min() > 0;
  };
  if (word.starts_with("--")) {
    return needs_value(command.get_option_no_throw(word));
  }
  for (std::size_t i = 1; word.starts_with('-') && i < word.size(); ++i) {  // "-yo": flags may be combined
    const CLI::Option* option = command.get_option_no_throw({'-', word[i]});
    if (option == nullptr || needs_value(option)) {
      return option != nullptr && i + 1 == word.size();
    }
  }
  return false;
}

auto is_command_of(const CLI::App& app) {
  return [&app](const std::string& word) { return find_command(app, word) != nullptr; };
}

std::string first_command(const Words& words, const CLI::App& app) {
  const auto found = std::ranges::find_if(words, is_command_of(app));
  return found == words.end() ? std::string() : *found;
}

// Finds the command among words that begin with options. In "-n sync status", a command's name is the value of an
// option that the next command takes.
Words::iterator given_after_options(Words& words, const CLI::App& app) {
  const auto is_command = is_command_of(app);
  auto given = std::ranges::find_if(words, is_command);
  while (given != words.begin() && given != words.end()) {
    const auto next = std::find_if(given + 1, words.end(), is_command);
    if (next == words.end() || !takes_next(*(given - 1), *find_command(app, *next))) {
      break;
    }
    given = next;
  }
  return given;
}

// Explains CLI11's error for an invalid value of an option.
UsageError explain_value(const CLI::ParseError& error, const std::string& see) {
  const std::string said = error.what();
  // "Could not convert: --adopt = maybe"
  if (const auto equals = said.find(" = "); error.get_name() == "ConversionError" && equals != std::string::npos) {
    const std::string name = said.substr(said.find(": ") + 2, equals - said.find(": ") - 2);
    return UsageError(name + ": unsupported value \"" + said.substr(equals + 3) + "\"",
                      "write " + name + ", or " + name + "=false");
  }
  // "--on-logout: delete not in {keep,remove}"
  if (const auto set = said.find(" not in {"); set != std::string::npos) {
    const auto colon = said.find(": ");
    std::istringstream values(said.substr(set + 9, said.find('}', set) - set - 9));
    std::vector<std::string> allowed;
    for (std::string value; std::getline(values, value, ',');) {
      allowed.push_back(value);
    }
    return UsageError(said.substr(0, colon) + ": unsupported value \"" + said.substr(colon + 2, set - colon - 2) + "\"",
                      "use " + one_of(allowed));
  }
  return UsageError(said, see);
}

[[noreturn]] void refuse_empty(const std::string& name, const std::string& command) {
  throw UsageError(name + ": the value is empty",
                   "give one, or leave it out; see: regsync " + (command.empty() ? "" : command + " ") + "--help");
}

}  // namespace

std::vector<std::string> as_typed_for_kubectl(std::vector<std::string> words, const CLI::App& app) {
  const auto is_command = is_command_of(app);
  if (words.empty() || words == std::vector<std::string>{"help"}) {
    return {"--help"};
  }
  if (words.front() == "help") {
    words.erase(words.begin());
    if (is_command(words.front())) {
      words.emplace_back("--help");
    }
    return words;
  }
  if (words.size() == 2 && words.back() == "help" && is_command(words.front())) {
    words.back() = "--help";
  }
  const auto given = given_after_options(words, app);
  if (words.front().starts_with("-") && given != words.end()) {
    std::rotate(words.begin(), given, given + 1);
  }
  const CLI::App* command = find_command(app, words.front());
  for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    std::string& word = words[i];
    if (command != nullptr && takes_next(word, *command)) {
      ++i;
      continue;
    }
    // CLI11 would take the next word as the value.
    if (word.starts_with("--") && word.find('=') == word.size() - 1) {
      refuse_empty(word.substr(0, word.size() - 1), first_command(words, app));
    }
    if (word.size() > 3 && word[0] == '-' && word[1] != '-' && word[2] == '=') {
      word.erase(2, 1);
    }
    const auto is_number = [](const std::string& text) {
      return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    };
    if (word == "--wait" && i + 1 < words.size() && (parse_duration(words[i + 1]) || is_number(words[i + 1]))) {
      word += "=" + words[i + 1];
      words.erase(words.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
  }
  return words;
}

void require_values(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() > 0 && std::ranges::find(option->results(), "") != option->results().end()) {
      refuse_empty(option->get_name(), command.get_name());
    }
  }
}

UsageError explain(const CLI::ParseError& error, const CLI::App& app) {
  const CLI::App& command = *given_command(&app);
  const bool top = &command == &app;
  const std::string see = "see: " + std::string(top ? "regsync" : "regsync " + command.get_name()) + " --help";
  const auto with_help = [&](const std::string& hint) {
    return hint.empty() ? see : hint + (hint.ends_with('?') ? " " : "; ") + see;
  };

  const auto unknown = app.remaining(/*recurse=*/true);
  const auto option = std::ranges::find_if(unknown, [](const std::string& word) { return word.starts_with("-"); });
  if (option != unknown.end()) {
    const std::string name = option->starts_with("--") ? option->substr(0, option->find('=')) : option->substr(0, 2);
    if (!top && command.get_option_no_throw(name) != nullptr) {
      return UsageError(name + " is given before the command",
                        "put it after: regsync " + command.get_name() + " " + name + " …");
    }
    if (!top || unknown.size() == 1) {
      return UsageError("unknown option " + *option, with_help(nearest_option(name, command)));
    }
  }
  if (!unknown.empty() && top) {
    return UsageError("unknown command \"" + unknown.front() + "\"", with_help(instead_of(unknown.front(), app)));
  }
  if (!unknown.empty() && error.get_name() != "RequiredError") {
    return UsageError("unexpected argument \"" + unknown.front() + "\"",
                      with_help(nearest_argument(unknown.front(), command)));
  }
  if (top) {
    return UsageError("no command given", see);
  }
  const std::string said = error.what();
  if (error.get_name() == "RequiredError") {
    return UsageError(said, unknown.empty() ? "write: " + usage_of(command) + "; " + see
                                            : with_help(nearest_argument(unknown.front(), command)));
  }
  if (error.get_name() == "ArgumentMismatch") {
    const std::string name = said.substr(0, said.find(':'));
    const CLI::Option* given = command.get_option_no_throw(name);
    return given != nullptr && given->results().size() > 1
               ? UsageError(name + " is given more than once", "give it once")
               : UsageError(name + " needs a value", see);
  }
  return explain_value(error, see);
}

}  // namespace regsync::cli
