#include "sync/cli/ask/plans.hpp"

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "sync/base/base64.hpp"
#include "sync/base/json_access.hpp"
#include "sync/cli/ask/known_logins.hpp"

namespace regsync::cli {

DesiredState::Plans make_plans(Console& console, const std::vector<Target>& targets) {
  const KnownLogins known = read_logins(console, targets, console.in_is_terminal ? Prompt::allowed : Prompt::never);
  if (known.store_problem) {
    throw Error(*known.store_problem);
  }
  DesiredState::Plans plans;
  for (const Target& target : targets) {
    plans[target.name] = std::make_shared<const Plan>(make_plan(target, known));
  }
  return plans;
}

Payload payload_for(const Plan& plan, const nlohmann::json& secret) {
  const auto present = base64_decode(text_at(secret, {"data", ".dockerconfigjson"}));
  return Payload(plan.entries_over(present.value_or("")));
}

}  // namespace regsync::cli
