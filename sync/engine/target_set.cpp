#include "sync/engine/target_set.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>
#include <vector>

#include "sync/base/log.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/model/places.hpp"

namespace regsync {

using std::chrono::steady_clock;

namespace {

void add_missing(std::vector<std::string>& to, const std::vector<std::string>& from) {
  std::ranges::copy_if(from, std::back_inserter(to),
                       [&](const std::string& one) { return std::ranges::find(to, one) == to.end(); });
}

// A target whose file may be partial, with what it declared before. (Anything else that it lost is either in its
// footprint, or only makes it cover less, which does not count yet.)
Target with_losses(Target now, const Target& before) {
  add_missing(now.registries, before.registries);
  add_missing(now.exclude_namespaces, before.exclude_namespaces);
  if (uses_own_namespace(now)) {
    now.namespaces = before.namespaces;
    now.namespace_selector = before.namespace_selector;
  }
  now.pin = now.pin || before.pin;
  now.paused = now.paused || before.paused;
  return now;
}

}  // namespace

TargetSet::TargetSet(const asio::any_io_executor& executor, std::chrono::milliseconds grace,
                     std::function<void()> read_again, std::optional<std::set<std::string>> acting)
    : grace_(grace), read_again_(std::move(read_again)), acting_(std::move(acting)), timer_(executor) {}

void TargetSet::set(TargetFiles files) {
  files_ = std::move(files);
  const auto now = steady_clock::now();
  for (auto& [name, file] : files_) {
    if (!file.target) {
      continue;
    }
    file.target->paused = file.target->paused || !acts_for(name);
    const auto known = readings_.find(name);
    if (known == readings_.end()) {
      readings_.emplace(name, Reading{.target = *file.target, .since = now});
      continue;
    }
    Reading& reading = known->second;
    if (!std::exchange(reading.present, true)) {
      reading.since = now;
    }
    if (reading.target != *file.target) {
      reading = {.target = *file.target, .since = now, .effective = with_losses(*file.target, reading.effective)};
    } else if (file.problem) {
      reading.since = now;  // the version in force is not the one that was read
    } else if (now - reading.since >= grace_) {
      reading.settled = true;
      reading.effective = reading.target;
    }
  }
  for (auto& [name, reading] : readings_) {
    if (!files_.contains(name) && std::exchange(reading.present, false)) {  // an editor may be about to rewrite it
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
    reading->second.effective = reading->second.target;
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

bool TargetSet::lost(const std::string& name) const {
  const auto reading = readings_.find(name);
  const auto since = reading == readings_.end() ? begun_ : reading->second.since;
  return !files_.contains(name) && steady_clock::now() - since >= grace_;
}

bool TargetSet::withholds(const std::string& name) const {
  const auto reading = readings_.find(name);
  if (reading == readings_.end()) {
    return false;
  }
  const auto& [said, effective] = std::tie(reading->second.target, reading->second.effective);
  return said.exclude_namespaces.size() != effective.exclude_namespaces.size() ||
         uses_own_namespace(said) != uses_own_namespace(effective);
}

bool TargetSet::removes_on_logout(const std::string& name) const {
  const auto file = files_.find(name);
  return file != files_.end() && file->second.target && file->second.target->on_logout == OnLogout::remove;
}

void TargetSet::refresh() {
  effective_ = files_;
  auto due = steady_clock::time_point::max();
  if (const auto known = begun_ + grace_; steady_clock::now() < known) {
    due = known;  // from then on, it is certain which targets have no file
  }
  for (const auto& [name, reading] : readings_) {
    const auto file = effective_.find(name);
    if (file == effective_.end() && !lost(name)) {
      due = std::min(due, reading.since + grace_);
    }
    if (reading.settled || file == effective_.end()) {
      continue;
    }
    file->second.target = reading.effective;
    file->second.target->on_logout = OnLogout::keep;
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
