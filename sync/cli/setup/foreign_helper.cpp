#include "sync/cli/setup/foreign_helper.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/go_json.hpp"
#include "helper/base/shell_word.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/base/child_process.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/run_to_end.hpp"
#include "sync/logins/credential_helpers.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

constexpr auto get_timeout = std::chrono::seconds(60);

std::string advice(const std::string& program, const char* action, const std::string& input) {
  return "try it: echo " + shell_word(input) + " | " + shell_word(program) + " " + action +
         "; the configuration was not changed";
}

ChildResult ask(const std::string& program, const char* action, const std::string& input,
                std::chrono::milliseconds timeout) {
  ChildCommand command;
  command.timeout = timeout;
  command.program = program;
  command.arguments = {action};
  command.input = input;
  try {
    return run_to_end(run_child(std::move(command)));
  } catch (const Error& error) {
    throw Error(error.code(), error.message(), advice(program, action, input));
  }
}

// Helpers print errors to stdout, as one line for people.
Error refusal(const std::string& program, const char* action, const std::string& input, const ChildResult& result) {
  return {ErrorCode::credential_plugin,
          program + " " + action + " failed: " + quotable_answer(result.output, result.exit_code),
          advice(program, action, input)};
}

json parse_answer(const std::string& program, const char* action, const std::string& output) {
  if (auto answer = parse_json(output); answer && answer->is_object()) {
    return *std::move(answer);
  }
  throw Error(ErrorCode::credential_plugin, program + " " + action + " did not answer a JSON object");
}

}  // namespace

std::vector<Login> list_foreign_logins(const std::string& program, std::chrono::milliseconds timeout) {
  const std::string input = "unused";
  const ChildResult result = ask(program, "list", input, timeout);
  if (result.exit_code != 0) {
    throw refusal(program, "list", input, result);
  }
  std::vector<Login> logins;
  const json answer = parse_answer(program, "list", result.output);
  for (const auto& [server, username] : answer.items()) {
    logins.push_back({server, username.is_string() ? username.get<std::string>() : std::string()});
  }
  std::ranges::stable_partition(logins, RegistryKey::is_auths_key, &Login::server);
  return logins;
}

std::optional<Credential> get_foreign_login(const std::string& program, const std::string& server) {
  const ChildResult result = ask(program, "get", server, get_timeout);
  if (result.exit_code != 0) {
    if (result.output.starts_with("credentials not found")) {
      return std::nullopt;
    }
    throw refusal(program, "get", server, result);
  }
  const json answer = parse_answer(program, "get", result.output);
  return Credential{{server, std::string(text_as_go(answer, "Username"))}, SecretString(text_as_go(answer, "Secret"))};
}

}  // namespace regsync::cli
