// Opens /dev/null for each standard stream that was closed at start, so that no file gets its number.
#pragma once

namespace regsync {

// For start_process, before all else. The next file or socket to be opened would get the number of the closed stream,
// and with it what is written to that stream, messages and all. The null device takes its place: reading from it ends,
// and writing fails, as with the closed one.
void occupy_closed_streams();

}  // namespace regsync
