#include "sync/cli/completion.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>
#include <sstream>

#include "helper/store/registry_key.hpp"
#include "sync/base/json_access.hpp"
#include "sync/cli/ask/for_each_context.hpp"
#include "sync/cli/ask/gone_contexts.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/snapshot.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/cli/view/wrong_use.hpp"
#include "sync/config/target_yaml.hpp"

namespace regsync::cli {
namespace {

constexpr std::chrono::seconds patience{2};  // of a person who waits at TAB

// The parsed words before the unfinished one.
struct Position {
  const CLI::App* command = nullptr;
  const CLI::Option* awaiting = nullptr;  // the option whose value is the unfinished word
  std::size_t positionals = 0;            // given before
  std::string context;                    // given before, to ask it for namespaces and pods
  std::string name_space;                 // given before, to ask it for pods
  std::optional<std::filesystem::path> kubeconfig;
};

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

const CLI::Option* find_option(const CLI::App& command, const std::string& name) {
  return command.get_option_no_throw(name);
}

void note(Position& position, const CLI::Option& option, const std::string& value) {
  if (option.check_lname("context")) {
    position.context = value;
  }
  if (option.check_lname("namespace")) {
    position.name_space = value;
  }
  if (option.check_lname("kubeconfig")) {
    position.kubeconfig = value;
  }
}

Position walk(const CLI::App& app, const std::vector<std::string>& words) {
  Position position;
  position.command = &app;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.size() > 1 && word.front() == '-') {
      const auto equals = word.find('=');
      const CLI::Option* option = find_option(*position.command, word.substr(0, equals));
      if (option == nullptr || !takes_value(*option)) {
        continue;
      }
      if (equals != std::string::npos) {
        note(position, *option, word.substr(equals + 1));
      } else if (i + 2 < words.size()) {
        note(position, *option, words[++i]);
      } else {
        position.awaiting = option;
      }
    } else if (const CLI::App* command = find_command(*position.command, word)) {
      position.command = command;
    } else {
      ++position.positionals;
    }
  }
  return position;
}

// Returns what `work` finds in the given context or the current one.
std::vector<std::string> ask_cluster(const Position& position,
                                     std::function<asio::awaitable<std::vector<std::string>>(kube::KubeClient&)> work) {
  kube::Kubeconfig kubeconfig = load_kubeconfig(position.kubeconfig);
  kubeconfig.set_exec_manners({.terminal = false, .patience = patience});  // the terminal is the shell's here
  const std::string context = position.context.empty() ? kubeconfig.current_context() : position.context;
  std::vector<std::string> names;
  for_each_context(
      kubeconfig, {context}, patience,
      [&](kube::KubeClient& client) -> asio::awaitable<void> { names = co_await work(client); },
      [](const std::string&, const Error&) {});
  return names;
}

std::vector<std::string> namespaces(const Position& position) { return ask_cluster(position, namespace_names); }

std::vector<std::string> pods(const Position& position) {
  return ask_cluster(position, [&](kube::KubeClient& client) -> asio::awaitable<std::vector<std::string>> {
    kube::ObjectPath path;
    path.resource = "pods";
    path.name_space = position.name_space.empty() ? client.context().default_namespace : position.name_space;
    kube::ListOptions options;
    options.metadata_only = true;
    const std::vector<nlohmann::json> objects = co_await list_all(client, std::move(path), std::move(options));
    std::vector<std::string> names;
    for (const nlohmann::json& object : objects) {
      names.emplace_back(text_at(object, {"metadata", "name"}));
    }
    co_return names;
  });
}

std::vector<std::string> registries(Console& console) {
  std::vector<std::string> servers;
  for (const Login& login : console.open_briefly(patience)->list()) {
    if (!is_hub_token_entry(login.server)) {
      servers.push_back(RegistryKey(login.server).value() + "\t" + printable_line(login.username));
    }
  }
  return servers;
}

std::vector<std::string> accounts(Console& console) {
  std::set<std::string> names;
  for (const Login& login : console.open_briefly(patience)->list()) {
    names.insert(std::string(RegistryKey(login.server).account()));
  }
  names.erase("");
  return {names.begin(), names.end()};
}

std::vector<std::string> fields() {
  std::vector<std::string> fields = target_keys();
  for (std::string& field : fields) {
    field += '=';
  }
  return fields;
}

// Returns the choices in a type name: "keep|remove", or "[=client|server]" if the value is optional. The part after a
// colon comes from a check.
std::vector<std::string> choices_of(const CLI::Option& option) {
  std::string text = option.get_type_name();
  text.erase(std::min(text.find(':'), text.size()));
  if (text.starts_with("[=") && text.ends_with(']')) {
    text = text.substr(2, text.size() - 3);
  }
  std::vector<std::string> choices;
  if (text.find('|') != std::string::npos) {
    std::istringstream words(text);
    for (std::string word; std::getline(words, word, '|');) {
      choices.push_back(word);
    }
  }
  return choices;
}

