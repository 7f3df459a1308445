// EngineStatus reports an engine's state: rows, summaries, counts. It reads the parts of the engine on demand. It
// stores only the counts, updated where something changed, and what note_left() recorded.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "sync/engine/status_builder.hpp"
#include "sync/engine/status_counts.hpp"
#include "sync/logins/login_book.hpp"
#include "sync/model/fleet_report.hpp"
#include "sync/model/status_query.hpp"

namespace regsync {

class EngineStatus {
 public:
  // The objects that `state` refers to, and logins, must outlive this. owner: as in ClusterOptions.
  EngineStatus(EngineState state, const LoginBook& logins, std::string owner);

  // See Engine.
  [[nodiscard]] StatusReport report(const StatusQuery& query) const;
  [[nodiscard]] FleetReport fleet() const;
  [[nodiscard]] StateCounts totals() const;

  // Invalidates everything, or these rows of a context.
  void changed();
  void changed(const std::string& context, const ChangedRows& rows);

  // Records the Secrets of a removed target that stay in a context because they are not regsync's. They are reported
  // for a day, and longer until another target is removed, unless the target is declared again.
  void note_left(const std::string& target, const std::string& context, std::vector<Error> left, WallTime now);
  void forget_left(const std::string& target) { left_.erase(target); }

 private:
  struct Left {
    std::vector<Error> secrets;
    WallTime since;
  };

  [[nodiscard]] StatusReport rows(const StatusQuery& query) const;
  [[nodiscard]] StatusReport summary(const StatusQuery& query) const;
  [[nodiscard]] StatusReport without_rows(const std::vector<std::string>& targets, const VisitContext& visit) const;
  // The error with a remedy for a reader who has only the report.
  [[nodiscard]] Error told(const Error& error, const std::string& target, const std::string& context) const;
  // Null if the target has no rows there.
  const StatusGroup* count(const std::string& target, const std::string& context) const;
  [[nodiscard]] StatusCounts& counts() const;

  EngineState state_;
  const LoginBook& logins_;
  std::string owner_;

  mutable StatusCounts counts_;                                   // see counts()
  mutable std::map<std::string, std::set<std::string>> changed_;  // by context: Secrets (ChangedRows::secret)
  std::map<std::string, std::map<std::string, Left>> left_;       // by target, then context
};

}  // namespace regsync
