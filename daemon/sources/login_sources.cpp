#include "daemon/sources/login_sources.hpp"

#include <utility>

#include "sync/logins/login_files.hpp"

namespace regsync {

LoginSources::LoginSources(asio::any_io_executor executor, const MakeStore& make_store, Handler on_reading,
                           std::function<void(std::map<std::string, std::string>)> on_helpers)
    : executor_(std::move(executor)), on_reading_(std::move(on_reading)), on_helpers_(std::move(on_helpers)) {
  if (make_store) {
    store_ = make_store([this](StoreReading reading) { on_store(std::move(reading)); });
  }
}

void LoginSources::set_files(std::vector<std::filesystem::path> paths) {
  if (paths == paths_) {
    return;
  }
  paths_ = std::move(paths);
  files_.reset();
  if (!paths_.empty()) {
    files_ = std::make_unique<LoginFileMonitor>(
        executor_, paths_, [this](StoreReading reading) { on_files(std::move(reading)); }, on_helpers_);
    files_->want(wanted_);
  } else {
    on_helpers_({});
  }
  if (store_) {
    store_->refresh();
  }
}

void LoginSources::want(std::set<RegistryKey> registries) {
  wanted_ = std::move(registries);
  if (store_) {
    store_->want(wanted_);
  }
  if (files_) {
    files_->want(wanted_);
  }
}

// With a store, its reading triggers that of the files, so that a waiting request sees both.
void LoginSources::refresh() {
  if (store_) {
    store_->refresh();
  } else if (files_) {
    files_->refresh();
  }
}

void LoginSources::on_store(StoreReading reading) {
  if (files_) {
    of_store_ = std::move(reading);
    files_->refresh();
  } else {
    of_store_.reset();
    on_reading_(std::move(reading));
  }
}

void LoginSources::on_files(StoreReading reading) {
  if (!store_) {
    on_reading_(std::move(reading));
    return;
  }
  reading = merge_readings(std::move(reading), of_store_);
  if (of_store_) {
    of_store_->only_changes = true;  // when merged again, it is not a new reading of the store
  } else {
    reading.only_changes = true;  // the store was not read yet
  }
  on_reading_(std::move(reading));
}

}  // namespace regsync
