#include "sync/engine/target_set.hpp"

#include <algorithm>
#include <utility>

#include "sync/base/guard.hpp"
#include "sync/base/log.hpp"

namespace regsync {

using std::chrono::steady_clock;

TargetSet::TargetSet(const asio::any_io_executor& executor, std::chrono::milliseconds grace,
                     std::function<void()> read_again)
    : grace_(grace), read_again_(std::move(read_again)), timer_(executor) {}

void TargetSet::set(TargetFiles files) {
  files_ = std::move(files);
  const auto now = steady_clock::now();
  for (const auto& [name, file] : files_) {
    if (!file.target) {
      continue;
    }
    const auto known = readings_.find(name);
    if (known == readings_.end()) {
      readings_.emplace(name, Reading{.target = *file.target, .since = now});
      continue;
    }
    Reading& reading = known->second;
    if (reading.target != *file.target) {
      std::set<std::string> lost = std::move(reading.lost_registries);
      lost.insert(reading.target.registries.begin(), reading.target.registries.end());
      for (const auto& registry : file.target->registries) {
        lost.erase(registry);
      }
      reading = {.target = *file.target, .since = now, .lost_registries = std::move(lost)};
    } else if (file.problem) {
      reading.since = now;  // the version that is in force is not the one that was read
    } else if (now - reading.since >= grace_) {
      reading.settled = true;
      reading.lost_registries.clear();
    }
  }
  for (auto& [name, reading] : readings_) {
    if (!files_.contains(name)) {  // an editor may be about to write it anew
      reading.settled = false;
      reading.since = now;
    }
  }
  refresh();
}

void TargetSet::erase(const std::string& name) {
  files_.erase(name);
  readings_.erase(name);
  refresh();
}

void TargetSet::confirm(const std::string& name) {
  const auto reading = readings_.find(name);
  const auto file = files_.find(name);
  if (reading != readings_.end() && file != files_.end() && !file->second.problem) {
    reading->second.settled = true;
    reading->second.lost_registries.clear();
    refresh();
  }
}

const Target* TargetSet::find(const std::string& name) const {
  const auto file = effective_.find(name);
  return file == effective_.end() || !file->second.target ? nullptr : &*file->second.target;
}

bool TargetSet::settled(const std::string& name) const {
  const auto reading = readings_.find(name);
  return reading != readings_.end() && reading->second.settled;
}

bool TargetSet::removes_on_logout(const std::string& name) const {
  const auto file = files_.find(name);
  return file != files_.end() && file->second.target && file->second.target->on_logout == OnLogout::remove;
}

void TargetSet::refresh() {
  effective_ = files_;
  auto due = steady_clock::time_point::max();
  for (const auto& [name, reading] : readings_) {
    const auto file = effective_.find(name);
    if (reading.settled || file == effective_.end()) {
      continue;
    }
    auto& target = *file->second.target;
    target.on_logout = OnLogout::keep;
    target.registries.insert(target.registries.end(), reading.lost_registries.begin(), reading.lost_registries.end());
    if (!file->second.problem) {
      due = std::min(due, reading.since + grace_);
    }
  }
  timer_.cancel();
  if (due == steady_clock::time_point::max()) {
    return;
  }
  timer_.expires_at(due);
  timer_.async_wait([this](const asio::error_code& error) {
    if (error) {
      return;
    }
    if (const auto failure = guarded([this] { read_again_(); })) {
      log::error("reading the targets again: " + describe(*failure));
    }
  });
}

}  // namespace regsync
