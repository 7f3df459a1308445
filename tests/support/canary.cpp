#include "tests/support/canary.hpp"

#include <algorithm>
#include <exception>
#include <system_error>

#include "sync/base/base64.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::test {
namespace {

// Returns "" if the file is gone or unreadable.
std::string content_of(const std::filesystem::path& file) {
  try {
    return read_file(file);
  } catch (const std::exception&) {
    return {};
  }
}

}  // namespace

void Canaries::add(std::string_view username, std::string_view secret) {
  const std::string plain(secret);
  for (auto spelling : {plain, base64_encode(plain), base64_encode(std::string(username) + ":" + plain)}) {
    spelling.erase(spelling.find_last_not_of('=') + 1);  // the padding differs in the middle of a longer text
    spellings_.push_back(std::move(spelling));
  }
}

bool Canaries::are_in(std::string_view text) const {
  return std::any_of(spellings_.begin(), spellings_.end(),
                     [text](const auto& spelling) { return text.find(spelling) != std::string_view::npos; });
}

std::vector<std::string> Canaries::files_below(const std::filesystem::path& folder) const {
  std::vector<std::string> found;
  std::error_code ignored;
  for (std::filesystem::recursive_directory_iterator entry(folder, ignored), end; entry != end;
       entry.increment(ignored)) {
    if (entry->path().filename() == "keyrings") {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file(ignored) && are_in(content_of(entry->path()))) {
      found.push_back(entry->path().string());
    }
  }
  return found;
}

std::vector<std::string> Canaries::places_in(pid_t process) const {
  std::vector<std::string> found;
  for (const char* name : {"cmdline", "environ"}) {
    const auto file = std::filesystem::path("/proc") / std::to_string(process) / name;
    if (are_in(content_of(file))) {
      found.push_back(file.string());
    }
  }
  return found;
}

std::vector<std::string> Canaries::places_in_processes() const {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& process : std::filesystem::directory_iterator("/proc", ignored)) {
    const auto name = process.path().filename().string();
    if (name.find_first_not_of("0123456789") == std::string::npos) {
      const auto places = places_in(std::stoi(name));
      found.insert(found.end(), places.begin(), places.end());
    }
  }
  return found;
}

}  // namespace regsync::test
