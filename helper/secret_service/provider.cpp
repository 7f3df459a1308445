#include "helper/secret_service/provider.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "helper/base/text.hpp"

namespace regsync {
namespace {

constexpr std::string_view kwallet = "KWallet";
constexpr const char* see_doctor = "`regsync doctor` tells more";

struct KnownProvider {
  std::string_view program;
  std::string_view name;
  std::string_view unlock;       // how a user unlocks it
  std::string_view first_store;  // how a user creates a first collection
  std::string_view restart;
};

constexpr std::array known_providers{
    KnownProvider{
        "gnome-keyring-daemon", "gnome-keyring",
        "answer its prompt, or log in to the desktop with your password; on a machine without one run "
        "`regsync setup --headless`",
        "create a keyring named Login in seahorse (Passwords and Keys), or on a machine without a desktop run "
        "`regsync setup --headless`",
        "restart it: systemctl --user restart gnome-keyring-daemon, or log out and in again"},
    KnownProvider{"keepassxc", "KeePassXC", "unlock the database in its window",
                  "open or create a database in its window, and expose a group of it: Database > Database Settings > "
                  "Secret Service Integration",
                  "answer the dialog that its window may show, or restart it"},
    KnownProvider{
        "kwalletd5", kwallet, "open the wallet in KWalletManager",
        "create a wallet in KWalletManager (System Settings > KDE Wallet)",
        "answer the dialog that it may show, or end it (kquitapp5 kwalletd5): it starts again when it is needed"},
    KnownProvider{"kwalletd6", kwallet, "open the wallet in KWalletManager",
                  "create a wallet in KWalletManager (System Settings > KDE Wallet)",
                  "answer the dialog that it may show, or end it: it starts again when it is needed"},
    KnownProvider{"ksecretd", kwallet, "open the wallet in KWalletManager",
                  "create a wallet in KWalletManager (System Settings > KDE Wallet)",
                  "answer the dialog that it may show, or end it: it starts again when it is needed"},
};

const KnownProvider* find_known(const std::optional<StoreProvider>& provider) {
  if (!provider) {
    return nullptr;
  }
  const auto* found = std::ranges::find(known_providers, std::string_view(provider->program), &KnownProvider::program);
  return found == known_providers.end() ? nullptr : found;
}

std::string name_of(const std::optional<StoreProvider>& provider) {
  if (const KnownProvider* known = find_known(provider)) {
    return std::string(known->name);
  }
  return provider && !provider->program.empty() ? presentable(provider->program) : "the Secret Service";
}

// The advice for a known provider, or `general` if it is unknown.
std::string advice(const std::optional<StoreProvider>& provider, std::string_view KnownProvider::* which,
                   std::string_view general) {
  const KnownProvider* known = find_known(provider);
  return std::string(known != nullptr ? known->*which : general) + "; " + see_doctor;
}

bool a_provider_is_installed() {
  const char* data_dirs = std::getenv("XDG_DATA_DIRS");
  std::string_view rest = data_dirs != nullptr && *data_dirs != '\0' ? data_dirs : "/usr/local/share:/usr/share";
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    std::error_code ignored;
    if (std::filesystem::exists(std::string(folder) + "/dbus-1/services/org.freedesktop.secrets.service", ignored)) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string program_of(int pid) {
  const std::filesystem::path process = "/proc/" + std::to_string(pid);
  std::error_code failed;
  const std::filesystem::path executable = std::filesystem::read_symlink(process / "exe", failed);
  if (!failed) {
    const std::string name = executable.filename().string();
    constexpr std::string_view deleted = " (deleted)";  // replaced by an upgrade while it runs
    return name.ends_with(deleted) ? name.substr(0, name.size() - deleted.size()) : name;
  }
  std::string first_argument;
  std::getline(std::ifstream(process / "cmdline"), first_argument, '\0');
  return std::filesystem::path(first_argument).filename().string();
}

bool is_known(const StoreProvider& provider) { return find_known(provider) != nullptr; }

std::string describe(const std::optional<StoreProvider>& provider) {
  std::string text = name_of(provider);
  if (provider && provider->pid != 0) {
    text += " (process " + std::to_string(provider->pid) + ")";
  }
  return text;
}

std::string locked_labels(const std::vector<StoreCollection>& collections) {
  std::vector<std::string> labels;
  for (const StoreCollection& collection : collections) {
    if (collection.locked) {
      labels.push_back("\"" + presentable(collection.label.empty() ? collection.path : collection.label) + "\"");
    }
  }
  std::string text;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == labels.size() ? " and " : ", ") + labels[i];
  }
  return text;
}

Error locked_error(const std::optional<StoreProvider>& provider, const std::vector<StoreCollection>& collections) {
  std::string which = locked_labels(collections);
  if (provider) {
    which += (which.empty() ? "" : " in ") + name_of(provider);
  }
  return {
      ErrorCode::locked,
      "the keyring is locked" + (which.empty() ? "" : " (" + which + ")") + ", so its logins cannot be read or changed",
      "unlock it: " + advice(provider, &KnownProvider::unlock,
                             "answer its prompt, or log in to the desktop; on a machine without one run `regsync "
                             "setup --headless`")};
}

Error consent_needed_error(const std::optional<StoreProvider>& provider, const std::string& server) {
  return {ErrorCode::locked, name_of(provider) + " asks before it gives the login of " + server + " to a program",
          "allow it: in KeePassXC untick Tools > Settings > Secret Service Integration > \"Confirm when passwords are "
          "retrieved by clients\""};
}

const char* first_collection_label(const std::optional<StoreProvider>& provider) {
  return name_of(provider) == kwallet ? "kdewallet" : "Default keyring";
}

Error hidden_logins_error(std::size_t count) {
  return {ErrorCode::store_unavailable,
          "the Secret Service lists " + (count == 1 ? "a login" : std::to_string(count) + " logins") +
              " that it does not show",
          "try again; `regsync doctor` tells more"};
}

Error no_default_collection_error(const std::optional<StoreProvider>& provider) {
  return {ErrorCode::store_unavailable, name_of(provider) + " has no default collection to keep logins in",
          advice(provider, &KnownProvider::first_store,
                 "create a keyring (seahorse, KWalletManager, or KeePassXC's settings), or on a machine without a "
                 "desktop run `regsync setup --headless`")};
}

Error no_provider_error() {
  return {ErrorCode::store_unavailable, "no program provides the Secret Service (org.freedesktop.secrets)",
          std::string(a_provider_is_installed()
                          ? "start the one that is installed, or on a machine without a desktop run `regsync setup "
                            "--headless`; "
                          : "install one (apt install gnome-keyring) or enable it in KeePassXC or KWallet; ") +
              see_doctor};
}

Error ended_provider_error() {
  return {
      ErrorCode::store_unavailable, "the program that provides the Secret Service ended before it answered",
      "try again; if it is not started again by itself, start it: log in to the desktop again, or open KeePassXC; " +
          std::string(see_doctor)};
}

Error silent_provider_error(const std::optional<StoreProvider>& provider) {
  const KnownProvider* known = find_known(provider);
  return {ErrorCode::store_unavailable, describe(provider) + " does not answer",
          std::string(known != nullptr ? known->restart : "answer the dialog that it may show, or restart it")};
}

}  // namespace regsync
