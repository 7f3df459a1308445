#include "sync/control/requests.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sync/base/json_access.hpp"
#include "sync/control/messages.hpp"

namespace regsync::control {
namespace {

using nlohmann::json;

// Reads the fields of a request or an answer. Each function throws Error(protocol) for a field that the other side
// never sends in this form.
class Fields {
 public:
  explicit Fields(const json& object) : object_(object) {}

  [[nodiscard]] std::string text(std::string_view key) const {
    const json* found = find_at(object_, {key});
    if (found == nullptr || !found->is_string()) {
      throw unreadable(key, "a text");
    }
    return found->get<std::string>();
  }

  [[nodiscard]] std::set<std::string> texts(std::string_view key) const {
    const json* found = find_at(object_, {key});
    const auto is_text = [](const json& item) { return item.is_string(); };
    if (found == nullptr || !found->is_array() || !std::ranges::all_of(*found, is_text)) {
      throw unreadable(key, "a list of texts");
    }
    return found->get<std::set<std::string>>();
  }

  [[nodiscard]] bool flag(std::string_view key) const {
    const json* found = find_at(object_, {key});
    if (found == nullptr || !found->is_boolean()) {
      throw unreadable(key, "true or false");
    }
    return found->get<bool>();
  }

  // A flag that is false if missing.
  [[nodiscard]] bool optional_flag(std::string_view key) const {
    return find_at(object_, {key}) != nullptr && flag(key);
  }

 private:
  static Error unreadable(std::string_view key, const char* type) {
    return protocol_error("a message whose \"" + std::string(key) + "\" is not " + type);
  }

  const json& object_;
};

}  // namespace

json to_json(const SyncRequest& request) {
  json j = to_json(request.query);
  if (request.adopt) {
    j["adopt"] = true;
  }
  return j;
}

SyncRequest sync_request_from_json(const json& j) {
  return {.query = query_from_json(j), .adopt = Fields(j).optional_flag("adopt")};
}

json to_json(const RemoveRequest& request) {
  return {{"target", request.target}, {"keepSecrets", request.keep_secrets}, {"summary", request.summary}};
}

RemoveRequest remove_request_from_json(const json& j) {
  const Fields fields(j);
  return {.target = fields.text("target"),
          .keep_secrets = fields.optional_flag("keepSecrets"),
          .summary = fields.optional_flag("summary")};
}

json to_json(const DeclareRequest& request) { return {{"target", request.target}}; }

DeclareRequest declare_request_from_json(const json& j) { return {.target = Fields(j).text("target")}; }

json to_json(const ForgettableContextsRequest& request) { return {{"pattern", request.pattern}}; }

ForgettableContextsRequest forgettable_contexts_request_from_json(const json& j) {
  return {.pattern = Fields(j).text("pattern")};
}

json to_json(const ForgettableContextsAnswer& answer) { return {{"contexts", answer.contexts}}; }

ForgettableContextsAnswer forgettable_contexts_answer_from_json(const json& j) {
  return {.contexts = Fields(j).texts("contexts")};
}

json to_json(const ForgetContextsRequest& request) { return {{"contexts", request.contexts}}; }

ForgetContextsRequest forget_contexts_request_from_json(const json& j) {
  return {.contexts = Fields(j).texts("contexts")};
}

json to_json(const TrustContextRequest& request) { return {{"context", request.context}}; }

TrustContextRequest trust_context_request_from_json(const json& j) { return {.context = Fields(j).text("context")}; }

json to_json(const PauseContextRequest& request) { return {{"context", request.context}, {"paused", request.paused}}; }

PauseContextRequest pause_context_request_from_json(const json& j) {
  const Fields fields(j);
  return {.context = fields.text("context"), .paused = fields.flag("paused")};
}

json to_json(const PauseContextAnswer& answer) { return {{"changed", answer.changed}}; }

PauseContextAnswer pause_context_answer_from_json(const json& j) { return {.changed = Fields(j).flag("changed")}; }

json to_json(const DashboardAnswer& answer) { return {{"url", answer.url}}; }

DashboardAnswer dashboard_answer_from_json(const json& j) { return {.url = Fields(j).text("url")}; }

}  // namespace regsync::control
