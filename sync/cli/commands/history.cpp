// regsync history: shows the last changes that regsync made in clusters, and why.
#include "sync/engine/history.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "sync/base/paths.hpp"
#include "sync/base/rfc3339.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/target_view.hpp"

namespace regsync::cli {
namespace {

struct HistoryOptions {
  std::vector<std::string> targets;
  Format format = Format::table;
};

nlohmann::json to_json(const HistoryEntry& entry) {
  nlohmann::json json = {{"time", to_rfc3339(entry.time)},
                         {"context", entry.context},
                         {"namespaces", entry.namespaces},
                         {"count", entry.count},
                         {"what", entry.what}};
  if (!entry.target.empty()) {
    json["target"] = entry.target;
    json["secret"] = entry.secret;
    json["why"] = entry.why;
  }
  return json;
}

int history(const HistoryOptions& options, Console& console) {
  const std::vector<HistoryEntry> entries = read_history(paths::history(), options.targets);
  for (const std::string& name : options.targets) {
    if (std::ranges::none_of(entries, [&](const HistoryEntry& entry) { return entry.target == name; })) {
      require_target(name);  // throws with a suggestion
    }
  }
  if (options.format.is_structured()) {
    nlohmann::json all = nlohmann::json::array();
    for (const auto& entry : entries) {
      all.push_back(to_json(entry));
    }
    print_structured(console.out, make_list("ChangeList", std::move(all)), options.format);
    return exit_done;
  }
  if (entries.empty()) {
    console.err << "regsync has changed nothing yet"
                << (options.targets.empty() ? "" : " for target " + join(options.targets)) << '\n';
    return exit_done;
  }
  Table table({"TIME", "TARGET", "CONTEXT", "NAMESPACE", "SECRET", "WHAT", "WHY"});
  for (const auto& entry : entries) {
    table.add({to_rfc3339(entry.time), entry.target, entry.context, namespaces_text(entry.namespaces, entry.count),
               entry.secret, entry.what, entry.why});
  }
  table.print(console.out, console.colour, options.format.headers());
  return exit_done;
}

}  // namespace

void define_history(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<HistoryOptions>();
  CLI::App* command = add_command(
      app, "history", "Show the last changes in the clusters: what, where, when and why",
      {{"Of every target", "regsync history"}, {"Of one, for a program", "regsync history myregcred -o json"}});
  command->add_option("NAME", options->targets, "Only these targets");
  add_all_namespaces(command);
  add_no_headers(command, options->format);
  add_output(command, options->format, {Format::json, Format::yaml});
  on_command(command, invocation, options, history);
}

}  // namespace regsync::cli
