// Edits where podman, skopeo and buildah keep logins: `credential-helpers` of containers-registries.conf(5). They read
// ~/.config/containers/registries.conf and the files in registries.conf.d beside it; regsync has a file of its own
// there. Synchronous file I/O.
#pragma once

#include <iosfwd>

namespace regsync {

// Whether one of the files names regsync as a helper.
bool containers_use_regsync();

// Whether our file is there.
bool is_set_up_for_containers();

// Writes our file: logins go to the keyring; those that are in auth.json are still found.
void enable_for_containers(std::ostream& out);

// Removes it; says so where there was one.
void disable_for_containers(std::ostream& out);

}  // namespace regsync
