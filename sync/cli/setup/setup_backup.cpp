#include "sync/cli/setup/setup_backup.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace regsync::cli {
namespace {

namespace fs = std::filesystem;

// Notes helpers that another program may have set since the previous setup.
void note_replaced_helpers(const DockerConfigFile& config, const std::set<std::string>& registries,
                           DockerConfigFile& backup) {
  if (registries.empty() && config.store_helper() != our_helper) {
    backup.set_store_helper(config.store_helper());
  }
  for (const std::string& registry : registries) {
    if (config.registry_helper(registry) != our_helper) {
      backup.set_registry_helper(registry, config.registry_entry(registry));
    }
  }
}

// Drops our helper, which undo must not restore. The backup names it if a person wrote that, if an earlier backup was
// lost, or if an earlier version wrote it.
void drop_our_helper(DockerConfigFile& backup) {
  if (backup.store_helper() == our_helper) {
    backup.set_store_helper(std::nullopt);
  }
  for (const std::string& registry : backup.registries_with_helpers()) {
    if (backup.registry_helper(registry) == our_helper) {
      backup.set_registry_helper(registry, std::nullopt);
    }
  }
}

void write_note(DockerConfigFile& file, const SetupBackup::Note& note) {
  auto& document = file.document();
  document.erase("regsync");
  if (!note.imported.empty()) {
    document["regsync"]["imported"] = note.imported;
  }
  if (note.created) {
    document["regsync"]["created"] = true;
  }
}

}  // namespace

fs::path SetupBackup::path_of(const fs::path& config) { return config.string() + ".before-regsync"; }

SetupBackup::SetupBackup(const fs::path& config) : file_(path_of(config)) { drop_our_helper(file_); }

SetupBackup::Note SetupBackup::note() {
  using nlohmann::ordered_json;
  Note note;
  const auto found = file_.document().find("regsync");
  if (found != file_.document().end() && found->is_object()) {
    for (const auto& server : found->value("imported", ordered_json::array())) {
      if (server.is_string()) {
        note.imported.push_back(server.get<std::string>());
      }
    }
    note.created = found->value("created", ordered_json(false)) == true;
  }
  return note;
}

void SetupBackup::add(const DockerConfigFile& config, const std::set<std::string>& registries,
                      const std::vector<std::string>& moved) {
  // If our helper is not used, an existing backup is left from an undo that could not restore all logins.
  const bool first = file_.is_blank() || !config.uses(our_helper);
  Note now = note();
  for (const std::string& server : moved) {
    if (std::ranges::find(now.imported, server) == now.imported.end()) {
      now.imported.push_back(server);
    }
  }
  if (first) {
    now.created = !fs::exists(config.path());
  }
  DockerConfigFile written(first ? config.path() : file_.path());
  written.keep_helpers_only();
  drop_our_helper(written);
  note_replaced_helpers(config, registries, written);
  write_note(written, now);
  written.save_copy(file_.path());
}

void SetupBackup::keep(const Note& left) {
  write_note(file_, left);
  file_.save_copy(file_.path());
}

}  // namespace regsync::cli
