#include "sync/cli/ask/known_footprints.hpp"

#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/engine/owner_file.hpp"

namespace regsync::cli {

FootprintStore known_footprints(const std::string& owner) {
  return FootprintStore(known_footprints_folder(known_owner(settings_in_force(), owner)));
}

}  // namespace regsync::cli
