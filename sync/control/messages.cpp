#include "sync/control/messages.hpp"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "sync/base/json_access.hpp"
#include "sync/base/rfc3339.hpp"
#include "sync/base/user_manager.hpp"

namespace regsync::control {
namespace {

using nlohmann::json;

constexpr int application_error = -32000;  // JSON-RPC 2.0, section 5.1: the first code for the server's own errors

// A code of a newer program becomes `internal`; its message and remedy stay and say more.
ErrorCode code_from_string(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::internal); ++i) {
    if (const auto code = static_cast<ErrorCode>(i); to_string(code) == name) {
      return code;
    }
  }
  return ErrorCode::internal;
}

// A state of a newer program becomes `pending`, never `in_sync`.
SyncState state_from_string(std::string_view name) {
  for (const SyncState state : {SyncState::in_sync, SyncState::pending, SyncState::retrying, SyncState::stuck,
                                SyncState::removing, SyncState::terminating, SyncState::paused}) {
    if (to_string(state) == name) {
      return state;
    }
  }
  return SyncState::pending;
}

template <typename Items, typename Convert>
json to_array(const Items& items, Convert convert) {
  json array = json::array();
  for (const auto& item : items) {
    array.push_back(convert(item));
  }
  return array;
}

template <typename Convert>
auto from_array(const json& array, Convert convert) {
  std::vector<decltype(convert(array))> items;
  for (const json& item : array.get_ref<const json::array_t&>()) {
    items.push_back(convert(item));
  }
  return items;
}

json error_json(const Error& error) { return to_json(error); }

json to_json(const Login& login) { return {{"server", login.server}, {"username", login.username}}; }

Login login_from_json(const json& j) { return {j.at("server"), j.at("username")}; }

json to_json(const StatusRow& row) {
  json j = {{"target", row.target}, {"context", row.context},        {"namespace", row.name_space},
            {"secret", row.secret}, {"state", to_string(row.state)}, {"since", to_rfc3339(row.since)}};
  if (row.cause) {
    j["cause"] = error_json(*row.cause);
  }
  if (row.last_change) {
    j["lastChange"] = to_rfc3339(*row.last_change);
  }
  if (row.next_try) {
    j["nextTry"] = to_rfc3339(*row.next_try);
  }
  return j;
}

WallTime time_from_json(const json& j) {
  const auto time = parse_rfc3339(j.get_ref<const std::string&>());
  if (!time) {
    throw protocol_error(j.dump() + " is not a time like \"2026-01-31T12:00:00Z\"");
  }
  return *time;
}

std::optional<WallTime> optional_time(const json& j, const char* key) {
  if (!j.contains(key)) {
    return std::nullopt;
  }
  return time_from_json(j.at(key));
}

std::optional<Error> optional_error(const json& j, const char* key) {
  if (!j.contains(key)) {
    return std::nullopt;
  }
  return error_from_json(j.at(key));
}

StatusRow row_from_json(const json& j) {
  StatusRow row;
  row.target = j.at("target");
  row.context = j.at("context");
  row.name_space = j.at("namespace");
  row.secret = j.at("secret");
  row.state = state_from_string(j.at("state").get_ref<const std::string&>());
  row.cause = optional_error(j, "cause");
  row.since = time_from_json(j.at("since"));
  row.last_change = optional_time(j, "lastChange");
  row.next_try = optional_time(j, "nextTry");
  return row;
}

json to_json(const TargetStatus& target) {
  json j = {
      {"name", target.name},         {"secret", target.secret}, {"registries", target.registries},
      {"removing", target.removing}, {"paused", target.paused}, {"problems", to_array(target.problems, error_json)}};
  if (target.expires) {
    j["expires"] = to_rfc3339(*target.expires);
  }
  return j;
}

json to_json(const StatusCause& cause) {
  return {{"error", error_json(cause.error)},
          {"count", cause.count},
          {"namespaces", cause.namespaces},
          {"alike", cause.alike}};
}

StatusCause cause_from_json(const json& j) {
  return {error_from_json(j.at("error")), j.at("count"), j.at("namespaces"), j.at("alike")};
}

// Omits the fields that only the page shows.
json to_json(const StatusGroup& group) {
  json states = json::object();
  for (const SyncState state : sync_states) {
    if (const auto count = group.count(state); count > 0) {
      states[std::string(to_string(state))] = count;
    }
  }
  return {{"target", group.target},
          {"context", group.context},
          {"states", std::move(states)},
          {"reasons", group.reasons},
          {"since", to_rfc3339(group.since)},
          {"causes", to_array(group.causes, [](const StatusCause& cause) { return to_json(cause); })}};
}

StatusGroup group_from_json(const json& j) {
  StatusGroup group;
  group.target = j.at("target");
  group.context = j.at("context");
  for (const auto& [state, count] : j.at("states").items()) {
    group.states[state_from_string(state)] += count.get<std::size_t>();
  }
  group.reasons = j.at("reasons");
  group.since = time_from_json(j.at("since"));
  group.causes = from_array(list_at(j, {"causes"}), cause_from_json);
  return group;
}

TargetStatus target_from_json(const json& j) {
  return {j.at("name"),
          j.at("secret"),
          j.at("registries"),
          j.at("removing"),
          from_array(j.at("problems"), error_from_json),
          flag_at(j, {"paused"}),
          optional_time(j, "expires")};
}

