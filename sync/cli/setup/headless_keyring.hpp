// A Secret Service for a machine without a desktop: gnome-keyring as a systemd user service (regsync-keyring.service),
// unlocked with a password that systemd hands to it as a credential.
//
// Protection: the password is in a file of the user, 0600, so the keyring is as safe as the user's files, like ssh keys
// without a passphrase; a copy of the keyring alone is useless. To keep the password in a TPM or to type it, start
// gnome-keyring-daemon in another way; regsync needs only the Secret Service.
#pragma once

#include <iosfwd>

#include "helper/store/credential_store.hpp"

namespace regsync::cli {

// Makes a password if there is none, and starts the service now and whenever the user manager starts. Leaves a keyring
// that is already unlocked as it is. store: any CredentialStore on the Secret Service, to check that it is unlocked.
// Throws Error, with nothing changed, if there is no user manager or no gnome-keyring, or if a keyring is locked or has
// another password.
void prepare_headless_keyring(CredentialStore& store, std::ostream& out);

}  // namespace regsync::cli
