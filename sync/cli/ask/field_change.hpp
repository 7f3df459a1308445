// Changes of single fields of a target, as `regsync set` takes them: "namespaces+=team-c", "onLogout=remove", "email-".
// Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "sync/model/target.hpp"

namespace regsync::cli {

struct FieldChange {
  enum class Kind { set, add, remove, unset };
  std::string field;  // a key of the target's file
  std::string entry;  // of a field that is a mapping: which of its entries; empty: the whole field
  Kind kind = Kind::set;
  std::string value;
};

// Throws UsageError for a word that is no change, and for a field that no target has. Fields may be spelled as the
// options of `regsync add` are.
FieldChange parse_change(const std::string& word);

// The file of a target as it is now.
struct TargetText {
  std::string name;  // of the target that it is the file of
  std::string text;
};

struct EditedTarget {
  Target target;
  std::string text;  // of its file, with all comments of what stays
};

// The target with the changes made, in order; its name need not be that of the file. Throws UsageError for what the
// target cannot be, and Error for an entry to remove that is not there, and for a file with comments or anchors that
// would be lost.
EditedTarget edited(const Target& target, const TargetText& file, const std::vector<FieldChange>& changes);

}  // namespace regsync::cli
