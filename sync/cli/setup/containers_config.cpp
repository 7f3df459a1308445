#include "sync/cli/setup/containers_config.hpp"

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "helper/base/file_io.hpp"
#include "sync/base/paths.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;

fs::path folder() { return paths::home() / ".config/containers"; }
fs::path our_file() { return folder() / "registries.conf.d/50-regsync.conf"; }

constexpr std::size_t max_bytes = 1024UL * 1024;

// `credential-helpers = [..., "regsync", ...]` on one line, as people and we write it.
bool names_regsync(const fs::path& path) {
  std::istringstream lines(try_read_file(path, max_bytes).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::string_view text = line;
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    if (text.starts_with("credential-helpers") && text.find("\"regsync\"") != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool containers_use_regsync() {
  std::vector<fs::path> files{folder() / "registries.conf"};
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder() / "registries.conf.d", ignored)) {
    if (entry.path().extension() == ".conf") {  // a backup is read by nobody
      files.push_back(entry.path());
    }
  }
  return std::ranges::any_of(files, names_regsync);
}

bool is_set_up_for_containers() {
  std::error_code ignored;
  return fs::exists(our_file(), ignored);
}

void enable_for_containers(std::ostream& out) {
  write_whole(our_file(),
              "# Written by regsync setup --containers; regsync setup --undo removes it.\n"
              "credential-helpers = [\"regsync\", \"containers-auth.json\"]\n");
  out << "podman, skopeo and buildah keep logins in the keyring now (" << our_file().string() << ")\n";
}

void disable_for_containers(std::ostream& out) {
  std::error_code ignored;
  if (fs::remove(our_file(), ignored)) {
    out << "podman, skopeo and buildah keep logins as before (" << our_file().string() << " is removed)\n";
  }
}

}  // namespace regsync
