// Finds the command that fixes a failing pull. Pure.
#pragma once

#include <string>
#include <vector>

#include "sync/model/image.hpp"
#include "sync/model/pod.hpp"
#include "sync/model/pull_cause.hpp"
#include "sync/model/target.hpp"

namespace regsync::cli {

// targets: all declared targets.
std::string remedy_of(const PullFinding& finding, const std::string& context, const Pod& pod,
                      const PullFailure& failure, const Image& image, const std::vector<Target>& targets);

}  // namespace regsync::cli
