// Edits $XDG_CONFIG_HOME/regsync/environment: the variables of a shell that regsyncd.service needs and a user manager
// does not have, in systemd's format (systemd.exec(5), EnvironmentFile=). Any thread.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace regsync {

// The variables to set; those without a value are removed.
using EnvironmentChanges = std::map<std::string, std::optional<std::string>>;

// The text of such a file with the changes applied; other lines stay as they are. Pure. Throws Error(invalid_input) for
// an invalid variable name, and for a value with a line break.
std::string changed_environment(std::string_view text, const EnvironmentChanges& changes);

// Applies the changes to the file (0600), which is created if missing.
void change_service_environment(const std::filesystem::path& file, const EnvironmentChanges& changes);

}  // namespace regsync
