// EngineStatus answers what an engine's state is: rows, summaries, counts. It reads the parts of the engine when it is
// asked. It keeps the counts, which it makes again where something changed, and what note_left() was told.
//
// Lives on the io_context thread, owned by the Engine.
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
  // What `state` refers to, and logins, outlive this. owner: as a ClusterOptions has it.
  EngineStatus(EngineState state, const LoginBook& logins, std::string owner);

  // See Engine.
  [[nodiscard]] StatusReport report(const StatusQuery& query) const;
  [[nodiscard]] FleetReport fleet() const;
  [[nodiscard]] StateCounts totals() const;

  // Anything may have changed, or these rows of a context.
  void changed();
  void changed(const std::string& context, const ChangedRows& rows);

  // Of a target that was removed: Secrets that stay in a context, because they are not regsync's. They are told of for
  // a day, and until another target is removed after that, unless somebody declares that target again.
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
  // With a remedy for who has nothing but the report.
  [[nodiscard]] Error told(const Error& error, const std::string& target, const std::string& context) const;
  // Null where the target has no rows there.
  const StatusGroup* count(const std::string& target, const std::string& context) const;
  [[nodiscard]] StatusCounts& counts() const;

  EngineState state_;
  const LoginBook& logins_;
  std::string owner_;

  mutable StatusCounts counts_;                                   // see counts()
  mutable std::map<std::string, std::set<std::string>> changed_;  // by context: the Secrets (ChangedRows::secret)
  std::map<std::string, std::map<std::string, Left>> left_;       // by target, then context
};

}  // namespace regsync
