// regsync logins: the logins that are known, where they come from, and whether they can pull. Never a secret.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "helper/secret_service/provider.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/base/guard.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/ask/known_logins.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/config/settings.hpp"
#include "sync/control/messages.hpp"
#include "sync/logins/login_end.hpp"
#include "sync/logins/login_files.hpp"
#include "sync/logins/other_helpers.hpp"
#include "sync/model/docker_config_json.hpp"

namespace regsync::cli {
namespace {

struct LoginsOptions {
  Format format = Format::table;
};

constexpr const char* keyring = "keyring";

struct Row {
  Login login;
  std::string source = keyring;      // or a login file, or the credential helper that Docker's credHelpers names
  std::vector<std::string> targets;  // that use it
  std::optional<LoginEnd> expires;   // where that is known
  std::optional<Error> problem;      // why kubelet could not pull with it, or why it cannot be had now
};

using Users = std::map<RegistryKey, std::vector<std::string>>;

void add_rows_of_files(std::vector<Row>& rows, Users& users, LoginFiles files, const LoginEnds& ends) {
  std::set<RegistryKey> registries;
  for (const KeptLogin& kept : files.read({}).all) {
    registries.insert(RegistryKey(kept.login.server));
  }
  const StoreReading reading = files.read(registries);
  for (const KeptLogin& kept : reading.all) {
    Row row{kept.login, kept.collection, users[RegistryKey(kept.login.server)], std::nullopt, std::nullopt};
    const auto credential = std::ranges::find(reading.credentials, kept.login, &Credential::login);
    if (credential != reading.credentials.end()) {
      row.expires = end_of(*credential, ends, {.since = kept.changed});
      row.problem = unfit_for_kubelet(*credential);
    }
    rows.push_back(std::move(row));
  }
}

// The targets that use each login.
Users users_of(const std::vector<Target>& targets, const KnownLogins& known) {
  Users users;
  for (const Target& target : targets) {
    for (const auto& [key, credential] : make_plan(target, known).entries) {
      std::vector<std::string>& names = users[RegistryKey(credential->login.server)];
      if (names.empty() || names.back() != target.name) {
        names.push_back(target.name);
      }
    }
  }
  return users;
}

// Of the registries that targets want; for others, a helper is not asked.
void add_rows_of_helpers(std::vector<Row>& rows, Users& users, const std::set<RegistryKey>& wanted,
                         const HelperNames& helpers, const KnownLogins& known, const LoginEnds& ends, WallTime now) {
  for (const RegistryKey& key : wanted) {
    const auto helper = helper_for(helpers, key);
    const auto credential = known.credentials.find(key);
    const auto problem = known.problems.find(key);
    if (!helper || (credential == known.credentials.end() && problem == known.problems.end())) {
      continue;
    }
    Row row{{key.account().empty() ? helper->server : key.value(), ""},
            "docker-credential-" + helper->name,
            users[key],
            std::nullopt,
            std::nullopt};
    if (credential != known.credentials.end()) {
      row.login = credential->second->login;
      row.expires = end_of(*credential->second, ends, {.helper = helper->name, .since = now});
      row.problem = unfit_for_kubelet(*credential->second);
    }
    if (problem != known.problems.end()) {
      row.problem = problem->second;
    }
    rows.push_back(std::move(row));
  }
}

void add_rows_of_keyring(std::vector<Row>& rows, Users& users, const StoreReading& stored, CredentialStore& store,
                         const LoginEnds& ends) {
  std::string_view last_server;  // a login that another helper kept twice is one
  for (const KeptLogin& kept : stored.all) {
    const Login& login = kept.login;
    if (is_hub_token_entry(login.server) || login.server == last_server) {
      continue;
    }
    last_server = login.server;
    Row row{login, keyring, users[RegistryKey(login.server)], std::nullopt, std::nullopt};
    const auto collection = std::ranges::find(stored.collections, kept.collection, &StoreCollection::path);
    if (collection != stored.collections.end() && collection->locked) {
      row.problem = locked_error(stored.provider, {*collection});
    } else if (const auto credential = store.get(login.server)) {
      row.expires = end_of(*credential, ends, {.since = kept.changed});
      row.problem = unfit_for_kubelet(*credential);
    }
    rows.push_back(std::move(row));
  }
}

// Each login with its targets: as the engine finds them, so a path of a registry finds the login of its host.
std::vector<Row> read(Console& console) {
  const TargetFiles files = TargetDirectory(paths::targets()).load();
  std::vector<Target> targets;
  std::set<RegistryKey> wanted;
  for (const auto& [name, file] : files) {
    if (file.target) {
      targets.push_back(*file.target);
      wanted.merge(wanted_registries(*file.target));
    }
  }
  const Settings settings = load_settings(paths::settings());
  std::unique_ptr<CredentialStore> store;
  StoreReading stored;
  const auto no_store = guarded([&] {
    store = console.open_store(Prompt::allowed);
    stored = store->load({});
  });
  if (no_store && settings.login_files.empty()) {
    throw Error(*no_store);
  }
  if (stored.problem && stored.problem->code() == ErrorCode::locked) {  // else there is no keyring yet, and no login
    throw Error(*stored.problem);
  }
  // The logins of a locked collection beside the default one are named, and nobody is asked to unlock it.
  const bool some_locked = std::ranges::any_of(stored.collections, &StoreCollection::locked);
  const KnownLogins known = read_logins(console, targets, some_locked ? Prompt::never : Prompt::allowed);
  Users users = users_of(targets, known);
  const LoginEnds ends = ends_said(settings.expires, files);
  std::vector<Row> rows;
  add_rows_of_helpers(rows, users, wanted, other_helpers(settings), known, ends, console.now());
  if (store) {
    add_rows_of_keyring(rows, users, stored, *store, ends);
  }
  add_rows_of_files(rows, users, LoginFiles(settings.login_files), ends);
  std::ranges::stable_sort(rows, {}, [](const Row& row) { return row.login.server; });
  return rows;
}

nlohmann::json to_json(const Row& row) {
  nlohmann::json json = {{"server", row.login.server},     {"account", RegistryKey(row.login.server).account()},
                         {"username", row.login.username}, {"source", row.source},
                         {"targets", row.targets},         {"usable", !row.problem.has_value()}};
  if (row.expires) {
    json["expires"] = control::to_rfc3339(row.expires->at);
  }
  if (row.problem) {
    json["problem"] = control::to_json(*row.problem);
  }
  return json;
}

int logins(const LoginsOptions& options, Console& console) {
  const std::vector<Row> rows = read(console);
  if (options.format.is_structured()) {
    nlohmann::json all = nlohmann::json::array();
    for (const Row& row : rows) {
      all.push_back(to_json(row));
    }
    print_structured(console.out, make_list("LoginList", std::move(all)), options.format);
    return exit_done;
  }
  if (options.format == Format::name) {
    for (const Row& row : rows) {
      console.out << one_line(row.login.server) << '\n';
    }
    return exit_done;
  }
  if (rows.empty()) {
    tell(console.err, "No logins. Log in: docker login REGISTRY (once: regsync setup)\n");
  }
  const bool wide = options.format == Format::wide;
  std::vector<std::string> header{"REGISTRY", "USERNAME", "SOURCE", "TARGETS", "CAN PULL"};
  if (wide) {
    header.emplace_back("EXPIRES");
  }
  Table table(std::move(header));
  for (const Row& row : rows) {
    std::vector<Cell> cells{row.login.server, row.login.username, row.source, join(row.targets, ","),
                            row.problem ? Cell("no", Colour::red) : Cell("yes", Colour::green)};
    if (wide) {
      cells.emplace_back(row.expires ? control::to_rfc3339(row.expires->at) : "");
    }
    table.add(std::move(cells));
  }
  if (!table.empty()) {
    table.print(console.out, console.colour, options.format.headers());
  }
  for (const Row& row : rows) {
    if (!row.problem) {
      continue;
    }
    print_folded(console.out, '\n' + printable(row.problem->message()) + '\n');
    if (!row.problem->remedy().empty()) {
      tell(console.out, "  " + paint("-> " + printable(row.problem->remedy()), Colour::yellow, console.colour) + '\n');
    }
  }
  return exit_done;
}

}  // namespace

void define_logins(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<LoginsOptions>();
  CLI::App* command = add_command(app, "logins", "List the logins, and where they are kept; never a password",
                                  {{"All, and whether a kubelet could pull with them", "regsync logins"},
                                   {"Only the registries", "regsync logins -o name"}});
  add_no_headers(command, options->format);
  add_output(command, options->format, {Format::wide, Format::name, Format::json, Format::yaml});
  on_command(command, invocation, options, logins);
}

}  // namespace regsync::cli
