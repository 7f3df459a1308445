// ClusterHealth says whether a cluster answers, and since when. Value type; only its Cluster writes it.
#pragma once

#include <optional>

#include "helper/base/error.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

// Whether the problem of a list or watch means that no request is likely to succeed. Where lists are answered and
// watches are not, the Watcher reports another code.
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

  // Whether requests are held back until a list or watch works again.
  [[nodiscard]] bool is_cut_off() const { return problem && cuts_off(*problem); }
};

}  // namespace regsync
