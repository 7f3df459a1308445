#include "sync/cli/setup/containers_config.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "helper/base/file_io.hpp"
#include "helper/base/text.hpp"
#include "sync/base/paths.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;

fs::path folder() { return paths::home() / ".config/containers"; }
fs::path our_file() { return folder() / "registries.conf.d/50-regsync.conf"; }

constexpr std::size_t max_bytes = 1024UL * 1024;

// The texts in quotes, up to the end of the list.
std::vector<std::string> quoted_in(std::string_view list) {
  std::vector<std::string> texts;
  for (auto begin = list.find_first_of("\"']"); begin != std::string_view::npos && list[begin] != ']';
       begin = list.find_first_of("\"']", begin)) {
    const auto end = list.find(list[begin], begin + 1);
    if (end == std::string_view::npos) {
      break;
    }
    texts.emplace_back(list.substr(begin + 1, end - begin - 1));
    begin = end + 1;
  }
  return texts;
}

// The list of `credential-helpers = [...]`, as people and we write it; nothing where there is none.
std::optional<std::vector<std::string>> helpers_in(const fs::path& path) {
  std::optional<std::vector<std::string>> helpers;
  std::istringstream lines(try_read_file(path, max_bytes).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, line.find_first_not_of(" \t"));
    if (!line.starts_with("credential-helpers")) {
      continue;
    }
    for (std::string more; line.find(']') == std::string::npos && std::getline(lines, more);) {
      line += more.substr(0, more.find('#'));
    }
    helpers = quoted_in(line);
  }
  return helpers;
}

void add_drop_ins(std::vector<fs::path>& files, const fs::path& folder) {
  std::vector<fs::path> drop_ins;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder / "registries.conf.d", ignored)) {
    if (entry.path().extension() == ".conf") {  // a backup is read by nobody
      drop_ins.push_back(entry.path());
    }
  }
  std::ranges::sort(drop_ins);
  files.insert(files.end(), drop_ins.begin(), drop_ins.end());
}

// What podman and its like read, in their order: the last one that has a list decides. The machine's files count where
// the person has no registries.conf (containers/image, pkg/sysregistriesv2, newConfigWrapperWithHomeDir).
std::vector<fs::path> files(const fs::path& machine) {
  const fs::path own = folder() / "registries.conf";
  std::error_code ignored;
  std::vector<fs::path> files;
  if (fs::exists(own, ignored)) {
    files.push_back(own);
  } else {
    files.push_back(machine / "registries.conf");
    add_drop_ins(files, machine);
  }
  add_drop_ins(files, folder());
  return files;
}

struct Decisive {
  fs::path file;
  std::vector<std::string> helpers;
};

// The file that decides, and its list; nothing where none has one. Ours counts only where asked for.
std::optional<Decisive> decisive(const fs::path& machine, bool with_ours) {
  std::optional<Decisive> last;
  for (const fs::path& file : files(machine)) {
    if (auto helpers = with_ours || file != our_file() ? helpers_in(file) : std::nullopt) {
      last = Decisive{file, *std::move(helpers)};
    }
  }
  return last;
}

// Where no list says otherwise.
constexpr const char* auth_file = "containers-auth.json";

}  // namespace

std::string containers_helper(const fs::path& machine) {
  const auto last = decisive(machine, /*with_ours=*/true);
  return last && !last->helpers.empty() ? last->helpers.front() : auth_file;
}

bool containers_use_regsync(const fs::path& machine) { return containers_helper(machine) == "regsync"; }

bool is_set_up_for_containers() {
  std::error_code ignored;
  return fs::exists(our_file(), ignored);
}

void enable_for_containers(std::ostream& out, const fs::path& machine) {
  // A list takes the place of the one before it: the other helpers stay in it.
  const auto others = decisive(machine, /*with_ours=*/false);
  std::vector<std::string> helpers =
      others && !others->helpers.empty() ? others->helpers : std::vector<std::string>{auth_file};
  std::erase(helpers, "regsync");
  helpers.insert(helpers.begin(), "regsync");
  write_whole(our_file(),
              "# Written by regsync setup --containers; regsync setup --undo removes it.\n"
              "credential-helpers = [\"" +
                  join(helpers, "\", \"") + "\"]\n");
  if (!containers_use_regsync(machine)) {
    out << "note: " << decisive(machine, /*with_ours=*/true)->file.string()
        << " decides for podman, skopeo and buildah, which write a login to the first of its credential-helpers, "
        << containers_helper(machine) << ": name \"regsync\" first there\n";
    return;
  }
  out << "podman, skopeo and buildah keep logins in the keyring now (" << our_file().string() << ")\n";
}

void disable_for_containers(std::ostream& out) {
  std::error_code ignored;
  if (fs::remove(our_file(), ignored)) {
    out << "podman, skopeo and buildah keep logins as before (" << our_file().string() << " is removed)\n";
  }
}

}  // namespace regsync
