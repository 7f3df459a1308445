// The messages between `regsync` and `regsyncd`: JSON-RPC 2.0, one message a line, over a Unix socket that only its
// owner can use. Both sides use these functions. No message ever contains a secret. sync/control/requests.hpp lists the
// methods with their parameters and results. Pure; any thread.
//
// A StatusQuery is {targets?, contexts?, namespaces?, failing?, summary?}. The size of a summary does not depend on the
// number of Secrets; rows are sent only on request.
//
// An Error crosses the socket unchanged, as the JSON-RPC error {code: -32000, message, data: {code, remedy}}.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "helper/base/error.hpp"
#include "sync/model/status_query.hpp"

namespace regsync::control {

inline constexpr std::size_t max_request_bytes = 64UL * 1024;  // the server closes the connection on a longer line

// The error for a message that cannot be read; its remedy says that the other side may run another version.
Error protocol_error(const std::string& message);

nlohmann::json to_json(const Error& error);
nlohmann::json to_json(const StatusReport& report);
// Throw Error(protocol) for JSON that to_json never produces. An unknown error code or state, from a newer program,
// becomes `internal` or `pending`.
Error error_from_json(const nlohmann::json& json);
StatusReport report_from_json(const nlohmann::json& json);

nlohmann::json to_json(const StatusQuery& query);
// Never fails: a field that is missing or has another type is ignored.
StatusQuery query_from_json(const nlohmann::json& json);

// Each returns one line that ends in "\n".
std::string make_request(int id, std::string_view method, const nlohmann::json& params);
std::string make_response(const nlohmann::json& id, const nlohmann::json& result);
std::string make_error(const nlohmann::json& id, const Error& error);
std::string make_notification(std::string_view method, const nlohmann::json& params);

}  // namespace regsync::control
