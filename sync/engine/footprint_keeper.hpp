// Keeps the footprints true to what the engine wants: a place is on disk before anything is written there, and leaves
// the disk once the cluster is known to hold nothing unwanted.
//
// A footprint that cannot be written holds back its own target only: see held(). Lives on the io_context thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/engine/footprint.hpp"
#include "sync/model/target.hpp"

namespace regsync {

// A target as it is meant in one context. There is one for each target in each context, so it holds the difference
// alone.
struct Meant {
  std::shared_ptr<const Target> declared;         // as its file says
  std::optional<std::string> own_namespace = {};  // the file names none: the context's own
  std::vector<std::string> kept_accounts = {};    // ServiceAccounts that the file seems to have lost

  // With namespaces.
  [[nodiscard]] Target target() const;
};
// By target, then by context; of the contexts that can be used now.
using Wanted = std::map<std::string, std::map<std::string, Meant>>;

class FootprintKeeper {
 public:
  explicit FootprintKeeper(Footprints& store) : store_(store) {}

  [[nodiscard]] const std::map<std::string, Footprint>& all() const { return store_.all(); }
  // Whether one cannot be read, and may say anything.
  [[nodiscard]] bool has_unreadable() const { return !store_.unreadable().empty(); }
  [[nodiscard]] const Footprint* find(const std::string& target) const { return store_.find(target); }

  // As Footprints::note_files.
  template <typename ByTarget>
  void note_files(const ByTarget& files) {
    store_.note_files(files);
  }

  // As Footprint::own_namespace.
  [[nodiscard]] std::optional<std::string> own_namespace(const std::string& target, const std::string& context) const;

  // Writes down where the targets go; once for all contexts of a target, because each write is synced.
  void remember(const Wanted& wanted);

  // A context that a target pins is to lead to the cluster of this uid; empty: nobody knows which.
  void remember_pin(const std::string& target, const std::string& context, const std::string& uid);
  // Which one that is, as another process may have written it down.
  [[nodiscard]] std::optional<std::string> pinned(const std::string& target, const std::string& context) const;
  [[nodiscard]] bool keeps_pins() const { return store_.keeps_pins(); }

  // The person removed a target: what it left is to be deleted, or (keep_secrets) to be released. Throws
  // Error(invalid_input) where that cannot be written down.
  void forget(const std::string& target, bool keep_secrets);

  // As it was before forget(), which turned out to be no removal. Throws as forget().
  void restore(const std::string& target, const Footprint& before) { store_.set(target, before); }

  // What is remembered of one context is remembered of another, too. Throws Error(invalid_input) where a footprint
  // cannot be written.
  void copy_context(const std::string& from, const std::string& to);

  // Nothing is remembered of these contexts any more. Throws Error(invalid_input) where a footprint cannot be written.
  void forget_contexts(const std::set<std::string>& contexts);

  // Cuts footprints back to the wanted places. `may_trim` tells whether a target is understood now, `is_clean` whether
  // its places in a context are certain to hold nothing unwanted. Returns whether a footprint changed.
  bool trim(const Wanted& wanted, const std::function<bool(const std::string& target)>& may_trim,
            const std::function<bool(const std::string& target, const std::string& context, const Places&)>& is_clean);

  // Whether something of the target may have to be deleted or released in these contexts.
  [[nodiscard]] bool has_excess(const std::string& target, const Wanted& wanted) const;

  // Why nothing new of the target may be made anywhere: its footprint cannot be written, or it was removed elsewhere
  // (Footprints::removed_elsewhere).
  [[nodiscard]] std::optional<Error> held(const std::string& target) const;
  // Whether it is being written where the target goes in the context: nothing new may be made there before.
  [[nodiscard]] bool is_pending(const std::string& target, const std::string& context) const {
    return store_.is_pending(target, context);
  }
  // As Footprints::warning.
  [[nodiscard]] std::optional<Error> warning(const std::string& target) const { return store_.warning(target); }
  [[nodiscard]] bool holds_any() const { return !held_.empty(); }

 private:
  Footprints& store_;
  std::map<std::string, Error> held_;
};

}  // namespace regsync
