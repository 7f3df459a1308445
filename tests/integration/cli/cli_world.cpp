#include "tests/integration/cli/cli_world.hpp"

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "helper/base/shell_word.hpp"

namespace regsync::test {

using nlohmann::json;

namespace {

std::string target_path(const std::string& name) { return ".config/regsync/targets/" + name + ".yaml"; }

// As it is typed into a shell.
std::string command_line(const std::vector<std::string>& arguments) {
  std::string line = "regsync";
  for (const std::string& argument : arguments) {
    line += ' ' + shell_word(argument);
  }
  return line;
}

}  // namespace

CliWorld::CliWorld() {
  for (FakeApiServer* server : {&dev_, &prod_}) {
    server->make_namespace("team-a");
    server->make_namespace("team-b");
  }
  json config = {{"apiVersion", "v1"}, {"kind", "Config"}, {"current-context", "dev"}};
  for (const auto& [name, server] : {std::pair("dev", &dev_), std::pair("prod", &prod_)}) {
    config["clusters"].push_back({{"name", name}, {"cluster", {{"server", server->url()}}}});
    config["contexts"].push_back({{"name", name}, {"context", {{"cluster", name}, {"user", "me"}}}});
  }
  config["users"] = {{{"name", "me"}, {"user", json::object()}}};
  person_.env["KUBECONFIG"] = person_.home().write("kubeconfig", config.dump()).string();
}

void CliWorld::declare_web() const {
  person_.home().write(target_path("web"),
                       "secret: myregcred\nregistries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [team-a, team-b]\n");
}

void CliWorld::declare_target(const std::string& name, const std::string& more) const {
  person_.home().write(target_path(name), "registries: [ghcr.io]\n" + more);
}

std::string CliWorld::file(const std::string& name) const { return read_file(person_.home() / target_path(name)); }

void CliWorld::be_in(const std::string& name_space) {
  json config = json::parse(dev_.kubeconfig({"dev"}));
  config["contexts"][0]["context"]["namespace"] = name_space;
  const std::filesystem::path file = person_.home().write("kubeconfig-of-dev", config.dump());
  std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  person_.env["KUBECONFIG"] = file.string();
}

std::optional<json> CliWorld::secret(const std::string& name_space, const std::string& name) const {
  return dev_.find({"secrets", name_space, name});
}

std::string CliWorld::uid(const std::string& name_space, const std::string& name) const {
  const auto found = secret(name_space, name);
  return found ? found->at("metadata").at("uid").get<std::string>() : "(none)";
}

void CliWorld::start_in_sync() {
  person_.store_login("ghcr.io", "jdoe", "hunter2");
  declare_web();
  person_.start_daemon();
  ASSERT_TRUE(all_in_sync());
}

Outcome CliWorld::say(const std::vector<std::string>& arguments, const std::string& in) {
  Outcome outcome = person_.regsync(arguments, in);
  note_command(command_line(arguments) + (in.empty() ? "" : " <<<" + in), outcome.out + outcome.err, outcome.exit_code);
  return outcome;
}

void CliWorld::say_in_pipe(std::vector<std::string> shell, const std::vector<std::string>& arguments) {
  const std::string line = command_line(arguments);
  shell.push_back(line);
  const Outcome outcome = person_.run(std::move(shell));
  note_command(line, outcome.out + outcome.err, outcome.exit_code);
}

void CliWorld::say_on_terminal(std::vector<std::string> shell, const std::vector<std::string>& arguments, int columns) {
  constexpr int rows = 400;  // nothing scrolls away
  const std::string line = command_line(arguments);
  shell.push_back(line);
  Terminal terminal(person_.program(std::move(shell)), {.rows = rows, .columns = columns});
  const std::optional<int> exit_code = terminal.wait();
  ASSERT_TRUE(exit_code) << line;
  const std::string screen = terminal.screen();
  note_command(line, screen.empty() ? screen : screen + '\n', *exit_code);
}

void CliWorld::note_command(const std::string& line, const std::string& said, int exit_code) {
  transcript_ += "$ " + line + '\n' + said;
  if (exit_code != 0) {
    transcript_ += "[exit code " + std::to_string(exit_code) + "]\n";
  }
  transcript_ += '\n';
}

testing::AssertionResult CliWorld::transcript_is(const std::string& golden) const {
  return is_golden(transcript_, golden);
}

testing::AssertionResult CliWorld::is_golden(const std::string& text, const std::string& golden) const {
  const auto port = [](const FakeApiServer& server) { return server.url().substr(server.url().rfind(':')); };
  return matches_golden("integration/cli/golden/" + golden, text,
                        {{std::regex(person_.home().path().string()), "/home/me"},
                         {std::regex(port(dev_)), ":6443"},
                         {std::regex(port(prod_)), ":6444"},
                         {std::regex(R"(port )" + port(dev_).substr(1)), "port 6443"},
                         {std::regex(R"(\d+\.\d+\.\d+(?=\n))"), "VERSION"},
                         {std::regex(R"("\d+\.\d+\.\d+")"), "\"VERSION\""},
                         {std::regex(R"(\b\d+ ms\b)"), "N ms"},
                         {std::regex(R"(process \d+)"), "process N"},
                         {std::regex(R"(, version [\d.]+)"), ", version N"},
                         // Only where podman or its like is installed.
                         {std::regex(R"(ok +containers +.*\n)"), ""},
                         {std::regex(R"(regsyncd \d+\.\d+\.\d+)"), "regsyncd VERSION"},
                         {std::regex(R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000)"), "TIME"},
                         {std::regex(R"x((owner"?): "[0-9a-f]{16} [^"]*")x"), "$1: \"OWNER\""},
                         {std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"), "2026-11-29T10:00:00Z"},
                         // Paths that do not fit a line, as folders of tests have names of any length.
                         {std::regex(R"((/home/me/[^\n ]*)\n([^\n ]*(\.yaml|\.json)))"), "$1$2"},
                         {std::regex(R"(\.yaml\n# \(dry run\))"), ".yaml (dry run)"},
                         // Ages, in as many columns as they had.
                         {std::regex(R"(\b\d\ds( |\n))"), "Ns $1"},
                         {std::regex(R"(\b\d+s( |\n))"), "Ns$1"}});
}

testing::AssertionResult CliWorld::becomes_golden(Terminal& terminal, const std::string& golden) const {
  testing::AssertionResult result = testing::AssertionFailure();
  wait_until([&] { return static_cast<bool>(result = is_golden(terminal.screen() + "\n", golden)); });
  return result;
}

Program CliWorld::regsync_program(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), "regsync");
  return person_.program(std::move(arguments));
}

bool CliWorld::all_in_sync() const {
  return wait_until([&] { return person_.regsync({"status"}).exit_code == 0; });
}

}  // namespace regsync::test
