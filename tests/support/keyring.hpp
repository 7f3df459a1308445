// Controls the sandbox's keyring. Only works inside tests/servers/with-keyring.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.hpp"

namespace regsync::test {

// `keyring start`, `stop`, `restart`, `lock`, `unlock` (tests/servers/keyring).
inline void keyring(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), SERVERS "/keyring");
  const Outcome outcome = run_program({.argv = arguments, .env = own_environment(), .in = {}});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
}

// Runs a program in the sandbox.
inline Outcome run(std::vector<std::string> argv, std::string input = {}) {
  return run_program({.argv = std::move(argv), .env = own_environment(), .in = std::move(input)});
}

}  // namespace regsync::test
