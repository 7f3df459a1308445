// The programs that provide the Secret Service: recognises them and words messages about them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/store/store_reading.hpp"

namespace regsync {

// The file name of a process's executable, or the name that the process gives itself if the executable is not visible
// (gnome-keyring-daemon has file capabilities); empty if there is no such process.
std::string program_of(int pid);

// Whether it is one of the providers known here by name.
bool is_known(const StoreProvider& provider);

// "KeePassXC (process 4711)", "gnome-keyring (process 12)"; "the Secret Service" if unknown.
std::string describe(const std::optional<StoreProvider>& provider);

// The labels of the locked collections, quoted: "\"Login\" and \"Work\"".
std::string locked_labels(const std::vector<StoreCollection>& collections);

// The collections are locked and were not unlocked. May be empty if unknown.
Error locked_error(const std::optional<StoreProvider>& provider, const std::vector<StoreCollection>& collections);

// The collection is unlocked, but the provider asks for the user's consent before it gives this login to a program.
Error consent_needed_error(const std::optional<StoreProvider>& provider, const std::string& server);

// The label for a first collection. For KWallet, that of the wallet which is opened with the desktop session.
const char* first_collection_label(const std::optional<StoreProvider>& provider);

// The provider lists this many logins without showing their attributes.
Error hidden_logins_error(std::size_t count);

Error no_default_collection_error(const std::optional<StoreProvider>& provider);

// Nobody owns the bus name.
Error no_provider_error();

// The provider left the bus with a call unanswered: it crashed or was ended.
Error ended_provider_error();

// The provider owns the bus name but does not answer.
Error silent_provider_error(const std::optional<StoreProvider>& provider);

}  // namespace regsync
