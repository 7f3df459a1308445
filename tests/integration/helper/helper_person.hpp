// A person before gnome-keyring's prompts. Only inside tests/servers/with-keyring.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/keyring.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {

// Sits before the keyring that starts next, and answers its prompts like this (tests/servers/prompter).
class Person {
 public:
  explicit Person(std::vector<std::string> answers) : process_(program(std::move(answers))) {
    EXPECT_TRUE(wait_until([this] { return process_.out().ends_with('\n'); })) << process_.err();
    const std::string bus_name = process_.out().substr(0, process_.out().find('\n'));
    EXPECT_EQ(setenv("GNOME_KEYRING_TEST_PROMPTER", bus_name.c_str(), 1), 0);
  }

  void think() const { process_.signal(SIGSTOP); }
  void answer() const { process_.signal(SIGCONT); }

  // As often as there were answers, and not once more.
  void expect_all_answers_given() {
    EXPECT_TRUE(wait_until([this] { return process_.out().ends_with("answered\n"); })) << "prompted too rarely";
    EXPECT_EQ(process_.err(), "") << "prompted too often";
  }

 private:
  static Program program(std::vector<std::string> answers) {
    answers.insert(answers.begin(), SERVERS "/prompter");
    return {.argv = std::move(answers), .env = own_environment(), .in = {}, .directory = {}};
  }

  Process process_;
};

// How many processes are in the queue for the prompt, the one that shows it included.
inline int in_turn_to_prompt() {
  const std::string owners = run({"dbus-send", "--session", "--print-reply=literal", "--dest=org.freedesktop.DBus", "/",
                                  "org.freedesktop.DBus.ListQueuedOwners", "string:dev.regsync.Prompter"})
                                 .out;
  return static_cast<int>(std::ranges::count(owners, ':'));
}

}  // namespace regsync::test
