#include "sync/cluster/healer.hpp"

#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/base/log.hpp"
#include "sync/kube/api/pages.hpp"

namespace regsync {

using nlohmann::json;

Healer::Healer(const asio::any_io_executor& executor, kube::KubeClient& client, Handlers handlers, Limits limits)
    : executor_(executor), client_(client), handlers_(std::move(handlers)), limits_(limits), tasks_(executor) {}

// A newer repair of the same thing takes the place of one that is still being worked on.
void Healer::repaired(const Key& key, std::string target, std::string service_account,
                      std::shared_ptr<const Payload> payload) {
  if (stopping_ || !payload) {
    return;
  }
  const std::string id = key.name_space + "/" + key.secret + "/" + service_account;
  const auto signal = std::make_shared<asio::cancellation_signal>();
  if (const auto before = std::exchange(running_[id], signal)) {
    before->emit(asio::cancellation_type::all);
  }
  const Case repaired{key.name_space, std::move(target), {key.secret, std::move(service_account)}, std::move(payload)};
  tasks_.spawn(
      run(repaired),
      [this, id, signal, name_space = key.name_space](const std::optional<Error>& problem) {
        if (problem && problem->code() != ErrorCode::cancelled) {
          log::warning("pods that wait for a repaired Secret cannot be healed: " + describe(*problem),
                       {.context = client_.context().name, .name_space = name_space});
        }
        if (const auto found = running_.find(id); found != running_.end() && found->second == signal) {
          running_.erase(found);
        }
      },
      signal->slot());
}

asio::awaitable<void> Healer::run(Case repaired) {
  asio::steady_timer timer(executor_);
  for (int i = 0; i < limits_.rounds && is_wanted(repaired); ++i) {
    const bool again = co_await evict_waiting_pods(repaired);
    if (!again) {
      co_return;
    }
    timer.expires_after(limits_.pause);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

// Whether pods are left that wait for the repair.
asio::awaitable<bool> Healer::evict_waiting_pods(Case repaired) {
  std::vector<Pod> cured;
  kube::ListOptions options;
  kube::ObjectPath path;
  path.resource = "pods";
  path.name_space = repaired.name_space;
  constexpr int page_size = 500;
  options.limit = page_size;
  kube::Pages pages;
  bool more = false;
  do {
    std::function<void(json&&)> keep = [&](const json& object) {
      auto pod = read_pod(object);
      if (pod && is_cured_by(*pod, repaired.repair, *repaired.payload)) {
        cured.push_back(std::move(*pod));
      }
    };
    kube::ListPage page = co_await client_.list(path, options, std::move(keep));
    more = pages.turn(std::move(page.continue_token));
    options.continue_token = pages.token();
  } while (more);
  bool left = false;
  for (const Pod& pod : cured) {
    if (!is_wanted(repaired)) {
      co_return false;
    }
    const bool gone = may_evict(pod.name_space) && co_await evict(repaired, pod);
    left = left || !gone;
  }
  co_return left;
}

bool Healer::is_wanted(const Case& repaired) const {
  return handlers_.is_wanted({repaired.name_space, repaired.repair.secret}, repaired.target,
                             repaired.repair.service_account);
}

bool Healer::may_evict(const std::string& name_space) {
  auto& times = evicted_[name_space];
  while (!times.empty() && Clock::now() - times.front() >= limits_.minute) {
    times.pop_front();
  }
  return times.size() < limits_.evictions;
}

// False where a PodDisruptionBudget, or a server that has too much to do, refuses now.
asio::awaitable<bool> Healer::evict(Case repaired, Pod pod) {
  kube::ObjectPath path;
  path.resource = "pods";
  path.name_space = pod.name_space;
  path.name = pod.name;
  path.subresource = "eviction";
  const auto body = [&] {
    const json preconditions{{"uid", pod.uid}};
    return json{{"apiVersion", version_},
                {"kind", "Eviction"},
                {"metadata", {{"name", pod.name}, {"namespace", pod.name_space}}},
                {"deleteOptions", {{"preconditions", preconditions}}}}
        .dump();
  };
  std::optional<Error> failure;
  for (int attempt = 0; attempt < 2; ++attempt) {
    failure.reset();
    try {
      std::string text = body();
      co_await client_.create(path, std::move(text));
      break;
    } catch (const Error& error) {
      failure = error;
    }
    if (failure->code() != ErrorCode::rejected || version_ == "policy/v1beta1") {
      break;
    }
    version_ = "policy/v1beta1";  // Kubernetes before 1.22
  }
  if (failure && (failure->code() == ErrorCode::overloaded || failure->code() == ErrorCode::server_error)) {
    co_return false;
  }
  if (failure && failure->code() != ErrorCode::not_found && failure->code() != ErrorCode::stale) {
    throw Error(*failure);
  }
  if (!failure) {
    evicted_[pod.name_space].push_back(Clock::now());
    handlers_.on_evicted({.kind = Change::Kind::evicted,
                          .why = Why::heal,
                          .target = repaired.target,
                          .context = {},
                          .name_space = pod.name_space,
                          .secret = repaired.repair.secret,
                          .service_account = {},
                          .pod = pod.name});
  }
  co_return true;
}

asio::awaitable<void> Healer::stop() {
  stopping_ = true;
  const auto running = running_;
  for (const auto& [id, signal] : running) {
    signal->emit(asio::cancellation_type::all);
  }
  co_await tasks_.ended();
}

}  // namespace regsync
