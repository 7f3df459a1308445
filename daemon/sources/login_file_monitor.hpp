// LoginFileMonitor reads login files whenever they change, including when Kubernetes replaces a mounted Secret by
// swapping a symbolic link.
//
// Lives on the io_context thread, where it calls the handlers (asio::post); none runs after the destructor.
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
  // on_helpers gets the credHelpers of the files after the first read and whenever they change.
  LoginFileMonitor(asio::any_io_executor executor, std::vector<std::filesystem::path> paths, Handler on_reading,
                   std::function<void(std::map<std::string, std::string>)> on_helpers);

  void want(std::set<RegistryKey> registries) override;
  void refresh() override;

  // Why changes are not noticed at once; nullopt if they are.
  [[nodiscard]] const std::optional<Error>& problem() const { return monitor_.problem(); }

 private:
  void read();

  asio::any_io_executor executor_;
  Handler on_reading_;
  std::function<void(std::map<std::string, std::string>)> on_helpers_;
  LoginFiles files_;
  std::set<RegistryKey> wanted_;
  std::optional<std::map<std::string, std::string>> helpers_;  // as last given to on_helpers_
  std::vector<std::filesystem::path> followed_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>();  // lets posted functions detect the destructor
  FileMonitor monitor_;
};

}  // namespace regsync
