#include "sync/cluster/repair_pace.hpp"

#include <algorithm>

namespace regsync {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr int free_repairs = 4;
constexpr int most_counted = 32;
constexpr auto longest_wait = 60s;
constexpr auto calm = 120s;

// Whether a write for this plan would put right what somebody else has changed since the last one.
bool is_repair(const Progress& progress, const Plan& plan, steady_clock::time_point now) {
  const bool same = !plan.payload || progress.written == 0 || progress.written == plan.payload->id();
  return same && progress.wrote != steady_clock::time_point() && now - progress.wrote < calm;
}

}  // namespace

std::optional<std::chrono::milliseconds> wait_before_repair(const Progress& progress, const Plan& plan,
                                                            steady_clock::time_point now) {
  if (progress.repairs < free_repairs || !is_repair(progress, plan, now)) {
    return std::nullopt;
  }
  const auto doubled = std::chrono::seconds(1LL << std::min(progress.repairs - free_repairs, 6));
  const auto earliest = progress.wrote + std::min<std::chrono::seconds>(doubled, longest_wait);
  return now < earliest ? std::optional(std::chrono::ceil<std::chrono::milliseconds>(earliest - now)) : std::nullopt;
}

void count_repair(Progress& progress, const Plan* plan, steady_clock::time_point now) {
  const bool repair = plan != nullptr && is_repair(progress, *plan, now);
  progress.repairs = repair ? static_cast<std::uint8_t>(std::min(progress.repairs + 1, most_counted)) : std::uint8_t{0};
}

}  // namespace regsync
