// A footprint as the `data` of a ConfigMap: a key for each context, so that several replicas can write side by side,
// and one for whether the target is forgotten. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "sync/engine/footprint.hpp"

namespace regsync {

using FootprintData = std::map<std::string, std::string>;

// The key for whether the target is forgotten, shared by all replicas: "false", "true", or "kept" if its Secrets are to
// stay.
constexpr const char* forgotten_key = "forgotten";
std::string forgotten_value(const Footprint* footprint);
// Copies that state from `from` to `to`.
void copy_forgotten(const Footprint& from, Footprint& to);

// The key of a context: its name, as far as keys allow, and its digest.
std::string context_key(const std::string& context);
// The value of that key; nothing if nothing is remembered about the context.
std::optional<std::string> context_value(const Footprint* footprint, const std::string& context);

bool has_contexts(const FootprintData& data);

// Updates `footprint`, which was parsed from `before`, to match `data`; parses only what differs. Throws for data that
// the functions above never produce: a misread footprint could delete Secrets.
void update_footprint(Footprint& footprint, const FootprintData& before, const FootprintData& data);

// Whether two footprints agree about a context.
bool agree_on(const std::string& context, const Footprint* one, const Footprint* other);
// Copies what `from` remembers about a context to `to`.
void copy_context(const std::string& context, const Footprint& from, Footprint& to);

}  // namespace regsync
