// Process-wide setup that every regsync program does first.
#pragma once

namespace regsync {

// Call it first in main: before there is a second thread, a file is opened, or a secret is in memory.
void start_process();

}  // namespace regsync
