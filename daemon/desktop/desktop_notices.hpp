// DesktopNotices makes one desktop notice for each event: a target that has been stuck for a minute, a login that
// expires soon. Lives on the io_context thread.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "sync/model/fleet_report.hpp"

namespace regsync {

struct DesktopNotice {
  std::string title;
  std::string text;

  bool operator==(const DesktopNotice&) const = default;
};

class DesktopNotices {
 public:
  using Show = std::function<void(DesktopNotice)>;

  explicit DesktopNotices(Show show) : show_(std::move(show)) {}

  void enable(bool enabled) { enabled_ = enabled; }

  // Shows a notice for each target that has been stuck for a minute and was not at the previous call. Returns whether
  // any target is stuck, in which case the caller must call again.
  bool notify_about(const FleetReport& report, WallTime now);

  void login_ends(const std::string& what, const std::string& remedy);

 private:
  void show(DesktopNotice notice) const;

  Show show_;
  bool enabled_ = true;
  std::set<std::string> told_;  // stuck targets with a notice
};

}  // namespace regsync
