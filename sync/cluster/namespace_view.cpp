#include "sync/cluster/namespace_view.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "sync/base/json_access.hpp"

namespace regsync {

namespace {

// The limit of Kubernetes (apimachinery, pkg/util/validation), and far more labels than anybody has.
constexpr std::size_t longest_key = 317;
constexpr std::size_t longest_value = 63;
constexpr std::size_t most_labels = 1000;

bool is_label_text(const std::string& key, const nlohmann::json& value) {
  return value.is_string() && key.size() <= longest_key && value.get_ref<const std::string&>().size() <= longest_value;
}

}  // namespace

std::optional<NamespaceView> view_namespace(const nlohmann::json& object) {
  NamespaceView view;
  const auto* deletion = find_at(object, {"metadata", "deletionTimestamp"});
  view.terminating = deletion != nullptr && !deletion->is_null();
  const auto* labels = find_at(object, {"metadata", "labels"});
  if (labels == nullptr || labels->is_null()) {
    return view;
  }
  if (!labels->is_object() || labels->size() > most_labels) {
    return std::nullopt;
  }
  for (const auto& [key, value] : labels->items()) {
    if (!is_label_text(key, value)) {
      return std::nullopt;
    }
    if (key != "kubernetes.io/metadata.name") {  // known without storing it
      view.labels[key] = value.get<std::string>();
    }
  }
  return view;
}

}  // namespace regsync
