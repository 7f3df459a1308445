#include "sync/cli/view/help.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>

namespace regsync::cli {
namespace {

constexpr std::size_t option_columns = 34;

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(option_columns); }

  std::string make_usage(const CLI::App* app, std::string /*name*/) const override {
    std::string line = app->get_name();
    for (const CLI::App* parent = app->get_parent(); parent != nullptr; parent = parent->get_parent()) {
      line = parent->get_name() + " " + line;
    }
    const bool has_commands = !app->get_subcommands([](const CLI::App*) { return true; }).empty();
    if (has_commands) {
      line += " COMMAND";
    }
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_positional() && !option->get_group().empty()) {
        line += option->get_required() ? " " + option->get_name() : " [" + option->get_name() + "]";
      }
    }
    return "\nUsage: " + line + " [options]\n";
  }

  // Returns the value of an option: its own choices (json|yaml), or the last word of its name.
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string type = option->get_type_name();
    if (option->get_positional()) {
      return {};
    }
    if (option->get_items_expected_max() == 0) {
      return type.starts_with("[=") ? type : std::string();  // a flag with an optional value
    }
    type = type.substr(0, type.find(":{"));  // CLI11 adds the members of a set
    if (type == "TEXT") {
      type = option->get_lnames().front();
      type = type.substr(type.rfind('-') + 1);
      std::ranges::transform(type, type.begin(),
                             [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
    }
    return " " + type;
  }

  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    if (is_positional) {
      return option->get_name(true);
    }
    // "-w,--watch" as "-w, --watch"; a flag's default ("--wait{30s}") is not part of its name.
    std::string name;
    for (const std::string& short_name : option->get_snames()) {
      name += (name.empty() ? "-" : ", -") + short_name;
    }
    for (const std::string& long_name : option->get_lnames()) {
      name += (name.empty() ? "--" : ", --") + long_name;
    }
    return name;
  }

  // Positionals are in the usage line and need no table if they have no further description.
  std::string make_positionals(const CLI::App* app) const override {
    std::string text;
    for (const CLI::Option* option : app->get_options([](const CLI::Option* o) { return o->get_positional(); })) {
      text += make_option(option, true);
    }
    return text.empty() ? text : "\n" + text;
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> make_help_formatter() { return std::make_shared<HelpFormatter>(); }

}  // namespace regsync::cli
