#include "daemon/desktop/desktop_notices.hpp"

#include <map>
#include <utility>

#include "helper/base/text.hpp"

namespace regsync {
namespace {

// A problem that ends by itself when a login or a cluster comes back needs no notice.
constexpr auto patience = std::chrono::minutes(1);

}  // namespace

bool DesktopNotices::notify_about(const FleetReport& report, WallTime now) {
  std::map<std::string, std::vector<const StatusGroup*>> stuck;
  bool any = false;
  for (const StatusGroup& group : report.overview.groups) {
    if (group.count(SyncState::stuck) == 0) {
      continue;
    }
    any = true;
    if (group.failing_since && now - *group.failing_since >= patience) {
      stuck[group.target].push_back(&group);
    }
  }
  std::erase_if(told_, [&](const std::string& target) { return !stuck.contains(target); });
  for (const auto& [target, groups] : stuck) {
    if (!told_.insert(target).second) {
      continue;
    }
    DesktopNotice notice{"regsync: " + target + " is stuck", "in " + groups.front()->context};
    if (groups.size() > 1) {
      notice.text += " and " + std::to_string(groups.size() - 1) + " more";
    }
    if (!groups.front()->causes.empty()) {
      const Error& error = groups.front()->causes.front().error;
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
