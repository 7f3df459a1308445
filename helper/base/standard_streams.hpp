// Opens /dev/null for each standard stream that is closed at start, so that no other file gets its descriptor.
#pragma once

namespace regsync {

// For start_process, before all else. The next file or socket to be opened would get the descriptor of the closed
// stream, and so receive everything written to that stream. The null device takes its place: reads return end of file
// and writes fail, as with a closed stream.
void occupy_closed_streams();

}  // namespace regsync
