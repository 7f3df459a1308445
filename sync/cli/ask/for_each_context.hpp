// Queries several clusters concurrently: an unreachable one does not delay the others. Blocks; one thread.
#pragma once

#include <asio/awaitable.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/kube/config/kubeconfig.hpp"

namespace regsync::cli {

// Runs `work` with a client of each context, concurrently on an event loop of its own, and returns when all have ended.
// An exception, or a timeout after `time`, goes to `on_error`. An exec plugin that must run first has its own timeout
// (ExecManners::patience), since a person may have to log in.
void for_each_context(const kube::Kubeconfig& kubeconfig, const std::vector<std::string>& contexts,
                      std::chrono::milliseconds time,
                      const std::function<asio::awaitable<void>(kube::KubeClient&)>& work,
                      const std::function<void(const std::string& context, const Error& error)>& on_error);

// Returns what `working` throws instead of throwing it: asio's `||` waits for a success, and here a failure must end
// the wait too.
asio::awaitable<std::exception_ptr> failure_of(asio::awaitable<void> working);

}  // namespace regsync::cli
