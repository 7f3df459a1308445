// regsync apply -f: declares targets from files, as they are kept in git.
#include <algorithm>
#include <array>
#include <istream>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>
#include <system_error>
#include <utility>

#include "helper/base/file_io.hpp"
#include "helper/base/guarded.hpp"
#include "sync/base/json_access.hpp"
#include "sync/cli/ask/declaration.hpp"
#include "sync/cli/command.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/config/target_yaml.hpp"
#include "sync/config/yaml_edit.hpp"
#include "sync/kube/config/yaml_json.hpp"

namespace regsync::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct ApplyOptions {
  std::vector<std::string> files;
  bool yes = false;
  std::string dry_run;
  std::optional<fs::path> kubeconfig;
};

constexpr std::size_t max_bytes = 16 * max_target_bytes;  // for a file with many targets

std::string read_standard_input(std::istream& in) {
  std::string text(max_bytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > max_bytes) {
    throw Error(ErrorCode::invalid_input, "standard input is larger than 16 MiB", "check that this is the right input");
  }
  return text;
}

// Splits a YAML stream into documents. Each keeps its line numbers of the stream.
std::vector<std::string> documents_of(const std::string& stream) {
  std::vector<std::string> documents(1);
  std::istringstream lines(stream);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line == "---" || line.starts_with("--- ") || line.starts_with("---\t") || line.starts_with("---\r")) {
      documents.emplace_back(number - 1, '\n');
    }
    documents.back() += line + '\n';  // a document may begin on the line of its "---"
  }
  return documents;
}

// The keys besides those of a target's file.
constexpr std::array keys_around = {"name", "apiVersion", "kind"};

// Reads one target: `name` and the keys of a target's file.
Target target_of(json item, const std::string& default_name, const std::string& source) {
  if (!item.is_object()) {
    throw Error(ErrorCode::invalid_input, source + ": not a target", "a target is a mapping; see regsync.yaml(5)");
  }
  const std::string_view kind = text_at(item, {"kind"});
  if (!kind.empty() && kind != "Target") {
    throw Error(ErrorCode::invalid_input, source + ": kind " + std::string(kind) + " is not a target",
                "targets are what regsync get -o yaml prints; other objects are for kubectl apply");
  }
  const std::string_view given = text_at(item, {"name"});
  std::string name = given.empty() ? default_name : std::string(given);
  if (name.empty()) {
    throw Error(ErrorCode::invalid_input, source + ": a target without a name", "add name: NAME");
  }
  for (const char* key : keys_around) {
    item.erase(key);
  }
  return parse_target(std::move(name), to_yaml_text(item), source);
}

json document_of(const std::string& text, const std::string& source) {
  try {
    return kube::yaml_to_json(text, kube::Scalars::as_text);
  } catch (const Error& error) {
    throw error.within(source);
  }
}

struct Given {
  std::vector<Target> targets;
  std::map<std::string, std::string> texts;  // of the targets' files, if they can stay as written
};

// Returns the text, which holds only this target, for use as its file, with its comments; nullopt if it would declare
// something else there.
std::optional<std::string> own_text(const Target& target, std::string text) {
  for (const char* key : keys_around) {
    text = with_key(text, key, std::nullopt);
  }
  const bool fits = reads_as(text, target) && text.size() <= max_target_bytes;
  return fits ? std::optional(std::move(text)) : std::nullopt;
}

// Reads the targets of one text: each document is a target, or the list that `regsync get -o yaml` prints.
void read_targets(const std::string& text, const std::string& default_name, const std::string& source, Given& given) {
  std::vector<json> documents;
  for (const std::string& part : documents_of(text)) {
    json document = document_of(part, source);
    if (!document.is_null()) {
      documents.push_back(std::move(document));
    }
  }
  for (const json& document : documents) {
    if (find_at(document, {"items"}) == nullptr) {
      given.targets.push_back(target_of(document, default_name, source));
      continue;
    }
    for (const json& item : list_at(document, {"items"})) {
      given.targets.push_back(target_of(item, "", source));
    }
  }
  if (documents.size() == 1 && find_at(documents.front(), {"items"}) == nullptr) {
    const Target& target = given.targets.back();
    // Otherwise a file with comments would lose them to a text with the same meaning.
    if (auto own = own_text(target, text); own && has_comments_or_anchors(*own)) {
      given.texts[target.name] = std::move(*own);
    }
  }
}

