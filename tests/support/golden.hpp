// Compares the output of a program with a file of expected output.
#pragma once

#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <utility>
#include <vector>

namespace regsync::test {

// Patterns of what differs from run to run, with their replacements.
using Replacements = std::vector<std::pair<std::regex, std::string>>;

// Compares with the file tests/NAME. With REGSYNC_UPDATE_GOLDEN in the environment, writes the file instead, so that
// the next commit shows the change.
testing::AssertionResult matches_golden(const std::string& name, std::string text,
                                        const Replacements& replacements = {});

}  // namespace regsync::test
