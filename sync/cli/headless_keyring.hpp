// A Secret Service for a machine without a desktop: gnome-keyring as a systemd user service (regsync-keyring.service),
// unlocked with a password that systemd hands to it as a credential.
//
// What that protects: the password is a file of the user's, 0600, so the keyring is as safe as the user's files, as
// ssh keys without a passphrase are; backups and images of the keyring alone are useless. Who wants the password in a
// TPM or typed in gives gnome-keyring-daemon another start; regsync needs only the Secret Service.
#pragma once

#include <iosfwd>

namespace regsync {

// Makes the password where there is none yet, and starts the service, now and at every boot of the user manager.
// Throws Error: no user manager, no gnome-keyring, or a keyring that has another password.
void prepare_headless_keyring(std::ostream& out);

}  // namespace regsync
