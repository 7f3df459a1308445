// regsync history: the last changes that regsync made in clusters, and why.
#include "sync/engine/history.hpp"

#include <nlohmann/json.hpp>
#include <ostream>

#include "sync/base/paths.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/control/messages.hpp"

namespace regsync::cli {
namespace {

struct HistoryOptions {
  std::optional<std::string> target;
  Format format = Format::table;
};

nlohmann::json to_json(const HistoryEntry& entry) {
  nlohmann::json json = {{"time", control::to_rfc3339(entry.time)},
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
  const auto entries = read_history(paths::history(), options.target);
  if (options.format.is_structured()) {
    nlohmann::json all = nlohmann::json::array();
    for (const auto& entry : entries) {
      all.push_back(to_json(entry));
    }
    print_structured(console.out, make_list("ChangeList", std::move(all)), options.format);
    return exit_done;
  }
  if (entries.empty() && options.target) {
    require_target(*options.target);  // says what was meant
  }
  if (entries.empty()) {
    console.err << "regsync has changed nothing yet" << (options.target ? " for target " + *options.target : "")
                << '\n';
    return exit_done;
  }
  Table table({"TIME", "TARGET", "CONTEXT", "NAMESPACE", "SECRET", "WHAT", "WHY"});
  for (const auto& entry : entries) {
    table.add({control::to_rfc3339(entry.time), entry.target, entry.context,
               namespaces_text(entry.namespaces, entry.count), entry.secret, entry.what, entry.why});
  }
  table.print(console.out, console.colour);
  return exit_done;
}

}  // namespace

void define_history(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<HistoryOptions>();
  CLI::App* command = add_command(
      app, "history", "Show the last changes in the clusters: what, where, when and why",
      {{"Of every target", "regsync history"}, {"Of one, for a program", "regsync history myregcred -o json"}});
  command->add_option("NAME", options->target, "Only this target");
  add_output(command, options->format, {Format::json, Format::yaml});
  on_command(command, invocation, options, history);
}

}  // namespace regsync::cli
