#include "sync/cli/ask/local_engine.hpp"

#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <exception>

#include "sync/base/instance_lock.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/run_to_end.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/cli/ask/for_each_context.hpp"
#include "sync/cli/ask/known_logins.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/config/settings.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/engine/owner_file.hpp"

namespace regsync::cli {
namespace {

asio::awaitable<StatusReport> work_and_stop(Engine& engine, std::function<asio::awaitable<void>(Engine&)> work,
                                            std::vector<std::string> targets, std::chrono::milliseconds time) {
  using namespace asio::experimental::awaitable_operators;
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  asio::awaitable<std::exception_ptr> working = failure_of(work(engine));
  asio::awaitable<void> waiting = timer.async_wait(asio::use_awaitable);
  const auto first = co_await (std::move(working) || std::move(waiting));
  const std::exception_ptr failure = first.index() == 0 ? std::get<0>(first) : nullptr;
  StatusReport report = engine.status(StatusQuery{.targets = std::move(targets)});
  co_await engine.stop();
  if (failure) {
    std::rethrow_exception(failure);
  }
  co_return report;
}

}  // namespace

StatusReport run_engine(Console& console, const std::optional<std::filesystem::path>& kubeconfig,
                        std::string_view program, const std::function<asio::awaitable<void>(Engine&)>& work,
                        const std::optional<std::set<std::string>>& acting, std::chrono::milliseconds time,
                        const std::string& owner, const std::vector<std::filesystem::path>& logins) {
  const InstanceLock lock(paths::lock(), program);
  const Settings settings = load_settings(paths::settings());
  asio::io_context io(1);
  const Owner owner_now = this_owner(settings, owner);
  FootprintStore footprints(footprints_folder(owner_now));
  const EngineOptions options{.cluster = {.owner = owner_now, .concurrency = settings.concurrency},
                              .state = paths::state_home(),
                              .login_places = paths::login_places(),
                              .acting = acting};

  LoginReader reader(console, Prompt::never, time, logins);
  Engine* running = nullptr;
  std::set<RegistryKey> last_wanted;
  const auto on_wanted = [&](const std::set<RegistryKey>& wanted) {
    last_wanted = wanted;
    // Posted, because the engine calls this during an update.
    asio::post(io, [&, wanted] { guarded_logged("logins", [&] { running->set_logins(reader.read(wanted)); }); });
  };
  const auto read_targets = [&] { running->set_targets(TargetDirectory(paths::targets()).load()); };
  Engine engine(io.get_executor(), options, footprints,
                {.on_wanted = on_wanted,
                 .on_change = [] {},
                 .read_again = read_targets,
                 .read_logins_again = [&] { on_wanted(std::set(last_wanted)); },
                 .read_kubeconfig_again = [&] { running->set_kubeconfig(load_kubeconfig(kubeconfig, time)); }});
  running = &engine;
  engine.expect_reading();
  engine.set_login_settings(settings.verify_logins, settings.expires);
  engine.set_cred_helpers(reader.helpers());
  engine.set_kubeconfig(load_kubeconfig(kubeconfig, time));
  read_targets();

  std::vector<std::string> targets;
  if (acting) {
    targets.assign(acting->begin(), acting->end());
  }
  return run_to_end(io, work_and_stop(engine, work, std::move(targets), time));
}

}  // namespace regsync::cli
