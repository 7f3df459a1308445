#include "daemon/desktop/desktop_notices.hpp"

#include <map>
#include <utility>

#include "helper/base/text.hpp"

namespace regsync {
namespace {

// What a login or a cluster that comes back mends by itself is no news.
constexpr auto patience = std::chrono::minutes(1);

}  // namespace

bool DesktopNotices::look(const FleetReport& report, WallTime now) {
  std::map<std::string, std::vector<const FleetCell*>> stuck;
  bool any = false;
  for (const FleetCell& cell : report.cells) {
    if (cell.in(SyncState::stuck) == 0) {
      continue;
    }
    any = true;
    if (cell.since && now - *cell.since >= patience) {
      stuck[cell.target].push_back(&cell);
    }
  }
  std::erase_if(told_, [&](const std::string& target) { return !stuck.contains(target); });
  for (const auto& [target, cells] : stuck) {
    if (!told_.insert(target).second) {
      continue;
    }
    DesktopNotice notice{"regsync: " + target + " is stuck", "in " + cells.front()->context};
    if (cells.size() > 1) {
      notice.text += " and " + std::to_string(cells.size() - 1) + " more";
    }
    if (!cells.front()->causes.empty()) {
      const Error& error = cells.front()->causes.front().error;
      notice.text += ": " + error.message() + (error.remedy().empty() ? "" : "\n" + error.remedy());
    }
    show(std::move(notice));
  }
  return any;
}

void DesktopNotices::login_ends(const std::string& what, const std::string& remedy) {
  show({"regsync: a login ends", what + "\n" + remedy});
}

void DesktopNotices::show(DesktopNotice notice) const {
  if (enabled_) {
    show_(std::move(notice));
  }
}

}  // namespace regsync
