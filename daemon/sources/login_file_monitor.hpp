// Readings of login files: reads them whenever they change, through the swaps of symbolic links with which Kubernetes
// replaces a mounted Secret.
//
// Lives on the io_context thread, where the handlers are called (asio::post); none runs after the destructor.
#pragma once

#include <asio/any_io_executor.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/sources/file_monitor.hpp"
#include "helper/base/error.hpp"
#include "sync/logins/login_files.hpp"
#include "sync/logins/login_source.hpp"

namespace regsync {

class LoginFileMonitor final : public LoginSource {
 public:
  // on_helpers: credHelpers of the files, at first and whenever they are others than before.
  LoginFileMonitor(asio::any_io_executor executor, std::vector<std::filesystem::path> paths, Handler on_reading,
                   std::function<void(std::map<std::string, std::string>)> on_helpers);

  void want(std::set<RegistryKey> registries) override;
  void refresh() override;

  // Why changes are not noticed at once; nothing where they are.
  [[nodiscard]] const std::optional<Error>& problem() const { return monitor_.problem(); }

 private:
  void read();

  asio::any_io_executor executor_;
  Handler on_reading_;
  std::function<void(std::map<std::string, std::string>)> on_helpers_;
  LoginFiles files_;
  std::set<RegistryKey> wanted_;
  std::optional<std::map<std::string, std::string>> helpers_;  // as told last
  std::vector<std::filesystem::path> followed_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>();  // what is posted finds nobody once this is gone
  FileMonitor monitor_;
};

}  // namespace regsync
