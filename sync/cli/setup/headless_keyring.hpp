// A Secret Service for a machine without a desktop: gnome-keyring as a systemd user service (regsync-keyring.service),
// unlocked with a password that systemd hands to it as a credential.
//
// What that protects: the password is a file of the user's, 0600, so the keyring is as safe as the user's files, as
// ssh keys without a passphrase are; backups and images of the keyring alone are useless. Who wants the password in a
// TPM or typed in gives gnome-keyring-daemon another start; regsync needs only the Secret Service.
#pragma once

#include <iosfwd>

#include "helper/store/credential_store.hpp"

namespace regsync::cli {

// Makes the password where there is none yet, and starts the service, now and whenever the user manager starts. A
// keyring that is there and unlocked is left as it is. store: any view of the Secret Service, to see that it is
// unlocked then. Throws Error, with nothing changed: no user manager, no gnome-keyring, a keyring that is locked or has
// another password.
void prepare_headless_keyring(CredentialStore& store, std::ostream& out);

}  // namespace regsync::cli
