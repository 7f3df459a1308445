#include "sync/cluster/namespace_view.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "sync/base/json_access.hpp"

namespace regsync {

std::optional<NamespaceView> view_namespace(const nlohmann::json& object) {
  NamespaceView view;
  const auto* deletion = find_at(object, {"metadata", "deletionTimestamp"});
  view.terminating = deletion != nullptr && !deletion->is_null();
  const auto* labels = find_at(object, {"metadata", "labels"});
  if (labels == nullptr || labels->is_null()) {
    return view;
  }
  if (!labels->is_object()) {
    return std::nullopt;
  }
  for (const auto& [key, value] : labels->items()) {
    if (!value.is_string()) {
      return std::nullopt;
    }
    if (key != "kubernetes.io/metadata.name") {  // known without being kept
      view.labels[key] = value.get<std::string>();
    }
  }
  return view;
}

}  // namespace regsync
