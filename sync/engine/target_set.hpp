// TargetSet holds the target files as the engine may act on them. A file may be read while somebody writes it, and a
// partial file can look complete. So additions count at once; deletions count once the file has stayed unchanged for
// the grace period and was read again, or once a user's command confirms them.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "sync/config/target_directory.hpp"

namespace regsync {

class TargetSet {
 public:
  // read_again: reads the files and calls set() with the result (may be called needlessly). acting: see acts_for().
  TargetSet(const asio::any_io_executor& executor, std::chrono::milliseconds grace, std::function<void()> read_again,
            std::optional<std::set<std::string>> acting = {});

  void set(TargetFiles files);
  void erase(const std::string& name);
  // Whether the engine writes and deletes for this target, which may no longer have a file. All others count as paused:
  // they claim their places.
  [[nodiscard]] bool acts_for(const std::string& name) const { return !acting_ || acting_->contains(name); }
  // A command wrote the file as it is now: it takes full effect.
  void confirm(const std::string& name);

  // The targets in effect: an unsettled one deletes nothing, and keeps what it seems to have lost of registries,
  // excluded namespaces, its pin, its pause and, if it no longer names any, namespaces.
  [[nodiscard]] const TargetFiles& files() const { return effective_; }
  [[nodiscard]] const Target* find(const std::string& name) const;
  // Whether what a target does not declare counts: it may delete.
  [[nodiscard]] bool settled(const std::string& name) const;

  // Whether the target's file has been missing for the grace period.
  [[nodiscard]] bool lost(const std::string& name) const;

  // Whether the file now selects namespaces that are left out until it is settled.
  [[nodiscard]] bool withholds(const std::string& name) const;

  // Whether the file declares onLogout: remove, which takes effect once it is settled.
  [[nodiscard]] bool removes_on_logout(const std::string& name) const;

  void stop() { timer_.cancel(); }

 private:
  struct Reading {
    Target target;
    std::chrono::steady_clock::time_point since;  // unchanged, or missing
    bool present = true;
    bool settled = false;
    Target effective = target;  // including what it has lost since it was settled
  };

  void refresh();

  std::chrono::milliseconds grace_;
  std::function<void()> read_again_;
  std::optional<std::set<std::string>> acting_;  // nothing: all
  TargetFiles files_;
  TargetFiles effective_;
  std::map<std::string, Reading> readings_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  asio::steady_timer timer_;
};

}  // namespace regsync
