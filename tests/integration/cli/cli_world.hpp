// The command line as people and programs use it: the real programs and keyring (with-keyring), and two clusters in
// memory, the contexts "dev" and "prod".
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/fake_api_server.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/person.hpp"
#include "tests/support/terminal.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {

class CliWorld : public testing::Test {
 protected:
  CliWorld();

  // A target file as `regsync add` writes it: Secret myregcred with the login of ghcr.io in dev/team-a and dev/team-b.
  void declare_web() const;
  // One with the login of ghcr.io, and these fields more.
  void declare_target(const std::string& name, const std::string& more) const;
  [[nodiscard]] std::string file(const std::string& name) const;

  // The kubeconfig has dev alone from now on, with this current namespace. The file seems old, so that nothing waits
  // for it to settle.
  void be_in(const std::string& name_space);

  // In dev.
  [[nodiscard]] std::optional<nlohmann::json> secret(const std::string& name_space, const std::string& name) const;
  [[nodiscard]] std::string uid(const std::string& name_space, const std::string& name = "myregcred") const;

  // That target and its login, with a daemon that has synced them.
  void start_in_sync();

  // Runs a command and writes it, as a person would see it, into the transcript: the line, what it printed, and its
  // exit code if that is not 0.
  Outcome say(const std::vector<std::string>& arguments, const std::string& in = {});
  // The same by a shell, as {"bash", "-c"}; into a pipe, or on a terminal of so many columns.
  void say_in_pipe(std::vector<std::string> shell, const std::vector<std::string>& arguments);
  void say_on_terminal(std::vector<std::string> shell, const std::vector<std::string>& arguments, int columns);
  void begin_transcript() { transcript_.clear(); }
  void note(const std::string& comment) { transcript_ += "# " + comment + "\n"; }
  // The transcript so far against a golden file, without what differs from run to run.
  [[nodiscard]] testing::AssertionResult transcript_is(const std::string& golden) const;
  [[nodiscard]] testing::AssertionResult is_golden(const std::string& text, const std::string& golden) const;
  // Waits until a screen that changes is as in the file.
  [[nodiscard]] testing::AssertionResult becomes_golden(Terminal& terminal, const std::string& golden) const;

  [[nodiscard]] Program regsync_program(std::vector<std::string> arguments) const;
  // Until every Secret is in sync.
  [[nodiscard]] bool all_in_sync() const;

  FakeApiServer dev_;
  FakeApiServer prod_;
  Person person_;

 private:
  void note_command(const std::string& line, const std::string& said, int exit_code);

  std::string transcript_;
};

}  // namespace regsync::test
