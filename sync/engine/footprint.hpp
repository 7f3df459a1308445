// A footprint lists where a target has, or may have, Secrets. It is stored outside of the process, so that after a
// restart regsync finds what it must delete, even in contexts and under names that no target mentions any more. It
// holds names only. One thread.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>

#include "helper/base/error.hpp"
#include "sync/model/places.hpp"

namespace regsync {

struct Footprint {
  bool forgotten = false;                             // the user removed the target: its Secrets are to be deleted
  bool keeps = false;                                 // for a forgotten target: its Secrets stay, unmanaged
  std::set<std::string> kept;                         // contexts where they stay unmanaged in any case
  std::map<std::string, Places> contexts;             // by context name
  std::map<std::string, std::string> own_namespaces;  // by context: its own namespace when the target first came there
  // By context that the target pins: the uid of the expected cluster. See Footprints::keeps_pins().
  std::map<std::string, std::string> pinned = {};

  // Whether Secrets left in a context are to be released rather than deleted.
  [[nodiscard]] bool keeps_in(const std::string& context) const { return forgotten ? keeps : kept.contains(context); }

  // The namespace where a target without namespaces first put its Secret in a context: it stays there even if the
  // context's current namespace changes. Nothing if it was not there yet.
  [[nodiscard]] std::optional<std::string> own_namespace(const std::string& context) const {
    const auto own = own_namespaces.find(context);
    return forgotten || own == own_namespaces.end() ? std::nullopt : std::optional(own->second);
  }

  // The user removed the target.
  void forget(bool keep_secrets) {
    forgotten = true;
    keeps = keep_secrets;
    kept.clear();
  }

  bool operator==(const Footprint&) const = default;
};

// Serialization of Places. places_from throws json::exception for anything that json_of never produces: misread places
// could delete Secrets.
nlohmann::json json_of(const Places& places);
Places places_from(const nlohmann::json& value);

// The problem of a target whose footprint json_of() cannot have produced. where: the file or object that holds it.
Error unreadable_footprint(const std::string& where);

// All footprints, and their storage.
class Footprints {
 public:
  Footprints() = default;
  virtual ~Footprints() = default;
  Footprints(const Footprints&) = delete;
  Footprints& operator=(const Footprints&) = delete;
  Footprints(Footprints&&) = delete;
  Footprints& operator=(Footprints&&) = delete;

  [[nodiscard]] const std::map<std::string, Footprint>& all() const { return footprints_; }
  // Null if nothing is remembered about the target.
  [[nodiscard]] const Footprint* find(const std::string& target) const;

  // Replaces a target's footprint, or deletes it if it has no contexts. Writes only changes. Throws
  // Error(invalid_input) if it cannot be written, or could not be read: nothing has changed then.
  void set(const std::string& target, Footprint footprint);

  // Whether the target's footprint in the context is not written yet: until then nothing new may be created there.
  [[nodiscard]] virtual bool is_pending(const std::string& target, const std::string& context) const = 0;

  // Whether footprints outlive the folder of contexts.json, so that the clusters of pins are stored with them.
  [[nodiscard]] virtual bool keeps_pins() const { return false; }

  // What the user should do before a target's footprint can no longer be written; nothing if all is well.
  [[nodiscard]] virtual std::optional<Error> warning(const std::string& /*target*/) const { return std::nullopt; }

  // Whether another process removed the target while its file existed here. That file may merely be outdated (mounted
  // ConfigMaps are updated one after the other): it revokes the removal neither during the removal nor afterwards.
  [[nodiscard]] bool removed_elsewhere(const std::string& target) const { return removed_elsewhere_.contains(target); }
  // The current target files: one that appears after its target was removed does revoke the removal.
  template <typename ByTarget>
  void note_files(const ByTarget& files) {
    std::erase_if(removed_elsewhere_, [&](const auto& target) { return !files.contains(target); });
  }

  // The targets whose footprint could not be read, and why.
  [[nodiscard]] const std::map<std::string, Error>& unreadable() const { return unreadable_; }

 protected:
  // Stores a footprint, or deletes it if it has no contexts. Throws like set().
  virtual void keep(const std::string& target, const Footprint& footprint) = 0;
  // Whether the target's unreadable footprint still exists.
  [[nodiscard]] virtual bool is_still_unreadable(const std::string& target) const = 0;
  // A footprint without contexts is deleted.
  void replace(const std::string& target, Footprint footprint);

  std::map<std::string, Footprint> footprints_;
  std::map<std::string, Error> unreadable_;
  std::set<std::string> removed_elsewhere_;
};

// One JSON file per target in a folder, paths::footprints(). Synchronous file I/O.
class FootprintStore final : public Footprints {
 public:
  // Reads all footprints. A file that cannot be read is a problem of its target and is left as it is. Throws
  // Error(invalid_input) if the folder exists and cannot be read: its contents are then unknown.
  explicit FootprintStore(std::filesystem::path folder);

  [[nodiscard]] bool is_pending(const std::string& /*target*/, const std::string& /*context*/) const override {
    return false;
  }

 private:
  void keep(const std::string& target, const Footprint& footprint) override;
  [[nodiscard]] bool is_still_unreadable(const std::string& target) const override;
  [[nodiscard]] std::filesystem::path path_of(const std::string& target) const;

  std::filesystem::path folder_;
};

}  // namespace regsync
