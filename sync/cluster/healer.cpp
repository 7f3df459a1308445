#include "sync/cluster/healer.hpp"

#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>

#include "helper/base/error.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/log.hpp"
#include "sync/cluster/write_trouble.hpp"
#include "sync/kube/api/pages.hpp"

namespace regsync {

using nlohmann::json;

namespace {

// Separate functions: g++ 12 cannot compile these initializer lists inside a coroutine.
std::string eviction_of(const Pod& pod, const std::string& version) {
  const json preconditions{{"uid", pod.uid}};
  return json{{"apiVersion", version},
              {"kind", "Eviction"},
              {"metadata", {{"name", pod.name}, {"namespace", pod.name_space}}},
              {"deleteOptions", {{"preconditions", preconditions}}}}
      .dump();
}

// Whether a server accepts only policy/v1beta1 evictions.
bool is_before_1_22(const json& server) {
  constexpr int first = 22;
  const std::string_view text = text_at(server, {"minor"});  // "21+" with some providers
  int minor = first;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), minor);
  return fault == std::errc() && minor < first && text_at(server, {"major"}) == "1";
}

}  // namespace

Healer::Healer(const asio::any_io_executor& executor, kube::KubeClient& client, Handlers handlers, Limits limits)
    : executor_(executor),
      client_(client),
      handlers_(std::move(handlers)),
      limits_(limits),
      turns_(limits.at_once),
      tasks_(executor) {}

// A newer repair of the same object replaces one in progress.
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
          warn(name_space, *problem);
        }
        if (const auto found = running_.find(id); found != running_.end() && found->second == signal) {
          running_.erase(found);
        }
      },
      signal->slot());
}

// A temporary error ends the round but not the work.
asio::awaitable<void> Healer::run(Case repaired) {
  asio::steady_timer timer(executor_);
  for (int i = 0; i < limits_.rounds; ++i) {
    bool again = true;
    try {
      again = co_await evict_waiting_pods(repaired);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::cancelled || needs_help(error.code())) {
        throw;
      }
      tell_once(repaired, error);
    }
    if (!again) {
      co_return;
    }
    timer.expires_after(limits_.pause);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

// Returns whether pods are left that wait for the repair.
asio::awaitable<bool> Healer::evict_waiting_pods(Case& repaired) {
  const auto turn = co_await turns_.enter();
  if (!is_wanted(repaired)) {
    co_return false;
  }
  const std::vector<Pod> cured = co_await cured_pods(repaired);
  bool left = false;
  for (const Pod& pod : cured) {
    if (!is_wanted(repaired)) {
      co_return false;
    }
    const bool done = may_evict(pod.name_space) && co_await evict(repaired, pod);
    left = left || !done;
  }
  co_return left;
}

// Only pods from the first list: a later one got the repaired Secret from the beginning.
asio::awaitable<std::vector<Pod>> Healer::cured_pods(Case& repaired) {
  std::vector<Pod> cured;
  std::set<std::string> seen;
  kube::ListOptions options;
  options.field_selector = "status.phase=Pending";  // true of every pod whose containers never ran
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
      if (!pod || (repaired.older && !repaired.older->contains(pod->uid))) {
        return;
      }
      seen.insert(pod->uid);
      if (is_cured_by(*pod, repaired.repair, *repaired.payload)) {
        cured.push_back(std::move(*pod));
      }
    };
    kube::ListPage page = co_await client_.list(path, options, std::move(keep));
    more = pages.turn(std::move(page.continue_token));
    options.continue_token = pages.token();
  } while (more);
  repaired.older = std::move(seen);
  co_return cured;
}

bool Healer::is_wanted(const Case& repaired) const {
  return handlers_.is_wanted({repaired.name_space, repaired.repair.secret}, repaired.target,
                             repaired.repair.service_account);
}

bool Healer::may_evict(const std::string& name_space) {
  const auto is_over = [this, now = Clock::now()](Clock::time_point time) { return now - time >= limits_.minute; };
  std::erase_if(evicted_, [&](const auto& item) { return is_over(item.second.back()); });
  const auto last = evicted_.find(name_space);
  return last == evicted_.end() || last->second.size() < limits_.evictions || is_over(last->second.front());
}

void Healer::note_eviction(const std::string& name_space) {
  auto& last = evicted_[name_space];
  last.push_back(Clock::now());
  if (last.size() > limits_.evictions) {
    last.pop_front();
  }
}

// Returns whether the pod is done with. It is not if a PodDisruptionBudget or an overloaded server refuses for now; a
// permanent refusal of this pod says nothing about the others.
asio::awaitable<bool> Healer::evict(Case& repaired, const Pod& pod) {
  const std::string version = version_;
  auto failure = co_await try_to_evict(pod);
  if (failure && failure->code() == ErrorCode::rejected) {
    co_await learn_version();
    if (version_ != version) {
      failure = co_await try_to_evict(pod);
    }
  }
  if (!failure) {
    note_eviction(pod.name_space);
    handlers_.on_evicted({.kind = Change::Kind::evicted,
                          .why = Why::heal,
                          .target = repaired.target,
                          .context = {},
                          .name_space = pod.name_space,
                          .secret = repaired.repair.secret,
                          .service_account = {},
                          .pod = pod.name});
    co_return true;
  }
  switch (failure->code()) {
    case ErrorCode::not_found:
    case ErrorCode::stale:
      co_return true;
    case ErrorCode::overloaded:
    case ErrorCode::server_error:
      co_return false;
    case ErrorCode::rejected:
    case ErrorCode::timeout:  // possibly an admission webhook's
      tell_once(repaired, *failure);
      co_return failure->code() == ErrorCode::rejected;
    default:
      throw Error(*failure);
  }
}

// Returns why the pod was not evicted.
asio::awaitable<std::optional<Error>> Healer::try_to_evict(const Pod& pod) {
  kube::ObjectPath path;
  path.resource = "pods";
  path.name_space = pod.name_space;
  path.name = pod.name;
  path.subresource = "eviction";
  std::string body = eviction_of(pod, version_);
  std::optional<Error> failure;
  try {
    co_await client_.create(path, std::move(body));
  } catch (const Error& error) {
    failure = error;
  }
  co_return failure;
}

// An old server rejects an unknown Eviction just as admission may reject any: only its version tells the two apart.
asio::awaitable<void> Healer::learn_version() {
  if (version_known_) {
    co_return;
  }
  const json server = co_await client_.version();
  if (is_before_1_22(server)) {
    version_ = "policy/v1beta1";
  }
  version_known_ = true;
}

void Healer::tell_once(Case& repaired, const Error& problem) const {
  if (repaired.told.insert(problem.message()).second) {
    warn(repaired.name_space, problem);
  }
}

void Healer::warn(const std::string& name_space, const Error& problem) const {
  log::warning("pods that wait for a repaired Secret cannot be healed: " + describe(problem),
               {.context = client_.context().name, .name_space = name_space});
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
