#include "sync/cli/setup/containers_config.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "helper/base/guarded.hpp"
#include "helper/base/shell_word.hpp"
#include "helper/base/text.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/base/find_program.hpp"
#include "sync/base/paths.hpp"
#include "sync/logins/docker_config_file.hpp"

namespace regsync::cli {
namespace {

namespace fs = std::filesystem;

fs::path folder() { return paths::home() / ".config/containers"; }
fs::path our_file() { return folder() / "registries.conf.d/50-regsync.conf"; }

constexpr std::size_t max_bytes = 1024UL * 1024;

// Reads the string that starts at the quote at `at`, and moves `at` to the closing quote: '…' is literal; "…" has the
// escapes of JSON, except a few that helper names do not need.
std::string take_text(std::string_view toml, std::size_t& at) {
  const std::size_t begin = at;
  const char quote = toml[at];
  for (++at; at < toml.size() && toml[at] != quote; ++at) {
    if (quote == '"' && toml[at] == '\\') {
      ++at;
    }
  }
  at = std::min(at, toml.size());
  const std::string_view inside = toml.substr(begin + 1, at - begin - 1);
  if (quote == '"') {
    const auto text = nlohmann::json::parse('"' + std::string(inside) + '"', nullptr, /*allow_exceptions=*/false);
    if (text.is_string()) {
      return text.get<std::string>();
    }
  }
  return std::string(inside);
}

// Returns the strings of a TOML array.
std::vector<std::string> texts_of(std::string_view list) {
  std::vector<std::string> texts;
  for (std::size_t at = list.find('['); at < list.size() && list[at] != ']'; ++at) {
    if (list[at] == '#') {
      at = list.find('\n', at);  // a comment
    } else if (list[at] == '"' || list[at] == '\'') {
      texts.push_back(take_text(list, at));
    }
    if (at == std::string_view::npos) {
      break;
    }
  }
  return texts;
}

// Returns the list of `credential-helpers = [...]`; nullopt if there is none.
std::optional<std::vector<std::string>> helpers_in(const fs::path& path) {
  constexpr std::string_view key = "credential-helpers";
  constexpr std::string_view blanks = " \t";
  const std::string text = try_read_file(path, max_bytes).value_or("");
  std::optional<std::vector<std::string>> helpers;
  for (std::string_view rest = text; !rest.empty();
       rest.remove_prefix(std::min(rest.find('\n'), rest.size() - 1) + 1)) {
    rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size() - 1));
    const std::string_view value = rest.starts_with(key) ? trim(rest.substr(key.size())) : std::string_view();
    if (value.starts_with('=')) {
      helpers = texts_of(value);
    }
  }
  return helpers;
}

void add_drop_ins(std::vector<fs::path>& files, const fs::path& folder) {
  std::vector<fs::path> drop_ins;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder / "registries.conf.d", ignored)) {
    if (entry.path().extension() == ".conf") {  // other files, such as backups, are not read
      drop_ins.push_back(entry.path());
    }
  }
  std::ranges::sort(drop_ins);
  files.insert(files.end(), drop_ins.begin(), drop_ins.end());
}

// Returns the files that podman and its like read, in order; the last one with a list applies. The machine's files
// apply if the person has no registries.conf (containers/image, pkg/sysregistriesv2, newConfigWrapperWithHomeDir).
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

// Returns the file that applies and its list; nullopt if no file has one. Includes our file only with with_ours.
std::optional<Decisive> decisive(const fs::path& machine, bool with_ours) {
  std::optional<Decisive> last;
  for (const fs::path& file : files(machine)) {
    if (auto helpers = with_ours || file != our_file() ? helpers_in(file) : std::nullopt) {
      last = Decisive{file, *std::move(helpers)};
    }
  }
  return last;
}

// containers/image, pkg/docker/config, getAuthFilePaths. Omits Docker's own file, which they read last.
std::vector<fs::path> auth_files() {
  const auto value_of = [](const char* name) {
    const char* value = std::getenv(name);
    return fs::path(value == nullptr ? "" : value);
  };
  if (const fs::path only = value_of("REGISTRY_AUTH_FILE"); !only.empty()) {
    return {only};
  }
  fs::path runtime = value_of("XDG_RUNTIME_DIR") / "containers";
  if (runtime.is_relative()) {
    runtime = "/run/containers/" + std::to_string(::getuid());
  }
  fs::path config = value_of("XDG_CONFIG_HOME");
  if (config.empty()) {
    config = paths::home() / ".config";
  }
  return {runtime / "auth.json", config / "containers/auth.json"};
}

