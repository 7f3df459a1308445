#include "tests/support/golden.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.hpp"

namespace regsync::test {

testing::AssertionResult matches_golden(const std::string& name, std::string text, const Replacements& replacements) {
  for (const auto& [pattern, replacement] : replacements) {
    text = std::regex_replace(text, pattern, replacement);
  }
  const auto file = std::filesystem::path(REGSYNC_SOURCE_DIR "/tests") / name;
  if (std::getenv("REGSYNC_UPDATE_GOLDEN") != nullptr) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  const std::string expected = std::filesystem::exists(file) ? read_file(file) : "(there is no such file)\n";
  if (text == expected) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "not as in " << file.string() << "\n--- expected\n"
                                     << expected << "--- is\n"
                                     << text << "--- (REGSYNC_UPDATE_GOLDEN=1 accepts it)";
}

}  // namespace regsync::test
