// FootprintKeeper keeps the footprints in line with what the engine wants: a place is on disk before anything is
// written there, and is removed once the cluster is known to hold nothing unwanted.
//
// A footprint that cannot be written holds back only its own target: see held(). Lives on the io_context thread.
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

// A target as resolved for one context. There is one for each target in each context, so it holds only the difference.
struct Meant {
  std::shared_ptr<const Target> declared;         // as in its file
  std::optional<std::string> own_namespace = {};  // if the file names none: the context's own
  std::vector<std::string> kept_accounts = {};    // ServiceAccounts that seem to have disappeared from the file

  // The target with its namespaces resolved.
  [[nodiscard]] Target target() const;
};
// By target, then by context; only contexts that can be used now.
using Wanted = std::map<std::string, std::map<std::string, Meant>>;

class FootprintKeeper {
 public:
  explicit FootprintKeeper(Footprints& store) : store_(store) {}

  [[nodiscard]] const std::map<std::string, Footprint>& all() const { return store_.all(); }
  // Whether any footprint cannot be read, so that it may contain anything.
  [[nodiscard]] bool has_unreadable() const { return !store_.unreadable().empty(); }
  [[nodiscard]] const Footprint* find(const std::string& target) const { return store_.find(target); }

  // As Footprints::note_files.
  template <typename ByTarget>
  void note_files(const ByTarget& files) {
    store_.note_files(files);
  }

  // As Footprint::own_namespace.
  [[nodiscard]] std::optional<std::string> own_namespace(const std::string& target, const std::string& context) const;

  // Records where the targets go, with one write for all contexts of a target, because each write is synced.
  void remember(const Wanted& wanted);

  // Records the uid of the cluster that a pinned context should lead to; empty: unknown.
  void remember_pin(const std::string& target, const std::string& context, const std::string& uid);
  // That uid, possibly written by another process.
  [[nodiscard]] std::optional<std::string> pinned(const std::string& target, const std::string& context) const;
  [[nodiscard]] bool keeps_pins() const { return store_.keeps_pins(); }

  // The user removed a target: its Secrets are to be deleted, or (keep_secrets) released. Throws Error(invalid_input)
  // if that cannot be written.
  void forget(const std::string& target, bool keep_secrets);

  // Undoes a forget() that was not a removal after all. Throws like forget().
  void restore(const std::string& target, const Footprint& before) { store_.set(target, before); }

  // Copies what is remembered about one context to another. Throws Error(invalid_input) if a footprint cannot be
  // written.
  void copy_context(const std::string& from, const std::string& to);

  // Forgets these contexts. Throws Error(invalid_input) if a footprint cannot be written.
  void forget_contexts(const std::set<std::string>& contexts);

  // Trims footprints to the wanted places. `may_trim` says whether a target is known well enough, `is_clean` whether
  // its places in a context certainly hold nothing unwanted. Returns whether a footprint changed.
  bool trim(const Wanted& wanted, const std::function<bool(const std::string& target)>& may_trim,
            const std::function<bool(const std::string& target, const std::string& context, const Places&)>& is_clean);

  // Whether Secrets of the target may have to be deleted or released in these contexts.
  [[nodiscard]] bool has_excess(const std::string& target, const Wanted& wanted) const;

  // Why nothing new may be created for the target anywhere: its footprint cannot be written, or it was removed
  // elsewhere (Footprints::removed_elsewhere).
  [[nodiscard]] std::optional<Error> held(const std::string& target) const;
  // Whether the target's place in the context is still being written: until then nothing new may be created there.
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
