// Compares the output of a program with the file that holds the expected output.
#pragma once

#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <utility>
#include <vector>

namespace regsync::test {

// What differs from run to run, and what is written in its place.
using Replacements = std::vector<std::pair<std::regex, std::string>>;

// Compares with the file tests/NAME. REGSYNC_UPDATE_GOLDEN in the environment writes the file instead, for the next
// commit to show what changed.
testing::AssertionResult matches_golden(const std::string& name, std::string text,
                                        const Replacements& replacements = {});

}  // namespace regsync::test
