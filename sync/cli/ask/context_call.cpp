#include "sync/cli/ask/context_call.hpp"

#include <nlohmann/json.hpp>

#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/local_engine.hpp"

namespace regsync::cli {

void call_for_context(std::string_view method, const nlohmann::json& params,
                      const std::optional<std::filesystem::path>& kubeconfig, Console& console,
                      const std::function<void(Engine&)>& here) {
  if (const auto daemon = connect_if_running()) {
    daemon->call(method, params, context_call_time);
    return;
  }
  const auto work = [&](Engine& engine) -> asio::awaitable<void> {
    here(engine);
    co_return;
  };
  const std::set<std::string> nobody;  // so nothing is written to a cluster
  run_engine(console, kubeconfig, "regsync", work, nobody, context_call_time);
}

}  // namespace regsync::cli