json to_json(const ContextStatus& context) {
  json j = {
      {"name", context.name}, {"server", context.server}, {"connected", context.connected}, {"paused", context.paused}};
  if (context.problem) {
    j["problem"] = error_json(*context.problem);
  }
  return j;
}

ContextStatus context_from_json(const json& j) {
  return {j.at("name"), j.at("server"), j.at("connected"), optional_error(j, "problem"), flag_at(j, {"paused"})};
}

StatusReport parse_report(const json& j) {
  StatusReport report;
  report.version = j.at("version");
  report.pid = j.at("pid");
  report.owner = j.at("owner");
  report.started = time_from_json(j.at("started"));
  report.environment = j.value("environment", std::map<std::string, std::string>());
  report.store = optional_error(j, "store");
  report.problems = from_array(list_at(j, {"problems"}), error_from_json);  // missing: none
  report.logins = from_array(j.at("logins"), login_from_json);
  report.targets = from_array(j.at("targets"), target_from_json);
  report.contexts = from_array(j.at("contexts"), context_from_json);
  report.rows = from_array(j.at("rows"), row_from_json);
  report.notes = from_array(j.at("notes"), error_from_json);
  report.groups = from_array(list_at(j, {"groups"}), group_from_json);
  return report;
}

std::vector<std::string> texts_at(const json& j, std::string_view key) {
  std::vector<std::string> texts;
  for (const json& item : list_at(j, {key})) {
    if (item.is_string()) {
      texts.push_back(item.get<std::string>());
    }
  }
  return texts;
}

// Returns one line: dump escapes newlines, and invalid UTF-8 (in a path or a server's text) is replaced.
std::string line_of(const json& message) { return message.dump(-1, ' ', false, json::error_handler_t::replace) + '\n'; }

}  // namespace

Error protocol_error(const std::string& message) {
  return {ErrorCode::protocol, message,
          "regsync and regsyncd may be of different versions; " + how_to_restart_regsyncd()};
}

json to_json(const Error& error) {
  json j = {{"code", to_string(error.code())}, {"message", error.message()}};
  if (!error.remedy().empty()) {
    j["remedy"] = error.remedy();
  }
  return j;
}

json to_json(const StatusReport& report) {
  json j = {{"version", report.version},
            {"pid", report.pid},
            {"owner", report.owner},
            {"started", to_rfc3339(report.started)},
            {"problems", to_array(report.problems, error_json)},
            {"environment", report.environment},
            {"logins", to_array(report.logins, [](const Login& login) { return to_json(login); })},
            {"targets", to_array(report.targets, [](const TargetStatus& target) { return to_json(target); })},
            {"contexts", to_array(report.contexts, [](const ContextStatus& context) { return to_json(context); })},
            {"rows", to_array(report.rows, [](const StatusRow& row) { return to_json(row); })},
            {"notes", to_array(report.notes, [](const Error& note) { return to_json(note); })}};
  if (!report.groups.empty()) {
    j["groups"] = to_array(report.groups, [](const StatusGroup& group) { return to_json(group); });
  }
  if (report.store) {
    j["store"] = to_json(*report.store);
  }
  return j;
}

Error error_from_json(const json& j) {
  try {
    return {code_from_string(j.at("code").get_ref<const std::string&>()), j.at("message"),
            j.value("remedy", std::string())};
  } catch (const json::exception& error) {
    throw protocol_error(std::string("an error that cannot be read: ") + error.what());
  }
}

StatusReport report_from_json(const json& j) {
  try {
    return parse_report(j);
  } catch (const json::exception& error) {
    throw protocol_error(std::string("a status that cannot be read: ") + error.what());
  }
}

json to_json(const StatusQuery& query) {
  json j = json::object();
  const auto add_names = [&j](const char* key, const std::vector<std::string>& names) {
    if (!names.empty()) {
      j[key] = names;
    }
  };
  add_names("targets", query.targets);
  add_names("contexts", query.contexts);
  add_names("namespaces", query.namespaces);
  if (query.failing) {
    j["failing"] = true;
  }
  if (query.summary) {
    j["summary"] = true;
  }
  return j;
}

StatusQuery query_from_json(const json& j) {
  return {.targets = texts_at(j, "targets"),
          .contexts = texts_at(j, "contexts"),
          .namespaces = texts_at(j, "namespaces"),
          .failing = flag_at(j, {"failing"}),
          .summary = flag_at(j, {"summary"})};
}

std::string make_request(int id, std::string_view method, const json& params) {
  return line_of({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}});
}

std::string make_response(const json& id, const json& result) {
  return line_of({{"jsonrpc", "2.0"}, {"id", id}, {"result", result}});
}

std::string make_error(const json& id, const Error& error) {
  json body = to_json(error);
  body.erase("message");
  return line_of({{"jsonrpc", "2.0"},
                  {"id", id},
                  {"error", {{"code", application_error}, {"message", error.message()}, {"data", std::move(body)}}}});
}

std::string make_notification(std::string_view method, const json& params) {
  return line_of({{"jsonrpc", "2.0"}, {"method", method}, {"params", params}});
}

}  // namespace regsync::control
