#include "sync/engine/status_counts.hpp"

#include "sync/model/remedy.hpp"

namespace regsync {

const StatusCounts::Counts& StatusCounts::of(const std::string& target, const std::string& context,
                                             const std::function<std::vector<StatusRow>()>& rows) {
  auto& targets = by_context_[context];
  const auto known = targets.find(target);
  if (known != targets.end()) {
    return known->second;
  }
  const auto counted = rows();
  Counts counts{groups_of(counted), causes_of(counted)};
  for (auto& cause : counts.causes) {
    cause.error = for_context(cause.error, cause.target, cause.context);
  }
  return targets.emplace(target, std::move(counts)).first->second;
}

}  // namespace regsync
