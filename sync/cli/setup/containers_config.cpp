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

// registries.conf, and then its drop-ins by name: the last one that has a list decides (containers/image,
// pkg/sysregistriesv2).
std::vector<fs::path> files() {
  std::vector<fs::path> drop_ins;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder() / "registries.conf.d", ignored)) {
    if (entry.path().extension() == ".conf") {  // a backup is read by nobody
      drop_ins.push_back(entry.path());
    }
  }
  std::ranges::sort(drop_ins);
  drop_ins.insert(drop_ins.begin(), folder() / "registries.conf");
  return drop_ins;
}

struct Decisive {
  fs::path file;
  std::vector<std::string> helpers;
};

// The file that decides, and its list; nothing where none has one. Ours counts only where asked for.
std::optional<Decisive> decisive(bool with_ours) {
  std::optional<Decisive> last;
  for (const fs::path& file : files()) {
    if (auto helpers = with_ours || file != our_file() ? helpers_in(file) : std::nullopt) {
      last = Decisive{file, *std::move(helpers)};
    }
  }
  return last;
}

}  // namespace

bool containers_use_regsync() {
  const auto last = decisive(/*with_ours=*/true);
  return last && std::ranges::find(last->helpers, "regsync") != last->helpers.end();
}

bool is_set_up_for_containers() {
  std::error_code ignored;
  return fs::exists(our_file(), ignored);
}

void enable_for_containers(std::ostream& out) {
  // A list takes the place of the one before it: the other helpers stay in it.
  const auto others = decisive(/*with_ours=*/false);
  std::vector<std::string> helpers = others ? others->helpers : std::vector<std::string>{"containers-auth.json"};
  std::erase(helpers, "regsync");
  helpers.insert(helpers.begin(), "regsync");
  write_whole(our_file(),
              "# Written by regsync setup --containers; regsync setup --undo removes it.\n"
              "credential-helpers = [\"" +
                  join(helpers, "\", \"") + "\"]\n");
  if (!containers_use_regsync()) {
    out << "note: " << decisive(/*with_ours=*/true)->file.string()
        << " decides for podman, skopeo and buildah, and does not name regsync: add \"regsync\" to its "
           "credential-helpers\n";
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