Candidates values_of(const CLI::Option& option, const Position& position, Console& console) {
  const auto is = [&](const char* name) { return option.check_lname(name); };
  std::string type = option.get_type_name();
  type = type.substr(0, type.find(':'));
  if (type == "FILE" || type == "PATH") {
    return {.values = {}, .files = true};
  }
  if (auto choices = choices_of(option); !choices.empty()) {
    return {.values = std::move(choices)};
  }
  if (is("context")) {
    return {.values = load_kubeconfig(position.kubeconfig).contexts()};
  }
  if (is("namespace") || is("exclude-namespace")) {
    return {.values = namespaces(position)};
  }
  if (is("account")) {
    return {.values = accounts(console)};
  }
  if (is("registry") || is("docker-server")) {
    return {.values = registries(console)};
  }
  return {};
}

Candidates positionals_of(const Position& position, Console& console) {
  const auto options =
      position.command->get_options([](const CLI::Option* option) { return option->get_positional(); });
  const bool repeats = !options.empty() && options.back()->get_items_expected_max() > 1;
  if (position.positionals >= options.size() && !repeats) {
    return {};
  }
  const CLI::Option& option = *options[std::min(position.positionals, options.size() - 1)];
  if (auto choices = choices_of(option); !choices.empty()) {
    return {.values = std::move(choices)};
  }
  if (position.command->get_name() == "trust-context") {
    return {.values = load_kubeconfig(position.kubeconfig).contexts()};
  }
  if (position.command->get_name() == "forget-context") {
    return {.values = contexts_that_are_gone(load_kubeconfig(position.kubeconfig))};
  }
  if (option.get_name() == "REGISTRY") {
    return {.values = registries(console)};
  }
  if (option.get_name() == "POD") {
    return {.values = pods(position)};
  }
  if (option.get_name() == "FIELD=VALUE") {
    return {.values = fields()};
  }
  // `add` takes a new name, which cannot be completed.
  if (option.get_name() == "NAME" && position.command->get_name() != "add") {
    return {.values = target_names()};
  }
  return {};
}

Candidates options_of(const CLI::App& command) {
  Candidates candidates;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      candidates.values.push_back("--" + name + "\t" + option->get_description());
    }
  }
  return candidates;
}

Candidates commands_of(const CLI::App& app) {
  Candidates candidates;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_group().empty()) {
      candidates.values.push_back(command->get_name() + "\t" + command->get_description());
    }
  }
  return candidates;
}

Candidates all_candidates(const Position& position, std::string& word, std::string& kept, Console& console) {
  if (position.awaiting != nullptr) {
    return values_of(*position.awaiting, position, console);
  }
  if (word.starts_with("--") && word.find('=') != std::string::npos) {
    const auto equals = word.find('=');
    const CLI::Option* option = find_option(*position.command, word.substr(0, equals));
    kept = word.substr(0, equals + 1);
    word = word.substr(equals + 1);
    return option == nullptr ? Candidates() : values_of(*option, position, console);
  }
  if (word.starts_with("-")) {
    return options_of(*position.command);
  }
  if (position.command->get_parent() == nullptr) {
    return commands_of(*position.command);
  }
  return positionals_of(position, console);
}

}  // namespace

Candidates complete(const CLI::App& app, std::vector<std::string> words, Console& console) {
  std::string word = words.empty() ? std::string() : words.back();
  const auto unfinished = words.empty() ? words.end() : std::prev(words.end());
  const auto is_command = [&app](const std::string& given) { return find_command(app, given) != nullptr; };
  const auto command = std::find_if(words.begin(), unfinished, is_command);
  if (command != unfinished && words.front().starts_with("-")) {
    std::rotate(words.begin(), command, command + 1);  // options may come before the command
  }
  std::string kept;  // "--context=", kept in front of the value
  Candidates candidates;
  try {
    candidates = all_candidates(walk(app, words), word, kept, console);
  } catch (const std::exception&) {
    return {};  // no errors while the person is typing
  }
  std::erase_if(candidates.values, [&](const std::string& value) {
    const std::string_view offered = std::string_view(value).substr(0, value.find('\t'));
    return !offered.starts_with(word) || !is_candidate(offered);
  });
  for (std::string& value : candidates.values) {
    value.insert(0, kept);
  }
  return candidates;
}

}  // namespace regsync::cli
