// Queries several clusters at once and independently: an unreachable one does not delay the others. Blocks; one thread.
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

// Runs `work` with a client of each context, all at the same time on one event loop of this call, and returns when
// every one has ended. What one throws, or that it took longer than `time`, goes to `on_error`. An exec plugin that has
// to run first has its own time (ExecManners::patience): a person may have to log in.
void for_each_context(const kube::Kubeconfig& kubeconfig, const std::vector<std::string>& contexts,
                      std::chrono::milliseconds time,
                      const std::function<asio::awaitable<void>(kube::KubeClient&)>& work,
                      const std::function<void(const std::string& context, const Error& error)>& on_error);

// What `working` throws, as its value: asio's `||` waits for a success, and a failure is to end the wait too.
asio::awaitable<std::exception_ptr> failure_of(asio::awaitable<void> working);

}  // namespace regsync::cli
