// ClusterHealth says whether a cluster answers, and since when. Value type; written by its Cluster alone.
#pragma once

#include <optional>

#include "helper/base/error.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

// Whether no request is likely to be answered, by what keeps a list or a watch from working. Where lists are answered
// and watches are not, the Watcher says so with another code.
[[nodiscard]] inline bool cuts_off(const Error& problem) {
  switch (problem.code()) {
    case ErrorCode::unreachable:
    case ErrorCode::tls:
    case ErrorCode::timeout:
    case ErrorCode::unauthorized:
    case ErrorCode::credential_plugin:
    case ErrorCode::kubeconfig:
      return true;
    default:
      return false;
  }
}

struct ClusterHealth {
  std::optional<Error> problem;  // what keeps a list or watch from working; nothing while all work
  WallTime since;                // of `problem`, or of its end

  // None is tried then until a list or a watch works again.
  [[nodiscard]] bool is_cut_off() const { return problem && cuts_off(*problem); }
};

}  // namespace regsync
