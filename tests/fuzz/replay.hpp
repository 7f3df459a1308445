// Runs a fuzz target over each file of its corpus (REGSYNC_CORPUS, a folder for each target).
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string_view>

#include "tests/support/temp_dir.hpp"

namespace regsync::fuzz {

inline void replay(const char* folder, void (*target)(std::string_view)) {
  int inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(REGSYNC_CORPUS) / folder)) {
    SCOPED_TRACE(entry.path().filename().string());
    EXPECT_NO_THROW(target(test::read_file(entry.path())));
    ++inputs;
  }
  EXPECT_GT(inputs, 0);
}

}  // namespace regsync::fuzz
