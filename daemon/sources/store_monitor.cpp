#include "daemon/sources/store_monitor.hpp"

#include <asio/post.hpp>
#include <utility>

#include "sync/base/spawn_guarded.hpp"

namespace regsync {

StoreMonitor::StoreMonitor(asio::any_io_executor executor, Handler on_reading)
    : handler_(std::make_shared<Handler>(std::move(on_reading))),
      watch_([executor = std::move(executor), observer = std::weak_ptr(handler_)](StoreReading reading) {
        asio::post(executor, [observer, reading = std::move(reading)]() mutable {
          if (const auto handler = observer.lock()) {
            guarded_logged("keyring", [&] { (*handler)(std::move(reading)); });
          }
        });
      }) {}

}  // namespace regsync
