// The programs that provide the Secret Service: how to recognise one, and what to tell a person about it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/store/store_reading.hpp"

namespace regsync {

// The file name of a process's executable; what it calls itself where the executable may not be seen
// (gnome-keyring-daemon has file capabilities); empty if there is no such process.
std::string program_of(int pid);

// Whether it is one of those that are known here by name.
bool is_known(const StoreProvider& provider);

// "KeePassXC (process 4711)", "gnome-keyring (process 12)"; "the Secret Service" if unknown.
std::string describe(const std::optional<StoreProvider>& provider);

// The labels of the locked collections, quoted: "\"Login\" and \"Work\"".
std::string locked_labels(const std::vector<StoreCollection>& collections);

// Collections are locked, and stayed so. Collections may be empty: unknown.
Error locked_error(const std::optional<StoreProvider>& provider, const std::vector<StoreCollection>& collections);

// The collection is open, and the provider asks the person before it gives this login to a program.
Error consent_needed_error(const std::optional<StoreProvider>& provider, const std::string& server);

// The label of a first collection. KWallet: that of the wallet which is opened with the desktop's session.
const char* first_collection_label(const std::optional<StoreProvider>& provider);

// It lists so many logins whose attributes it does not show.
Error hidden_logins_error(std::size_t count);

Error no_default_collection_error(const std::optional<StoreProvider>& provider);

// Nobody has the bus name.
Error no_provider_error();

// It left the bus with a call unanswered: it has crashed, or was ended.
Error ended_provider_error();

// It has the bus name, and does not answer.
Error silent_provider_error(const std::optional<StoreProvider>& provider);

}  // namespace regsync
