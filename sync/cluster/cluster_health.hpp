// ClusterHealth says whether a cluster answers, and since when. Value type; written by its Cluster alone.
#pragma once

#include <optional>

#include "helper/base/error.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

struct ClusterHealth {
  std::optional<Error> problem;  // what keeps a list or watch from working; nothing while all work
  WallTime since;                // of `problem`, or of its end

  // No request can succeed, so none is tried until a watch works again.
  [[nodiscard]] bool is_cut_off() const {
    if (!problem) {
      return false;
    }
    switch (problem->code()) {
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
};

}  // namespace regsync
