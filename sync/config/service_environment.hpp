// $XDG_CONFIG_HOME/regsync/environment: what regsyncd.service needs of a shell's environment and a user manager does
// not know, as systemd reads it (systemd.exec(5), EnvironmentFile=). Any thread.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace regsync {

// The variables to set; those without a value are taken out.
using EnvironmentChanges = std::map<std::string, std::optional<std::string>>;

// The text of such a file with the changes made; its other lines stay as they are. Pure. Throws Error(invalid_input)
// for a name that is no name of a variable, and for a value with a line break.
std::string changed_environment(std::string_view text, const EnvironmentChanges& changes);

// Makes the changes in the file (0600), and the file where there is none.
void change_service_environment(const std::filesystem::path& file, const EnvironmentChanges& changes);

}  // namespace regsync
