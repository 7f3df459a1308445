// regsync logins: lists the known logins, their sources, and whether they can pull. Never prints a secret.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>
#include <tuple>

#include "helper/secret_service/provider.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/rfc3339.hpp"
#include "sync/base/spawn_guarded.hpp"
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
  std::vector<std::string> targets;  // the targets that use it
  std::optional<LoginEnd> expires;   // if known
  std::optional<Error> problem;      // why kubelet could not pull with it, or why it cannot be read now
};

// The targets that use a login, by its source, server and user name: of several sources and spellings of a registry,
// only one is used.
using Users = std::map<std::tuple<std::string, std::string, std::string>, std::vector<std::string>>;

std::vector<std::string> users_of(const Users& users, const std::string& source, const Login& login) {
  const auto found = users.find({source, login.server, login.username});
  return found == users.end() ? std::vector<std::string>() : found->second;
}

std::string source_of(const OtherHelper& helper) { return "docker-credential-" + helper.name; }

// Returns the login of a registry in the files; nullptr if there is none.
const KeptLogin* in_files(const StoreReading& files, const RegistryKey& registry) {
  const auto login = std::ranges::find(
      files.credentials, registry, [](const Credential& credential) { return RegistryKey(credential.login.server); });
  if (login == files.credentials.end()) {
    return nullptr;
  }
  const auto kept = std::ranges::find(files.all, login->login, &KeptLogin::login);
  return kept == files.all.end() ? nullptr : &*kept;
}

// Follows the engine's precedence: another helper of the registry, then a file, then the keyring.
std::string source_of(const RegistryKey& registry, const HelperNames& helpers, const StoreReading& files) {
  if (const auto helper = helper_for(helpers, registry)) {
    return source_of(*helper);
  }
  const KeptLogin* kept = in_files(files, registry);
  return kept == nullptr ? keyring : kept->collection;
}

Users find_users(const std::vector<Target>& targets, const KnownLogins& known, const HelperNames& helpers,
                 const StoreReading& files) {
  Users users;
  for (const Target& target : targets) {
    for (const auto& [key, credential] : make_plan(target, known).entries) {
      const auto found = std::ranges::find(known.credentials, credential, [](const auto& item) { return item.second; });
      const Login& login = credential->login;
      std::vector<std::string>& names = users[{source_of(found->first, helpers, files), login.server, login.username}];
      if (names.empty() || names.back() != target.name) {
        names.push_back(target.name);
      }
    }
  }
  return users;
}

void add_rows_of_files(std::vector<Row>& rows, const Users& users, const StoreReading& reading, const LoginEnds& ends) {
  for (const KeptLogin& kept : reading.all) {
    Row row{kept.login, kept.collection, users_of(users, kept.collection, kept.login), std::nullopt, std::nullopt};
    const auto credential = std::ranges::find(reading.credentials, kept.login, &Credential::login);
    if (credential != reading.credentials.end()) {
      row.expires = end_of(*credential, ends, {.since = kept.changed});
      row.problem = unfit_for_kubelet(*credential, {.file = kept.collection, .helper = {}});
    }
    rows.push_back(std::move(row));
  }
}

// Only for registries that targets want; helpers are not called for others.
void add_rows_of_helpers(std::vector<Row>& rows, const Users& users, const std::set<RegistryKey>& wanted,
                         const HelperNames& helpers, const KnownLogins& known, const LoginEnds& ends, WallTime now) {
  for (const RegistryKey& key : wanted) {
    const auto helper = helper_for(helpers, key);
    const auto credential = known.credentials.find(key);
    const auto problem = known.problems.find(key);
    if (!helper || (credential == known.credentials.end() && problem == known.problems.end())) {
      continue;
    }
    Row row{
        {key.account().empty() ? helper->server : key.value(), ""}, source_of(*helper), {}, std::nullopt, std::nullopt};
    if (credential != known.credentials.end()) {
      row.login = credential->second->login;
      row.targets = users_of(users, row.source, row.login);
      row.expires = end_of(*credential->second, ends, {.helper = helper->name, .since = now});
      row.problem = unfit_for_kubelet(*credential->second, known.keeper_of(key));
    }
    if (problem != known.problems.end()) {
      row.problem = problem->second;
    }
    rows.push_back(std::move(row));
  }
}

// The provider may ask the person about each login; a denied one is a problem of that login only.
std::optional<Credential> read_login(CredentialStore& store, const Login& login, std::optional<Error>& problem) {
  try {
    return store.get(login.server);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::locked) {
      throw;  // an error of the store itself
    }
    problem = error;
    return std::nullopt;
  }
}

void add_rows_of_keyring(std::vector<Row>& rows, const Users& users, const StoreReading& stored, CredentialStore& store,
                         const LoginEnds& ends) {
  std::string_view last_server;  // a login that another helper stored twice counts once
  for (const KeptLogin& kept : stored.all) {
    const Login& login = kept.login;
    if (is_hub_token_entry(login.server) || login.server == last_server) {
      continue;
    }
    last_server = login.server;
    Row row{login, keyring, users_of(users, keyring, login), std::nullopt, std::nullopt};
    const auto collection = std::ranges::find(stored.collections, kept.collection, &StoreCollection::path);
    if (collection != stored.collections.end() && collection->locked) {
      row.problem = locked_error(stored.provider, {*collection});
    } else if (const auto credential = read_login(store, login, row.problem)) {
      row.expires = end_of(*credential, ends, {.since = kept.changed});
      row.problem = unfit_for_kubelet(*credential);
    }
    rows.push_back(std::move(row));
  }
}

