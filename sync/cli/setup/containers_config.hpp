// Edits where podman, skopeo and buildah keep logins: `credential-helpers` of containers-registries.conf(5). They read
// ~/.config/containers/registries.conf, or those in /etc/containers where that file is not there, and the files in
// registries.conf.d beside them; regsync has a file of its own in the home folder. Synchronous file I/O.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace regsync::cli {

// Where the files of the machine are.
inline constexpr const char* containers_of_machine = "/etc/containers";

// Those of podman, skopeo and buildah that are on PATH.
std::vector<std::string> containers_clients();

// To what they write a login: the first of the list that decides. "containers-auth.json" is a file, all else a
// credential helper.
std::string containers_helper(const std::filesystem::path& machine = containers_of_machine);
bool containers_use_regsync(const std::filesystem::path& machine = containers_of_machine);

// Whether our file is there.
bool is_set_up_for_containers();

// The file in which podman and its like keep logins without a helper, and the servers whose login it holds.
struct PlainLogins {
  std::filesystem::path file;
  std::vector<std::string> servers;
};
// Those of which nothing but such a file keeps the secret. A login of a path (quay.io/acme) always goes there: they ask
// a helper for whole hosts only. Throws Error(invalid_input) naming a file that cannot be read.
std::vector<PlainLogins> plain_containers_logins();
// client: podman, skopeo or buildah.
std::string how_to_move_containers_login(const std::vector<std::string>& servers, const std::string& client);

// Writes our file: logins go to the keyring; those that other helpers and auth.json have are still found. Says where
// another file decides otherwise, and which logins stay in plain text.
void enable_for_containers(std::ostream& out, const std::filesystem::path& machine = containers_of_machine);

// Removes it; says so where there was one.
void disable_for_containers(std::ostream& out);

}  // namespace regsync::cli
