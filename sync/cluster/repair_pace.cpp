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

// Whether a write for this plan would undo somebody else's change since the last write.
bool is_repair(const Progress& progress, const Plan& plan, steady_clock::time_point now) {
  const bool same = !plan.payload || progress.written == 0 || progress.written == plan.payload->id() ||
                    progress.accepted == plan.payload->digest();  // the target was edited, but its logins are the same
  return same && progress.wrote != steady_clock::time_point() && now - progress.wrote < calm;
}

// The rest of the pause at `now`, after this many repairs, the last one at `last`.
std::optional<std::chrono::milliseconds> pause_left(int repairs, steady_clock::time_point last,
                                                    steady_clock::time_point now) {
  if (repairs < free_repairs) {
    return std::nullopt;
  }
  const auto doubled = std::chrono::seconds(1LL << std::min(repairs - free_repairs, 6));
  const auto earliest = last + std::min<std::chrono::seconds>(doubled, longest_wait);
  return now < earliest ? std::optional(std::chrono::ceil<std::chrono::milliseconds>(earliest - now)) : std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> wait_before_repair(const Progress& progress, const Plan& plan,
                                                            steady_clock::time_point now) {
  return is_repair(progress, plan, now) ? pause_left(progress.repairs, progress.wrote, now) : std::nullopt;
}

std::optional<std::chrono::milliseconds> Repetitions::wait(const Deed& deed, steady_clock::time_point now) const {
  const auto known = counts_.find(deed);
  const bool again = known != counts_.end() && now - known->second.last < calm;
  return again ? pause_left(known->second.again, known->second.last, now) : std::nullopt;
}

void Repetitions::count(const Deed& deed, steady_clock::time_point now) {
  make_room(now);
  const auto known = counts_.find(deed);
  if (known == counts_.end()) {
    if (counts_.size() < most) {
      counts_.emplace(deed, Count{.again = 0, .last = now});
    }
    return;
  }
  Count& count = known->second;
  count.again = now - count.last < calm ? std::min(count.again + 1, most_counted) : 0;
  count.last = now;
}

// A first sync attaches to thousands of accounts, so this does not run for each of them.
void Repetitions::make_room(steady_clock::time_point now) {
  if (counts_.size() >= most && now - made_room_ >= 1s) {
    made_room_ = now;
    std::erase_if(counts_, [now](const auto& item) { return now - item.second.last >= calm; });
  }
}

void count_repair(Progress& progress, const Plan* plan, steady_clock::time_point now) {
  const bool repair = plan != nullptr && is_repair(progress, *plan, now);
  progress.repairs = repair ? static_cast<std::uint8_t>(std::min(progress.repairs + 1, most_counted)) : std::uint8_t{0};
}

}  // namespace regsync
