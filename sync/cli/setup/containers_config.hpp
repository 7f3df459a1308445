// Configures where podman, skopeo and buildah keep logins: `credential-helpers` of containers-registries.conf(5). They
// read ~/.config/containers/registries.conf, or, if that file does not exist, the one in /etc/containers, and the files
// in the registries.conf.d folders beside both; regsync has its own file in the home folder. Synchronous file I/O.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace regsync::cli {

// The folder of the machine-wide files.
inline constexpr const char* containers_of_machine = "/etc/containers";

// Returns which of podman, skopeo and buildah are on PATH.
std::vector<std::string> containers_clients();

// Returns where they write a login: the first entry of the effective list. "containers-auth.json" means a file, any
// other name a credential helper.
std::string containers_helper(const std::filesystem::path& machine = containers_of_machine);
bool containers_use_regsync(const std::filesystem::path& machine = containers_of_machine);

// Whether regsync's file exists.
bool is_set_up_for_containers();

// A file in which podman, skopeo and buildah keep logins without a helper, and the servers of its logins.
struct PlainLogins {
  std::filesystem::path file;
  std::vector<std::string> servers;
};
// Returns the logins whose secret only such a file keeps. A login for a path (quay.io/acme) is always there, because
// these clients use a helper for whole hosts only. Throws Error(invalid_input) naming an unreadable file.
std::vector<PlainLogins> plain_containers_logins();
// client: podman, skopeo or buildah.
std::string how_to_move_containers_login(const std::vector<std::string>& servers, const std::string& client);

// Writes regsync's file: new logins go to the keyring, and those in other helpers and auth.json are still found. Prints
// if another file overrides it, and which logins stay in plain text.
void enable_for_containers(std::ostream& out, const std::filesystem::path& machine = containers_of_machine);

// Removes regsync's file; prints that if it existed.
void disable_for_containers(std::ostream& out);

}  // namespace regsync::cli
