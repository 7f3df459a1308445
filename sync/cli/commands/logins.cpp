// regsync logins: what is in the OS secret store, and whether it can pull. Never a secret.
#include <nlohmann/json.hpp>
#include <ostream>

#include "helper/store/registry_key.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/model/docker_config_json.hpp"

namespace regsync::cli {
namespace {

struct LoginsOptions {
  Format format = Format::table;
};

struct Row {
  Login login;
  std::vector<std::string> targets;  // that use it
  std::optional<Error> unfit;
};

std::vector<std::string> users_of(const RegistryKey& key, const TargetFiles& files) {
  std::vector<std::string> names;
  for (const auto& [name, file] : files) {
    if (!file.target) {
      continue;
    }
    for (const std::string& registry : file.target->registries) {
      if (RegistryKey(registry) == key) {
        names.push_back(name);
        break;
      }
    }
  }
  return names;
}

std::vector<Row> read(Console& console) {
  const TargetFiles files = TargetDirectory(paths::targets()).load();
  const auto store = console.open_store(Prompt::allowed);
  std::vector<Row> rows;
  for (const Login& login : store->list()) {
    if (is_hub_token_entry(login.server)) {
      continue;
    }
    Row row{login, users_of(RegistryKey(login.server), files), std::nullopt};
    if (const auto credential = store->get(login.server)) {
      row.unfit = unfit_for_kubelet(*credential);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

nlohmann::json to_json(const Row& row) {
  nlohmann::json json = {{"server", row.login.server},
                         {"username", row.login.username},
                         {"targets", row.targets},
                         {"usable", !row.unfit.has_value()}};
  if (row.unfit) {
    json["problem"] = {{"message", row.unfit->message()}, {"remedy", row.unfit->remedy()}};
  }
  return json;
}

int logins(const LoginsOptions& options, Console& console) {
  const std::vector<Row> rows = read(console);
  if (options.format == Format::json || options.format == Format::yaml) {
    nlohmann::json all = nlohmann::json::array();
    for (const Row& row : rows) {
      all.push_back(to_json(row));
    }
    print_structured(console.out, all, options.format);
    return exit_done;
  }
  if (options.format == Format::name) {
    for (const Row& row : rows) {
      console.out << row.login.server << '\n';
    }
    return exit_done;
  }
  if (rows.empty()) {
    console.err << "No logins in the OS secret store. Log in: docker login REGISTRY (once: regsync setup)\n";
  }
  Table table({"REGISTRY", "USERNAME", "TARGETS", "CAN PULL"});
  for (const Row& row : rows) {
    table.add({row.login.server, row.login.username, join(row.targets, ","),
               row.unfit ? Cell("no", Colour::red) : Cell("yes", Colour::green)});
  }
  if (!table.empty()) {
    table.print(console.out, console.colour);
  }
  for (const Row& row : rows) {
    if (!row.unfit) {
      continue;
    }
    console.out << '\n' << printable(row.unfit->message()) << '\n';
    if (!row.unfit->remedy().empty()) {
      console.out << "  " << paint("-> " + printable(row.unfit->remedy()), Colour::yellow, console.colour) << '\n';
    }
  }
  return exit_done;
}

}  // namespace

void define_logins(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<LoginsOptions>();
  CLI::App* command = add_command(app, "logins", "List the logins in the OS secret store; never a password",
                                  {{"All, and whether a kubelet could pull with them", "regsync logins"},
                                   {"Only the registries", "regsync logins -o name"}});
  add_output(command, options->format, {Format::name, Format::json, Format::yaml});
  on_command(command, invocation, options, logins);
}

}  // namespace regsync::cli
