#include <asio/io_context.hpp>
#include <filesystem>

#include "helper/base/file_io.hpp"
#include "sync/engine/context_book.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/engine/history.hpp"
#include "sync/engine/owner_file.hpp"
#include "sync/engine/paused_contexts.hpp"
#include "sync/logins/denied_logins.hpp"
#include "sync/logins/login_places.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/sync/targets.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::fuzz {

void state_file(std::string_view bytes) {
  if (bytes.empty()) {
    return;
  }
  const auto kind = static_cast<unsigned char>(bytes.front()) % 7;
  bytes.remove_prefix(1);
  const InMemory file(bytes);
  const std::filesystem::path path = file.path();
  switch (kind) {
    case 0:
      for (const HistoryEntry& entry : read_history(path)) {
        require(entry.time >= std::chrono::system_clock::time_point(), "a time before 1970");
      }
      break;
    case 1: {
      static const test::TempDir folder;
      write_whole(folder / "t.json", std::string(bytes));
      FootprintStore footprints(folder.path());
      static_cast<void>(footprints.find("t"));
      // What was read can be written, and is the same then.
      if (const Footprint* found = footprints.find("t")) {
        const Footprint known = *found;
        Footprint changed = known;
        changed.forgotten = !known.forgotten;
        refused_or([&] {
          footprints.set("t", changed);
          footprints.set("t", known);
        });
      }
      break;
    }
    case 2:
      require(!DeniedLogins(path).problem() || !bytes.empty(), "an empty file is a problem");
      break;
    case 3: {
      const ContextBook book(path);
      static_cast<void>(book.peers("dev"));
      break;
    }
    case 4:
      static_cast<void>(PausedContexts(path));
      break;
    case 5:
      static_cast<void>(LoginPlaces(path));
      break;
    default:
      refused_or([&] { require(!load_owner(path).id.empty(), "an owner without an id"); });
      break;
  }
}

}  // namespace regsync::fuzz