void read_file_of_targets(const fs::path& path, Given& given) {
  read_targets(read_file(path, max_bytes), path.stem().string(), path.string(), given);
}

void read_source(const std::string& name, Console& console, Given& given) {
  if (name == "-") {
    read_targets(read_standard_input(console.in), "", "standard input", given);
    return;
  }
  std::error_code ignored;
  if (fs::status(name, ignored).type() == fs::file_type::not_found) {
    throw Error(ErrorCode::not_found, name + " does not exist",
                name.find("://") == std::string::npos
                    ? "give the path of a target file, or of a folder of them"
                    : "fetch it first: curl -fsSL " + shell_word(name) + " | regsync apply -f -");
  }
  if (!fs::is_directory(name, ignored)) {
    read_file_of_targets(name, given);
    return;
  }
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(name)) {
    const std::string extension = entry.path().extension().string();
    const bool is_hidden = entry.path().filename().string().starts_with('.');  // made by an editor or another tool
    if (!is_hidden && (extension == ".yaml" || extension == ".yml" || extension == ".json")) {
      paths.push_back(entry.path());
    }
  }
  std::ranges::sort(paths);
  for (const fs::path& path : paths) {
    read_file_of_targets(path, given);
  }
}

int apply(const ApplyOptions& options, Console& console) {
  const DryRun dry_run = dry_run_of(options.dry_run);
  Given given;  // read all before writing the first
  for (const std::string& file : options.files) {
    read_source(file, console, given);
  }
  const std::vector<Target>& targets = given.targets;
  if (targets.empty()) {
    const bool is_input = options.files == std::vector<std::string>{"-"};
    throw Error(ErrorCode::not_found, "no target in " + (is_input ? "standard input" : join(options.files)),
                is_input ? "targets are what regsync get -o yaml prints" : "targets are files that end in .yaml");
  }
  for (auto target = targets.begin(); target != targets.end(); ++target) {
    if (std::any_of(targets.begin(), target, [&](const Target& other) { return other.name == target->name; })) {
      throw Error(ErrorCode::invalid_input, "target \"" + target->name + "\" is there twice",
                  "give each its own name: NAME");
    }
  }
  const bool from_stdin = std::ranges::find(options.files, "-") != options.files.end();
  LazyKubeconfig kubeconfig(options.kubeconfig);
  for (const Target& target : targets) {
    const auto text = given.texts.find(target.name);
    const DeclareResult result =
        declare(console, target,
                {.yes = options.yes || from_stdin,
                 .only_known_contexts = false,
                 .text = text == given.texts.end() ? std::nullopt : std::optional(text->second),
                 .beside = targets,
                 .dry_run = dry_run,
                 .kubeconfig = kubeconfig});
    announce(console, target, result, dry_run);
  }
  return exit_done;
}

}  // namespace

void define_apply(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<ApplyOptions>();
  CLI::App* command =
      add_command(app, "apply", "Declare targets from files, as a team keeps them in git",
                  {{"Every target of a folder", "regsync apply -f targets/"},
                   {"See first what it would change", "regsync apply -f targets/ --dry-run=server"},
                   {"The targets of another machine", "ssh other regsync get -o yaml | regsync apply -f -"}});
  add_strings(command, "-f,--filename", options->files, "File, folder or - for standard input; may be repeated")
      ->required()
      ->type_name("FILE");
  command->add_flag("-y,--yes", options->yes, "Do not ask");
  add_dry_run(command, options->dry_run);
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, apply);
}

}  // namespace regsync::cli
