#include "sync/engine/history.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <utility>

#include "helper/base/file_io.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/log.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::system_clock;

constexpr auto write_interval = 1s;
constexpr std::size_t max_entries = 1000;
constexpr std::size_t max_namespaces = 5;              // per entry
constexpr std::size_t max_bytes = 16UL * 1024 * 1024;  // twice as many entries as are kept, each with the longest names

std::string to_line(const HistoryEntry& entry) {
  const json line = {{"time", system_clock::to_time_t(entry.time)},
                     {"target", entry.target},
                     {"context", entry.context},
                     {"secret", entry.secret},
                     {"namespaces", entry.namespaces},
                     {"count", entry.count},
                     {"what", entry.what},
                     {"why", entry.why}};
  return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::optional<HistoryEntry> from_line(const std::string& text) {
  const json line = parse_json(text).value_or(json());
  const auto time = time_at(line, {"time"});
  const auto* count = find_at(line, {"count"});
  if (!time || count == nullptr || !count->is_number_unsigned()) {
    return std::nullopt;
  }
  HistoryEntry entry{.time = *time,
                     .target = std::string(text_at(line, {"target"})),
                     .context = std::string(text_at(line, {"context"})),
                     .secret = std::string(text_at(line, {"secret"})),
                     .namespaces = {},
                     .count = count->get<std::size_t>(),
                     .what = std::string(text_at(line, {"what"})),
                     .why = std::string(text_at(line, {"why"}))};
  for (const auto& name_space : list_at(line, {"namespaces"})) {
    if (name_space.is_string()) {
      entry.namespaces.push_back(name_space.get<std::string>());
    }
  }
  return entry;
}

void keep_newest(std::vector<HistoryEntry>& entries) {
  if (entries.size() > max_entries) {
    entries.erase(entries.begin(), entries.end() - max_entries);
  }
}

bool belong_together(const HistoryEntry& one, const HistoryEntry& other) {
  return one.target == other.target && one.context == other.context && one.secret == other.secret &&
         one.what == other.what && one.why == other.why;
}

}  // namespace

History::History(const asio::any_io_executor& executor, std::filesystem::path file)
    : file_(std::move(file)), writing_(executor, write_interval, "history", [this] { flush(); }) {}

void History::add(const Change& change) {
  std::string what(to_string(change.kind));
  if (!change.pod.empty()) {
    what += " pod " + change.pod;
  }
  if (!change.service_account.empty()) {
    what += " ServiceAccount " + change.service_account;
  }
  add(HistoryEntry{.time = system_clock::now(),
                   .target = change.target,
                   .context = change.context,
                   .secret = change.secret,
                   .namespaces = {change.name_space},
                   .what = std::move(what),
                   .why = std::string(to_string(change.why))});
}

void History::add_context(const std::string& context, const std::string& what) {
  add(HistoryEntry{.time = system_clock::now(),
                   .target = {},
                   .context = context,
                   .secret = {},
                   .namespaces = {},
                   .what = what,
                   .why = {}});
}

void History::add(HistoryEntry entry) {
  const auto same = std::ranges::find_if(pending_, [&](const auto& other) { return belong_together(entry, other); });
  if (same == pending_.end()) {
    pending_.push_back(std::move(entry));
  } else {
    ++same->count;
    if (same->namespaces.size() < max_namespaces) {
      same->namespaces.insert(same->namespaces.end(), entry.namespaces.begin(), entry.namespaces.end());
    }
  }
  writing_.ask();
}

// The first flush rewrites the file, because its last line may be incomplete; later ones append lines, until there are
// twice as many as are kept.
void History::flush() {
  if (pending_.empty()) {
    return;
  }
  const auto failure = guarded([this] {
    std::vector<HistoryEntry> entries = std::exchange(pending_, {});
    const bool whole = room_ < entries.size() || !std::filesystem::exists(file_);
    if (whole) {
      auto known = known_entries();
      known.insert(known.end(), entries.begin(), entries.end());
      keep_newest(known);
      entries = std::move(known);
    }
    std::string text;
    for (const auto& entry : entries) {
      text += to_line(entry);
    }
    const std::size_t room = whole ? max_entries : room_ - entries.size();
    room_ = 0;  // if this fails, the next flush rewrites the file
    whole ? write_whole(file_, text) : append(file_, text);
    room_ = room;
  });
  if (failure) {
    log::warning("the history lost an entry: " + describe(*failure));
  }
}

// An unreadable file is moved aside: otherwise every further entry would be lost with it.
std::vector<HistoryEntry> History::known_entries() const {
  std::vector<HistoryEntry> known;
  if (const auto failure = guarded([&] { known = read_history(file_); })) {
    if (failure->code() == ErrorCode::file_missing) {
      throw Error(*failure);  // a dangling link stays: its target may come back
    }
    std::filesystem::path aside = file_;
    aside += ".unreadable";
    std::filesystem::rename(file_, aside);
    log::warning("the history begins anew, the one before is " + aside.string() + ": " + describe(*failure));
  }
  return known;
}

std::vector<HistoryEntry> read_history(const std::filesystem::path& file, const std::vector<std::string>& targets) {
  std::vector<HistoryEntry> entries;
  std::istringstream lines(read_file_if_exists(file, max_bytes).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (auto entry = from_line(line)) {
      entries.push_back(std::move(*entry));
    }
  }
  keep_newest(entries);
  if (!targets.empty()) {
    std::erase_if(entries,
                  [&](const HistoryEntry& entry) { return std::ranges::find(targets, entry.target) == targets.end(); });
  }
  return entries;
}

}  // namespace regsync
