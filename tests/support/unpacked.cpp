#include "tests/support/unpacked.hpp"

#include "tests/support/process.hpp"

namespace regsync::test {

std::filesystem::path unpacked(std::string_view package) {
  const Environment environment = own_environment();
  const auto folder = [&](const char* variable, const char* below) {
    const auto found = environment.find(variable);
    return found == environment.end() ? std::filesystem::path() : std::filesystem::path(found->second) / below;
  };
  std::filesystem::path cache = folder("REGSYNC_CACHE", "");
  if (cache.empty()) {
    cache = folder("XDG_CACHE_HOME", "regsync");
  }
  if (cache.empty()) {
    cache = folder("HOME", ".cache/regsync");
  }
  return cache / "unpacked" / package;
}

}  // namespace regsync::test
