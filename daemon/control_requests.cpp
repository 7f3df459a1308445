#include "daemon/control_requests.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "sync/base/log.hpp"
#include "sync/control/messages.hpp"
#include "sync/control/requests.hpp"

namespace regsync {

using nlohmann::json;

struct ControlRequests::Method {
  std::string_view name;
  asio::awaitable<json> (ControlRequests::*carry_out)(json params) const;
  bool waits_to_lead = true;
};

const ControlRequests::Method& ControlRequests::method_of(std::string_view name) {
  namespace methods = control::methods;
  static constexpr std::array all{
      Method{.name = methods::sync, .carry_out = &ControlRequests::sync, .waits_to_lead = false},  // it reads first
      Method{.name = methods::remove, .carry_out = &ControlRequests::remove},
      Method{.name = methods::declare, .carry_out = &ControlRequests::declare, .waits_to_lead = false},
      Method{.name = methods::forgettable_contexts, .carry_out = &ControlRequests::forgettable_contexts},
      Method{.name = methods::forget_contexts, .carry_out = &ControlRequests::forget_contexts},
      Method{.name = methods::trust_context, .carry_out = &ControlRequests::trust_context},
      Method{.name = methods::pause_context, .carry_out = &ControlRequests::pause_context, .waits_to_lead = false},
      Method{.name = methods::dashboard, .carry_out = &ControlRequests::dashboard, .waits_to_lead = false},
  };
  const auto* const found = std::ranges::find(all, name, &Method::name);
  if (found == all.end()) {
    throw control::protocol_error("no such method: " + std::string(name));
  }
  return *found;
}

ControlRequests::ControlRequests(Parts parts) : parts_(std::move(parts)) {}

asio::awaitable<json> ControlRequests::call(std::string method, json params) const {
  const Method& known = method_of(method);
  if (known.waits_to_lead) {
    co_await parts_.leadership.wait();
  }
  co_return co_await (this->*known.carry_out)(std::move(params));
}

json ControlRequests::status(const StatusQuery& query) const {
  require_known(query.targets);
  return complete(parts_.engine.status(query));
}

asio::awaitable<json> ControlRequests::sync(json params) const {
  const control::SyncRequest request = control::sync_request_from_json(params);
  parts_.read_again();  // to include a target written just before this call, even without an inotify event yet
  co_await parts_.leadership.wait();
  require_known(request.query.targets);
  parts_.engine.expect_reading();
  parts_.read_logins_again();
  co_await sync_as_leader(request.query.targets, request.adopt);
  co_return status(request.query);
}

// Writes the intent to disk before it deletes the file, so that a crash in between does not orphan the Secrets.
asio::awaitable<json> ControlRequests::remove(json params) const {
  const control::RemoveRequest request = control::remove_request_from_json(params);
  const std::string& target = request.target;
  parts_.targets.read();
  require_known({target});
  parts_.targets.require_removable(target);
  parts_.engine.forget_target(target, request.keep_secrets, [&] { parts_.targets.remove(target); });
  log::info(request.keep_secrets ? "target removed, its Secrets are kept" : "target removed", {.target = target});
  std::vector<std::string> targets{target};
  co_await sync_as_leader(std::move(targets), false);
  co_return complete(parts_.engine.status(StatusQuery{.targets = {target}, .summary = request.summary}));
}

asio::awaitable<json> ControlRequests::declare(json params) const {
  const control::DeclareRequest request = control::declare_request_from_json(params);
  parts_.targets.read();
  parts_.targets.require_declared(request.target);
  parts_.engine.confirm_target(request.target);
  co_return json::object();
}

asio::awaitable<json> ControlRequests::forgettable_contexts(json params) const {
  const auto request = control::forgettable_contexts_request_from_json(params);
  const auto contexts = parts_.engine.forgettable_contexts(request.pattern);
  co_return control::to_json(control::ForgettableContextsAnswer{.contexts = {contexts.begin(), contexts.end()}});
}

asio::awaitable<json> ControlRequests::forget_contexts(json params) const {
  parts_.engine.forget_contexts(control::forget_contexts_request_from_json(params).contexts);
  co_return json::object();
}

asio::awaitable<json> ControlRequests::trust_context(json params) const {
  parts_.engine.trust_context(control::trust_context_request_from_json(params).context);
  co_return json::object();
}

asio::awaitable<json> ControlRequests::pause_context(json params) const {
  const control::PauseContextRequest request = control::pause_context_request_from_json(params);
  if (request.paused && parts_.hub.member() != nullptr) {
    throw cannot_pause(request.context);
  }
  co_await parts_.leadership.wait();
  const bool changed = parts_.engine.pause_context(request.context, request.paused);
  co_return control::to_json(control::PauseContextAnswer{.changed = changed});
}

asio::awaitable<json> ControlRequests::dashboard(json /*params*/) const {
  co_return control::to_json(control::DashboardAnswer{.url = parts_.open_dashboard()});
}

asio::awaitable<void> ControlRequests::sync_as_leader(std::vector<std::string> targets, bool adopt) const {
  return parts_.leadership.run(
      [this, targets = std::move(targets), adopt] { return parts_.engine.sync(targets, adopt); });
}

json ControlRequests::complete(StatusReport report) const {
  parts_.view.complete(report);
  return control::to_json(report);
}

// Throws not_found, with the nearest name, after reading the files again for a target that was written just now.
void ControlRequests::require_known(const std::vector<std::string>& targets) const {
  const auto known = [this](const auto& target) { return is_known(target); };
  if (!std::ranges::all_of(targets, known)) {
    parts_.targets.read();
  }
  const auto unknown = std::ranges::find_if_not(targets, known);
  if (unknown != targets.end()) {
    throw parts_.targets.not_found(*unknown);
  }
}

bool ControlRequests::is_known(const std::string& target) const {
  return parts_.targets.contains(target) || parts_.footprints.all().contains(target);
}

// A pause is stored in a file of this replica, which a replica that takes over does not have.
Error ControlRequests::cannot_pause(const std::string& context) const {
  return {ErrorCode::invalid_input,
          "context " + context + " cannot be paused: a replica that takes over would not know of it",
          std::string("pause its targets in their files (paused: true), or take it out of the ") +
              (parts_.hub.describes_clusters() ? "fleet: take the label that regsyncd --clusters selects off its Secret"
                                               : "kubeconfig")};
}

}  // namespace regsync
