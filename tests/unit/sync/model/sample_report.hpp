// A StatusReport with something of everything, for tests.
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/wall_time.hpp"
#include "sync/model/status_report.hpp"

namespace regsync::test {

// 2026-01-31T12:00:00Z
inline constexpr WallTime sample_noon =
    std::chrono::sys_days(std::chrono::year(2026) / std::chrono::January / 31) + std::chrono::hours(12);

inline StatusReport summarized(StatusReport report) {
  report.groups = groups_of(report.rows);
  report.rows.clear();
  return report;
}

// Something of everything: in sync, stuck, an unreachable cluster, a target without a namespace.
inline StatusReport sample_report() {
  const WallTime noon = sample_noon;
  const Error unreachable(ErrorCode::unreachable, "cannot connect to prod:6443: refused", "start the cluster");
  StatusReport report;
  report.version = "0.1.0";
  report.pid = 4711;
  report.owner = "0123 me@host";
  report.started = noon - std::chrono::hours(1);
  report.targets = {{"ghost", "ghost", {"ghcr.io"}, false, {}}, {"web", "myregcred", {"ghcr.io"}, false, {}}};
  report.contexts = {{"dev", "https://dev:6443", true, std::nullopt},
                     {"prod", "https://prod:6443", false, unreachable}};
  report.rows = {
      {"web", "dev", "team-a", "myregcred", SyncState::in_sync, std::nullopt, noon - std::chrono::seconds(60),
       noon - std::chrono::seconds(60), std::nullopt},
      {"web", "dev", "team-b", "myregcred", SyncState::stuck,
       Error(ErrorCode::namespace_missing, "namespace team-b does not exist",
             "kubectl --context dev create namespace team-b"),
       noon - std::chrono::seconds(5), std::nullopt, std::nullopt},
      {"web", "prod", "", "myregcred", SyncState::retrying, unreachable, noon - std::chrono::seconds(123), std::nullopt,
       noon + std::chrono::seconds(27)},
  };
  return report;
}

}  // namespace regsync::test
