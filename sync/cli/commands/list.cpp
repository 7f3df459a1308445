// regsync list: lists the targets.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "sync/base/paths.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/control/messages.hpp"

namespace regsync::cli {
namespace {

struct ListOptions {
  std::vector<std::string> names;
  Format format = Format::table;
};

std::vector<Cell> cells_of(const std::string& name, const TargetFile& file, bool wide, const std::string& path) {
  if (!file.target) {
    return {name, {"<file cannot be used>", Colour::red}};
  }
  const Target& target = *file.target;
  std::vector<Cell> cells = {name, target.secret, join(target.registries, ","), contexts_text(target),
                             namespaces_text(target)};
  if (wide) {
    cells.emplace_back(join(target.service_accounts, ","));
    cells.emplace_back(target.on_logout == OnLogout::keep ? "keep" : "remove");
    cells.emplace_back(target.paused ? "yes" : "no");
    cells.emplace_back(path);
  }
  return cells;
}

void print_table(const TargetDirectory& directory, const TargetFiles& files, const ListOptions& options,
                 Console& console) {
  const bool wide = options.format == Format::wide;
  std::vector<std::string> header = {"NAME", "SECRET", "REGISTRIES", "CONTEXTS", "NAMESPACES"};
  if (wide) {
    header.insert(header.end(), {"SERVICE ACCOUNTS", "ON LOGOUT", "PAUSED", "FILE"});
  }
  Table table(std::move(header));
  for (const auto& [name, file] : files) {
    table.add(cells_of(name, file, wide, directory.path_of(name).string()));
  }
  if (table.empty()) {
    tell(console.err, "No targets. Declare one: regsync add NAME --registry REGISTRY\n");
  } else {
    table.print(console.out, console.colour, options.format.headers());
  }
}

int list(const ListOptions& options, Console& console) {
  const TargetDirectory directory(paths::targets());
  TargetFiles files = directory.load();
  for (const std::string& name : options.names) {
    if (!files.contains(name)) {
      require_target(name);  // throws with a suggestion
    }
  }
  std::erase_if(files, [&](const auto& file) {
    return !options.names.empty() && std::ranges::find(options.names, file.first) == options.names.end();
  });
  switch (options.format) {
    case Format::name:
      for (const auto& [name, file] : files) {
        console.out << printable_line(name) << '\n';
      }
      break;
    case Format::table:
    case Format::wide:
      print_table(directory, files, options, console);
      break;
    default: {
      nlohmann::json all = nlohmann::json::array();
      for (const auto& [name, file] : files) {
        nlohmann::json item = file.target ? to_json(*file.target) : nlohmann::json{{"name", name}};
        if (file.problem) {
          item["problem"] = control::to_json(*file.problem);
        }
        all.push_back(std::move(item));
      }
      print_structured(console.out, make_list("TargetList", std::move(all)), options.format);
      break;
    }
  }
  bool good = true;
  for (const auto& [name, file] : files) {
    if (!file.problem) {
      continue;
    }
    print_error(console.err, *file.problem);
    good = false;
  }
  return good ? exit_done : exit_not_as_asked;
}

}  // namespace

void define_list(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* command = add_command(app, "list", "List the targets",
                                  {{"All targets, with their files", "regsync list -o wide"},
                                   {"Sync them one by one", "regsync list -o name | xargs -n1 regsync sync"}});
  command->alias("get")->alias("ls");
  command->add_option("NAME", options->names, "Only these targets");
  add_all_namespaces(command);
  add_no_headers(command, options->format);
  add_output(command, options->format, {Format::wide, Format::name, Format::json, Format::yaml});
  on_command(command, invocation, options, list);
}

}  // namespace regsync::cli
