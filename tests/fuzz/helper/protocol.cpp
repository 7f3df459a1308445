// Any bytes on the helper's stdin: it answers or refuses, in the protocol's own words, and what it took it gives back.
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>

#include "helper/protocol/helper_protocol.hpp"
#include "tests/fuzz/helper/targets.hpp"
#include "tests/support/memory_store.hpp"

namespace regsync::fuzz {
namespace {

struct Answer {
  int exit_code;
  std::string out;
};

Answer run(CredentialStore& store, std::string_view action, const std::string& input) {
  std::istringstream in(input);
  std::ostringstream out;
  const int exit_code = run_helper(action, in, out, store);
  return {exit_code, out.str()};
}

}  // namespace

void protocol(std::string_view bytes) {
  constexpr std::array<std::string_view, 4> actions{"store", "get", "erase", "list"};
  if (bytes.empty()) {
    return;
  }
  const std::string_view action = actions.at(static_cast<unsigned char>(bytes.front()) % actions.size());
  const std::string input(bytes.substr(1));
  test::MemoryStore store;
  const Answer answer = run(store, action, input);
  require(answer.exit_code == 0 || answer.exit_code == 1, "the exit code is 0 or 1");
  require(answer.exit_code == 0 || !answer.out.empty(), "a refusal says why");
  const auto logins = store.list();
  if (action != "store" || answer.exit_code != 0) {
    require(logins.empty(), "only a store that succeeds stores");
    return;
  }
  require(answer.out.empty() && logins.size() == 1, "a store is silent and keeps one login");
  const auto given = nlohmann::json::parse(input);
  const Answer got = run(store, "get", given.at("ServerURL").get<std::string>());
  require(got.exit_code == 0, "what was stored is found");
  const auto kept = nlohmann::json::parse(got.out);
  require(kept.at("Secret") == given.at("Secret") && kept.at("Username") == given.at("Username"), "byte for byte");
  require(nlohmann::json::parse(run(store, "list", "").out).size() == 1, "and listed");
}

}  // namespace regsync::fuzz
