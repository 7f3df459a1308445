// LoginSources combines the sources of this daemon's logins into one: the keyring, files, or both.
//
// Lives on the io_context thread, where it calls the handlers; none runs after the destructor.
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

#include "daemon/sources/login_file_monitor.hpp"
#include "sync/logins/login_source.hpp"

namespace regsync {

class LoginSources final : public LoginSource {
 public:
  using MakeStore = std::function<std::unique_ptr<LoginSource>(Handler)>;

  // make_store makes the source for the keyring; empty: files only. on_helpers: see LoginFileMonitor.
  LoginSources(asio::any_io_executor executor, const MakeStore& make_store, Handler on_reading,
               std::function<void(std::map<std::string, std::string>)> on_helpers);

  // Sets the files and folders to read; none: the keyring only.
  void set_files(std::vector<std::filesystem::path> paths);

  void want(std::set<RegistryKey> registries) override;
  void refresh() override;

  [[nodiscard]] std::optional<Error> problem() const { return files_ ? files_->problem() : std::nullopt; }

 private:
  void on_store(StoreReading reading);
  void on_files(StoreReading reading);

  asio::any_io_executor executor_;
  Handler on_reading_;
  std::function<void(std::map<std::string, std::string>)> on_helpers_;
  std::set<RegistryKey> wanted_;
  std::vector<std::filesystem::path> paths_;
  std::optional<StoreReading> of_store_;  // the last reading; kept while there are files to merge it with
  std::unique_ptr<LoginFileMonitor> files_;
  std::unique_ptr<LoginSource> store_;
};

}  // namespace regsync
