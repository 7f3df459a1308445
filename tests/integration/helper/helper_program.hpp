// Credential helpers as programs, asked over their protocol. Only inside tests/servers/with-keyring.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/keyring.hpp"

namespace regsync::test {

inline std::string login_json(const std::string& server, const std::string& username, const std::string& secret) {
  return nlohmann::json{{"ServerURL", server}, {"Username", username}, {"Secret", secret}}.dump();
}

inline void store(const char* helper, const std::string& server, const std::string& username,
                  const std::string& secret) {
  const Outcome outcome = run({helper, "store"}, login_json(server, username, secret));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
}

// "username:secret", or what the helper said instead.
inline std::string user_and_secret(const char* helper, const std::string& server) {
  const Outcome outcome = run({helper, "get"}, server);
  if (outcome.exit_code != 0) {
    return outcome.out;
  }
  const auto answer = nlohmann::json::parse(outcome.out);
  return answer["Username"].get<std::string>() + ":" + answer["Secret"].get<std::string>();
}

inline nlohmann::json list(const char* helper) { return nlohmann::json::parse(run({helper, "list"}).out); }

}  // namespace regsync::test
