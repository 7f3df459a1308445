#include "sync/base/temporary_folder.hpp"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include "helper/base/error.hpp"

namespace regsync {

TemporaryFolder::TemporaryFolder(std::string_view name) {
  const char* const variable = std::getenv("TMPDIR");
  const std::string parent = variable != nullptr && *variable != '\0' ? variable : "/tmp";
  std::string path = std::filesystem::path(parent) / std::string(name).append(".XXXXXX");
  if (::mkdtemp(path.data()) == nullptr) {
    const std::string why = std::generic_category().message(errno);
    throw Error(ErrorCode::invalid_input, "cannot make a temporary folder in " + parent + ": " + why,
                "set TMPDIR to a folder that exists and that you may write");
  }
  path_ = path;
}

TemporaryFolder::~TemporaryFolder() {
  if (!kept_) {
    std::error_code ignored;  // any remaining files hold no secrets
    std::filesystem::remove_all(path_, ignored);
  }
}

}  // namespace regsync
