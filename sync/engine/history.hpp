// History records the latest changes that regsync made in clusters, for `regsync history`: a small file without
// secrets, one JSON object per line. Changes of one kind that come together form one entry.
//
// Lives on the io_context thread; file I/O is synchronous, at most once a second. A file that cannot be written loses
// entries but never stops work.
#pragma once

#include <asio/any_io_executor.hpp>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "sync/base/coalesced_call.hpp"
#include "sync/model/change.hpp"
#include "sync/model/status_report.hpp"

namespace regsync {

struct HistoryEntry {
  WallTime time;
  std::string target;  // empty: the entry is about a whole context
  std::string context;
  std::string secret;
  std::vector<std::string> namespaces;  // the first of them
  std::size_t count = 1;                // how many there were
  std::string what;                     // "created", "deleted", …
  std::string why;

  bool operator==(const HistoryEntry&) const = default;
};

class History {
 public:
  History(const asio::any_io_executor& executor, std::filesystem::path file);

  void add(const Change& change);
  void add_context(const std::string& context, const std::string& what);
  // Writes the entries added since the last flush.
  void flush();

 private:
  void add(HistoryEntry entry);
  [[nodiscard]] std::vector<HistoryEntry> known_entries() const;

  std::filesystem::path file_;
  std::vector<HistoryEntry> pending_;
  std::size_t room_ = 0;  // lines that may be appended before the file is rewritten
  CoalescedCall writing_;
};

// Returns the entries of these targets (empty: of all), oldest first. A line that is not an entry is skipped; a missing
// file is an empty history. Throws Error(invalid_input) if the file cannot be read.
std::vector<HistoryEntry> read_history(const std::filesystem::path& file, const std::vector<std::string>& targets = {});

}  // namespace regsync
