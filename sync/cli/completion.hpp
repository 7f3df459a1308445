// Completes an unfinished command line. Blocks; one thread.
#pragma once

#include <string>
#include <vector>

#include "sync/cli/view/console.hpp"

namespace CLI {
class App;
}

namespace regsync::cli {

struct Candidates {
  std::vector<std::string> values;  // "value", or "value<TAB>what it is"
  bool files = false;               // also file names
};

// words: the arguments after the program's name; the last one is unfinished and may be empty. A source that is
// unavailable (a cluster, the keyring) adds nothing. Never prompts, and waits up to two seconds for a cluster.
Candidates complete(const CLI::App& app, std::vector<std::string> words, Console& console);

}  // namespace regsync::cli
