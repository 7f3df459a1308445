// The messages between `regsync` and `regsyncd`: JSON-RPC 2.0, one message a line, over a Unix socket that only its
// owner can use. Both sides use these functions; no secret is ever in a message. The methods, with the parameters and
// the answer of each: sync/control/requests.hpp. Pure; any thread.
//
// A StatusQuery is {targets?, contexts?, namespaces?, failing?, summary?}. What a summary says does not grow with the
// number of Secrets; rows are sent only to who asks for them.
//
// An Error crosses the socket whole: JSON-RPC error {code: -32000, message, data: {code, remedy}}.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "helper/base/error.hpp"
#include "sync/model/status_query.hpp"

namespace regsync::control {

inline constexpr std::size_t max_request_bytes = 64UL * 1024;  // the server hangs up on a longer line

// What the other side said cannot be read; with the advice that it may be of another version.
Error protocol_error(const std::string& message);

nlohmann::json to_json(const Error& error);
nlohmann::json to_json(const StatusReport& report);
// Throw Error(protocol) for what to_json would never make. A code or a state of a newer program is taken for `internal`
// or `pending`.
Error error_from_json(const nlohmann::json& json);
StatusReport report_from_json(const nlohmann::json& json);

nlohmann::json to_json(const StatusQuery& query);
// Total: what is missing or of another type is not asked for.
StatusQuery query_from_json(const nlohmann::json& json);

// One line each, ending in "\n".
std::string make_request(int id, std::string_view method, const nlohmann::json& params);
std::string make_response(const nlohmann::json& id, const nlohmann::json& result);
std::string make_error(const nlohmann::json& id, const Error& error);
std::string make_notification(std::string_view method, const nlohmann::json& params);

}  // namespace regsync::control
