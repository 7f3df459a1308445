// Changes of single fields of a target, as `regsync set` accepts them: "namespaces+=team-c", "onLogout=remove",
// "email-". Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "sync/model/target.hpp"

namespace regsync::cli {

struct FieldChange {
  enum class Kind { set, add, remove, unset };
  std::string field;  // a key of the target's file
  std::string entry;  // the key of an entry, if the field is a mapping; empty: the whole field
  Kind kind = Kind::set;
  std::string value;
};

// Throws UsageError for a word that is not a change, and for an unknown field. Fields may be spelled like the options
// of `regsync add`.
FieldChange parse_change(const std::string& word);

// The present file of a target.
struct TargetText {
  std::string name;  // of the target
  std::string text;
};

struct EditedTarget {
  Target target;
  std::string text;  // of its file, with all comments on what stays
};

// Returns the target with the changes applied in order; its name may differ from that of the file. Throws UsageError if
// the result is not a valid target, and Error if an entry to remove is missing or if comments or anchors of the file
// would be lost.
EditedTarget edited(const Target& target, const TargetText& file, const std::vector<FieldChange>& changes);

}  // namespace regsync::cli
