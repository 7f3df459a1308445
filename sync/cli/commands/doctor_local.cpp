// The checks of this machine: store, docker, service, files.
#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <system_error>

#include "helper/base/guarded.hpp"
#include "helper/base/shell_word.hpp"
#include "helper/base/text.hpp"
#include "helper/secret_service/bus_connection.hpp"
#include "helper/secret_service/provider.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/base/child_process.hpp"
#include "sync/base/find_program.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/run_to_end.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/commands/doctor_checks.hpp"
#include "sync/cli/setup/containers_config.hpp"
#include "sync/cli/setup/user_service.hpp"
#include "sync/cli/view/report_view.hpp"
#include "sync/cli/view/text.hpp"
#include "sync/config/settings.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/logins/docker_config_file.hpp"
#include "sync/logins/login_files.hpp"

namespace regsync::cli {
namespace {

Finding failed(std::string subject, const Error& error) {
  return {std::move(subject), Health::failed, error.message(), error.remedy()};
}

// Returns the servers of the logins for which neither another helper nor the file itself was chosen.
std::vector<std::string> movable(const std::vector<Credential>& logins, const DockerConfigFile& config) {
  std::vector<std::string> servers;
  for (const Credential& login : logins) {
    const std::string& server = login.login.server;
    const auto keeps_elsewhere = [&config](const std::string& key) {
      return config.has_registry_entry(key) && config.registry_helper(key) != our_helper;
    };
    if (!keeps_elsewhere(server) && !keeps_elsewhere(auths_key_of(server))) {
      servers.push_back(server);
    }
  }
  return servers;
}

// Returns the output of systemctl ("enabled", "active", …); "" if there is none.
std::string ask_systemctl(const char* question, const char* unit) {
  ChildCommand command;
  command.program = "systemctl";
  command.arguments = {"--user", question, unit};
  command.timeout = std::chrono::seconds(5);
  try {
    std::string answer = run_to_end(run_child(std::move(command))).output;
    answer.erase(std::min(answer.find('\n'), answer.size()));
    return answer;
  } catch (const Error&) {
    return {};
  }
}

void check_units(Findings& findings) {
  constexpr const char* subject = "service";
  if (!has_user_manager()) {
    findings.push_back({subject, Health::warning, "there is no systemd user manager here",
                        "log in as a user (ssh, desktop), or run regsyncd by other means"});
    return;
  }
  const std::string enabled = ask_systemctl("is-enabled", "regsyncd.service");
  if (enabled.empty() || enabled == "not-found") {
    findings.push_back({subject, Health::failed, "regsyncd.service is not installed", "install the package regsync"});
  } else if (enabled != "enabled") {
    findings.push_back({subject, Health::warning, "regsyncd.service is " + enabled + ": it does not start at login",
                        "regsync setup, or: systemctl --user enable --now regsyncd.socket regsyncd.service"});
  } else {
    findings.push_back({subject, Health::ok, "regsyncd.service starts at login", ""});
  }
  if (const std::string active = ask_systemctl("is-active", "regsyncd.service"); active == "failed") {
    findings.push_back(
        {subject, Health::failed, "regsyncd.service has failed", "see why: journalctl --user -u regsyncd"});
  }
}

void check_report(const StatusReport& report, Findings& findings) {
  if (const auto note = version_note(report)) {
    findings.push_back({"daemon", Health::warning, note->message(), note->remedy()});
  }
  if (report.store &&
      std::ranges::none_of(findings, [&](const Finding& finding) { return finding.text == report.store->message(); })) {
    findings.push_back(failed("keyring", report.store->within("regsyncd")));
  }
  if (reached(report)) {
    findings.push_back({"sync", Health::ok, summary(report), ""});
  } else {
    findings.push_back({"sync", Health::failed, summary(report), "see which and why: regsync status"});
  }
}

// Returns the version that the program prints; empty if its output has none.
std::string version_of(const StoreProvider& provider) {
  std::error_code hidden;  // set for gnome-keyring, which has file capabilities
  const auto executable =
      std::filesystem::read_symlink("/proc/" + std::to_string(provider.pid) + "/exe", hidden).string();
  ChildCommand command;
  command.program = hidden ? provider.program : executable;
  command.arguments = {"--version"};
  command.environment = {{"QT_QPA_PLATFORM", "offscreen"}};  // KeePassXC and KWallet want a display even for this
  command.timeout = std::chrono::seconds(5);
  std::string output;
  if (guarded([&] { output = run_to_end(run_child(std::move(command))).output; })) {
    return {};
  }
  const std::size_t begin = output.find_first_of("0123456789", output.find(' '));
  return begin == std::string::npos ? "" : output.substr(begin, output.find_first_not_of("0123456789.", begin) - begin);
}

void check_reading(const StoreReading& reading, Findings& findings) {
  constexpr const char* subject = "keyring";
  if (const auto& provider = reading.provider) {
    const std::string version = is_known(*provider) ? version_of(*provider) : "";
    findings.push_back({subject, Health::ok,
                        describe(provider) + (version.empty() ? "" : ", version " + version) + ", keeps the logins",
                        ""});
  }
  if (reading.problem) {
    findings.push_back(failed(subject, *reading.problem));
  }
  bool has_default = false;
  for (const StoreCollection& collection : reading.collections) {
    has_default = has_default || collection.is_default;
    const auto count =
        static_cast<std::size_t>(std::ranges::count(reading.all, collection.path, &KeptLogin::collection));
    const std::string name = "\"" + presentable(collection.label.empty() ? collection.path : collection.label) + "\"" +
                             (collection.is_default ? ", the default collection," : "");
    if (collection.locked && !collection.is_default) {
      findings.push_back({subject, Health::warning, name + " is locked: a login that it holds cannot be read",
                          locked_error(reading.provider, {collection}).remedy()});
    } else if (!collection.locked && (collection.is_default || count > 0)) {
      findings.push_back({subject, Health::ok, name + " is unlocked and holds " + count_of(count, "login"), ""});
    }
  }
  if (!has_default && !reading.problem) {
    const Error none = no_default_collection_error(reading.provider);
    findings.push_back({subject, Health::warning, none.message(), none.remedy()});
  }
  if (reading.unreadable > 0) {
    findings.push_back({subject, Health::warning, hidden_logins_error(reading.unreadable).message(),
                        "unlock all that it keeps; where that is done, restart it"});
  }
  for (const auto& [registry, problem] : reading.problems) {
    findings.push_back(failed(subject, problem));
  }
}

// How many logins a file in Docker's format sends to regsync.
enum class Reach { none, some, all };

Reach reach_of_regsync(const DockerConfigFile& config) {
  if (config.store_helper() == our_helper) {
    return Reach::all;
  }
  return config.uses(our_helper) ? Reach::some : Reach::none;
}

// Checks the logins in plain text: older than the setup of podman and its like, or for paths.
void check_plain_containers_logins(const std::string& client, Findings& findings) {
  try {
    for (const auto& [file, servers] : plain_containers_logins()) {
      findings.push_back({"containers", Health::warning,
                          file.string() + " holds " + count_of(servers.size(), "login") + " in plain text",
                          how_to_move_containers_login(servers, client)});
    }
  } catch (const Error& error) {
    findings.push_back(failed("containers", error));
  }
}

}  // namespace

bool check_secret_store(Console& console, Findings& findings) {
  const auto no_bus = session_bus_problem(std::chrono::seconds(5));
  findings.push_back(no_bus ? failed("session bus", *no_bus) : Finding{"session bus", Health::ok, "there is one", ""});
  StoreReading reading;
  const auto problem = guarded([&] {
    const auto store = console.open_store(Prompt::never);
    reading = store->load({});
    std::set<RegistryKey> all;
    for (const KeptLogin& kept : reading.all) {
      all.insert(RegistryKey(kept.login.server));
    }
    if (!all.empty()) {
      reading = store->load(std::move(all));
    }
  });
  if (problem) {
    if (!no_bus || problem->message() != no_bus->message()) {
      findings.push_back(failed("keyring", *problem));
    }
    return false;
  }
  check_reading(reading, findings);
  return true;
}

std::vector<std::filesystem::path> check_login_files(Findings& findings) {
  constexpr const char* subject = "login files";
  std::vector<std::filesystem::path> paths;
  if (guarded([&] { paths = settings_in_force().login_files; }) || paths.empty()) {
    return {};  // check_files reports problems of the settings
  }
  const StoreReading reading = LoginFiles(paths).read_all();
  if (reading.problem) {
    findings.push_back(failed(subject, *reading.problem));
  } else {
    const std::vector<std::string> names(paths.begin(), paths.end());
    findings.push_back({subject, Health::ok, count_of(reading.all.size(), "login") + " in " + join(names), ""});
  }
  return paths;
}

// regclient also has a program named regsync, which mirrors images.
void check_program(Findings& findings) {
  std::error_code ignored;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const auto first = find_on_path("regsync");
  if (first && !ignored && !std::filesystem::equivalent(*first, self, ignored)) {
    findings.push_back(
        {"program", Health::warning, "another program called regsync comes first on PATH: " + *first,
         "call this one by its path, " + self.string() + ", or as kubectl regsync; or put its folder first"});
  }
}

void check_docker(Findings& findings) {
  if (is_on_path("docker-credential-regsync")) {
    findings.push_back({"helper", Health::ok, "docker-credential-regsync is on PATH", ""});
  } else {
    findings.push_back({"helper", Health::failed, "docker-credential-regsync is not on PATH",
                        "install the package regsync, or add its folder to PATH"});
  }
  try {
    const DockerConfigFile config(default_docker_config());
    const std::string path = config.path().string();
    const std::string store = config.store_helper().value_or("");
    const Reach reach = reach_of_regsync(config);
    if (reach == Reach::all) {
      findings.push_back({"docker", Health::ok,
                          path + " keeps logins with regsync" + (is_on_path("oras") ? ", those of oras too" : ""), ""});
    } else if (reach == Reach::some) {
      findings.push_back({"docker", Health::ok, path + " keeps the logins of some registries with regsync", ""});
    } else {
      findings.push_back({"docker", Health::failed,
                          path + (store.empty() ? " names no credential helper" : " keeps logins with " + store),
                          "regsync setup --import"});
    }
    if (const std::vector<std::string> plain = movable(config.plain_logins(), config); !plain.empty()) {
      // Docker keeps one login per host, so setup accepts no path as a registry; it can only move all logins together.
      const auto host = std::ranges::find_if(plain, [](const std::string& server) {
        const RegistryKey key(server);
        return key.account().empty() && (key.path().empty() || key.is_hub());
      });
      findings.push_back(
          {"docker", Health::warning, path + " holds " + count_of(plain.size(), "login") + " in plain text",
           reach == Reach::some && host != plain.end() ? "regsync setup --import --registry " + shell_word(*host)
                                                       : "regsync setup --import"});
    }
  } catch (const Error& error) {
    findings.push_back(failed("docker", error));
  }
}

void check_containers(Findings& findings) {
  const std::vector<std::string> clients = containers_clients();
  if (clients.empty()) {
    return;
  }
  if (const std::string helper = containers_helper(); helper == "regsync") {
    findings.push_back({"containers", Health::ok, join(clients) + ": logins go to the keyring", ""});
    check_plain_containers_logins(clients.front(), findings);
  } else {
    findings.push_back(
        {"containers", Health::warning,
         join(clients) + (helper == "containers-auth.json" ? ": a login is written to auth.json, in plain text"
                                                           : ": a login is kept by docker-credential-" + helper),
         "regsync setup --containers"});
  }
}

void check_helm(Findings& findings) {
  if (!is_on_path("helm")) {
    return;
  }
  try {
    const DockerConfigFile config(default_helm_config());
    const std::string path = config.path().string();
    const std::string store = config.store_helper().value_or("");
    if (const Reach reach = reach_of_regsync(config); reach == Reach::all) {
      findings.push_back({"helm", Health::ok, path + " keeps logins with regsync", ""});
    } else if (reach == Reach::some) {
      findings.push_back({"helm", Health::ok, path + " keeps the logins of some registries with regsync", ""});
    } else {
      findings.push_back(
          {"helm", Health::warning,
           store.empty() ? "a login is written to " + path + ", in plain text" : path + " keeps logins with " + store,
           "regsync setup --helm --import"});
    }
  } catch (const Error& error) {
    findings.push_back(failed("helm", error));
  }
}

std::optional<StatusReport> check_service(Findings& findings) {
  check_units(findings);
  try {
    const auto daemon = connect();
    StatusReport report = ask_summary(*daemon, std::chrono::seconds(5));
    findings.push_back({"daemon", Health::ok, "regsyncd answers (process " + std::to_string(report.pid) + ")", ""});
    check_report(report, findings);
    return report;
  } catch (const Error& error) {
    findings.push_back(failed("daemon", error));
    return std::nullopt;
  }
}

std::vector<Target> check_files(Findings& findings) {
  std::vector<Target> targets;
  try {
    load_settings(paths::settings());
  } catch (const Error& error) {
    findings.push_back(failed("settings", error));
  }
  try {
    std::size_t bad = 0;
    for (const auto& [name, file] : TargetDirectory(paths::targets()).load()) {
      if (file.problem) {
        findings.push_back(failed("target " + name, *file.problem));
        ++bad;
      } else if (file.target) {
        targets.push_back(*file.target);
      }
    }
    if (targets.empty() && bad == 0) {
      findings.push_back(
          {"targets", Health::warning, "there are none", "declare one: regsync add NAME --registry REGISTRY"});
    } else if (bad == 0) {
      findings.push_back({"targets", Health::ok, count_of(targets.size(), "target") + " declared", ""});
    }
  } catch (const Error& error) {
    findings.push_back(failed("targets", error));
  }
  return targets;
}

}  // namespace regsync::cli
