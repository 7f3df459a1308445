#include "sync/cli/ask/for_each_context.hpp"

#include <asio/co_spawn.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "sync/base/spawn_guarded.hpp"
#include "sync/cli/view/quote.hpp"

namespace regsync::cli {
namespace {

using Work = std::function<asio::awaitable<void>(kube::KubeClient&)>;

asio::awaitable<void> work_on(kube::ResolvedContext context, std::chrono::milliseconds time, const Work& work) {
  using namespace asio::experimental::awaitable_operators;
  const auto executor = co_await asio::this_coro::executor;
  const std::string server = context.server;
  const std::string name = context.name;
  kube::KubeClient client(executor, std::move(context));
  co_await client.authenticate();
  asio::steady_timer timer(executor, time);
  client.repeat_until(timer.expiry());
  asio::awaitable<std::exception_ptr> working = failure_of(work(client));
  asio::awaitable<void> waiting = timer.async_wait(asio::use_awaitable);
  const auto first = co_await (std::move(working) || std::move(waiting));
  if (first.index() == 0 && std::get<0>(first)) {
    std::rethrow_exception(std::get<0>(first));
  }
  if (first.index() == 1) {
    throw Error(ErrorCode::timeout,
                server + " did not answer within " +
                    std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s",
                "check the server and the network: kubectl --context " + shell_word(name) + " get --raw /readyz");
  }
}

}  // namespace

asio::awaitable<std::exception_ptr> failure_of(asio::awaitable<void> working) {
  const auto [failure] = co_await asio::co_spawn(co_await asio::this_coro::executor, std::move(working),
                                                 asio::experimental::as_tuple(asio::use_awaitable));
  co_return failure;
}

void for_each_context(const kube::Kubeconfig& kubeconfig, const std::vector<std::string>& contexts,
                      std::chrono::milliseconds time, const Work& work,
                      const std::function<void(const std::string& context, const Error& error)>& on_error) {
  asio::io_context io(1);
  for (const std::string& name : contexts) {
    const auto report = [&on_error, name](const std::optional<Error>& problem) {
      if (problem) {
        on_error(name, *problem);
      }
    };
    report(guarded([&] { spawn_guarded(io.get_executor(), work_on(kubeconfig.resolve(name), time, work), report); }));
  }
  io.run();
}

}  // namespace regsync::cli
