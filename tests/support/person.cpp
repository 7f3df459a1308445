#include "tests/support/person.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <utility>

#include "tests/support/wait.hpp"

namespace regsync::test {

using namespace std::chrono_literals;

namespace {

void require_success(const Outcome& outcome) {
  if (outcome.exit_code != 0) {
    throw std::runtime_error(outcome.out + outcome.err);
  }
}

}  // namespace

Person::Person() {
  env = sandbox(home_);  // in the body: home_ is declared after env
  const char* chosen = std::getenv("REGSYNC_PROGRAMS");
  env["PATH"] = std::string(chosen != nullptr ? chosen : PROGRAM_FOLDERS) + ":" + env["PATH"];
  for (const char* of_a_throwaway_machine : {"CI", "KUBERNETES_SERVICE_HOST", "container"}) {
    env.erase(of_a_throwaway_machine);  // regsync warns on such a machine; the test simulates a person's
  }
  env["DOCKER_CONFIG"] = (home_ / ".docker").string();
  home_.write(".docker/config.json", R"({"credsStore": "regsync"})");
  // The registries of most tests do not exist: trying a login would be useless.
  home_.write(".config/regsync/config.yaml", "verifyLogins: false\n");
  const auto own = own_environment();
  for (const char* kept : {"DBUS_SESSION_BUS_ADDRESS", "REGSYNC_CACHE", "KUBEBUILDER_ASSETS"}) {
    if (const auto found = own.find(kept); found != own.end()) {
      env.insert(*found);
    }
  }
}

Person::~Person() {
  if (daemon_) {
    for (const auto& place : canaries_.places_in(daemon_->pid())) {
      ADD_FAILURE() << "a login is in " << place;
    }
    logs_.push_back(daemon_->err() + daemon_->out());
  }
  for (const auto& log : logs_) {
    EXPECT_FALSE(canaries_.are_in(log)) << "a login is in the log of regsyncd";
  }
  for (const auto& file : canaries_.files_below(home_.path())) {
    ADD_FAILURE() << "a login is in " << file;
  }
}

Program Person::program(std::vector<std::string> argv, std::string in) const {
  return {.argv = std::move(argv), .env = env, .in = std::move(in)};
}

Outcome Person::run(std::vector<std::string> argv, std::string in) const {
  const bool ours = !argv.empty() && argv.front() == "regsync";
  auto outcome = run_program(program(std::move(argv), std::move(in)), 60s);
  if (ours) {
    EXPECT_FALSE(canaries_.are_in(outcome.out) || canaries_.are_in(outcome.err)) << "regsync printed a login";
  }
  return outcome;
}

Outcome Person::regsync(std::vector<std::string> arguments, std::string in) const {
  arguments.insert(arguments.begin(), "regsync");
  return run(std::move(arguments), std::move(in));
}

void Person::store_login(const std::string& server, const std::string& username, const std::string& secret) {
  canaries_.add(username, secret);
  const nlohmann::json login{{"ServerURL", server}, {"Username", username}, {"Secret", secret}};
  require_success(run({"docker-credential-regsync", "store"}, login.dump()));
}

void Person::erase_login(const std::string& server) const {
  require_success(run({"docker-credential-regsync", "erase"}, server));
}

void Person::keyring(const std::string& command) {
  require_success(run_program(
      {.argv = {REGSYNC_SOURCE_DIR "/tests/servers/keyring", command}, .env = own_environment(), .in = {}}));
}

void Person::start_daemon(const std::vector<std::string>& arguments) {
  std::vector<std::string> argv{"regsyncd"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  daemon_ = std::make_unique<Process>(program(std::move(argv)));
  if (!wait_until([this] { return daemon_->err().find("is ready") != std::string::npos || !daemon_->running(); })) {
    throw std::runtime_error("regsyncd is not ready: " + daemon_->err());
  }
}

std::string Person::http_url() const {
  const std::regex line("serving HTTP on (\\S+)\n");
  std::string log;
  std::smatch found;
  if (!wait_until([&] {
        log = daemon_->err();
        return std::regex_search(log, found, line);
      })) {
    throw std::runtime_error("regsyncd serves no HTTP: " + log);
  }
  return "http://" + found[1].str();
}

std::optional<int> Person::stop_daemon(int signal) {
  daemon_->signal(signal);
  const auto exit_code = daemon_->wait(15s);
  logs_.push_back(daemon_->err() + daemon_->out());
  daemon_.reset();
  return exit_code;
}

}  // namespace regsync::test
