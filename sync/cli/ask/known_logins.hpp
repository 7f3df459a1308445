// Reads the logins of targets as regsyncd would see them now. Blocks; one thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "sync/cli/view/console.hpp"
#include "sync/config/settings.hpp"
#include "sync/logins/login_end.hpp"
#include "sync/logins/login_files.hpp"
#include "sync/logins/other_helpers.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/login_keeper.hpp"

namespace regsync::cli {

// Reads the keyring and the login files, and asks the helpers that Docker's credHelpers names, with the engine's own
// LoginBook in this process. Read errors are in the result's problems, as in the engine; throws Error(invalid_input)
// only if Docker's config.json is unusable. Waits up to `time` for slow helpers; a helper that has not answered by then
// is a problem too. only: see LoginReader.
KnownLogins read_logins(Console& console, const std::vector<Target>& targets, Prompt prompt,
                        std::chrono::milliseconds time = std::chrono::seconds(10),
                        const std::vector<std::filesystem::path>& only = {});

// The logins and their expiry, as regsyncd would report them.
struct LoginsAndEnds {
  KnownLogins known;
  std::map<RegistryKey, LoginEnd> ends;
};
LoginsAndEnds read_logins_and_ends(Console& console, const std::vector<Target>& targets, Prompt prompt,
                                   std::chrono::milliseconds time = std::chrono::seconds(10),
                                   const std::vector<std::filesystem::path>& only = {});

// LoginReader makes readings as regsyncd does: of the keyring and the loginFiles of the settings, or, if `only` is not
// empty, of only those files. If the keyring cannot be read, the reading has a problem and does not say which logins
// exist. With Prompt::never it waits for the keyring until `time` after its construction.
class LoginReader {
 public:
  LoginReader(Console& console, Prompt prompt, std::chrono::milliseconds time,
              const std::vector<std::filesystem::path>& only = {});

  StoreReading read(const std::set<RegistryKey>& wanted);
  // Returns the helpers of other_helpers() and of the login files. Throws Error(invalid_input) if a file of Docker is
  // unusable.
  [[nodiscard]] HelperNames helpers();
  // The settings in force, read once.
  [[nodiscard]] const Settings& settings() const { return settings_; }

 private:
  StoreReading read_keyring(const std::set<RegistryKey>& wanted);

  Console& console_;
  Prompt prompt_;
  std::chrono::milliseconds time_;
  std::chrono::steady_clock::time_point end_;
  Settings settings_;
  bool keyring_;
  std::vector<std::filesystem::path> paths_;
  LoginFiles files_;
};

// Returns what provides the login that targets use for a registry, if that is not the keyring: a login file of the
// settings in force, or another helper. Throws Error(invalid_input) if a file of Docker is unusable.
LoginKeeper keeper_beside_keyring(const RegistryKey& registry);

}  // namespace regsync::cli
