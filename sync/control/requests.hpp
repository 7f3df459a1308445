// The requests that `regsync` sends to `regsyncd`: the methods with their parameters and answers. Both sides use these
// functions. Pure; any thread.
//
//   method               parameters                        answer
//   status               StatusQuery                       StatusReport
//   sync                 SyncRequest                       StatusReport, once every Secret of the targets was tried
//   remove               RemoveRequest                     StatusReport of what is left to remove
//   declare              DeclareRequest                    {}
//   forgettableContexts  ForgettableContextsRequest        ForgettableContextsAnswer
//   forgetContexts       ForgetContextsRequest             {}
//   trustContext         TrustContextRequest               {}
//   pauseContext         PauseContextRequest               PauseContextAnswer
//   dashboard            {}                                DashboardAnswer
//   subscribe            StatusQuery                       StatusReport, then a notification "status" (StatusReport)
//                                                          per change
//
// StatusQuery, StatusReport and the message format: sync/control/messages.hpp. The functions ..._from_json throw
// Error(protocol) if a field is missing or has another type. A missing flag is false if its comment says "may be
// missing". Unknown fields are ignored.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <string_view>

#include "sync/model/status_query.hpp"

namespace regsync::control {

namespace methods {

inline constexpr std::string_view status = "status";
inline constexpr std::string_view sync = "sync";
inline constexpr std::string_view remove = "remove";
inline constexpr std::string_view declare = "declare";
inline constexpr std::string_view forgettable_contexts = "forgettableContexts";
inline constexpr std::string_view forget_contexts = "forgetContexts";
inline constexpr std::string_view trust_context = "trustContext";
inline constexpr std::string_view pause_context = "pauseContext";
inline constexpr std::string_view dashboard = "dashboard";
inline constexpr std::string_view subscribe = "subscribe";

}  // namespace methods

// See Engine::sync.
struct SyncRequest {
  StatusQuery query = {};
  bool adopt = false;  // may be missing
};

// See Engine::forget_target.
struct RemoveRequest {
  std::string target;
  bool keep_secrets = false;  // may be missing
  bool summary = false;       // as in StatusQuery, for the answer; may be missing

  bool operator==(const RemoveRequest&) const = default;
};

// Says that a command wrote this target's file completely: see Engine::confirm_target.
struct DeclareRequest {
  std::string target;

  bool operator==(const DeclareRequest&) const = default;
};

// See Engine::forgettable_contexts.
struct ForgettableContextsRequest {
  std::string pattern;

  bool operator==(const ForgettableContextsRequest&) const = default;
};

struct ForgettableContextsAnswer {
  std::set<std::string> contexts;

  bool operator==(const ForgettableContextsAnswer&) const = default;
};

// See Engine::forget_contexts.
struct ForgetContextsRequest {
  std::set<std::string> contexts;

  bool operator==(const ForgetContextsRequest&) const = default;
};

// See Engine::trust_context.
struct TrustContextRequest {
  std::string context;

  bool operator==(const TrustContextRequest&) const = default;
};

// See Engine::pause_context.
struct PauseContextRequest {
  std::string context;
  bool paused = false;

  bool operator==(const PauseContextRequest&) const = default;
};

struct PauseContextAnswer {
  bool changed = false;

  bool operator==(const PauseContextAnswer&) const = default;
};

// The URL of the page on loopback. The token in it is valid once.
struct DashboardAnswer {
  std::string url;

  bool operator==(const DashboardAnswer&) const = default;
};

nlohmann::json to_json(const SyncRequest& request);
nlohmann::json to_json(const RemoveRequest& request);
nlohmann::json to_json(const DeclareRequest& request);
nlohmann::json to_json(const ForgettableContextsRequest& request);
nlohmann::json to_json(const ForgettableContextsAnswer& answer);
nlohmann::json to_json(const ForgetContextsRequest& request);
nlohmann::json to_json(const TrustContextRequest& request);
nlohmann::json to_json(const PauseContextRequest& request);
nlohmann::json to_json(const PauseContextAnswer& answer);
nlohmann::json to_json(const DashboardAnswer& answer);

SyncRequest sync_request_from_json(const nlohmann::json& json);
RemoveRequest remove_request_from_json(const nlohmann::json& json);
DeclareRequest declare_request_from_json(const nlohmann::json& json);
ForgettableContextsRequest forgettable_contexts_request_from_json(const nlohmann::json& json);
ForgettableContextsAnswer forgettable_contexts_answer_from_json(const nlohmann::json& json);
ForgetContextsRequest forget_contexts_request_from_json(const nlohmann::json& json);
TrustContextRequest trust_context_request_from_json(const nlohmann::json& json);
PauseContextRequest pause_context_request_from_json(const nlohmann::json& json);
PauseContextAnswer pause_context_answer_from_json(const nlohmann::json& json);
DashboardAnswer dashboard_answer_from_json(const nlohmann::json& json);

}  // namespace regsync::control
