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
  bool files = false;               // a file's name
};

// words: those after the program's name; the last one is unfinished, perhaps empty. What cannot be asked now (a
// cluster, the keyring) adds nothing. Never prompts, and waits for a cluster two seconds at most.
Candidates complete(const CLI::App& app, std::vector<std::string> words, Console& console);

}  // namespace regsync::cli
