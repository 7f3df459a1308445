#include "sync/cli/command.hpp"

#include <array>
#include <map>
#include <utility>

#include "sync/base/suggest.hpp"

namespace regsync::cli {
namespace {

constexpr std::array<std::pair<const char*, Format::Kind>, 4> formats_by_name = {
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

namespace {

// "jsonpath={.items[*].name}" and "custom-columns=NAME:.name", for commands that print documents.
std::optional<Format> with_expression(const std::string& text) {
  for (const auto& [name, kind] :
       {std::pair("jsonpath=", Format::jsonpath), std::pair("custom-columns=", Format::custom_columns)}) {
    if (text.starts_with(name) && text.size() > std::string_view(name).size()) {
      return Format(kind, text.substr(std::string_view(name).size()));
    }
  }
  return std::nullopt;
}

// Suggests the nearest format for one that only kubectl has.
std::string nearest_format(const std::string& text) {
  const auto begins = [&](const char* name) { return text.starts_with(name); };
  if (begins("jsonpath")) {
    return "use -o jsonpath='{.items[*].name}'";
  }
  if (begins("custom-columns")) {
    return "use -o custom-columns=TARGET:.target,STATE:.state";
  }
  if (begins("go-template") || begins("template")) {
    return R"(use -o jsonpath='{range .items[*]}{.name}{"\n"}{end}', or -o json and jq)";
  }
  return {};
}

// Rejects unknown fields: people type paths of Kubernetes' objects, and a missing field would silently select nothing.
void require_own_fields(const Format& format) {
  for (const char* field : {".metadata", ".spec"}) {
    if (format.expression().find(field) != std::string::npos) {
      throw UsageError("what regsync prints has no " + std::string(field),
                       "its fields stand alone, as .name and .namespace; see which there are: -o json");
    }
  }
}

}  // namespace

void add_output(CLI::App* command, Format& format, std::initializer_list<Format> formats) {
  std::map<std::string, Format> allowed;
  std::vector<std::string> words;
  for (const auto& [name, kind] : formats_by_name) {
    if (std::ranges::find(formats, kind, [](const Format& each) { return Format::Kind(each); }) != formats.end()) {
      allowed.emplace(name, kind);
      words.emplace_back(name);
    }
  }
  const bool documents = allowed.contains("json");
  const bool kubernetes = command->get_name() == "show" || command->get_name() == "rbac";
  std::vector<std::string> named = words;
  if (documents) {
    named.insert(named.end(), {"jsonpath=", "custom-columns="});
  }
  command
      ->add_option_function<std::string>(
          "-o,--output",
          [&format, allowed, words, named, documents, kubernetes](const std::string& text) {
            const bool headers = format.headers();
            if (const auto expression = with_expression(text); expression && documents) {
              check_expression(*expression);
              if (!kubernetes) {
                require_own_fields(*expression);
              }
              format = *expression;
              format.set_headers(headers);
              return;
            }
            const auto found = allowed.find(text);
            if (found == allowed.end()) {
              const std::string nearest = documents ? nearest_format(text) : std::string();
              const std::string meant = closest(text, words);
              throw UsageError("unsupported format \"" + text + "\"", !nearest.empty() ? nearest
                                                                      : !meant.empty() ? "did you mean " + meant + "?"
                                                                                       : "use " + one_of(named));
            }
            format = found->second;
            format.set_headers(headers);
          },
          "Output format")
      ->type_name(join(named, "|"));
}

void add_no_headers(CLI::App* command, Format& format) {
  command->add_flag_callback("--no-headers", [&format] { format.set_headers(false); }, "No header line");
}

void add_dry_run(CLI::App* command, std::string& value, const std::string& help) {
  command->add_flag("--dry-run{client}", value, help)->type_name("[=client|server]");
}

DryRun dry_run_of(const std::string& value) {
  if (value.empty() || value == "none") {  // as in kubectl
    return DryRun::none;
  }
  if (value != "client" && value != "server") {
    throw UsageError("--dry-run: unsupported value \"" + value + "\"", "use client or server");
  }
  return value == "client" ? DryRun::client : DryRun::server;
}

void add_all_namespaces(CLI::App* command) {
  command->add_flag("-A,--all-namespaces")->description("All namespaces of the targets, which is the default");
}

void add_kubeconfig(CLI::App* command, std::optional<std::filesystem::path>& path) {
  command
      ->add_option_function<std::string>(
          "--kubeconfig", [&path](const std::string& text) { path = text; },
          "Kubeconfig to use instead of $KUBECONFIG or ~/.kube/config")
      ->type_name("FILE");
}

}  // namespace regsync::cli