void tell_of_plain_logins(std::ostream& out) {
  const std::vector<std::string> clients = containers_clients();
  std::vector<PlainLogins> plain;
  if (const auto unreadable = guarded([&plain] { plain = plain_containers_logins(); })) {
    out << one_line("note: " + describe(*unreadable)) << '\n';
  }
  for (const auto& [file, servers] : plain) {
    out << one_line("note: " + file.string() + " goes on holding the logins of " + join(servers) + " in plain text; " +
                    how_to_move_containers_login(servers, clients.empty() ? "podman" : clients.front()))
        << '\n';
  }
}

// The default without any list.
constexpr const char* auth_file = "containers-auth.json";

}  // namespace

std::vector<std::string> containers_clients() {
  std::vector<std::string> clients;
  for (const char* client : {"podman", "skopeo", "buildah"}) {
    if (is_on_path(client)) {
      clients.emplace_back(client);
    }
  }
  return clients;
}

std::string containers_helper(const fs::path& machine) {
  const auto last = decisive(machine, /*with_ours=*/true);
  return last && !last->helpers.empty() ? last->helpers.front() : auth_file;
}

bool containers_use_regsync(const fs::path& machine) { return containers_helper(machine) == "regsync"; }

bool is_set_up_for_containers() {
  std::error_code ignored;
  return fs::exists(our_file(), ignored);
}

std::vector<PlainLogins> plain_containers_logins() {
  std::vector<PlainLogins> found;
  for (const fs::path& file : auth_files()) {
    std::vector<std::string> servers;
    for (const Credential& login : DockerConfigFile(file).plain_logins()) {
      servers.push_back(login.login.server);
    }
    if (!servers.empty()) {
      found.push_back({file, std::move(servers)});
    }
  }
  return found;
}

std::string how_to_move_containers_login(const std::vector<std::string>& servers, const std::string& client) {
  const auto is_host = [](const std::string& server) {
    return RegistryKey(server).whole_host() == RegistryKey(server);
  };
  const auto host = std::ranges::find_if(servers, is_host);
  const std::string& first = host == servers.end() ? servers.front() : *host;
  return (host == servers.end() ? "the keyring takes that of a whole host only: " : "to keep one in the keyring: ") +
         client + " logout " + shell_word(first) + " && " + client + " login " +
         shell_word(RegistryKey(first).whole_host().value());
}

void enable_for_containers(std::ostream& out, const fs::path& machine) {
  // A list replaces the one before it, so it must include the other helpers.
  const auto others = decisive(machine, /*with_ours=*/false);
  std::vector<std::string> helpers =
      others && !others->helpers.empty() ? others->helpers : std::vector<std::string>{auth_file};
  std::erase(helpers, "regsync");
  helpers.insert(helpers.begin(), "regsync");
  std::vector<std::string> written;
  for (const std::string& helper : helpers) {
    if (has_control_characters(helper) || !is_utf8(helper)) {
      throw Error(ErrorCode::invalid_input,
                  others->file.string() + " names a credential helper with characters that no program's name has",
                  "correct credential-helpers there, and run regsync setup --containers again");
    }
    written.push_back(nlohmann::json(helper).dump());  // JSON strings are valid in TOML
  }
  write_whole(our_file(),
              "# Written by regsync setup --containers; regsync setup --undo removes it.\n"
              "credential-helpers = [" +
                  join(written) + "]\n");
  if (!containers_use_regsync(machine)) {
    out << one_line("note: " + decisive(machine, /*with_ours=*/true)->file.string() +
                    " decides for podman, skopeo and buildah, which write a login to the first of its "
                    "credential-helpers, " +
                    containers_helper(machine) + ": name \"regsync\" first there")
        << '\n';
    return;
  }
  out << "podman, skopeo and buildah keep logins in the keyring now (" << our_file().string() << ")\n";
  tell_of_plain_logins(out);
}

void disable_for_containers(std::ostream& out) {
  std::error_code ignored;
  if (fs::remove(our_file(), ignored)) {
    out << "podman, skopeo and buildah keep logins as before (" << our_file().string() << " is removed)\n";
  }
}

}  // namespace regsync::cli