// Targets do not use a login that its registry denied, so no plan has it.
void note_denied(std::vector<Row>& rows, const std::vector<Target>& targets, const KnownLogins& known) {
  for (Row& row : rows) {
    const RegistryKey key(row.login.server);
    const auto problem = known.problems.find(key);
    if (row.problem || problem == known.problems.end() || problem->second.code() != ErrorCode::login_denied) {
      continue;
    }
    row.problem = problem->second;
    for (const Target& target : targets) {
      if (row.source == keyring && wanted_registries(target).contains(key)) {
        row.targets.push_back(target.name);
      }
    }
  }
}

struct Listing {
  std::vector<Row> rows;
  std::vector<Error> problems;  // why something could not be read
  bool complete = true;         // and every row has its login

  [[nodiscard]] bool is_whole() const { return complete && problems.empty(); }
};

// Reads each login with its targets, matched as in the engine: a path of a registry finds the login of its host.
Listing read(Console& console) {
  const TargetFiles files = TargetDirectory(paths::targets()).load();
  std::vector<Target> targets;
  std::set<RegistryKey> wanted;
  for (const auto& [name, file] : files) {
    if (file.target) {
      targets.push_back(*file.target);
      wanted.merge(wanted_registries(*file.target));
    }
  }
  Listing listing;
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
  if (stored.problem && stored.problem->code() == ErrorCode::locked) {  // otherwise no keyring, so no login
    if (settings.login_files.empty()) {
      throw Error(*stored.problem);
    }
    listing.problems.push_back(*stored.problem);
  }
  if (stored.unreadable > 0) {
    listing.problems.push_back(hidden_logins_error(stored.unreadable));
  }
  LoginFiles login_files(settings.login_files);
  const StoreReading filed = login_files.read_all();
  if (filed.problem) {
    listing.problems.push_back(*filed.problem);
  }
  HelperNames helpers = other_helpers(settings);
  helpers.insert(login_files.helpers().begin(), login_files.helpers().end());
  // Logins of other locked collections are listed without a prompt to unlock them.
  const bool some_locked = std::ranges::any_of(stored.collections, &StoreCollection::locked);
  const KnownLogins known = read_logins(console, targets, some_locked ? Prompt::never : Prompt::allowed);
  const Users users = find_users(targets, known, helpers, filed);
  const LoginEnds ends = ends_said(settings.expires, files);
  std::vector<Row>& rows = listing.rows;
  add_rows_of_helpers(rows, users, wanted, helpers, known, ends, console.now());
  // A row without a user name belongs to a helper that gave no login.
  listing.complete = std::ranges::none_of(rows, [](const Row& row) { return row.login.username.empty(); });
  if (!no_store) {
    add_rows_of_keyring(rows, users, stored, *store, ends);
  }
  add_rows_of_files(rows, users, filed, ends);
  note_denied(rows, targets, known);
  std::ranges::stable_sort(rows, {}, [](const Row& row) { return row.login.server; });
  return listing;
}

nlohmann::json to_json(const Row& row) {
  nlohmann::json json = {{"server", row.login.server},     {"account", RegistryKey(row.login.server).account()},
                         {"username", row.login.username}, {"source", row.source},
                         {"targets", row.targets},         {"usable", !row.problem.has_value()}};
  if (row.expires) {
    json["expires"] = to_rfc3339(row.expires->at);
  }
  if (row.problem) {
    json["problem"] = control::to_json(*row.problem);
  }
  return json;
}

void print_table(const std::vector<Row>& rows, const Format& format, Console& console) {
  const bool wide = format == Format::wide;
  std::vector<std::string> header{"REGISTRY", "USERNAME", "SOURCE", "TARGETS", "CAN PULL"};
  if (wide) {
    header.emplace_back("EXPIRES");
  }
  Table table(std::move(header));
  for (const Row& row : rows) {
    std::vector<Cell> cells{row.login.server, row.login.username, row.source, join(row.targets, ","),
                            row.problem ? Cell("no", Colour::red) : Cell("yes", Colour::green)};
    if (wide) {
      cells.emplace_back(row.expires ? to_rfc3339(row.expires->at) : "");
    }
    table.add(std::move(cells));
  }
  if (!table.empty()) {
    table.print(console.out, console.colour, format.headers());
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
}

int logins(const LoginsOptions& options, Console& console) {
  const Listing listing = read(console);
  const std::vector<Row>& rows = listing.rows;
  if (options.format.is_structured()) {
    nlohmann::json all = nlohmann::json::array();
    for (const Row& row : rows) {
      all.push_back(to_json(row));
    }
    print_structured(console.out, make_list("LoginList", std::move(all)), options.format);
  } else if (options.format == Format::name) {
    for (const Row& row : rows) {
      console.out << printable_line(row.login.server) << '\n';
    }
  } else {
    if (rows.empty() && listing.problems.empty()) {
      tell(console.err, "No logins. Log in: docker login REGISTRY (once: regsync setup)\n");
    }
    print_table(rows, options.format, console);
  }
  for (const Error& problem : listing.problems) {
    print_error(console.err, problem);
  }
  return listing.is_whole() ? exit_done : exit_not_as_asked;
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
