// The rows of each target in each context, counted, and kept until something there may have changed: of 100,000 Secrets
// in a hundred contexts, a change in one context counts a thousand again.
//
// Lives on the io_context thread, owned by the Engine.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sync/model/status_report.hpp"

namespace regsync {

class StatusCounts {
 public:
  struct Counts {
    std::vector<StatusGroup> groups;  // one, or none where there are no rows
    std::vector<StatusCause> causes;
  };

  // Calls `rows` only where it has to count again. Valid until the next call of any function here.
  const Counts& of(const std::string& target, const std::string& context,
                   const std::function<std::vector<StatusRow>()>& rows);

  // The rows of one context, or of all, may differ now.
  void forget(const std::string& context) { by_context_.erase(context); }
  void forget() { by_context_.clear(); }

 private:
  std::map<std::string, std::map<std::string, Counts>> by_context_;  // then by target
};

}  // namespace regsync
