// Makes an outline (name, namespace, version) of an object too large to parse: who may write to a ServiceAccount can
// give it a million entries, and must not keep its neighbours in the same list from being read. Pure; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace regsync::kube {

// The text of a member of an object of JSON; empty where there is none, or the text is no object.
std::string_view member_text(std::string_view object, std::string_view name);

// {"metadata": {"name", "namespace", "resourceVersion"}} with what of these is a text. Labels and annotations are no
// objects there: nobody may conclude that the object has none.
nlohmann::json outline_of(std::string_view object);

}  // namespace regsync::kube
