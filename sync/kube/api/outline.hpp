// Makes an outline (name, namespace, version) of an object that is too large to parse: a user who may write to a
// ServiceAccount can give it a million entries, but must not make the other objects of the same list unreadable. Pure;
// any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace regsync::kube {

// The text of a member of a JSON object; empty if there is none or the text is no object.
std::string_view member_text(std::string_view object, std::string_view name);

// {"metadata": {"name", "namespace", "resourceVersion"}} with those of these members that are strings. Labels and
// annotations are values that are not objects, so that no caller concludes that there are none.
nlohmann::json outline_of(std::string_view object);

}  // namespace regsync::kube
