// StoreMonitor delivers readings of the Secret Service to the io_context. StoreWatch makes them on its own thread.
//
// Construct, use and destroy it on the io_context thread, where it calls the handler (asio::post). The destructor joins
// the thread; no handler runs after it.
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
  const std::shared_ptr<Handler> handler_;  // lets posted functions detect the destructor
  StoreWatch watch_;                        // declared last, so destroyed first
};

}  // namespace regsync
