#include "sync/fleet/hub_watch.hpp"

#include <asio/co_spawn.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "sync/base/async_event.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync {

namespace {

constexpr auto retry_delay = std::chrono::seconds(10);

}  // namespace

struct HubWatch::Run {
  std::unique_ptr<kube::Watcher> watcher;
  asio::cancellation_signal cancel;
};

HubWatch::HubWatch(asio::any_io_executor executor, kube::KubeClient& hub, kube::WatchScope scope,
                   kube::Watcher::Handler on_event, kube::Watcher::HealthHandler on_health)
    : executor_(std::move(executor)),
      hub_(hub),
      scope_(std::move(scope)),
      on_event_(std::move(on_event)),
      on_health_(std::move(on_health)),
      tasks_(executor_) {}

HubWatch::~HubWatch() = default;

void HubWatch::start() {
  const auto run = std::make_shared<Run>();
  run->watcher = std::make_unique<kube::Watcher>(
      hub_, scope_,
      [this, of = run.get()](const kube::WatchEvent& event) {
        if (of == run_.get()) {
          guarded_logged(scope_.collection.resource + " of the hub", [&] { on_event_(event); });
        }
      },
      [this, of = run.get()](const std::optional<Error>& problem) {
        if (of == run_.get()) {
          tell_health(problem);
        }
      });
  run_ = run;
  tasks_.spawn(follow(run), [](const std::optional<Error>&) {}, run->cancel.slot());
}

asio::awaitable<void> HubWatch::follow(std::shared_ptr<Run> run) {
  co_await asio::post(executor_, asio::use_awaitable);
  for (;;) {
    const auto [failure] =
        co_await asio::co_spawn(executor_, run->watcher->run(), asio::experimental::as_tuple(asio::use_awaitable));
    const std::optional<Error> problem = failure ? std::optional(error_of(failure)) : std::nullopt;
    if (!problem || problem->code() == ErrorCode::cancelled) {
      co_return;
    }
    if (run == run_) {
      tell_health(problem);
    }
    co_await sleep_for(retry_delay);
  }
}

void HubWatch::tell_health(const std::optional<Error>& problem) {
  guarded_logged(scope_.collection.resource + " of the hub", [&] { on_health_(problem); });
}

void HubWatch::relist() {
  if (stopping_) {
    return;
  }
  const auto before = run_;
  start();
  before->cancel.emit(asio::cancellation_type::all);
}

asio::awaitable<void> HubWatch::stop() {
  stopping_ = true;
  if (const auto last = std::exchange(run_, nullptr)) {
    last->cancel.emit(asio::cancellation_type::all);
  }
  co_await tasks_.ended();
}

}  // namespace regsync
