#include "sync/cli/ask/asked_login.hpp"

#include "sync/cli/view/console.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

RegistryKey asked_login(const std::string& registry, const std::string& account) {
  if (!account.empty() && !is_account_name(account)) {
    throw UsageError("\"" + account + "\" is not an account name",
                     R"(use up to 63 letters, digits, "-", "_" and ".", a letter or digit first)");
  }
  as_typed([&] { require_registry(registry); });
  RegistryKey named(registry);
  if (account.empty()) {
    return named;
  }
  if (!named.account().empty() && named.account() != account) {
    throw UsageError("--account " + account + " and " + registry + " name different accounts", "give one of them");
  }
  return RegistryKey(account + "@" + std::string(named.registry()));
}

}  // namespace regsync::cli
