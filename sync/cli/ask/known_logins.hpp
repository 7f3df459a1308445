// Reads the logins of some targets, as regsyncd would know them now. Blocks; one thread.
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

// Reads the keyring and the login files, and asks the helpers that Docker's credHelpers names, by the engine's own
// LoginBook in this process. What cannot be read is in the result's problems, as the engine has it; throws
// Error(invalid_input) only for a config.json of Docker that cannot be used. Waits up to `time` for slow helpers;
// one that is silent is then a problem too.
// only: see LoginReader.
KnownLogins read_logins(Console& console, const std::vector<Target>& targets, Prompt prompt,
                        std::chrono::milliseconds time = std::chrono::seconds(10),
                        const std::vector<std::filesystem::path>& only = {});

// The same, and when these logins end, as regsyncd would say it.
struct LoginsAndEnds {
  KnownLogins known;
  std::map<RegistryKey, LoginEnd> ends;
};
LoginsAndEnds read_logins_and_ends(Console& console, const std::vector<Target>& targets, Prompt prompt,
                                   std::chrono::milliseconds time = std::chrono::seconds(10),
                                   const std::vector<std::filesystem::path>& only = {});

// Readings as regsyncd makes them: of the keyring and of the settings' loginFiles; or of `only` these files, where
// there are any. A keyring that cannot be read says nothing about which logins exist: the reading then has a problem.
// One that never prompts waits for the keyring until `time` from now at the most.
class LoginReader {
 public:
  LoginReader(Console& console, Prompt prompt, std::chrono::milliseconds time,
              const std::vector<std::filesystem::path>& only = {});

  StoreReading read(const std::set<RegistryKey>& wanted);
  // Those of other_helpers(), and of the login files. Throws Error(invalid_input) for a file of Docker that cannot be
  // used.
  [[nodiscard]] HelperNames helpers();
  // Those in force, read once.
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

// Who has the login of a registry that targets use, where that is not the keyring: a login file of the settings in
// force, or another helper. Throws Error(invalid_input) for a file of Docker that cannot be used.
LoginKeeper keeper_beside_keyring(const RegistryKey& registry);

}  // namespace regsync::cli
