// regsync version: prints the versions of this program and of the running daemon.
#include <nlohmann/json.hpp>
#include <ostream>

#include "sync/base/json_access.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/command.hpp"
#include "sync/control/messages.hpp"

namespace regsync::cli {
namespace {

struct VersionOptions {
  Format format = Format::table;
};

// Returns "" if the daemon does not answer. Reads only the version, because other versions may differ in the rest.
std::string version_of(ControlClient& daemon) {
  try {
    const nlohmann::json query = control::to_json(StatusQuery{.summary = true});
    return std::string(text_at(daemon.call("status", query, std::chrono::seconds(2)), {"version"}));
  } catch (const Error&) {
    return {};
  }
}

int version(const VersionOptions& options, Console& console) {
  const auto client = connect_if_running();
  const std::string daemon = client ? version_of(*client) : "";
  if (options.format == Format::table) {
    console.out << "regsync " REGSYNC_VERSION "\n"
                << "regsyncd "
                << (!client          ? "not running"
                    : daemon.empty() ? "does not answer"
                                     : daemon)
                << '\n';
  } else {
    print_structured(console.out,
                     {{"apiVersion", api_version},
                      {"kind", "Version"},
                      {"regsync", REGSYNC_VERSION},
                      {"regsyncd", daemon.empty() ? nlohmann::json() : nlohmann::json(daemon)}},
                     options.format);
  }
  return exit_done;
}

}  // namespace

void define_version(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<VersionOptions>();
  CLI::App* command = add_command(app, "version", "Show the versions of regsync and of the running regsyncd",
                                  {{"For a script", "regsync version -o json"}});
  add_output(command, options->format, {Format::json, Format::yaml});
  on_command(command, invocation, options, version);
}

}  // namespace regsync::cli
