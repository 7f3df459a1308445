// StoreMonitor delivers readings of the Secret Service to the io_context. StoreWatch, which makes them, has its own
// thread.
//
// Constructed, used and destroyed on the io_context thread; the handler is called there (asio::post). The destructor
// joins the thread; no handler runs after it.
#pragma once

#include <asio/any_io_executor.hpp>
#include <memory>
#include <set>

#include "helper/secret_service/store_watch.hpp"
#include "helper/store/registry_key.hpp"
#include "helper/store/store_reading.hpp"
#include "sync/logins/login_source.hpp"

namespace regsync {

class StoreMonitor final : public LoginSource {
 public:
  StoreMonitor(asio::any_io_executor executor, Handler on_reading);

  // See StoreWatch.
  void want(std::set<RegistryKey> registries) override { watch_.want(std::move(registries)); }
  void refresh() override { watch_.refresh(); }

 private:
  const std::shared_ptr<Handler> handler_;  // what is posted finds nobody once this is gone
  StoreWatch watch_;                        // ends first
};

}  // namespace regsync
