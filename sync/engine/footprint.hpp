// A footprint lists where a target has, or may have, Secrets. It is kept outside of the process, so that what must be
// deleted is found after a restart, in contexts and under names that no target mentions any more. It holds names only.
// One thread.
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
  bool forgotten = false;                             // the person removed the target: its Secrets are to be deleted
  bool keeps = false;                                 // or, all of them, to stay unmanaged; of a forgotten target only
  std::set<std::string> kept;                         // contexts where they are to stay so, whatever comes after
  std::map<std::string, Places> contexts;             // by context name
  std::map<std::string, std::string> own_namespaces;  // by context: the one it had when the target first came there
  // By context that the target pins: the uid of the cluster that it is to lead to. See Footprints::keeps_pins().
  std::map<std::string, std::string> pinned = {};

  // Whether what is left in a context is to be released rather than deleted.
  [[nodiscard]] bool keeps_in(const std::string& context) const { return forgotten ? keeps : kept.contains(context); }

  // Where a target without namespaces went first in a context: there it stays, whatever the context's current namespace
  // is today. Nothing where it was not there yet.
  [[nodiscard]] std::optional<std::string> own_namespace(const std::string& context) const {
    const auto own = own_namespaces.find(context);
    return forgotten || own == own_namespaces.end() ? std::nullopt : std::optional(own->second);
  }

  // The person removed the target.
  void forget(bool keep_secrets) {
    forgotten = true;
    keeps = keep_secrets;
    kept.clear();
  }

  bool operator==(const Footprint&) const = default;
};

// Places as they are written down. places_from throws json::exception for what json_of would never make: places that
// are misread may delete.
nlohmann::json json_of(const Places& places);
Places places_from(const nlohmann::json& value);

// The problem of a target whose footprint is not one that json_of() made. where: the file or object that holds it.
Error unreadable_footprint(const std::string& where);

// All footprints, and where they are kept.
class Footprints {
 public:
  Footprints() = default;
  virtual ~Footprints() = default;
  Footprints(const Footprints&) = delete;
  Footprints& operator=(const Footprints&) = delete;
  Footprints(Footprints&&) = delete;
  Footprints& operator=(Footprints&&) = delete;

  [[nodiscard]] const std::map<std::string, Footprint>& all() const { return footprints_; }
  // Null where nothing is remembered of the target.
  [[nodiscard]] const Footprint* find(const std::string& target) const;

  // Replaces (or, if it has no context left, deletes) what is remembered of a target. Writes only a change. Throws
  // Error(invalid_input) where it cannot be written, or could not be read: nothing has changed then.
  void set(const std::string& target, Footprint footprint);

  // Whether what is remembered of the target in the context is not written yet: nothing new may be made there before.
  [[nodiscard]] virtual bool is_pending(const std::string& target, const std::string& context) const = 0;

  // Whether they outlive the folder of contexts.json, so that what a pin means is kept with them.
  [[nodiscard]] virtual bool keeps_pins() const { return false; }

  // What a person should do about the footprint of a target before it can be written no more; nothing where all is
  // well.
  [[nodiscard]] virtual std::optional<Error> warning(const std::string& /*target*/) const { return std::nullopt; }

  // Whether another process removed the target while a file of it was here. Such a file may only be older (mounted
  // ConfigMaps change one after the other): it takes the removal back neither while that goes on nor afterwards.
  [[nodiscard]] bool removed_elsewhere(const std::string& target) const { return removed_elsewhere_.contains(target); }
  // The files that there are now: one that appears after its target was removed does take that back.
  template <typename ByTarget>
  void note_files(const ByTarget& files) {
    std::erase_if(removed_elsewhere_, [&](const auto& target) { return !files.contains(target); });
  }

  // The targets whose footprint could not be read, and why.
  [[nodiscard]] const std::map<std::string, Error>& unreadable() const { return unreadable_; }

 protected:
  // It is to be kept from now on; one without contexts is to be deleted. Throws as set().
  virtual void keep(const std::string& target, const Footprint& footprint) = 0;
  // Whether what could not be read of the target is still there.
  [[nodiscard]] virtual bool is_still_unreadable(const std::string& target) const = 0;
  // One without contexts is none.
  void replace(const std::string& target, Footprint footprint);

  std::map<std::string, Footprint> footprints_;
  std::map<std::string, Error> unreadable_;
  std::set<std::string> removed_elsewhere_;
};

// One JSON file per target in a folder, paths::footprints(). Synchronous file I/O.
class FootprintStore final : public Footprints {
 public:
  // Reads all footprints. A file that cannot be read is a problem of its target, and is left as it is. Throws
  // Error(invalid_input) where the folder is there and cannot be read: what was written is not known then.
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
