// TargetSet holds the target files as the engine may act on them. A file may be read while somebody writes it; cut
// short it can look complete. So what a file adds counts at once; what it takes away counts once the file has stayed
// unchanged for the grace, and was read again, or once a command of the person says so.
//
// Lives on the io_context thread, owned by the Engine.
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
  // read_again: read the files, and call set() with what is in them. (Also called in vain.) acting: see acts_for().
  TargetSet(const asio::any_io_executor& executor, std::chrono::milliseconds grace, std::function<void()> read_again,
            std::optional<std::set<std::string>> acting = {});

  void set(TargetFiles files);
  void erase(const std::string& name);
  // Whether the engine writes and deletes for this target, which may have no file any more. All others count as paused:
  // they claim their places.
  [[nodiscard]] bool acts_for(const std::string& name) const { return !acting_ || acting_->contains(name); }
  // A command wrote the file as it is now: it counts in full.
  void confirm(const std::string& name);

  // As they count now: an unsettled one deletes nothing, and still has what it seems to have lost of registries,
  // excluded namespaces, its pin, its pause and, if it names none any more, namespaces.
  [[nodiscard]] const TargetFiles& files() const { return effective_; }
  [[nodiscard]] const Target* find(const std::string& name) const;
  // Whether what a target does not say counts: it may delete.
  [[nodiscard]] bool settled(const std::string& name) const;

  // Whether there has been no file of the target for the grace.
  [[nodiscard]] bool lost(const std::string& name) const;

  // Whether the file selects namespaces now that are left out until it is settled.
  [[nodiscard]] bool withholds(const std::string& name) const;

  // Whether the file says onLogout: remove, which counts once it is settled.
  [[nodiscard]] bool removes_on_logout(const std::string& name) const;

  void stop() { timer_.cancel(); }

 private:
  struct Reading {
    Target target;
    std::chrono::steady_clock::time_point since;  // unchanged, or gone
    bool present = true;
    bool settled = false;
    Target effective = target;  // with all that it has lost since it was settled
  };

  void refresh();

  std::chrono::milliseconds grace_;
  std::function<void()> read_again_;
  std::optional<std::set<std::string>> acting_;  // none: all
  TargetFiles files_;
  TargetFiles effective_;
  std::map<std::string, Reading> readings_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  asio::steady_timer timer_;
};

}  // namespace regsync
