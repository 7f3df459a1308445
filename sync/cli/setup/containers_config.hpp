// Edits where podman, skopeo and buildah keep logins: `credential-helpers` of containers-registries.conf(5). They read
// ~/.config/containers/registries.conf, or those in /etc/containers where that file is not there, and the files in
// registries.conf.d beside them; regsync has a file of its own in the home folder. Synchronous file I/O.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

namespace regsync::cli {

// Where the files of the machine are.
inline constexpr const char* containers_of_machine = "/etc/containers";

// To what they write a login: the first of the list that decides. "containers-auth.json" is a file, all else a
// credential helper.
std::string containers_helper(const std::filesystem::path& machine = containers_of_machine);
bool containers_use_regsync(const std::filesystem::path& machine = containers_of_machine);

// Whether our file is there.
bool is_set_up_for_containers();

// Writes our file: logins go to the keyring; those that other helpers and auth.json have are still found. Says where
// another file decides otherwise.
void enable_for_containers(std::ostream& out, const std::filesystem::path& machine = containers_of_machine);

// Removes it; says so where there was one.
void disable_for_containers(std::ostream& out);

}  // namespace regsync::cli
