// Person simulates a user with their own HOME and the programs on PATH. Inside tests/servers/with-keyring they have its
// keyring and session bus, otherwise none.
//
// The logins that a person stores are canaries: the test fails if `regsync` prints one, or if the daemon's log, its
// arguments and environment, or a file below HOME holds one at the end.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/canary.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::test {

class Person {
 public:
  Person();
  ~Person();
  Person(const Person&) = delete;
  Person& operator=(const Person&) = delete;
  Person(Person&&) = delete;
  Person& operator=(Person&&) = delete;

  [[nodiscard]] const TempDir& home() const { return home_; }
  Environment env;  // of everything that the person runs

  [[nodiscard]] Program program(std::vector<std::string> argv, std::string in = {}) const;
  [[nodiscard]] Outcome run(std::vector<std::string> argv, std::string in = {}) const;
  [[nodiscard]] Outcome regsync(std::vector<std::string> arguments, std::string in = {}) const;

  // Call the credential helper as `docker login` and `docker logout` do. Throw std::runtime_error.
  void store_login(const std::string& server, const std::string& username, const std::string& secret);
  void erase_login(const std::string& server) const;

  // Runs tests/servers/keyring. Throws std::runtime_error.
  static void keyring(const std::string& command);

  // Starts the daemon and waits until it is ready.
  void start_daemon(const std::vector<std::string>& arguments = {});
  std::optional<int> stop_daemon(int signal);  // its exit code
  [[nodiscard]] Process& daemon() { return *daemon_; }
  // The URL where the daemon serves HTTP (--listen), from its log: "http://127.0.0.1:1234".
  [[nodiscard]] std::string http_url() const;
  [[nodiscard]] const std::vector<std::string>& logs() const { return logs_; }  // of daemons that ended

  [[nodiscard]] Canaries& canaries() { return canaries_; }

 private:
  TempDir home_;
  Canaries canaries_;
  std::unique_ptr<Process> daemon_;
  std::vector<std::string> logs_;
};

}  // namespace regsync::test
