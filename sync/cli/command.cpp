#include "sync/cli/command.hpp"

#include <array>
#include <map>
#include <utility>

namespace regsync::cli {
namespace {

constexpr std::array<std::pair<const char*, Format>, 4> formats_by_name = {
    {{"name", Format::name}, {"wide", Format::wide}, {"json", Format::json}, {"yaml", Format::yaml}}};

}  // namespace

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& summary,
                      std::initializer_list<Example> examples) {
  CLI::App* command = app.add_subcommand(name, summary);
  std::string footer = "Examples:";
  for (const Example& example : examples) {
    footer += "\n  # " + std::string(example.purpose) + "\n  " + example.line + "\n";
  }
  footer.pop_back();
  command->footer(footer);
  return command;
}

CLI::Option* add_strings(CLI::App* command, const std::string& name, std::vector<std::string>& values,
                         const std::string& help) {
  // CLI11 would let a repeatable option swallow the arguments after its first value.
  return command->add_option(name, values, help)->allow_extra_args(false)->take_all();
}

void add_output(CLI::App* command, Format& format, std::initializer_list<Format> formats) {
  std::map<std::string, Format> allowed;
  std::string names;
  for (const auto& [name, value] : formats_by_name) {
    if (std::ranges::find(formats, value) == formats.end()) {
      continue;
    }
    allowed.emplace(name, value);
    names.append(names.empty() ? "" : "|").append(name);
  }
  command
      ->add_option_function<std::string>(
          "-o,--output",
          [&format, allowed, names](const std::string& text) {
            const auto found = allowed.find(text);
            if (found == allowed.end()) {
              throw CLI::ValidationError("--output", "\"" + text + "\" is none of " + names);
            }
            format = found->second;
          },
          "Answer as " + names)
      ->type_name(names);
}

void add_kubeconfig(CLI::App* command, std::optional<std::filesystem::path>& path) {
  command
      ->add_option_function<std::string>(
          "--kubeconfig", [&path](const std::string& text) { path = text; },
          "Kubeconfig to use instead of $KUBECONFIG or ~/.kube/config")
      ->type_name("FILE");
}

}  // namespace regsync::cli
