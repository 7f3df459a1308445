// A footprint as the `data` of a ConfigMap: a key for each context, so that several replicas write side by side, and
// one for whether the target is forgotten. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "sync/engine/footprint.hpp"

namespace regsync {

using FootprintData = std::map<std::string, std::string>;

// The key that says whether the target is forgotten, a word of all replicas: "false", "true", or "kept" where its
// Secrets are to stay.
constexpr const char* forgotten_key = "forgotten";
std::string forgotten_value(const Footprint* footprint);
// Makes `to` say of it what `from` does.
void copy_forgotten(const Footprint& from, Footprint& to);

// The key of a context: its name as far as keys allow it, and its digest.
std::string context_key(const std::string& context);
// The value of that key; nothing where nothing is remembered of the context.
std::optional<std::string> context_value(const Footprint* footprint, const std::string& context);

bool has_contexts(const FootprintData& data);

// Changes `footprint`, which is what `before` says, to what `data` says. Reads only what differs. Throws for what
// the functions above never make: a footprint that is misread may delete.
void update_footprint(Footprint& footprint, const FootprintData& before, const FootprintData& data);

// Whether two footprints remember the same of a context.
bool agree_on(const std::string& context, const Footprint* one, const Footprint* other);
// Makes `to` remember of a context what `from` remembers of it.
void copy_context(const std::string& context, const Footprint& from, Footprint& to);

}  // namespace regsync
