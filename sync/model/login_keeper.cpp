#include "sync/model/login_keeper.hpp"

#include "helper/base/shell_word.hpp"

namespace regsync {

std::string how_to_renew(const RegistryKey& registry, const LoginKeeper& keeper) {
  if (!keeper.helper.empty()) {
    return "renew what " + keeper.helper + " logs in with, and try it: echo " + shell_word(registry.registry()) +
           " | " + shell_word(keeper.helper) + " get";
  }
  if (!keeper.file.empty()) {
    return registry.account().empty()
               ? "write it anew: podman login --authfile " + shell_word(keeper.file) + " " +
                     shell_word(registry.value())
               : "write it anew in " + keeper.file + R"(: {"auths": {")" + registry.value() + R"(": {"auth": ...}}})";
  }
  return "log in again: " + login_command(registry);
}

}  // namespace regsync
