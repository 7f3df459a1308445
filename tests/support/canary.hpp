// Canaries are secrets of a test that only the keyring, the registry and the API server may hold. One found anywhere
// else is a leak. One thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace regsync::test {

class Canaries {
 public:
  // Adds a secret to search for: as plain text, in base64, and in the base64 of USERNAME:SECRET.
  void add(std::string_view username, std::string_view secret);

  [[nodiscard]] bool are_in(std::string_view text) const;

  // Returns the files below the folder that hold a canary, except those of the keyring.
  [[nodiscard]] std::vector<std::string> files_below(const std::filesystem::path& folder) const;

  // Returns which of the process's arguments and environment hold a canary.
  [[nodiscard]] std::vector<std::string> places_in(pid_t process) const;

  // The same for every process that this user may read.
  [[nodiscard]] std::vector<std::string> places_in_processes() const;

 private:
  std::vector<std::string> spellings_;
};

}  // namespace regsync::test
